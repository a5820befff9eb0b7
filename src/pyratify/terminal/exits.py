"""The exit codes, which are a contract."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyratify.core.report import ValidationResult

ALLOWED = 0
"""Every reference is allowed, or the command did its work."""
DENIED = 1
"""Some reference is denied."""
UNDECIDED = 2
"""Some reference could not be decided and none is denied, or the results could not be written."""
USAGE = 3
"""The command line, a reference or the configuration is wrong."""
INTERRUPTED = 130
"""Interrupted from the keyboard."""


def of(result: "ValidationResult") -> int:
    """Return the exit code for one result; what is not allowed is never 0."""
    # First: an error has the decision DENY as well, and would count as a verdict.
    if result.error is not None:
        return UNDECIDED
    return ALLOWED if result.succeeded else DENIED


def combine(first: int, second: int) -> int:
    """Return the exit code for two results together: denied before undecided before allowed."""
    codes = (first, second)
    if DENIED in codes:
        return DENIED
    # max: a code that is none of the three must not become 0.
    return UNDECIDED if UNDECIDED in codes else max(codes)
