"""The core of pyratify: values, interfaces and the one verb, `Executor.validate`. Standard library only.

A reference goes in, a report comes out. In the order of the walk, which is the order to read in:

1. `reference.py`: text becomes a `Reference`, here and nowhere else.
2. `scope.py`, `engine.py`: the `ScopeMap` names the executor that is responsible for the reference.
3. `executor.py`: `Executor.validate`, with its deadline; from here on nothing raises, everything is reported.
4. `store.py`: the interface `Store`. `resolve` turns a tag into a digest, once; `referrers` lists what is attached.
5. `walk.py`, with `lookahead.py` and `ordering.py`: reads referrers ahead within a window, reports them in the store's order.
6. `content.py`, `manifest.py`: untrusted bytes are bounded, compared with their descriptor and parsed strictly (`strictjson.py`).
7. `verifier.py`, `invoke.py`: the interface `Verifier` returns `Details` or raises; the executor alone makes results of that.
8. `policy.py`: the interface `PolicyEnforcer`: `wants` before the work, `settled` to stop early, `decide` at the end.
9. `report.py`, `reason.py`, `errors.py`: the `ValidationResult`, with a reason code, a sentence and a remedy for each refusal.

Beside the walk: `plugin.py` finds and builds plugins of every kind, `credential.py` and `key.py` are the interfaces of what stores
and verifiers are given, `caching.py` holds content by digest, `telemetry.py` is what metrics and traces are made of.

Words, as the specifications use them:

- *Reference*: `registry/repository:tag` or `registry/repository@digest` (OCI distribution specification).
- *Descriptor*: media type, digest and size of content (OCI image specification).
- *Subject*: the artifact that something is attached to. *Referrer*: an artifact whose manifest names a subject, or that a cosign tag
  attaches to one.
- *Evidence*: a referrer offered for verification. *Details*: what a verifier found when everything held.
- *Outcome*: of one verifier on one referrer: PASSED, FAILED (the artifact's fault) or INCONCLUSIVE (the store's, the network's or a
  plugin's). Only PASSED counts.
- *Verdict*: what a policy says: a decision, ALLOW, DENY or NONE, and why. *Report*: everything that led to it.
- *Executor*: store, verifiers and policy for some scopes (Ratify v2). *Scope*: the repositories that a configuration is for.
- *Generation*: one state of a configuration; verdicts of another generation are not used.
"""
