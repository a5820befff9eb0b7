"""What an engine depends on, told while it is built, so that equal engines of several processes know that they are equal."""

import hashlib
import hmac

_LENGTH = 32


class Fingerprint:
    """Collects everything that an engine's verdicts depend on; keeps a hash of it and nothing else.

    Whoever cannot tell all of it says so; then there is no common generation, and nothing is shared.

    Attributes:
        untraced: What could not be told, for messages; empty when nothing is missing.
    """

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.untraced = ""

    def add(self, name: str, data: bytes) -> None:
        """Tell something, in the same order in every process.

        Args:
            name: What it is.
            data: All of it, as it is used.
        """
        for part in (name.encode(), data):
            self._hash.update(len(part).to_bytes(8, "big"))
            self._hash.update(part)

    def miss(self, what: str) -> None:
        """Say that something cannot be told, as `verifiers/mine`."""
        self.untraced = self.untraced or what

    def generation(self, key: bytes) -> str:
        """Return the name of what was told, which says nothing to who has no key; empty when something is missing."""
        if self.untraced:
            return ""
        return hmac.new(key, self._hash.digest(), hashlib.sha256).hexdigest()[:_LENGTH]
