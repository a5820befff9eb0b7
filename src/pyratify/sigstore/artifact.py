"""Artifacts that must have been signed: files or images, known by their bytes or by a digest alone."""

import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest

ALGORITHMS = ("sha256", "sha384", "sha512")
# Lower case only: digests are compared as texts, and one digest has one spelling (OCI descriptor).
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
        """Return its digest by one of `ALGORITHMS`; None where that is unknown. Reads all bytes, save for SHA-256."""
        if algorithm == self.digest.algorithm:
            return self.digest
        return None if self.data is None else Digest.of(self.data, algorithm)


def agree(digests: Mapping[str, Any], known: Iterable[Digest]) -> bool:
    """Return whether a subject of a statement is an artifact (in-toto attestation framework, "DigestSet").

    Args:
        digests: The subject's digests by algorithm; other algorithms than those of `known`, such as SHA-1, are ignored.
        known: The artifact's digests. At least one must agree, and none may differ.
    """
    common = [each for each in known if each.algorithm in digests]
    # `all` of none is true, hence the first half: without a common algorithm nothing was compared.
    # One that differs refuses: a subject that names two files at once is about neither.
    return bool(common) and all(_is_hex(digests[each.algorithm], each.hex) for each in common)


def contradict(digests: Mapping[str, Any], known: Iterable[Digest]) -> bool:
    """Return whether a subject of a statement has one of an artifact's digests, and another one that differs."""
    equal = [_is_hex(digests[each.algorithm], each.hex) for each in known if each.algorithm in digests]
    return any(equal) and not all(equal)


def _is_hex(value: Any, expected: str) -> bool:
    return isinstance(value, str) and hmac.compare_digest(value.encode(), expected.encode())
