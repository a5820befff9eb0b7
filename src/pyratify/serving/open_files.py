"""How many files and connections the process may have open."""

import resource
from contextlib import suppress

_MOST = 65536


def raise_limit(most: int = _MOST) -> None:
    """Raise the soft limit of open files as far as the system allows, as servers in Go do.

    Many systems begin with 1,024: fewer than the connections that are kept, so that idle ones would use up what registries
    are asked with.

    Args:
        most: How many are enough.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The hard limit stays: raising it needs privileges, and lowering it could not be undone.
    wanted = most if hard == resource.RLIM_INFINITY else min(most, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # some systems allow less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
