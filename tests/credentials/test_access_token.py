"""Access tokens, as identity services give them."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from pyratify.core.files import UnreadableFile
from pyratify.credentials.access_token import AccessToken, is_token, read_token


@pytest.mark.parametrize(
    ("value", "good"),
    [
        ("a.b-c", True),
        ("", False),
        ("a\nb", False),
        ("a\r\nX: y", False),
        ("ä", False),
        (None, False),
        (7, False),
    ],
)
def test_only_printable_ascii_is_a_token(value: object, good: bool) -> None:
    """What would end a header field is none."""
    assert is_token(value) is good


def test_a_token_is_not_shown() -> None:
    """Neither in a log nor in a traceback."""
    assert "secret" not in repr(AccessToken("secret", datetime(2030, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize("data", [b"", b" \n", b"a\nb", b"\xff", b"x" * 65537])
def test_a_file_without_a_token_is_none(tmp_path: Path, data: bytes) -> None:
    """Half of one, while it is written, would be sent to the identity service."""
    file = tmp_path / "token"
    file.write_bytes(data)
    with pytest.raises(UnreadableFile):
        read_token(file)
    file.write_bytes(b"a.b.c\n")
    assert read_token(file) == "a.b.c"
    file.write_bytes(b"x" * 65536)
    assert len(read_token(file)) == 65536
