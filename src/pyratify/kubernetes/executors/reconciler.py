"""Reconcile the resources of the cluster, or of one namespace, into one engine."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import field, replace
from enum import StrEnum
from functools import partial
from types import MappingProxyType

from pyratify.config.watch_configuration import Generation
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.instrumented import instrument_engine
from pyratify.core.isolation import gather
from pyratify.core.key_source import any_changed, oldest
from pyratify.core.scope import ScopeMap
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.build_executor import BuiltExecutor, build_executor
from pyratify.kubernetes.executors.scope_owners import ScopeClaim, ScopePlan, assign_scopes
from pyratify.kubernetes.secrets.secret_reader import ClusterResources

_LOG = logging.getLogger("pyratify.kubernetes")
_BUILD_SECONDS = 30.0
_FIRST_RETRY = 15.0  # the cause may pass by itself, as a Secret that is created later
_LONGEST_RETRY = 300.0
_AT_ONCE = 16  # executors that are built or checked: each may hold connections and documents

Instrument = Callable[[Engine], Engine]


class OnInvalid(StrEnum):
    """What an update that is not valid does to a resource.

    `KEEP`: its last valid specification stays in service; `REMOVE`: its scopes are denied.
    """

    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class ResourceState:
    """The outcome of building one resource.

    Attributes:
        resource: The resource.
        built: The executor in service for it; None where its scopes are denied.
        scopes: Scopes of its current specification, and of the last valid one.
        fault: Why its current specification is not valid; None where it is.
        conflict: Why some of its scopes belong to another resource; None where none do.
        retry: The monotonic time at which an invalid resource is built again.
        pause: Seconds between the last attempt and `retry`; doubled by every failure.
    """

    resource: Resource
    built: BuiltExecutor | None
    scopes: tuple[str, ...]
    fault: ConfigurationError | None = None
    conflict: ConfigurationError | None = None
    retry: float = 0.0
    pause: float = 0.0

    @property
    def unready_reason(self) -> ConfigurationError | None:
        """Why its current specification is not wholly in service; None where it is."""
        return self.fault or self.conflict


@dataclass(slots=True)
class Reconciler:
    """The resources of the cluster or of one namespace, and the engine that is built from them.

    Attributes:
        plugin_resources: Services for plugins while they are built.
        clock: Paces retries.
        on_invalid: What an update that is not valid does to a resource.
        secret: Secret of the processes that share verdicts; None where none are shared.
        max_resources: How many resources there may be; None for any number.
        current: The generation in use; None before the first one, and when there are no resources.
        states: The outcome for each resource, by uid.
    """

    plugin_resources: ClusterResources
    clock: Clock
    on_invalid: OnInvalid = OnInvalid.KEEP
    secret: bytes | None = field(default=None, repr=False)
    max_resources: int | None = None
    current: Generation | None = None
    states: dict[str, ResourceState] = field(default_factory=dict)
    _made_of: tuple[object, ...] = ()
    _stale: set[str] = field(default_factory=set)
    _too_many: set[str] = field(default_factory=set)

    async def reconcile(self, resources: tuple[Resource, ...], instrument: Instrument | None = None) -> bool:
        """Build what changed and exchange the engine in one step; return whether there is a new one.

        Args:
            resources: All of them, the oldest first.
            instrument: Wraps the engine before it is used, as to measure it.
        """
        fresh = {each.resource.uid: each for each in await self._build_all(resources)}
        plan = assign_scopes(
            tuple(ScopeClaim(each.resource, each.built, each.scopes) for each in fresh.values())
        )
        fresh = {uid: replace(each, conflict=plan.conflicts.get(uid)) for uid, each in fresh.items()}
        try:
            return await self._exchange(plan, fresh, instrument)
        finally:
            # After the exchange: the old generation serves until then. After a failure too, or they leak.
            await self._adopt(fresh)

    async def _build_all(self, resources: tuple[Resource, ...]) -> list[ResourceState]:
        """Build each resource; beyond the maximum, refuse the younger ones until there are fewer."""
        most = self.max_resources if self.max_resources is not None else len(resources)
        # One that was refused for the number alone has an unchanged generation: build it as soon as it fits.
        self._stale |= self._too_many
        # The oldest are kept, so that a new resource displaces none that is in service.
        found = await gather([partial(self._build, each) for each in resources[:most]], _AT_ONCE)
        many = ConfigurationError(
            f"a namespace may have at most {most} executors, and this one is not among the oldest",
            remedy="Delete one of them, or write several scopes into one resource.",
        )
        self._too_many = {each.uid for each in resources[most:]}
        return [*found, *(self._invalid(each, None, many) for each in resources[most:])]

    async def aclose(self) -> None:
        """Close every executor as soon as its last request has ended."""
        old, self.current = self.current, None
        try:
            if old is not None:
                await old.retire()
        finally:
            await self._adopt({})

    def next_retry(self) -> float | None:
        """Return the monotonic time at which an invalid resource is to be built again, or None."""
        times = [each.retry for each in self.states.values() if each.fault is not None]
        return min(times, default=None)

    async def check_sources(self) -> bool:
        """Mark resources whose Secrets or keys changed as stale; return whether any has to be built again."""
        checked = {
            uid: each.built
            for uid, each in self.states.items()
            if each.built is not None and each.fault is None
        }
        # Side by side: a service that does not answer must not delay the news of the others.
        changed = await gather([partial(_changed, each) for each in checked.values()], _AT_ONCE)
        self._stale.update(uid for uid, has in zip(checked, changed, strict=True) if has)
        return bool(self._stale)

    def keys_age(self) -> float:
        """Return the seconds since the source of keys that was not read for the longest time was read."""
        return max(
            (oldest(each.built.key_sources) for each in self.states.values() if each.built), default=0.0
        )

    async def _build(self, resource: Resource) -> ResourceState:
        """Build one resource, or return its last state where neither its generation nor a retry asks for more."""
        old = self.states.get(resource.uid)
        # The generation, because writing the status changes the version and not the generation.
        same = old is not None and old.resource.generation == resource.generation
        if old is not None and same and not self._needs_build(old):
            return replace(old, resource=resource)
        self._stale.discard(resource.uid)
        try:
            async with asyncio.timeout(_BUILD_SECONDS):
                built = await build_executor(resource, self.plugin_resources, self.secret)
        except ConfigurationError as error:
            return self._invalid(resource, old, error)
        except TimeoutError:
            slow = ConfigurationError(f"it was not built within {_BUILD_SECONDS:g} seconds")
            return self._invalid(resource, old, slow)
        except Exception as error:  # noqa: BLE001 - one bad resource must not end the others; it is refused
            # Not its text, which may quote what a reader of the status must not see.
            defect = ConfigurationError(f"it could not be built: unexpected {type(error).__name__}")
            return self._invalid(resource, old, defect)
        built.acquire()
        return ResourceState(resource, built, built.config.scopes)

    def _needs_build(self, old: ResourceState) -> bool:
        if old.resource.uid in self._stale:
            return True
        return old.fault is not None and self.clock.monotonic() >= old.retry

    def _invalid(
        self, resource: Resource, old: ResourceState | None, fault: ConfigurationError
    ) -> ResourceState:
        """Return the state of a resource that is not valid, with its last valid executor where that is kept."""
        pause = _FIRST_RETRY
        if old is not None and old.fault is not None and old.resource.generation == resource.generation:
            pause = min(_LONGEST_RETRY, old.pause * 2)
        before = old.scopes if old is not None else ()
        kept = old.built if old is not None and self.on_invalid is OnInvalid.KEEP else None
        # Scopes of both specifications stay claimed: neither may fall to a wider executor with a weaker policy.
        scopes = tuple(dict.fromkeys((*resource.claimed(), *before)))
        return ResourceState(resource, kept, scopes, fault, retry=self.clock.monotonic() + pause, pause=pause)

    async def _exchange(
        self, plan: ScopePlan, fresh: dict[str, ResourceState], instrument: Instrument | None
    ) -> bool:
        executors = [each.built for each in fresh.values() if each.built is not None]
        # By identity: rebuilt for a changed Secret, an executor of the same specification is another one.
        made_of = tuple((each.scope, each.owner, id(each.built)) for each in plan.owners)
        if made_of == self._made_of and (self.current is not None) is bool(fresh):
            return False
        new = await self._generation(plan, executors, instrument) if fresh else None
        old, self.current, self._made_of = self.current, new, made_of
        if new is not None:
            _LOG.info(
                "configuration in use",
                extra={"generation": new.engine.generation, "scopes": len(plan.owners)},
            )
        if old is not None:
            await old.retire()
        return True

    async def _generation(
        self, plan: ScopePlan, executors: list[BuiltExecutor], instrument: Instrument | None
    ) -> Generation:
        scopes = ScopeMap((each.scope, each.executor) for each in plan.owners)
        common = self._common(plan)
        # Without a common one, a random one: no other process may take over its verdicts.
        engine = Engine(scopes, generation=common or secrets.token_hex(8), common=bool(common))
        if (observer := self.plugin_resources.shared.observer) is not None:
            engine = instrument_engine(engine, observer)
        async with AsyncExitStack() as stack:
            for each in executors:
                # Held by the generation, because requests under way outlive the exchange.
                each.acquire()
                stack.push_async_callback(each.release)
            stack.callback(engine.lifetime.close)  # last in, first out: before its executors
            types = MappingProxyType({name: kind for each in executors for name, kind in each.types()})
            engine = engine if instrument is None else instrument(engine)
            return Generation(engine, types, stack.pop_all())

    def _common(self, plan: ScopePlan) -> str:
        """Return the generation that every process computes for the same resources; empty where one cannot."""
        found = Fingerprint()
        if self.secret is None:
            found.miss("a secret")
        for each in plan.owners:
            found.add(each.scope, each.built.common.encode() if each.built else b"")
            if each.built is not None and not each.built.common:
                found.miss(each.scope)
        return found.generation(self.secret or b"")

    async def _adopt(self, fresh: dict[str, ResourceState]) -> None:
        """Replace the states, and release executors that the new ones no longer hold."""
        kept = {id(each.built) for each in fresh.values()}
        dropped = [each.built for each in self.states.values() if each.built is not None]
        self.states = fresh
        for each in dropped:
            if id(each) not in kept:
                await each.release()


async def _changed(built: BuiltExecutor) -> bool:
    reader = built.secrets
    if reader is not None and reader.used and await reader.changed():
        return True
    return await any_changed(built.key_sources)
