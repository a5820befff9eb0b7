"""A hash of everything that an engine's verdicts depend on: processes whose engines are equal may share verdicts."""

import hashlib
import hmac

_LENGTH = 32  # hexadecimal digits, 128 bits


class Fingerprint:
    """Collects, while an engine is built, everything that its verdicts depend on; keeps only the hash.

    One input that cannot be added (`miss`) makes the fingerprint incomplete: then there is no common generation, and
    verdicts are not shared.

    Attributes:
        untraced: The first input that could not be added, for messages; empty while the fingerprint is complete.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.untraced = ""

    def add(self, name: str, data: bytes) -> None:
        """Add an input; every process must add the same ones in the same order.

        Args:
            name: The kind of input.
            data: All of it, as it is used.
        """
        for part in (name.encode(), data):  # with lengths, so that no two sequences of inputs hash alike
            self._hash.update(len(part).to_bytes(8, "big"))
            self._hash.update(part)

    def miss(self, what: str) -> None:
        """Mark the fingerprint incomplete: an input, as `verifiers/mine`, cannot be added."""
        self.untraced = self.untraced or what

    def generation(self, key: bytes) -> str:
        """Return the generation, an HMAC of the inputs (it reveals nothing without the key); empty while incomplete."""
        if self.untraced:
            return ""
        # Keyed: generations are seen in logs and in the shared cache, and the inputs include secrets.
        return hmac.new(key, self._hash.digest(), hashlib.sha256).hexdigest()[:_LENGTH]
