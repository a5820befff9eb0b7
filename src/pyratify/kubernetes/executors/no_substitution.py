"""Refuse substitutions in resources: their texts are literal, unlike those of a configuration file."""

from collections.abc import Mapping
from typing import Any

from pyratify.config.locations import join
from pyratify.config.substitute import FILE, names_variable
from pyratify.core.errors import ConfigurationError


def check_literal(value: Any, path: str) -> None:
    """Refuse what would be replaced in a configuration file, because in a resource it would silently stay as it is.

    Raises:
        ConfigurationError: `${NAME}`, or a parameter that begins with `file:`, with its path.
    """
    _check_literal(value, path, inside=False)


def _check_literal(value: Any, path: str, *, inside: bool) -> None:
    if isinstance(value, str):
        _check_text(value, path, inside=inside)
    elif isinstance(value, Mapping):
        for key, item in value.items():
            _check_literal(item, join(path, str(key)), inside=inside or key == "parameters")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _check_literal(item, f"{path}[{index}]", inside=inside)


def _check_text(text: str, path: str, *, inside: bool) -> None:
    if names_variable(text):
        raise _unreplaced(path, "environment variables are not put into resources")
    if inside and text.startswith(FILE):  # a file has `file:` below parameters only
        raise _unreplaced(path, "files are not put into resources")


def _unreplaced(path: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        why, path=path, remedy="Write the value itself, or name a Secret (provider kubernetes)."
    )
