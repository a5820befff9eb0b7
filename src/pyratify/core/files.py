"""Reads files of the administrator whole and within a limit: a larger one is refused, never truncated."""

import os
import stat
from pathlib import Path
from typing import BinaryIO


class UnreadableFile(Exception):
    """A file that cannot be read, or is larger than it may be.

    The text is a clause without a subject, as "cannot be read: Permission denied"; the caller puts the file's name in front.

    Attributes:
        remedy: One sentence that says what to do.
    """

    def __init__(self, why: str, remedy: str = "Check the path and its permissions.") -> None:
        super().__init__(why)
        self.remedy = remedy


class MissingFile(UnreadableFile):
    """There is no such file."""


class FileTooLarge(UnreadableFile):
    """A file of more bytes than the limit."""


def read_file(path: Path, limit: int, *, regular: bool = False) -> bytes:
    """Return the content of a file.

    Args:
        path: The file; a pipe (`/dev/fd/63`) is read to its end.
        limit: The largest size in bytes.
        regular: Whether anything but a regular file is refused, symbolic links included.

    Raises:
        UnreadableFile: It cannot be opened or read, is larger than the limit, or is not a regular file where one is required.
    """
    try:
        # Without O_NONBLOCK, opening a pipe that has no writer would wait for one.
        flags = os.O_RDONLY | os.O_CLOEXEC | (os.O_NOFOLLOW | os.O_NONBLOCK if regular else 0)
        with os.fdopen(os.open(path, flags), "rb") as file:
            # fstat of the open file: a stat of the path could be answered for another file than the one read.
            if regular and not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise UnreadableFile("is not a regular file", "Check that this is the file that you mean.")
            return read_stream(file, limit)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        kind = MissingFile if isinstance(error, FileNotFoundError | NotADirectoryError) else UnreadableFile
        raise kind(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def read_stream(stream: BinaryIO, limit: int) -> bytes:
    """Return what an open file holds from here on.

    Raises:
        UnreadableFile: It is larger than the limit.
        OSError: It cannot be read.
    """
    # One more than allowed shows that a file is too large, without trusting a size that may change.
    data = stream.read(limit + 1)
    if len(data) > limit:
        raise FileTooLarge(f"has more than {limit} bytes", "Check that this is the file that you mean.")
    return data
