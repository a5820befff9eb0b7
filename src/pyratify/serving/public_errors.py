"""Which failures may be shown to clients."""

from pyratify.core.errors import Failure
from pyratify.core.reason import Reason

_FOREIGN = frozenset(
    {
        Reason.INTERNAL,
        Reason.REGISTRY_ERROR,
        Reason.REGISTRY_UNREACHABLE,
        Reason.REGISTRY_AUTH,
        Reason.VERIFIER_ERROR,
        Reason.POLICY_ERROR,
    }
)


def is_foreign(failure: Failure) -> bool:
    """Return whether the message may hold text of registries, plugins or exceptions, which belongs into the log alone."""
    return failure.reason in _FOREIGN
