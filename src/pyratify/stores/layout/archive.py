"""The files of an OCI image layout in a tar archive, which is read where it lies and never extracted.

Read are POSIX ustar and pax archives (POSIX.1-2001, "pax Interchange Format") and GNU's long names: regular files and
directories. What has no place in a layout, or what two readers could understand in different ways, is refused.
"""

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.stores.layout.directory import Stamp, blob_digest, read_up_to

_BLOCK = 512
_MAX_MEMBERS = 100_000
_MAX_EXTENDED = 64 * 1024
_OCTAL = re.compile(rb" *([0-7]+)[ \0]*")
_RECORD = re.compile(rb"([1-9][0-9]{0,6}) ")
_FILE, _FOLDER, _PAX, _PAX_GLOBAL, _GNU_NAME = b"0", b"5", b"x", b"g", b"L"


@dataclass(frozen=True, slots=True)
class Member:
    """Where a regular file lies in the archive.

    Attributes:
        name: Its name, without a leading `./`.
        offset: Where its content begins, in bytes.
        size: The length of its content.
    """

    name: str
    offset: int
    size: int


class ArchiveFiles:
    """A layout in an uncompressed tar archive.

    Args:
        path: The archive.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: tuple[Stamp, dict[str, Member]] | None = None

    def stamp(self) -> Stamp:
        """Return the stamp of the archive; errors as in `Files`."""
        try:
            return Stamp.of(self._path.stat())
        except OSError as error:
            raise self._refused(error) from None

    def read(self, name: str, limit: int) -> bytes | None:
        """Return a file's bytes; as in `Files`."""
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                member = self._members(file).get(name)
                return read_up_to(file, min(member.size, limit + 1), member.offset) if member else None
            finally:
                os.close(file)
        except OSError as error:
            raise self._refused(error) from None

    def blobs(self) -> Iterator[tuple[Digest, int]]:
        """Iterate over the blobs; as in `Files`."""
        self.read("index.json", 0)
        for member in self._known[1].values() if self._known else ():
            digest = blob_digest(member.name)
            if digest is not None:
                yield digest, member.size

    def _members(self, file: int) -> dict[str, Member]:
        status = os.fstat(file)
        stamp = Stamp.of(status)
        if self._known is None or self._known[0] != stamp:
            if not stat.S_ISREG(status.st_mode):
                _refuse("it is no regular file")
            self._known = stamp, read_members(file, stamp.size)
        return self._known[1]

    def _refused(self, error: OSError) -> StoreError:
        return StoreError(Reason.ARCHIVE_INVALID, f"{self._path} cannot be read: {error.strerror}")


def read_members(file: int, size: int) -> dict[str, Member]:
    """Return the regular files of an open archive by name, from its headers alone.

    Args:
        file: The open archive.
        size: Its size in bytes.

    Raises:
        StoreError: `ARCHIVE_INVALID`.
    """
    members: dict[str, Member] = {}
    for member in _regular_files(file, size):
        if member.name in members:
            _refuse(f"{member.name!r} is in it twice")
        members[member.name] = member
    return members


def _regular_files(file: int, size: int) -> Iterator[Member]:
    position = count = 0
    extended: dict[str, str] = {}
    while position < size:
        block = read_up_to(file, _BLOCK, position)
        if not any(block):
            return
        count += 1
        kind, short, length = _header(block)
        start = position + _BLOCK
        if kind == _FILE:
            length = _length(extended, length)
        position = start + -(-length // _BLOCK) * _BLOCK
        if count > _MAX_MEMBERS or position > size:
            _refuse(f"it is truncated or has more than {_MAX_MEMBERS} members")
        if kind in (_PAX, _PAX_GLOBAL, _GNU_NAME):
            extended |= _extension(kind, file, start, length, extended)
            continue
        name = extended["path"] if "path" in extended else _decode(short)
        extended = {}
        if kind == _FOLDER or name.endswith("/"):  # in the oldest archives the name alone makes a folder
            if length:
                _refuse(f"{name[:80]!r} is a folder with content")
            _safe(name)
        else:
            yield Member(_safe(name), start, length)


def _header(block: bytes) -> tuple[bytes, bytes, int]:
    """Return a member's type, its name, which may be cut off where another one follows, and its length."""
    if len(block) != _BLOCK:
        _refuse("it is truncated")
    if _number(block[148:156]) != sum(block) - sum(block[148:156]) + 8 * 32:
        _refuse("it is no tar archive, or a header is damaged; compressed archives are not read")
    kind = _FILE if block[156:157] == b"\0" else block[156:157]
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and block[345]:
        name = block[345:500].partition(b"\0")[0] + b"/" + name
    length = _number(block[124:136])
    if kind not in (_FILE, _FOLDER, _PAX, _PAX_GLOBAL, _GNU_NAME):
        _refuse(f"{name[:80]!r} is neither a regular file nor a directory")
    return kind, name, length


def _extension(kind: bytes, file: int, start: int, length: int, known: dict[str, str]) -> dict[str, str]:
    if length > _MAX_EXTENDED:
        _refuse("an extended header is too long")
    data = read_up_to(file, length, start)
    records = [(b"path", data.partition(b"\0")[0])] if kind == _GNU_NAME else list(_records(data))
    if any(key.startswith(b"GNU.sparse") for key, _ in records):
        _refuse("it has sparse files")
    relevant = [(key.decode(), _decode(value)) for key, value in records if key in (b"path", b"size")]
    found = dict(relevant)
    if len(found) != len(relevant) or found.keys() & known.keys() or (found and kind == _PAX_GLOBAL):
        _refuse("a member's name or size is given twice")
    return found


def _records(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    while data:
        match = _RECORD.match(data)
        length = int(match[1]) if match else 0
        record, data = data[:length], data[length:]
        if match is None or len(record) != length or not record.endswith(b"\n") or b"=" not in record:
            _refuse("an extended header is malformed")
        key, _, value = record[match.end() : -1].partition(b"=")
        yield key, value


def _length(extended: dict[str, str], length: int) -> int:
    text = extended.get("size")
    if text is None:
        return length
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        _refuse("a size is malformed")
    return int(text)


def _number(field: bytes) -> int:
    if field[0] == 0x80:  # GNU's base 256, for files over 8 GiB
        return int.from_bytes(field[1:], "big")
    match = _OCTAL.fullmatch(field)
    if match is None:
        _refuse("it is no tar archive, or a number in a header is malformed")
    return int(match[1], 8)


def _decode(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse("a name is not UTF-8")


def _safe(name: str) -> str:
    plain = name.removeprefix("./").removesuffix("/")
    parts = plain.split("/")
    if "\0" in plain or (plain not in ("", ".") and any(part in ("", ".", "..") for part in parts)):
        _refuse(f"the name {name[:80]!r} leads out of it or is not plain")
    return plain


def _refuse(why: str) -> NoReturn:
    raise StoreError(Reason.ARCHIVE_INVALID, f"the archive is refused: {why}")
