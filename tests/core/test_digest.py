"""Digests and descriptors."""

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.reason import Reason


@pytest.mark.parametrize(("algorithm", "length"), [("sha256", 64), ("sha384", 96), ("sha512", 128)])
def test_a_digest_matches_only_its_own_data(algorithm: str, length: int) -> None:
    """The digest of data matches that data and nothing else."""
    digest = Digest.of(b"data", algorithm)
    assert (digest.algorithm, len(digest.hex)) == (algorithm, length)
    assert digest.matches(b"data")
    assert not digest.matches(b"data ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        "md5:" + "0" * 32,
        "sha1:" + "0" * 40,
        "sha256:" + "0" * 63,
        "sha256:" + "0" * 65,
        "sha256:" + "0" * 128,
        "sha512:" + "0" * 64,
        "SHA256:" + "0" * 64,
        "sha256:" + "A" * 64,
        "sha256+b64:" + "0" * 64,
        "sha256:" + "0" * 64 + "\n",
        "sha256:" + "\u0660" * 64,
        " sha256:" + "0" * 64,
        "sha256:../../etc/passwd",
        "sha256:" + "0" * 100_000,
    ],
)
def test_what_is_no_digest_is_refused(text: str) -> None:
    """Other algorithms, lengths, cases and characters are refused with a short message."""
    with pytest.raises(InvalidDigest) as caught:
        Digest(text)
    assert caught.value.reason is Reason.DIGEST_INVALID
    assert len(caught.value.message) < 600


def test_descriptors_are_of_the_same_content_by_type_digest_and_size() -> None:
    """Annotations and artifact types make no difference, all else does."""
    one = Descriptor("a/b", Digest.of(b"1"), 1, "c/d", {"x": "y"})
    assert one.same_content(Descriptor("a/b", Digest.of(b"1"), 1))
    assert not one.same_content(Descriptor("a/c", Digest.of(b"1"), 1))
    assert not one.same_content(Descriptor("a/b", Digest.of(b"2"), 1))
    assert not one.same_content(Descriptor("a/b", Digest.of(b"1"), 2))
    assert hash(one) == hash(Descriptor("a/b", Digest.of(b"1"), 1, "c/d"))
