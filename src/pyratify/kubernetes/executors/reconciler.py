"""The resources that one engine is made of: the cluster's, or those of one namespace."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from pyratify.config.watch_configuration import Generation
from pyratify.core.clock import Clock
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.instrumented import instrument_engine
from pyratify.core.scope import ScopeMap
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.build_executor import Part, build_part
from pyratify.kubernetes.executors.scope_owners import Claim, Plan, compose
from pyratify.kubernetes.secrets.secret_reader import ClusterResources

_LOG = logging.getLogger("pyratify.kubernetes")
_BUILD_SECONDS = 30.0
_FIRST_RETRY = 15.0
_LONGEST_RETRY = 300.0


class OnInvalid(StrEnum):
    """What becomes of a resource that was valid and is not any more.

    `KEEP`: as it last was, it stays in service; `REMOVE`: what it is for is denied.
    """

    KEEP = "keep"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class Held:
    """What became of one resource.

    Attributes:
        resource: The resource.
        part: What decides for it; None where it must not.
        scopes: What it is for, or was when it last was valid.
        fault: Why its specification of the moment is not valid; None where it is.
        conflict: Why it does not decide about all of its scopes; None where it does.
        retry: The monotonic time at which a faulty one is built again.
        pause: For how many seconds it waits for that.
    """

    resource: Resource
    part: Part | None
    scopes: tuple[str, ...]
    fault: ConfigurationError | None = None
    conflict: ConfigurationError | None = None
    retry: float = 0.0
    pause: float = 0.0

    @property
    def trouble(self) -> ConfigurationError | None:
        """Why its specification of the moment is not in service, as a whole; None where it is."""
        return self.fault or self.conflict


@dataclass(slots=True)
class Bucket:
    """The resources of the cluster or of one namespace, and the engine that is made of them.

    Attributes:
        lent: What plugins are lent.
        clock: Where all times come from.
        on_invalid: What becomes of resources that are not valid any more.
        secret: What processes that share verdicts have in common; None where nothing is shared.
        most: How many resources there may be; None for any number.
        current: The generation in use; None before the first one, and when there are no resources.
        held: By uid, what became of each resource.
    """

    lent: ClusterResources
    clock: Clock
    on_invalid: OnInvalid = OnInvalid.KEEP
    secret: bytes | None = field(default=None, repr=False)
    most: int | None = None
    current: Generation | None = None
    held: dict[str, Held] = field(default_factory=dict)
    _made_of: tuple[object, ...] = ()
    _stale: set[str] = field(default_factory=set)
    _too_many: set[str] = field(default_factory=set)

    async def reconcile(
        self, resources: tuple[Resource, ...], instrument: Callable[[Engine], Engine] | None = None
    ) -> bool:
        """Build what changed and exchange the engine at once; tell whether there is a new one.

        Args:
            resources: All of them, the oldest first.
            instrument: Changes an engine before it is used, as to measure it.
        """
        fresh = {each.resource.uid: each for each in await self._held(resources)}
        plan = compose(tuple(Claim(each.resource, each.part, each.scopes) for each in fresh.values()))
        fresh = {uid: replace(each, conflict=plan.conflicts.get(uid)) for uid, each in fresh.items()}
        try:
            return await self._exchange(plan, fresh, instrument)
        finally:
            await self._let_go(fresh)

    async def _held(self, resources: tuple[Resource, ...]) -> list[Held]:
        """Return what becomes of each resource; of too many, the younger ones are refused until there are fewer."""
        most = self.most if self.most is not None else len(resources)
        self._stale |= self._too_many
        found = await asyncio.gather(*map(self._hold, resources[:most]))
        many = ConfigurationError(
            f"a namespace may have at most {most}, and this one is not among the oldest"
        )
        self._too_many = {each.uid for each in resources[most:]}
        return [*found, *(self._faulty(each, None, many) for each in resources[most:])]

    async def aclose(self) -> None:
        """Close everything, as soon as nobody uses it."""
        old, self.current = self.current, None
        if old is not None:
            await old.retire()
        await self._let_go({})

    def due(self) -> float | None:
        """Return the monotonic time at which something faulty is to be built again, or None."""
        times = [each.retry for each in self.held.values() if each.fault is not None]
        return min(times, default=None)

    async def look(self) -> bool:
        """Look for Secrets that are others now; tell whether something has to be built again."""
        for uid, each in tuple(self.held.items()):
            reader = each.part.secrets if each.part is not None and each.fault is None else None
            if reader is not None and reader.used and await reader.changed():
                self._stale.add(uid)
        return bool(self._stale)

    async def _hold(self, resource: Resource) -> Held:
        """Return what becomes of one resource: as it was when neither it nor the time asks for a new attempt."""
        old = self.held.get(resource.uid)
        same = old is not None and old.resource.generation == resource.generation
        if old is not None and same and not self._is_due(old):
            return replace(old, resource=resource)
        self._stale.discard(resource.uid)
        try:
            async with asyncio.timeout(_BUILD_SECONDS):
                part = await build_part(resource, self.lent, self.secret)
        except ConfigurationError as error:
            return self._faulty(resource, old, error)
        except TimeoutError:
            slow = ConfigurationError(f"it was not built within {_BUILD_SECONDS:g} seconds")
            return self._faulty(resource, old, slow)
        except Exception as error:  # noqa: BLE001 - one bad resource must not end the others; the end is a refusal
            defect = ConfigurationError(f"it could not be built: unexpected {type(error).__name__}")
            return self._faulty(resource, old, defect)
        part.keep()
        return Held(resource, part, part.config.scopes)

    def _is_due(self, old: Held) -> bool:
        if old.resource.uid in self._stale:
            return True
        return old.fault is not None and self.clock.monotonic() >= old.retry

    def _faulty(self, resource: Resource, old: Held | None, fault: ConfigurationError) -> Held:
        """Return a resource that is not valid, with what is left of its last valid state."""
        pause = _FIRST_RETRY
        if old is not None and old.fault is not None and old.resource.generation == resource.generation:
            pause = min(_LONGEST_RETRY, old.pause * 2)
        before = old.scopes if old is not None else ()
        kept = old.part if old is not None and self.on_invalid is OnInvalid.KEEP else None
        scopes = tuple(dict.fromkeys((*resource.claimed(), *before)))
        return Held(resource, kept, scopes, fault, retry=self.clock.monotonic() + pause, pause=pause)

    async def _exchange(
        self, plan: Plan, fresh: dict[str, Held], instrument: Callable[[Engine], Engine] | None
    ) -> bool:
        parts = [each.part for each in fresh.values() if each.part is not None]
        made_of = tuple((each.scope, each.owner, id(each.part)) for each in plan.deciders)
        if made_of == self._made_of and (self.current is not None) is bool(fresh):
            return False
        new = await self._generation(plan, parts, instrument) if fresh else None
        old, self.current, self._made_of = self.current, new, made_of
        if new is not None:
            _LOG.info(
                "configuration in use",
                extra={"generation": new.engine.generation, "scopes": len(plan.deciders)},
            )
        if old is not None:
            await old.retire()
        return True

    async def _generation(
        self, plan: Plan, parts: list[Part], instrument: Callable[[Engine], Engine] | None
    ) -> Generation:
        scopes = ScopeMap((each.scope, each.executor) for each in plan.deciders)
        common = self._common(plan)
        engine = Engine(scopes, generation=common or secrets.token_hex(8), common=bool(common))
        if (observer := self.lent.shared.observer) is not None:
            engine = instrument_engine(engine, observer)
        async with AsyncExitStack() as stack:
            for part in parts:
                part.keep()
                stack.push_async_callback(part.release)
            stack.callback(engine.lifetime.close)
            types = MappingProxyType({name: kind for part in parts for name, kind in part.types()})
            return Generation(engine if instrument is None else instrument(engine), types, stack.pop_all())

    def _common(self, plan: Plan) -> str:
        """Return the generation that every process gives to the same resources; empty where that cannot be told."""
        found = Fingerprint()
        if self.secret is None:
            found.miss("a secret")
        for each in plan.deciders:
            found.add(each.scope, each.part.common.encode() if each.part else b"")
            if each.part is not None and not each.part.common:
                found.miss(each.scope)
        return found.generation(self.secret or b"")

    async def _let_go(self, fresh: dict[str, Held]) -> None:
        """Take over what was found, and release the parts that are no longer held."""
        kept = {id(each.part) for each in fresh.values()}
        dropped = [each.part for each in self.held.values() if each.part is not None]
        self.held = fresh
        for part in dropped:
            if id(part) not in kept:
                await part.release()
