"""Ed25519ph, held against RFC 8032 and against what cosign wrote."""

import base64

import pytest

from pyratify.pki.dsse import pre_authentication_encoding
from pyratify.sigstore.ed25519ph import decode_point, verify_prehashed

ORDER = 2**252 + 27742317777372353535851937790883648493
# RFC 8032, section 7.3: the one test vector, of the message "abc".
KEY = bytes.fromhex("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")
SIGNATURE = bytes.fromhex(
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)
# What cosign 2.6.5 and 3.1.3 wrote for one image with one Ed25519 key, whose private half was thrown away.
COSIGN_KEY = bytes.fromhex("a58b6f117a87de967020b7deb114a419471235a5245ea7751d200dcce4ce7a54")
DIGEST = "a5beaf966e446f672478633523d030cf0ad4ce622a604e4f39aea1255f9bf3b3"
CLASSIC = (
    b'{"critical":{"identity":{"docker-reference":"pyratify.test/demo"},"image":{"docker-manifest-digest":"sha256:'
    + DIGEST.encode()
    + b'"},"type":"cosign container image signature"},"optional":null}',
    "aBUTbBqeiY/UbqLk8XTUjahy10Dw1BEaz7Z8ko/PtokLQn69nCN0PGuB95joypypmC0CWlGmsiU6ydLFeSlWDw==",
)
BUNDLE = (
    pre_authentication_encoding(
        "application/vnd.in-toto+json",
        b'{"_type":"https://in-toto.io/Statement/v1", "subject":[{"digest":{"sha256":"'
        + DIGEST.encode()
        + b'"}, "annotations":{}}], "predicateType":"https://sigstore.dev/cosign/sign/v1", "predicate":{}}',
    ),
    "UzurYGl4HWT+QePEC6yf6XCfAjW6TjZ4ujyhpIepB07OUDp0dFN5EbPy1HQ64tqDJ7pzaANLkaU7VHHtWpU2Dg==",
)


def changed(data: bytes, index: int) -> bytes:
    """The same with one bit changed."""
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


def test_the_vector_of_the_rfc_verifies() -> None:
    """RFC 8032, section 7.3."""
    assert verify_prehashed(KEY, b"abc", SIGNATURE)


@pytest.mark.parametrize(("message", "signature"), [CLASSIC, BUNDLE], ids=["cosign-2.6.5", "cosign-3.1.3"])
def test_what_cosign_signs_with_an_ed25519_key_verifies(message: bytes, signature: str) -> None:
    """Both formats, as the real programs wrote them."""
    assert verify_prehashed(COSIGN_KEY, message, base64.b64decode(signature))
    assert not verify_prehashed(COSIGN_KEY, message + b" ", base64.b64decode(signature))
    assert not verify_prehashed(KEY, message, base64.b64decode(signature))


@pytest.mark.parametrize("index", range(64))
def test_a_signature_with_one_bit_changed_is_refused(index: int) -> None:
    """In any byte."""
    assert not verify_prehashed(KEY, b"abc", changed(SIGNATURE, index))


@pytest.mark.parametrize("index", range(32))
def test_another_key_is_refused(index: int) -> None:
    """With one bit changed in any byte, whether that is a point or not."""
    assert not verify_prehashed(changed(KEY, index), b"abc", SIGNATURE)


def test_a_scalar_beyond_the_order_is_refused() -> None:
    """Adding the group's order would verify too: the same signature in another spelling (RFC 8032, 5.1.7)."""
    scalar = int.from_bytes(SIGNATURE[32:], "little") + ORDER
    assert not verify_prehashed(KEY, b"abc", SIGNATURE[:32] + scalar.to_bytes(32, "little"))


@pytest.mark.parametrize(
    "point",
    [
        (1).to_bytes(32, "little"),  # the neutral element
        (2**255 - 20).to_bytes(32, "little"),  # order two
        bytes(32),  # order four
    ],
)
def test_a_point_of_small_order_is_no_key_and_no_nonce(point: bytes) -> None:
    """Such a key would verify a signature of every message."""
    assert not verify_prehashed(point, b"abc", point + bytes(32))
    assert not verify_prehashed(KEY, b"abc", point + SIGNATURE[32:])


@pytest.mark.parametrize(
    "encoded",
    [
        (2**255 - 19).to_bytes(32, "little"),  # zero, not in its shortest form
        (2**255 - 18).to_bytes(32, "little"),  # one, not in its shortest form
        (1 | 1 << 255).to_bytes(32, "little"),  # x is zero and negative
        (2).to_bytes(32, "little"),  # not on the curve
    ],
)
def test_only_the_canonical_encoding_of_a_point_is_read(encoded: bytes) -> None:
    """RFC 8032, section 5.1.3."""
    assert not verify_prehashed(encoded, b"abc", SIGNATURE)
    assert decode_point(encoded) is None


@pytest.mark.parametrize(("key", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_wrong_lengths_are_refused(key: int, signature: int) -> None:
    """Neither padded nor cut."""
    assert not verify_prehashed((KEY + b"x")[:key], b"abc", (SIGNATURE + b"x")[:signature])
