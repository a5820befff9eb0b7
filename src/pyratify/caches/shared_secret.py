"""The secret that processes which share verdicts have in common, and the keys that are made from it."""

import hashlib
import hmac
from dataclasses import field
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.reason import Reason

_LEAST, _MOST = 32, 4096
_REMEDY = "Make one: openssl rand -hex 32 > FILE; every replica gets the same."


@dataclass(frozen=True, slots=True)
class SharedSecret:
    """Keys for each purpose, none of which says anything about another (HMAC-SHA256, RFC 2104).

    Attributes:
        entries: Signs entries.
        names: Hides what entries are about.
        generations: Names configurations; see `build_engine`.
        identifier: Says which secret signed an entry, and nothing about it.
    """

    entries: bytes = field(repr=False)
    names: bytes = field(repr=False)
    generations: bytes = field(repr=False)
    identifier: bytes

    @classmethod
    def of(cls, data: bytes) -> "SharedSecret":
        """Make the keys from at least 32 random bytes or characters.

        Raises:
            ConfigurationError: `KEY_INVALID`: too short, too long, or obviously not random.
        """
        # 32 bytes: the output of SHA-256, and the least that RFC 2104 3 recommends for a key.
        if not _LEAST <= len(data) <= _MOST or len(set(data)) < 10:
            raise ConfigurationError(
                f"the secret of the shared cache has {len(data)} bytes and must have {_LEAST} to {_MOST} random ones",
                reason=Reason.KEY_INVALID,
                remedy=_REMEDY,
            )
        keys = [_derived(data, name) for name in (b"entries", b"names", b"generations", b"identifier")]
        # 8 bytes: it only tells secrets apart, while one is exchanged for the next.
        return cls(keys[0], keys[1], keys[2], keys[3][:8])

    @classmethod
    def read(cls, path: Path) -> "SharedSecret":
        """Read a file, without the line break at its end.

        Raises:
            ConfigurationError: `KEY_UNAVAILABLE`, or as in `of`.
        """
        try:
            # Two more, for a line break.
            data = read_file(path, _MOST + 2)
        except UnreadableFile as error:
            raise ConfigurationError(
                f"the secret of the shared cache {path} {error}",
                reason=Reason.KEY_UNAVAILABLE,
                remedy=_REMEDY,
            ) from None
        return cls.of(data.removesuffix(b"\n").removesuffix(b"\r"))


def _derived(data: bytes, name: bytes) -> bytes:
    # The purpose is part of the input: a name or an identifier in the cache says nothing of the signing key.
    return hmac.new(data, b"pyratify shared verdicts 1 " + name, hashlib.sha256).digest()
