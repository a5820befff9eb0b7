"""Artifacts that must have been signed: files or images, known by their bytes or by a digest alone."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyratify.core.digest import Digest

ALGORITHMS = ("sha256", "sha384", "sha512")
_DIGEST = re.compile(r"(sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Artifact:
    """An artifact that must have been signed.

    Attributes:
        data: Its bytes; None where only its digest is known.
        digest: A digest of it; with SHA-256 where the bytes are known.
    """

    data: bytes | None = field(repr=False)
    digest: Digest

    @classmethod
    def of(cls, data: bytes) -> "Artifact":
        """Return the artifact with these bytes."""
        return cls(data, Digest.of(data))

    @classmethod
    def of_digest(cls, text: str) -> "Artifact | None":
        """Return the artifact with this digest, as `sha512:<hex>`; None for any other text."""
        return cls(None, Digest(text)) if _DIGEST.fullmatch(text) else None

    def digest_by(self, algorithm: str) -> Digest | None:
        """Return its digest by one of `ALGORITHMS`; None where that is unknown."""
        if self.data is None:
            return self.digest if algorithm == self.digest.algorithm else None
        return Digest.of(self.data, algorithm)

    def is_named_by(self, digests: Mapping[str, Any]) -> bool:
        """Return whether a statement's subject with these digests is the artifact (in-toto attestation framework, "DigestSet").

        One of `ALGORITHMS` has to agree, and none may differ; others, such as SHA-1, say nothing.
        """
        known = [found for name in ALGORITHMS if name in digests and (found := self.digest_by(name))]
        return bool(known) and all(_is_hex(digests[each.algorithm], each.hex) for each in known)


def _is_hex(value: Any, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode(), expected.encode())
