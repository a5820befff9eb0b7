"""Stores and verifiers that report to an observer what they do, and otherwise behave as before."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine
from pyratify.core.executor import Executor
from pyratify.core.manifest import Manifest
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.core.store import Referrer, Store, closing, with_credentials
from pyratify.core.telemetry import Observer
from pyratify.core.verifier import Details, Evidence, Verifier

if TYPE_CHECKING:
    from pyratify.core.credential_scope import CredentialScope


def instrument_engine(engine: Engine, observer: Observer) -> Engine:
    """Return the engine with every store and verifier instrumented; an executor of several scopes stays one object."""
    changed = {
        id(executor): _instrument_executor(executor, observer) for executor in engine.executors.values()
    }
    pairs = zip(engine.executors, engine.executors.values(), strict=True)
    # By identity: equal executors may have different state, and one that serves two scopes must stay one.
    return replace(engine, executors=ScopeMap((scope, changed[id(executor)]) for scope, executor in pairs))


def _instrument_executor(executor: Executor, observer: Observer) -> Executor:
    verifiers = tuple(InstrumentedVerifier(verifier, observer) for verifier in executor.verifiers)
    return replace(executor, verifiers=verifiers, store=InstrumentedStore(executor.store, observer))


@dataclass(frozen=True, slots=True)
class InstrumentedVerifier:
    """A verifier whose `verify` is a span."""

    verifier: Verifier
    observer: Observer

    @property
    def name(self) -> str:
        """The verifier's name."""
        return self.verifier.name

    @property
    def reads_tag(self) -> bool:
        """Whether the verifier's results depend on the tag."""
        return getattr(self.verifier, "reads_tag", False) is True

    def accepts(self, manifest: Manifest) -> bool:
        """Return what the verifier returns."""
        return self.verifier.accepts(manifest)

    async def verify(self, evidence: Evidence) -> Details:
        """Verify as the verifier does; errors as in `Verifier`."""
        with self.observer.span("verify", verifier=self.name):
            return await self.verifier.verify(evidence)


@dataclass(frozen=True, slots=True)
class InstrumentedStore:
    """A store whose `resolve` and `referrers` are spans."""

    store: Store
    observer: Observer

    async def resolve(self, reference: Reference) -> Descriptor:
        """Resolve as the store does; errors as in `Store`."""
        with self.observer.span("resolve", repository=reference.name):
            return await self.store.resolve(reference)

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Iterate as the store does; errors as in `Store`."""
        with self.observer.span("referrers", steps=True, repository=reference.name) as span:
            count = 0
            try:
                # Within its span, the listing's end too.
                async with closing(self.store.referrers(reference, artifact_type)) as listing:
                    async for referrer in listing:
                        count += 1
                        yield referrer
            finally:
                span.set_attributes(count=count)

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return what the store returns; errors as in `Store`."""
        return await self.store.fetch_manifest(reference, descriptor, limit)

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return what the store returns; errors as in `Store`."""
        return await self.store.fetch_blob(reference, descriptor, limit)

    def with_credentials(self, scope: "CredentialScope") -> Store:
        """Return the store with the credentials of a scope, as instrumented as this one."""
        return InstrumentedStore(with_credentials(self.store, scope), self.observer)
