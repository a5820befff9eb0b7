"""The configuration of a cluster: every Executor and NamespacedExecutor, followed, and an engine for whoever asks."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from pyratify.config.watch_configuration import Generation
from pyratify.core.addresses import PUBLIC_ONLY, Destinations
from pyratify.core.caching import ContentCache, MemoryCache
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.engine import Engine
from pyratify.core.isolation import describe, end
from pyratify.core.limits import MIB
from pyratify.core.scope import ScopeMap
from pyratify.core.shared_resources import Shared
from pyratify.core.telemetry import Observer
from pyratify.kubernetes.client.api import Api, ApiFault
from pyratify.kubernetes.client.kinds import EXECUTOR, NAMESPACED_EXECUTOR
from pyratify.kubernetes.client.watch_resources import Follower
from pyratify.kubernetes.executors.build_executor import lent_to
from pyratify.kubernetes.executors.reconciler import Bucket, OnInvalid
from pyratify.kubernetes.executors.status import Reporter
from pyratify.kubernetes.executors.tenant import MAX_EXECUTORS

_LOG = logging.getLogger("pyratify.kubernetes")
CLUSTER = ""
NULL_OBSERVER = 600.0
_CACHE_BYTES = 64 * MIB
_LOOK_SECONDS = 5.0
_LATER_SECONDS = 30.0


class Fallback(StrEnum):
    """Who decides for a namespace that has no NamespacedExecutor: the cluster's Executors, or nobody."""

    CLUSTER = "cluster"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is a matter of taste.

    Attributes:
        on_invalid: What becomes of a resource that was valid and is not any more.
        fallback: Who decides for a namespace without a NamespacedExecutor.
        tenant_destinations: Where NamespacedExecutors may lead connections to: public addresses, and what is listed.
    """

    on_invalid: OnInvalid = OnInvalid.KEEP
    fallback: Fallback = Fallback.CLUSTER
    tenant_destinations: Destinations = PUBLIC_ONLY


@dataclass(slots=True)
class ClusterConfig:
    """The generation of the moment of the cluster and of every namespace.

    A namespace with a NamespacedExecutor is decided about by these alone, whether they are valid or not.

    Attributes:
        api: The API server; closed with this.
        clock: Where every part takes its time from.
        rules: What is a matter of taste.
        cache: The content cache of all engines.
        instance: The name of this process, in Events.
        instrument: Changes every engine before it is used, as to measure it.
        observer: Watches what engines do.
        secret: What processes that share verdicts have in common; None when nothing is shared.
    """

    api: Api
    clock: Clock = field(default_factory=SystemClock)
    rules: Rules = field(default_factory=Rules)
    cache: ContentCache | None = field(default_factory=lambda: MemoryCache(_CACHE_BYTES))
    instance: str = "pyratify"
    instrument: Callable[[Engine], Engine] | None = None
    observer: Observer | None = None
    secret: bytes | None = field(default=None, repr=False)
    _buckets: dict[str, Bucket] = field(default_factory=dict)
    _busy: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _again: set[str] = field(default_factory=set)
    _cluster: Follower = field(init=False)
    _tenants: Follower = field(init=False)
    _reporter: Reporter = field(init=False)
    _ready: bool = False
    _closed: bool = False
    _changes: int = 0

    def __post_init__(self) -> None:
        self._cluster = Follower(self.api, EXECUTOR, self._kick, self.clock)
        self._tenants = Follower(self.api, NAMESPACED_EXECUTOR, self._kick, self.clock)
        self._reporter = Reporter(self.api, self.clock, self.instance)

    def acquire(self, namespace: str) -> Generation | None:
        """Return the generation in use for a namespace; None before the first one, and where nobody is to decide.

        Args:
            namespace: The tenant that asks; empty for none.
        """
        if not self._ready:
            return None
        own = bool(namespace) and self._tenants.knows(namespace)
        if own or (namespace and self.rules.fallback is Fallback.DENY):
            bucket = self._buckets.get(namespace)
            return (bucket.current if own and bucket else None) or _nobody()
        cluster = self._buckets.get(CLUSTER)
        return cluster.current if cluster else None

    async def refresh(self) -> bool:
        """Read all resources anew; tell whether something new is in use. What cannot be read changes nothing."""
        before = self._changes
        for follower in (self._cluster, self._tenants):
            try:
                await follower.list()
            except ApiFault as fault:
                follower.lost(fault)
        await self._settled()
        return self._changes > before

    async def watch(self) -> None:
        """Follow the resources until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._cluster.follow())
                group.create_task(self._tenants.follow())
                group.create_task(self._look_again())
        finally:
            self._again.clear()
            await end(*self._busy.values())

    async def aclose(self) -> None:
        """Close every generation, and the connections."""
        self._ready, self._closed = False, True
        await end(*self._busy.values())
        for bucket in self._buckets.values():
            await bucket.aclose()
        await self.api.aclose()

    def unready_reason(self) -> str:
        """Return why no verdicts should be asked for here, or an empty text.

        A resource that is not valid is no trouble of this process: its scopes are denied, and its status says why.
        """
        for follower in (self._cluster, self._tenants):
            if not follower.synced:
                why = follower.fault.message if follower.fault else "they have not been read yet"
                return f"the {follower.kind.plural} are not known: {why}"
            if self.clock.monotonic() - follower.heard > NULL_OBSERVER:
                return f"the API server has not said anything about {follower.kind.plural} for {NULL_OBSERVER:g} seconds"
        return "" if self._ready else "the executors are being built"

    def gauges(self) -> Mapping[str, Callable[[], float]]:
        """Return what is to be measured of it, by the metric's name."""
        return {
            "ratify_executor_scopes": lambda: sum(
                len(each.current.engine.executors) for each in self._buckets.values() if each.current
            ),
            "ratify_executors": lambda: sum(len(each.held) for each in self._buckets.values()),
            "ratify_executors_invalid": self._invalid,
            "ratify_configuration_wrong": lambda: float(bool(self.unready_reason()) or self._invalid() > 0),
        }

    def _invalid(self) -> int:
        held = [held for each in self._buckets.values() for held in each.held.values()]
        return sum(each.trouble is not None for each in held)

    def _kick(self, namespace: str) -> None:
        """Let a bucket be built, now or as soon as it is done with what it is at."""
        if self._closed:
            return
        if namespace in self._busy:
            self._again.add(namespace)
            return
        task = asyncio.create_task(self._reconcile(namespace))
        self._busy[namespace] = task
        task.add_done_callback(lambda _: self._done(namespace))

    def _done(self, namespace: str) -> None:
        self._busy.pop(namespace, None)
        if namespace in self._again:
            self._again.discard(namespace)
            self._kick(namespace)
        elif not self._busy:
            self._note_ready()

    async def _reconcile(self, namespace: str) -> None:
        resources = (self._tenants if namespace else self._cluster).of(namespace)
        bucket = self._buckets.get(namespace)
        if bucket is None:
            only = self.rules.tenant_destinations if namespace else None
            lent = lent_to(namespace, self.clock, Shared(self.cache, self.observer, only), self.api)
            most = MAX_EXECUTORS if namespace else None
            bucket = Bucket(lent, self.clock, self.rules.on_invalid, self.secret, most)
            self._buckets[namespace] = bucket
        try:
            if await bucket.reconcile(resources, self.instrument):
                self._changes += 1
        except Exception as error:  # noqa: BLE001 - one namespace must not end the others; what is in use stays
            _LOG.error("not exchanged", extra={"namespace": namespace, "error": describe(error)})
        await self._report(bucket)
        if not resources:
            self._buckets.pop(namespace, None)

    async def _settled(self) -> None:
        """Wait until everything that is known is built; from then on there are answers."""
        while self._busy:
            await asyncio.wait(set(self._busy.values()))
            await asyncio.sleep(0)
        self._note_ready()

    def _note_ready(self) -> None:
        """Give answers from the moment on at which everything is known and built."""
        self._ready = self._ready or (self._cluster.synced and self._tenants.synced)

    async def _report(self, bucket: Bucket) -> None:
        for held in tuple(bucket.held.values()):
            await self._reporter.report(held.resource, held.trouble, serving=held.part is not None)

    async def _look_again(self) -> None:
        """Build again what is faulty when its time has come, and what a Secret that changed is part of; say what is not yet said."""
        later = self.clock.monotonic() + _LATER_SECONDS
        while True:
            await self.clock.sleep(_LOOK_SECONDS)
            now = self.clock.monotonic()
            for namespace, bucket in tuple(self._buckets.items()):
                due = bucket.due()
                if (due is not None and now >= due) or (now >= later and await self._looked(bucket)):
                    self._kick(namespace)
                elif now >= later and namespace not in self._busy:
                    await self._report(bucket)
            later = now + _LATER_SECONDS if now >= later else later
            self._reporter.forget({uid for each in self._buckets.values() for uid in each.held})
            if not self._busy:
                self._note_ready()

    async def _looked(self, bucket: Bucket) -> bool:
        try:
            return await bucket.look()
        except Exception as error:  # noqa: BLE001 - the others are looked at all the same; what is in use stays
            _LOG.error("Secrets not looked at", extra={"error": describe(error)})
            return False


def _nobody() -> Generation:
    """Return an engine that denies everything with `SCOPE_NO_MATCH`."""
    return Generation(Engine(ScopeMap(())), MappingProxyType({}), AsyncExitStack())
