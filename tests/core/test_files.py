"""Files that are read whole and within a limit."""

import io
import os
import threading
from pathlib import Path

import pytest

from pyratify.core.files import UnreadableFile, read_file, read_stream


def test_a_file_at_the_limit_is_read_whole_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    """One byte decides; nothing is ever cut."""
    (tmp_path / "f").write_bytes(b"1234")
    assert read_file(tmp_path / "f", 4) == b"1234"
    with pytest.raises(UnreadableFile, match=r"^has more than 3 bytes$"):
        read_file(tmp_path / "f", 3)
    with pytest.raises(UnreadableFile, match="has more than 3 bytes"):
        read_stream(io.BytesIO(b"1234"), 3)


@pytest.mark.parametrize(
    ("name", "why"), [("absent", "No such file"), (".", "Is a directory"), ("a\0b", "null")]
)
def test_what_cannot_be_read_says_why(name: str, why: str, tmp_path: Path) -> None:
    """The clause has no subject: the caller names the file as the user wrote it."""
    with pytest.raises(UnreadableFile, match=f"^cannot be read: .*{why}"):
        read_file(tmp_path / name, 4)


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    """A shell's process substitution is one."""
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(b"1234",))
    writer.start()
    assert read_file(tmp_path / "pipe", 4) == b"1234"
    writer.join()


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_where_a_regular_file_is_required_nothing_else_is_opened(kind: str, tmp_path: Path) -> None:
    """A pipe without a writer does not stop the program; a link is not followed."""
    place = tmp_path / kind
    (tmp_path / "file").write_bytes(b"1")
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to(tmp_path / "file")
    else:
        place.mkdir()
    with pytest.raises(UnreadableFile):
        read_file(place, 4, regular=True)
    assert read_file(tmp_path / "file", 4, regular=True) == b"1"
