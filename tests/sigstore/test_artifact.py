"""Artifacts that are known by a digest alone."""

import pytest

from pyratify.sigstore.artifact import Artifact


@pytest.mark.parametrize(
    "text", ["sha512:00", "sha256:" + "A" * 64, "sha1:" + "a" * 40, "md5:x", "a.txt", ""]
)
def test_what_is_no_digest_is_none(text: str) -> None:
    """Lower-case hexadecimal of the algorithm's length."""
    assert Artifact.of_digest(text) is None
