"""Files and standard input of the command line."""

import io
from pathlib import Path

import pytest

from pyratify.core.files import FileTooLarge, MissingFile, UnreadableFile
from pyratify.terminal.inputs import input_name, read_input


class _Broken(io.RawIOBase):
    """A standard input that cannot be read, as of a descriptor that is open for writing."""

    def readable(self) -> bool:
        """Return True: the fault shows at the first read."""
        return True

    def readinto(self, buffer: object) -> int:
        """Raise OSError."""
        raise OSError(9, "Bad file descriptor")


def _stdin(monkeypatch: pytest.MonkeyPatch, raw: io.RawIOBase | io.BytesIO) -> None:
    buffered = raw if isinstance(raw, io.BytesIO) else io.BufferedReader(raw)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(buffered))


def test_a_hyphen_is_standard_input(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Anything else is a path."""
    _stdin(monkeypatch, io.BytesIO(b"piped"))
    (tmp_path / "file").write_bytes(b"stored")
    assert read_input("-", 5) == b"piped"
    assert read_input(str(tmp_path / "file"), 6) == b"stored"
    assert (input_name("-"), input_name("file")) == ("standard input", "file")


def test_more_than_the_limit_is_refused_and_not_truncated(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """For both in the same words."""
    _stdin(monkeypatch, io.BytesIO(b"123456"))
    (tmp_path / "file").write_bytes(b"123456")
    for name in ("-", str(tmp_path / "file")):
        with pytest.raises(FileTooLarge, match=r"\Ahas more than 5 bytes\Z"):
            read_input(name, 5)


def test_a_standard_input_that_cannot_be_read_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed before the start, closed since, and broken."""
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(UnreadableFile, match=r"\Ais closed\Z"):
        read_input("-", 5)
    closed = io.BytesIO(b"")
    _stdin(monkeypatch, closed)
    closed.close()
    with pytest.raises(UnreadableFile, match=r"closed file"):
        read_input("-", 5)
    _stdin(monkeypatch, _Broken())
    with pytest.raises(UnreadableFile, match=r"\Acannot be read: Bad file descriptor\Z"):
        read_input("-", 5)


def test_a_file_that_is_missing_is_told_apart(tmp_path: Path) -> None:
    """Docker's configuration may be absent, and must not be unreadable."""
    with pytest.raises(MissingFile):
        read_input(str(tmp_path / "none"), 5)
    with pytest.raises(UnreadableFile) as caught:
        read_input(str(tmp_path), 5)
    assert not isinstance(caught.value, MissingFile)
