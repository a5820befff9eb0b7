"""Which of several credentials a reference is read with: the first one that the registry accepts, as kubelet pulls."""

from dataclasses import field

from pyratify.caches.verdicts import Verdicts
from pyratify.core.caching import ExpiringCache
from pyratify.core.clock import Clock
from pyratify.core.credential_scope import CONFIGURED, CredentialScope
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.errors import Failure, StoreError
from pyratify.core.limits import MIB
from pyratify.core.reference import Reference
from pyratify.core.weigh import ENTRY, weigh

Scopes = tuple[CredentialScope, ...]
_SECONDS = 300.0
# No longer than a Secret is: access that is granted at the registry has to count soon, and so has an image that is pushed.
_REFUSED_SECONDS = 5.0
_MOST = 4096
_REFUSALS = 2 * MIB

_Key = tuple[str, str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CredentialChoice:
    """Chooses among credentials, and remembers for minutes which one a repository accepted, and for seconds which it refused.

    A scope is remembered by its identity, the version of its Secret included: one that is corrected is tried at once.

    Attributes:
        verdicts: Resolves references.
        clock: Measures how long choices and refusals are remembered.
    """

    verdicts: Verdicts
    clock: Clock
    # Places in the order of the attempts: a scope would keep its whole Secret in memory for as long.
    _chosen: ExpiringCache[int] = field(init=False)
    # By the whole reference: that a tag is not found says nothing about others.
    _refused: ExpiringCache[Failure] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_chosen", ExpiringCache(self.clock, _MOST))
        object.__setattr__(self, "_refused", ExpiringCache(self.clock, _REFUSALS))

    async def choose(
        self, engine: Engine, reference: Reference, namespace: str, scopes: Scopes
    ) -> CredentialScope:
        """Return the first scope that the reference can be read with; after all of them the configuration's own credentials count.

        Args:
            engine: The engine whose executor reads.
            reference: What is read.
            namespace: The tenant that asks.
            scopes: The credentials of the question, in the order in which they are tried.

        Raises:
            StoreError: Why the first one could not read it, where none can; at once for what no other credential can change.
        """
        if not scopes:
            return CONFIGURED
        key, attempts = _key(engine, reference, namespace, scopes), (*scopes, CONFIGURED)
        known = self._chosen.get(key)
        # A generation is what tells configurations apart.
        if known is not None and engine.generation:
            return attempts[known]
        refusals: list[Failure] = []
        for place, scope in enumerate(attempts):
            refusal = await self._refusal(engine, reference, namespace, scope)
            if refusal is None:
                self._chosen.put(key, place, _SECONDS)
                return scope
            refusals.append(refusal)
        first = refusals[0]
        raise StoreError(first.reason, first.message, remedy=first.remedy)

    async def _refusal(
        self, engine: Engine, reference: Reference, namespace: str, scope: CredentialScope
    ) -> Failure | None:
        """Return why a scope has no access, now or a short time ago; None where it has.

        Raises:
            StoreError: What no other credential can change.
        """
        key = engine.generation, namespace, reference, scope.identity
        known = self._refused.get(key) if engine.generation else None
        if known is not None:
            return known
        try:
            await self.verdicts.resolve(engine, reference, namespace, scope)
        except StoreError as error:
            if not error.reason.is_no_access:
                raise
            found = error.failure
            seconds = _REFUSED_SECONDS if engine.generation else 0
            self._refused.put(key, found, seconds, weigh((key, found)) + ENTRY)
            return found
        return None

    def forget(self, engine: Engine, reference: Reference, namespace: str, scopes: Scopes) -> None:
        """Forget a choice that the registry no longer accepts."""
        self._chosen.put(_key(engine, reference, namespace, scopes), 0, 0)


def _key(engine: Engine, reference: Reference, namespace: str, scopes: Scopes) -> _Key:
    return engine.generation, namespace, reference.name, tuple(scope.identity for scope in scopes)
