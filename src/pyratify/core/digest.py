"""Digests: an algorithm and the value of a hash (OCI image specification, descriptor, "Digests")."""

import hashlib
import hmac
import re
from typing import Self

from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason

# image-descriptor.md "Registered Algorithms" has sha256 and sha512, not sha384.
_LENGTHS = {"sha256": 64, "sha384": 96, "sha512": 128}
_GRAMMAR = re.compile(r"(sha256|sha384|sha512):([0-9a-f]+)", re.ASCII)


class InvalidDigest(RatifyError, ValueError):
    """A text that is not a digest of an accepted algorithm."""


class Digest(str):
    """A digest in its only accepted spelling, `algorithm:hex`.

    Accepted are sha256, sha384 and sha512, in lower-case hexadecimal of exactly the algorithm's length.

    Raises:
        InvalidDigest: `DIGEST_INVALID` for everything else.
    """

    __slots__ = ()

    def __new__(cls, text: str) -> Self:
        """Check the text and return it as a digest."""
        # 135: the longest, sha512. Bounds what the expression sees of a hostile text.
        match = _GRAMMAR.fullmatch(text) if len(text) <= 135 else None
        if match is None or len(match[2]) != _LENGTHS[match[1]]:
            raise InvalidDigest(Reason.DIGEST_INVALID, f"not a digest: {text[:80]!a}")
        return super().__new__(cls, text)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Self:
        """Return the digest of the data.

        Raises:
            InvalidDigest: The algorithm is none of sha256, sha384 and sha512.
        """
        if algorithm not in _LENGTHS:
            raise InvalidDigest(Reason.DIGEST_INVALID, f"not a digest's algorithm: {algorithm[:80]!a}")
        return super().__new__(cls, f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}")

    @property
    def algorithm(self) -> str:
        """The hash algorithm, as `sha256`."""
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        """The value in lower-case hexadecimal."""
        return self.partition(":")[2]

    def matches(self, data: bytes) -> bool:
        """Return whether the data has this digest."""
        return hmac.compare_digest(hashlib.new(self.algorithm, data).hexdigest(), self.hex)
