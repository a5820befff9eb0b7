"""Places in a configuration, as `executors[0].verifiers[1].parameters.keys`."""

from pyratify.core.errors import ConfigurationError


def join(outer: str, inner: str) -> str:
    """Return the place of something within something."""
    if not outer or not inner:
        return outer or inner
    return f"{outer}{inner}" if inner.startswith("[") else f"{outer}.{inner}"


def within(outer: str, error: ConfigurationError) -> ConfigurationError:
    """Return the same error, its path begun at an outer place."""
    # A new one: the path is part of the message, which exceptions fix when they are made.
    return ConfigurationError(
        error.detail,
        path=join(outer, error.path),
        reason=error.reason,
        remedy=error.remedy,
        stand_in=error.stand_in,
    )
