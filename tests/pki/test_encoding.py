"""Base64 has one spelling."""

import pytest

from pyratify.pki.encoding import (
    InvalidBase64,
    decode_base64,
    decode_base64_lines,
    decode_base64url,
    encode_base64,
    encode_base64url,
)


@pytest.mark.parametrize("data", [b"", b"a", b"ab", b"abc", bytes(range(256))])
def test_what_is_encoded_decodes_to_itself(data: bytes) -> None:
    """Both alphabets read what they write."""
    assert decode_base64(encode_base64(data)) == data
    assert decode_base64url(encode_base64url(data)) == data


@pytest.mark.parametrize(
    "text", ["QQ", "QQ=", "QR==", "QQ==\n", "Q Q=", "QQ=!", "-_8=", "QQ==QQ==", "=", "ÄQ==", "Q"]
)
def test_another_spelling_of_standard_base64_is_refused(text: str) -> None:
    """Missing padding, left-over bits, white space, junk and the other alphabet are no base64."""
    with pytest.raises(InvalidBase64):
        decode_base64(text)


@pytest.mark.parametrize("text", ["QQ==", "QR", "QQ\n", "Q Q", "QQ!", "+/8", "Q", "ÄQ"])
def test_another_spelling_of_base64url_is_refused(text: str) -> None:
    """Padding, left-over bits, white space, junk and the other alphabet are no base64url."""
    with pytest.raises(InvalidBase64):
        decode_base64url(text)


def test_base64_in_lines_is_read_where_it_is_asked_for() -> None:
    """CR and LF wherever they stand, as `base64` and `openssl base64` print them."""
    for text in ("QUJD\n", "QU\nJD", "QU\r\nJD\r\n", "\nQ\nU\nJ\nD"):
        assert decode_base64_lines(text) == b"ABC"


@pytest.mark.parametrize("text", ["QUJD ", "QU JD", "QU\tJD", "QQ", "QR==\n", "QU\x0bJD", "QQ==\nQQ=="])
def test_no_other_spelling_of_base64_in_lines_is_read(text: str) -> None:
    """Other white space, missing padding, left-over bits."""
    with pytest.raises(InvalidBase64):
        decode_base64_lines(text)
