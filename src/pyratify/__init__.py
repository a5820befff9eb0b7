"""pyratify: decides from signatures and attestations whether an OCI artifact may be trusted.

With a configuration file:

```python
async with pyratify.open_engine("ratify.yaml") as engine:
    result = await engine.validate("registry.example.com/team/app:1.4")
    if result.succeeded: ...
```

Without one, an engine is put together from its parts; here from those of the test kit:

>>> import asyncio
>>> import pyratify
>>> from pyratify.testing.fakes import FakeVerifier
>>> from pyratify.testing.memory import MemoryStore
>>> store = MemoryStore()
>>> image = store.add_image("v1")
>>> signature = store.attach(image, "application/example.signature", ("text/plain", b"signed"))
>>> executor = pyratify.Executor(
...     store=store,
...     verifiers=(FakeVerifier("example"),),
...     policy=pyratify.ThresholdPolicy(pyratify.Rule(rules=(pyratify.Rule("example"),))),
... )
>>> engine = pyratify.Engine(pyratify.ScopeMap([("registry.example.com", executor)]))
>>> result = asyncio.run(engine.validate("registry.example.com/team/app:v1"))
>>> result.decision, result.succeeded
(<Decision.ALLOW: 'ALLOW'>, True)
>>> result = asyncio.run(engine.validate("registry.example.org/team/app:v1"))
>>> result.decision, str(result.failure.reason)
(<Decision.DENY: 'DENY'>, 'SCOPE_NO_MATCH')

`pyratify.sync` is the same for programs without an event loop.
"""

from importlib import import_module

TYPE_CHECKING = False  # as type checkers take it; importing typing costs more than the rest of this module
if TYPE_CHECKING:
    from typing import Any

    from pyratify.config.build import open_engine
    from pyratify.config.load import LoadedConfig, load_config
    from pyratify.core.caching import MemoryCache
    from pyratify.core.descriptor import Descriptor
    from pyratify.core.digest import Digest
    from pyratify.core.engine import Engine
    from pyratify.core.errors import (
        ConfigurationError,
        Failure,
        InconclusiveError,
        InvalidReference,
        RatifyError,
        StoreError,
        VerificationError,
    )
    from pyratify.core.executor import Executor
    from pyratify.core.limits import Limits
    from pyratify.core.manifest import Manifest
    from pyratify.core.plugin import Plugin
    from pyratify.core.policy import NoPolicy, PolicyEnforcer, Subject
    from pyratify.core.reason import Reason
    from pyratify.core.reference import Reference
    from pyratify.core.report import (
        ArtifactReport,
        Decision,
        Outcome,
        ValidationResult,
        Verdict,
        VerifierResult,
    )
    from pyratify.core.scope import ScopeMap
    from pyratify.core.store import Discovery, Referrer, Store
    from pyratify.core.verifier import Details, Evidence, Verifier
    from pyratify.policies.rule import Require, Rule
    from pyratify.policies.threshold import ThresholdPolicy

__all__ = [
    "ArtifactReport",
    "ConfigurationError",
    "Decision",
    "Descriptor",
    "Details",
    "Digest",
    "Discovery",
    "Engine",
    "Evidence",
    "Executor",
    "Failure",
    "InconclusiveError",
    "InvalidReference",
    "Limits",
    "LoadedConfig",
    "Manifest",
    "MemoryCache",
    "NoPolicy",
    "Outcome",
    "Plugin",
    "PolicyEnforcer",
    "RatifyError",
    "Reason",
    "Reference",
    "Referrer",
    "Require",
    "Rule",
    "ScopeMap",
    "Store",
    "StoreError",
    "Subject",
    "ThresholdPolicy",
    "ValidationResult",
    "Verdict",
    "VerificationError",
    "Verifier",
    "VerifierResult",
    "load_config",
    "open_engine",
]

# The imports above are for type checkers only; the interpreter follows this table.
_HOMES = {
    "config.build": ("open_engine",),
    "config.load": ("LoadedConfig", "load_config"),
    "core.caching": ("MemoryCache",),
    "core.descriptor": ("Descriptor",),
    "core.digest": ("Digest",),
    "core.engine": ("Engine",),
    "core.errors": (
        "ConfigurationError",
        "Failure",
        "InconclusiveError",
        "InvalidReference",
        "RatifyError",
        "StoreError",
        "VerificationError",
    ),
    "core.executor": ("Executor",),
    "core.limits": ("Limits",),
    "core.manifest": ("Manifest",),
    "core.plugin": ("Plugin",),
    "core.policy": ("NoPolicy", "PolicyEnforcer", "Subject"),
    "core.reason": ("Reason",),
    "core.reference": ("Reference",),
    "core.report": ("ArtifactReport", "Decision", "Outcome", "ValidationResult", "Verdict", "VerifierResult"),
    "core.scope": ("ScopeMap",),
    "core.store": ("Discovery", "Referrer", "Store"),
    "core.verifier": ("Details", "Evidence", "Verifier"),
    "policies.rule": ("Require", "Rule"),
    "policies.threshold": ("ThresholdPolicy",),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> "Any":
    """Import a public name when it is first asked for (PEP 562), so that `import pyratify` costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'pyratify' has no attribute {name!r}")
    value = getattr(import_module(f"pyratify.{_HOME[name]}"), name)
    globals()[name] = value  # from now on found without __getattr__
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
