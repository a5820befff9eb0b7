"""Which of several credentials a reference is read with: the first one that the registry accepts, as kubelet pulls."""

from dataclasses import field

from pyratify.caches.verdicts import Verdicts
from pyratify.core.caching import ExpiringCache
from pyratify.core.clock import Clock
from pyratify.core.credential_scope import CONFIGURED, CredentialScope
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference

Scopes = tuple[CredentialScope, ...]
NO_ACCESS = frozenset(
    {
        Reason.REGISTRY_AUTH,
        Reason.AUTH_SCOPE,
        Reason.AUTH_REALM_BLOCKED,
        Reason.CREDENTIAL_SCOPE,
        Reason.NOT_FOUND,  # what registries say of repositories that a credential may not see
    }
)
"""Answers after which another credential is tried: it may have access where this one has none."""
_SECONDS = 300.0
_MOST = 4096

_Key = tuple[str, str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CredentialChoice:
    """Chooses among credentials, and remembers for minutes which one a repository accepted.

    Attributes:
        verdicts: Resolves references.
        clock: Measures how long a choice is remembered.
    """

    verdicts: Verdicts
    clock: Clock
    # Places in the order of the attempts: a scope would keep its whole Secret in memory for as long.
    _chosen: ExpiringCache[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_chosen", ExpiringCache(self.clock, _MOST))

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
        refusals: list[StoreError] = []
        for place, scope in enumerate(attempts):
            try:
                await self.verdicts.resolve(engine, reference, namespace, scope)
            except StoreError as error:
                if error.reason not in NO_ACCESS:
                    raise
                refusals.append(error)
            else:
                self._chosen.put(key, place, _SECONDS)
                return scope
        raise refusals[0]

    def forget(self, engine: Engine, reference: Reference, namespace: str, scopes: Scopes) -> None:
        """Forget a choice that the registry no longer accepts."""
        self._chosen.put(_key(engine, reference, namespace, scopes), 0, 0)


def _key(engine: Engine, reference: Reference, namespace: str, scopes: Scopes) -> _Key:
    return engine.generation, namespace, reference.name, tuple(scope.identity for scope in scopes)
