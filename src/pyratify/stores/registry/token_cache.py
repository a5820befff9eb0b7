"""What is remembered of a registry's way to authenticate: the challenge, the credential, the tokens."""

import math
from collections import OrderedDict
from dataclasses import field
from typing import TypeVar

from pyratify.core.clock import Clock
from pyratify.core.credential import Credential
from pyratify.core.dataclass import dataclass
from pyratify.stores.registry.challenge import Challenge

K = TypeVar("K")
V = TypeVar("V")
_MAX_TOKENS = 1024
_MAX_REGISTRIES = 256
_LEEWAY = 5.0
_EARLY = 300.0  # seconds before its end in which another credential is asked for
LONGEST_LIFETIME = 3600.0


@dataclass(frozen=True, slots=True)
class Known:
    """What a registry is known to ask for, and the credential that goes with it.

    Attributes:
        challenge: The challenge last met.
        credential: The credential last shown.
    """

    challenge: Challenge
    credential: Credential


@dataclass(frozen=True, slots=True)
class TokenKey:
    """What a token is for; a token is never used for anything else.

    Attributes:
        registry: The registry.
        realm: The token server.
        service: The service named in the challenge.
        scope: What the token was asked for.
        credential: The credential that the tokens were issued for.
    """

    registry: str
    realm: str
    service: str
    scope: str
    credential: Credential


@dataclass(frozen=True, slots=True)
class _Maps:
    known: OrderedDict[tuple[str, str], tuple[Known, float]] = field(default_factory=OrderedDict)
    challenges: OrderedDict[str, Challenge] = field(default_factory=OrderedDict)
    tokens: OrderedDict[TokenKey, tuple[str, float]] = field(default_factory=OrderedDict)


class Memory:
    """Remembers challenges and tokens of one store, bounded; belongs to one credential provider alone.

    Args:
        clock: Tells when a token is too old.
        repository: Whose credential it remembers; empty for one of the whole registry.
        maps: What is remembered; nothing yet when omitted.
    """

    def __init__(self, clock: Clock, repository: str = "", maps: "_Maps | None" = None) -> None:
        self._clock = clock
        self._repository = repository
        self._maps = maps or _Maps()
        self._known, self._tokens = self._maps.known, self._maps.tokens

    def of(self, repository: str) -> "Memory":
        """Return the same memory for a repository that may have a credential of its own."""
        return Memory(self._clock, repository, self._maps)

    def challenge(self, registry: str) -> Challenge | None:
        """Return the challenge last met at a registry, whichever of its repositories was read."""
        return self._maps.challenges.get(registry)

    def known(self, registry: str) -> Known | None:
        """Return what is known of a registry; None where the credential is about to expire."""
        known, until = self._known.get((registry, self._repository), (None, math.inf))
        return known if self._clock.monotonic() < until else None

    def learn(self, registry: str, known: Known) -> None:
        """Remember what a registry asks for."""
        _put(self._known, (registry, self._repository), (known, self._until(known.credential)))
        _put(self._maps.challenges, registry, known.challenge)

    def forget(self, registry: str, known: Known | None) -> None:
        """Forget what turned out to be wrong, unless something newer has been learnt meanwhile."""
        if known is not None and self.known(registry) == known:
            self._known.pop((registry, self._repository), None)
            if self._maps.challenges.get(registry) == known.challenge:
                self._maps.challenges.pop(registry, None)

    def _until(self, credential: Credential) -> float:
        if credential.expires is None:
            return math.inf
        left = (credential.expires - self._clock.now()).total_seconds()
        return self._clock.monotonic() + max(left - _EARLY, left / 2)

    def token(self, key: TokenKey) -> str | None:
        """Return a token that is still good."""
        token, expiry = self._tokens.get(key, ("", 0.0))
        return token if token and self._clock.monotonic() < expiry else None

    def keep(self, key: TokenKey, token: str, seconds: float) -> None:
        """Remember a token for its lifetime in seconds."""
        lifetime = min(max(seconds - _LEEWAY, seconds / 2), LONGEST_LIFETIME)
        self._tokens[key] = (token, self._clock.monotonic() + lifetime)
        self._tokens.move_to_end(key)
        if len(self._tokens) > _MAX_TOKENS:
            self._tokens.popitem(last=False)

    def drop(self, key: TokenKey, token: str) -> None:
        """Forget a token that was refused, unless it has been replaced meanwhile."""
        if self._tokens.get(key, ("", 0.0))[0] == token:
            self._tokens.pop(key, None)


def _put(remembered: OrderedDict[K, V], key: K, value: V) -> None:
    remembered[key] = value
    remembered.move_to_end(key)
    if len(remembered) > _MAX_REGISTRIES:
        remembered.popitem(last=False)
