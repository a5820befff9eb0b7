"""Files and standard input, as `FILE` and `-` name them on the command line."""

import sys
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file, read_stream

STANDARD_INPUT = "-"
_PIPE = "Give a file, or pipe something into the command."


def read_input(name: str, limit: int) -> bytes:
    """Return the content of a file, or of standard input where the name is `-`.

    Args:
        name: The path, or `-`.
        limit: The largest size in bytes.

    Raises:
        UnreadableFile: It cannot be read, or is larger than the limit.
    """
    if name != STANDARD_INPUT:
        return read_file(Path(name), limit)
    if sys.stdin is None:  # so Python says that descriptor 0 was closed at its start
        raise UnreadableFile("is closed", _PIPE)
    try:
        # Bytes: a DER file or COSE envelope may be piped in, and the locale must not decode it.
        return read_stream(sys.stdin.buffer, limit)
    except (OSError, ValueError) as error:  # ValueError: it was closed since
        why = getattr(error, "strerror", None) or error
        raise UnreadableFile(f"cannot be read: {why}", _PIPE) from None


def read_standard_input(limit: int, remedy: str) -> bytes:
    """Return standard input.

    Args:
        limit: The largest size in bytes.
        remedy: What to do where it cannot be read or is larger.

    Raises:
        ConfigurationError: It cannot be read, or is larger than the limit.
    """
    try:
        return read_input(STANDARD_INPUT, limit)
    except UnreadableFile as error:
        raise ConfigurationError(f"standard input {error}", remedy=remedy) from None


def input_name(name: str) -> str:
    """Return how messages call a file, or standard input."""
    return "standard input" if name == STANDARD_INPUT else name
