"""`${NAME}` and `file:PATH` in a configuration's strings; neither ever changes the document's structure."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyratify.config.locations import join
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file

MAX_FILE = 1024 * 1024
FILE = "file:"
# `$${` first, as it contains the other. A brace that is never closed matches too, and is refused below.
_VARIABLE = re.compile(r"\$\$\{|\$\{([^}]*)\}?")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


def substitute(value: Any, base: Path, environment: Mapping[str, str] = os.environ, path: str = "") -> Any:
    """Return the document with environment variables and files substituted.

    `${NAME}` stands anywhere in a string and `$${` for `${`. A string below `parameters` that the document itself
    begins with `file:` is replaced by the text of that file, without the line break at its end.

    Args:
        value: JSON values.
        base: The folder that relative paths start from.
        environment: The environment.
        path: Where in the configuration the value is.

    Raises:
        ConfigurationError: A variable that is not set or a file that cannot be read, with its path.
    """
    return _walk(value, base, environment, path, inside=False)


def escape(text: str) -> str:
    """Return the string that `substitute` turns into the text.

    Raises:
        ValueError: It begins with `file:`, which is always read as the name of a file.
    """
    if text.startswith(FILE):
        raise ValueError(f"{text!r} would be read as the name of a file")
    return text.replace("${", "$${")


def names_variable(text: str) -> bool:
    """Return whether a text has an environment variable to substitute."""
    return any(
        match[1] is not None and match[0].endswith("}") and _NAME.fullmatch(match[1])
        for match in _VARIABLE.finditer(text)
    )


def _walk(value: Any, base: Path, environment: Mapping[str, str], path: str, *, inside: bool) -> Any:
    if isinstance(value, str):
        text = _expand(value, environment, path)
        # The string as the document has it: a variable that begins with `file:` must not read files.
        return _read(base, text, path) if inside and value.startswith(FILE) else text
    if isinstance(value, list):
        return [
            _walk(item, base, environment, f"{path}[{index}]", inside=inside)
            for index, item in enumerate(value)
        ]
    if isinstance(value, dict):
        return {
            # Only parameters: names and scopes are never secrets, and can begin with `file:` by accident.
            key: _walk(item, base, environment, join(path, key), inside=inside or key == "parameters")
            for key, item in value.items()
        }
    return value


def _expand(text: str, environment: Mapping[str, str], path: str) -> str:
    def one(match: re.Match[str]) -> str:
        if match[1] is None:
            return "${"
        if not match[0].endswith("}") or not _NAME.fullmatch(match[1]):
            raise ConfigurationError(
                f"{match[0][:40]!r} is not ${{NAME}}", path=path, remedy="Write $${ for a plain ${."
            )
        if match[1] not in environment:
            raise ConfigurationError(
                f"the environment variable {match[1]} is not set", path=path, remedy=f"Set {match[1]}."
            )
        return environment[match[1]]

    # One pass: what a variable contains is not expanded again.
    return _VARIABLE.sub(one, text) if "${" in text else text


def _read(base: Path, text: str, path: str) -> str:
    file = base / text.removeprefix(FILE)
    try:
        # Tools end a text with a line break, which is no part of a password.
        return read_file(file, MAX_FILE).decode("utf-8").rstrip("\r\n")
    except UnreadableFile as error:
        raise ConfigurationError(f"{file} {error}", path=path, remedy=error.remedy) from None
    except UnicodeDecodeError:
        raise ConfigurationError(
            f"{file} is not UTF-8 text",
            path=path,
            remedy="Save it as UTF-8, or check that this is the file that you mean.",
        ) from None
