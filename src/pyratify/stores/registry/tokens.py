"""What is remembered of a registry's way to authenticate: the challenge, the credential, the tokens."""

from collections import OrderedDict
from dataclasses import dataclass

from pyratify.core.clock import Clock
from pyratify.core.credential import Credential
from pyratify.stores.registry.challenge import Challenge

_MAX_TOKENS = 1024
_MAX_REGISTRIES = 256
_LEEWAY = 5.0
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
        credential: Who asked.
    """

    registry: str
    realm: str
    service: str
    scope: str
    credential: Credential


class Memory:
    """Remembers challenges and tokens of one store, bounded; belongs to one credential provider alone.

    Args:
        clock: Tells when a token is too old.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[str, Known] = OrderedDict()
        self._tokens: OrderedDict[TokenKey, tuple[str, float]] = OrderedDict()

    def known(self, registry: str) -> Known | None:
        """Return what is known of a registry."""
        return self._known.get(registry)

    def learn(self, registry: str, known: Known) -> None:
        """Remember what a registry asks for."""
        self._known[registry] = known
        self._known.move_to_end(registry)
        if len(self._known) > _MAX_REGISTRIES:
            self._known.popitem(last=False)

    def forget(self, registry: str, known: Known | None) -> None:
        """Forget what turned out to be wrong, unless something newer has been learnt meanwhile."""
        if self._known.get(registry) == known:
            self._known.pop(registry, None)

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
