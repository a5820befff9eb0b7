"""Base64 has one spelling."""

import pytest

from pyratify.pki.encoding import (
    InvalidBase64,
    decode_base64,
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
