"""Reading tar archives: what is understood, and everything that is refused before any content is used."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.stores.layout.archive import ArchiveFiles

Members = list[tuple[tarfile.TarInfo, bytes]]


def member(
    name: str, data: bytes = b"", kind: bytes = tarfile.REGTYPE, **fields: object
) -> tuple[tarfile.TarInfo, bytes]:
    """Return one member of an archive."""
    info = tarfile.TarInfo(name)
    info.type, info.size = kind, len(data)
    for field, value in fields.items():
        setattr(info, field, value)
    return info, data


def pack(*members: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:  # noqa: A002
    """Return an archive."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data) if info.isreg() else None)
    return buffer.getvalue()


def patched(data: bytes, offset: int, field: bytes, *, checksum: bool = True) -> bytes:
    """Return the archive with a field of its first header changed and the header's sum corrected."""
    block = bytearray(data[:512])
    block[offset : offset + len(field)] = field
    if checksum:
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block) + data[512:]


def raw(kind: bytes, data: bytes) -> bytes:
    """Return one member of any type as it stands in an archive."""
    header = patched(pack(member("x"))[:512], 156, kind)
    header = patched(header, 124, b"%011o\0" % len(data))
    return header + data + b"\0" * (-len(data) % 512)


def pax(*records: tuple[str, str]) -> bytes:
    """Return the content of an extended header."""
    lines = b""
    for key, value in records:
        text = f" {key}={value}\n".encode()
        length = len(text) + 2 if len(text) < 98 else len(text) + 3
        lines += b"%d%s" % (length, text)
    return lines


def read(tmp_path: Path, data: bytes, name: str = "index.json", limit: int = 1000) -> bytes | None:
    """Write an archive and read one file of it."""
    path = tmp_path / "layout.tar"
    path.write_bytes(data)
    return ArchiveFiles(path).read(name, limit)


BLOB = f"blobs/sha384/{'a' * 96}"
END = b"\0" * 1024


@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
@pytest.mark.parametrize("prefix", ["", "./"])
def test_long_names_and_folders_are_understood(tmp_path: Path, format: int, prefix: str) -> None:  # noqa: A002
    """A sha384 blob's name does not fit into the first field of a header."""
    data = pack(
        member(f"{prefix}blobs", kind=tarfile.DIRTYPE),
        member(f"{prefix}{BLOB}", b"content"),
        member(f"{prefix}index.json", b"{}"),
        format=format,
    )
    assert read(tmp_path, data, BLOB) == b"content"
    assert read(tmp_path, data) == b"{}"
    assert read(tmp_path, data, "other") is None
    assert read(tmp_path, data, BLOB, limit=3) == b"cont"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(pack(member("index.json", b"{}"))[:1024], id="no end mark"),
        pytest.param(
            patched(pack(member("index.json", b"{}")), 156, b"\0"), id="the old type of regular files"
        ),
        pytest.param(
            patched(pack(member("index.json", b"{}")), 124, b"\x80" + b"\0" * 10 + b"\2"), id="base 256"
        ),
        pytest.param(
            raw(b"g", pax(("comment", "x"))) + pack(member("index.json", b"{}")), id="global comment"
        ),
        pytest.param(
            raw(b"x", pax(("path", "index.json"), ("size", "2"))) + pack(member("y", b"{}")), id="pax"
        ),
        pytest.param(raw(b"x", pax(("mtime", "1.5"))) + pack(member("index.json", b"{}")), id="pax time"),
        pytest.param(raw(b"L", b"index.json\0") + pack(member("y", b"{}")), id="GNU name"),
        pytest.param(
            patched(pack(member("x"))[:512], 0, b"a/\0") + pack(member("index.json", b"{}")), id="old folder"
        ),
        pytest.param(pack(member("index.json", b"{}")) + b"anything", id="after the end"),
    ],
)
def test_what_other_tools_write_is_understood(tmp_path: Path, data: bytes) -> None:
    """Each of these archives holds one index."""
    assert read(tmp_path, data) == b"{}"


