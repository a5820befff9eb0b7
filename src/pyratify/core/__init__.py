"""The core of pyratify: interfaces, values and the one verb, `Executor.validate`.

It imports the standard library only and holds no store, verifier, policy, credential or key implementation.
"""
