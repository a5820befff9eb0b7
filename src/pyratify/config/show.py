"""A configuration as it is understood: defaults filled in, secrets left out."""

from typing import Any

import msgspec

from pyratify.config.load import LoadedConfig

_SECRET = ("password", "token", "secret")
HIDDEN = "<hidden>"


def understood(loaded: LoadedConfig) -> dict[str, Any]:
    """Return the configuration as JSON values, every default included; what looks like a secret is hidden."""
    document: dict[str, Any] = _hide(msgspec.to_builtins(loaded.config))
    return document


def _hide(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: HIDDEN if item and _is_secret(key) else _hide(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(item) for item in value]
    return value


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET)