ONE = pack(member("index.json", b"{}"))
HOSTILE: dict[str, bytes] = {
    "empty header": b"x" * 512,
    "short": ONE[:100],
    "content cut off": ONE[:512],
    "compressed": b"\x1f\x8b" + b"\0" * 600,
    "wrong sum": patched(ONE, 0, b"other", checksum=False),
    "sum that is no number": patched(ONE, 148, b"zzzzzzzz", checksum=False),
    "size that is no number": patched(ONE, 124, b"00000-00002\0"),
    "negative size": patched(ONE, 124, b"\xff" * 12),
    "size beyond the end": patched(ONE, 124, b"77777777777\0"),
    "blank size": patched(ONE, 124, b" " * 12),
    "symbolic link": pack(member("index.json", kind=tarfile.SYMTYPE, linkname="/etc/passwd")),
    "hard link": pack(member("index.json", kind=tarfile.LNKTYPE, linkname="../x")),
    "device": pack(member("index.json", kind=tarfile.CHRTYPE)),
    "pipe": pack(member("index.json", kind=tarfile.FIFOTYPE)),
    "sparse": raw(b"S", b""),
    "long link name": raw(b"K", b"x"),
    "unknown type": raw(b"V", b""),
    "folder with content": raw(b"5", b"content"),
    "parent": pack(member("../index.json", b"{}")),
    "parent inside": pack(member("a/../index.json", b"{}")),
    "absolute": pack(member("/index.json", b"{}")),
    "doubled slash": pack(member("blobs//x", b"{}")),
    "dot inside": pack(member("blobs/./x", b"{}")),
    "not UTF-8": patched(ONE, 0, b"\xff\xfe"),
    "twice": pack(member("index.json", b"{}"), member("./index.json", b"{}")),
    "pax parent": raw(b"x", pax(("path", "../x"))) + ONE,
    "pax NUL": raw(b"x", pax(("path", "index.json\0x"))) + ONE,
    "pax name twice": raw(b"x", pax(("path", "a"), ("path", "b"))) + ONE,
    "pax headers in a row": raw(b"x", pax(("path", "a"))) + raw(b"x", pax(("path", "b"))) + ONE,
    "pax and GNU name": raw(b"x", pax(("path", "a"))) + raw(b"L", b"b\0") + ONE,
    "global name": raw(b"g", pax(("path", "index.json"))) + ONE,
    "global size": raw(b"g", pax(("size", "0"))) + ONE,
    "pax sparse": raw(b"x", pax(("GNU.sparse.major", "1"))) + ONE,
    "pax size negative": raw(b"x", pax(("size", "-512"))) + ONE,
    "pax size huge": raw(b"x", pax(("size", "9" * 18))) + ONE,
    "pax length wrong": raw(b"x", b"99 path=x\n") + ONE,
    "pax length zero": raw(b"x", b"0 path=x\n") + ONE,
    "pax without equals": raw(b"x", b"8 pathx\n") + ONE,
    "pax without end of line": raw(b"x", b"8 path=x") + ONE,
    "pax too long": raw(b"x", b"x" * 70_000) + ONE,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_archive_that_could_be_read_in_two_ways_is_refused(tmp_path: Path, data: bytes) -> None:
    """Links, devices, ways out, damaged headers and everything ambiguous: the archive as a whole is refused."""
    with pytest.raises(StoreError) as caught:
        read(tmp_path, data)
    assert caught.value.reason is Reason.ARCHIVE_INVALID


def test_a_flood_of_members_is_refused(tmp_path: Path) -> None:
    """The number of members is bounded."""
    block = patched(pack(member("d", kind=tarfile.DIRTYPE))[:512], 0, b"d/\0")
    with pytest.raises(StoreError, match="100000 members"):
        read(tmp_path, block * 100_001 + END)


def pipe(path: Path) -> None:
    """Make a named pipe."""
    import os

    os.mkfifo(path)


@pytest.mark.parametrize("make", [pipe, Path.mkdir], ids=["pipe", "folder"])
def test_an_archive_that_is_no_regular_file_is_refused(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """Opening a pipe does not wait for its writer."""
    make(tmp_path / "layout.tar")
    with pytest.raises(StoreError) as caught:
        ArchiveFiles(tmp_path / "layout.tar").read("index.json", 10)
    assert caught.value.reason is Reason.ARCHIVE_INVALID
