"""Shows a configuration with every default filled in, those of plugins too, and secrets hidden."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from pyratify.config.decode import decode
from pyratify.config.load import LoadedConfig
from pyratify.config.null_options import without_nulls
from pyratify.config.schema import THRESHOLD
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import DEFAULT_CONCURRENCY
from pyratify.core.plugin import Plugin, Registry

# Parts of the names of keys; a plugin's options name their secrets so.
_SECRET = ("password", "token", "secret")
HIDDEN = "<hidden>"
_USER = re.compile(r"(?<=://)[^/?#\s]*@")


def effective_configuration(loaded: LoadedConfig) -> dict[str, Any]:
    """Return the configuration as JSON values, every default included; values of keys that name a secret are hidden.

    Parameters that their plugin does not accept are shown as they are written; `ratify config check` says why.
    """
    document: dict[str, Any] = msgspec.to_builtins(loaded.config)
    if not document["$schema"]:
        del document["$schema"]  # it is for editors, and nothing by default
    return {**_hide(document), "executors": [_hide(_executor(each)) for each in document["executors"]]}


def _executor(executor: Mapping[str, Any]) -> dict[str, Any]:
    verifiers = [_part("verifiers", each) for each in executor["verifiers"]]
    policy = executor["policyEnforcer"] or _any_of([each["name"] for each in verifiers])
    return {
        **{key: value for key, value in executor.items() if value is not None},
        "verifiers": verifiers,
        "stores": [_part("stores", each) for each in executor["stores"]],
        "policyEnforcer": _part("policies", policy),
        "concurrency": executor["concurrency"] or DEFAULT_CONCURRENCY,
    }


def _any_of(names: list[str]) -> dict[str, Any]:
    """Return the policy of an executor that names none, as it would be written."""
    rules = [{"verifierName": name} for name in names]
    return {"type": THRESHOLD, "parameters": {"policy": {"threshold": 1, "rules": rules}}}


def _part(kind: str, part: Mapping[str, Any]) -> dict[str, Any]:
    return {**part, "parameters": _parameters(kind, part["type"], part["parameters"])}


def _parameters(kind: str, name: str, given: Any) -> Any:
    """Return parameters with the plugin's defaults; as they are where the plugin or its parameters cannot be read."""
    try:
        plugin = Registry[Any](kind).load(name, kind)
        if not isinstance(plugin, Plugin):
            return given
        return without_nulls(plugin.options, msgspec.to_builtins(decode(plugin.options, given)))
    # TypeError: options with values that are no built-in types.
    except (ConfigurationError, TypeError):
        return given


def _hide(value: Any) -> Any:
    if isinstance(value, dict):
        # Only where there is a value: an empty one says that no secret is configured.
        return {key: HIDDEN if item and _is_secret(key) else _hide(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hide(item) for item in value]
    # A user and password in an address, which most addresses must not have, and `ratify config check` then says so.
    return _USER.sub(f"{HIDDEN}@", value) if isinstance(value, str) else value


def _is_secret(key: str) -> bool:
    return any(word in key.lower() for word in _SECRET)
