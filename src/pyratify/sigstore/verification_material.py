"""One signature with its certificate, log entries and timestamps, before any of it is verified."""

import hashlib
from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from typing import Any

from pyratify.core.dataclass import dataclass

_NONE: Mapping[str, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Signed:
    """The content that a signature must be made over.

    Attributes:
        message: The bytes; None where only their digests are known.
        digests: The digests that are known instead of the bytes, by algorithm.
        payload: The payload of an envelope; None where there is no envelope.
        algorithm: The only hash that may have been used; any that suits the key where it is None.
    """

    message: bytes | None
    digests: Mapping[str, bytes] = field(default_factory=lambda: _NONE, hash=False)
    payload: bytes | None = None
    algorithm: str | None = None

    def digest(self, algorithm: str) -> bytes | None:
        """Return the digest; None where it is unknown."""
        if self.message is None:
            return self.digests.get(algorithm)
        return hashlib.new(algorithm, self.message).digest()


@dataclass(frozen=True, slots=True)
class VerificationMaterial:
    """A signature with its proofs.

    Attributes:
        signed: The content that it must be made over.
        signature: The signature.
        certificate: The signer's certificate in DER; None where there is a key.
        entries: Entries of transparency logs, in the form of bundles.
        timestamps: Responses of timestamp authorities in DER.
        need_proof: Whether a log's promise alone does not suffice.
        hint: The bundle's unverified hint at the key, for messages only.
    """

    signed: Signed
    signature: bytes
    certificate: bytes | None = None
    entries: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    timestamps: tuple[bytes, ...] = ()
    need_proof: bool = True
    hint: str = ""
