"""Bearer tokens in a file that may change at any time (RFC 6750)."""

import asyncio
import hmac
import logging
import re
import secrets
from collections.abc import Iterator
from dataclasses import field
from pathlib import Path

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file

_LOG = logging.getLogger("pyratify.service")
# 16 random characters of hex are 64 bits: out of reach for guesses over a network.
MIN_TOKEN = 16
_MAX_TOKEN = 4096
_MAX_BYTES = 256 * 1024
# b64token of RFC 6750, section 2.1.
_TOKEN = re.compile(rb"[A-Za-z0-9._~+/-]+=*")
_REMEDY = "Write one token a line, as `openssl rand -hex 32` makes it; what begins with # is a comment."


@dataclass(slots=True)
class TokenFile:
    """The accepted tokens, of which only keyed hashes are kept.

    Exactly the tokens in the file are accepted. While it cannot be read, the previous ones are, and readiness fails.

    Attributes:
        path: One token a line; blank lines and lines that begin with `#` are skipped.
        fault: What is wrong with the file now; empty when nothing is.

    Raises:
        ConfigurationError: At the beginning the file cannot be read, has no token, or one that cannot be used.
    """

    path: Path
    fault: str = field(init=False, default="")
    _key: bytes = field(init=False, repr=False, default_factory=lambda: secrets.token_bytes(32))
    _hashes: frozenset[bytes] = field(init=False, repr=False, default=frozenset())

    def __post_init__(self) -> None:
        self.reload()
        if self.fault:
            raise ConfigurationError(self.fault, remedy=_REMEDY)

    def admits(self, token: str) -> bool:
        """Return whether the token stands in the file; every wrong token takes the same time."""
        # Hashes under a secret key: how long a comparison takes says nothing about a token.
        digest = self._hash(token.encode("utf-8", "surrogateescape"))
        found = False
        for known in self._hashes:
            # No early end: the time must not depend on which token it is, or whether it is one.
            found |= hmac.compare_digest(known, digest)
        return found

    def reload(self) -> None:
        """Read the file again."""
        try:
            data = read_file(self.path, _MAX_BYTES)
        except UnreadableFile as error:
            self._wrong(f"the token file {self.path} {error}")
            return
        good, bad = self._read(data)
        changed = good != self._hashes
        # Before the fault is looked at: a token that was taken out is refused even if another line is wrong.
        self._hashes = good
        if bad:
            self._wrong(f"the token file {self.path}: {bad}")
            return
        self.fault = ""
        if changed:
            _LOG.info("tokens in use", extra={"tokens": len(good)})

    async def watch(self, clock: Clock, seconds: float = 2.0) -> None:
        """Look at the file again and again, until cancelled."""
        while True:
            await clock.sleep(seconds)
            # Safe without a lock: the set is replaced by one assignment, and never changed.
            await asyncio.to_thread(self.reload)

    def _read(self, data: bytes) -> tuple[frozenset[bytes], str]:
        """Return the tokens' hashes, and what is wrong with lines that are none."""
        good, bad = set(), ""
        for number, line in _lines(data):
            if MIN_TOKEN <= len(line) <= _MAX_TOKEN and _TOKEN.fullmatch(line):
                good.add(self._hash(line))
            else:
                # The number of the line and not its text, which may be most of a secret.
                bad = bad or f"line {number} is no token of {MIN_TOKEN} to {_MAX_TOKEN} characters (RFC 6750)"
        return frozenset(good), bad if good or bad else "it has no token"

    def _hash(self, token: bytes) -> bytes:
        return hmac.digest(self._key, token, "sha256")

    def _wrong(self, fault: str) -> None:
        if fault != self.fault:
            _LOG.error("the token file is wrong", extra={"error": fault})
        self.fault = fault


def _lines(data: bytes) -> Iterator[tuple[int, bytes]]:
    # Not splitlines(), which also splits at bytes that editors do not count as lines.
    for number, line in enumerate(data.split(b"\n"), 1):
        text = line.strip()
        if text and not text.startswith(b"#"):
            yield number, text
