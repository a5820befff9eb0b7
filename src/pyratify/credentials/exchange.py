"""Credentials that a cloud exchanges for an identity: kept until shortly before they expire, and only for its own hosts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

from pyratify.core.caching import LruCache, SingleFlight
from pyratify.core.clock import Clock
from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import StoreError

EARLY = timedelta(minutes=5)
"""How long before its end a credential is renewed; half of its life where that is shorter."""
_PAUSE = 60.0  # between two exchanges for one registry that refusals cause
_FAILED = (
    2.0  # an identity service that is down is asked once in this time for one registry, whatever the load
)
_REGISTRIES = 256


@dataclass(frozen=True, slots=True)
class _Kept:
    credential: Credential
    renew_at: float


class ExchangedCredentials:
    """Exchanges an identity for a registry's credential, once for all that ask at the same time.

    Args:
        covers: Whether a canonical registry may see the identity's credentials; asked before anything is sent.
        exchange: Makes a credential for a registry, with `expires` where that is known; raises StoreError.
        clock: Measures lifetimes.
        lifetime: What is assumed where the exchange names no end.
    """

    def __init__(
        self,
        covers: Callable[[str], bool],
        exchange: Callable[[str], Awaitable[Credential]],
        clock: Clock,
        lifetime: timedelta = timedelta(hours=1),
    ) -> None:
        self._covers = covers
        self._exchange = exchange
        self._clock = clock
        self._lifetime = lifetime
        self._kept: LruCache[_Kept] = LruCache(_REGISTRIES)
        self._failed: LruCache[tuple[float, StoreError]] = LruCache(_REGISTRIES)
        self._dropped: LruCache[float] = LruCache(_REGISTRIES)
        self._flights: SingleFlight[Credential] = SingleFlight()

    async def credential(self, registry: str) -> Credential:
        """Return the credential for a canonical registry; `ANONYMOUS` where the identity is not for that host.

        Raises:
            StoreError: The exchange failed, and there is no earlier credential that has not expired.
        """
        if not self._covers(registry):
            return ANONYMOUS
        kept = self._kept.get(registry)
        if kept is not None and self._clock.monotonic() < kept.renew_at:
            return kept.credential
        try:
            self._check_failed(registry)
            return await self._flights.run(registry, partial(self._renew, registry))
        except StoreError:
            # The old one is good until its end: an outage of the identity service shorter than that is not noticed.
            if kept is not None and not self._expired(kept.credential):
                return kept.credential
            raise

    def drop(self, registry: str, credential: Credential) -> None:
        """Forget a credential that the registry refused, at most once a minute for one registry."""
        kept = self._kept.get(registry)
        now = self._clock.monotonic()
        last = self._dropped.get(registry)
        # Bounded: a registry that refuses everything must not turn each request into an exchange.
        if kept is None or kept.credential != credential or (last is not None and now - last < _PAUSE):
            return
        self._kept.discard(registry)
        self._dropped.put(registry, now, 1)

    async def _renew(self, registry: str) -> Credential:
        try:
            credential = await self._exchange(registry)
        except StoreError as error:
            self._failed.put(registry, (self._clock.monotonic(), error), 1)
            raise
        self._failed.discard(registry)
        self._kept.put(registry, _Kept(credential, self._renewal(credential)), 1)
        return credential

    def _renewal(self, credential: Credential) -> float:
        left = self._lifetime if credential.expires is None else credential.expires - self._clock.now()
        return self._clock.monotonic() + max(left - EARLY, left / 2).total_seconds()

    def _expired(self, credential: Credential) -> bool:
        return credential.expires is not None and credential.expires <= self._clock.now()

    def _check_failed(self, registry: str) -> None:
        failed = self._failed.get(registry)
        if failed is not None and self._clock.monotonic() - failed[0] < _FAILED:
            error = failed[1]
            # A copy: one exception that is raised twice collects the tracebacks of all who met it.
            raise StoreError(error.reason, error.message, remedy=error.remedy)
