"""Access tokens, as identity services give them."""

from datetime import UTC, datetime

import pytest

from pyratify.credentials.access_token import AccessToken, is_token


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
