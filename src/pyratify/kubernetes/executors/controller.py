"""Watch every Executor and NamespacedExecutor of a cluster, and keep one engine for the cluster and one for each namespace."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType

from pyratify.config.watch_configuration import Generation
from pyratify.core.addresses import PUBLIC_ONLY, Destinations
from pyratify.core.caching import ContentCache, MemoryCache
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.isolation import describe, end
from pyratify.core.limits import MIB
from pyratify.core.scope import ScopeMap
from pyratify.core.shared_resources import Shared
from pyratify.core.telemetry import Observer
from pyratify.kubernetes.client.api import Api, ApiFault
from pyratify.kubernetes.client.kinds import EXECUTOR, NAMESPACED_EXECUTOR
from pyratify.kubernetes.client.watch_resources import Informer
from pyratify.kubernetes.executors.build_executor import plugin_resources_for
from pyratify.kubernetes.executors.reconciler import Instrument, OnInvalid, Reconciler
from pyratify.kubernetes.executors.status import StatusReporter
from pyratify.kubernetes.executors.tenant import MAX_EXECUTORS

_LOG = logging.getLogger("pyratify.kubernetes")
CLUSTER = ""
MAX_SILENCE_SECONDS = 600.0  # twice `WATCH_SECONDS`, after which a live server ends a watch
_CACHE_BYTES = 64 * MIB
_CHECK_SECONDS = 5.0
_SECRETS_SECONDS = 30.0


class NamespaceFallback(StrEnum):
    """What applies to a namespace without a NamespacedExecutor: the cluster's Executors, or a denial."""

    CLUSTER = "cluster"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControllerOptions:
    """Options of the controller.

    Attributes:
        on_invalid: What an update that is not valid does to a resource.
        fallback: What applies to a namespace without a NamespacedExecutor.
        tenant_destinations: Destinations that plugins of NamespacedExecutors may connect to.
    """

    on_invalid: OnInvalid = OnInvalid.KEEP
    fallback: NamespaceFallback = NamespaceFallback.CLUSTER
    tenant_destinations: Destinations = PUBLIC_ONLY


@dataclass(slots=True)
class ClusterConfig:
    """The generations in use: one of the cluster, and one of every namespace.

    For a namespace with a NamespacedExecutor these alone decide, whether they are valid or not.

    Attributes:
        api: The API server; closed with this.
        clock: Paces checks and retries, and is passed to the plugins.
        options: The controller's options.
        cache: The content cache of all engines.
        instance: The name of this process, in Events.
        instrument: Wraps every engine before it is used, as to measure it.
        observer: Notified of what engines do.
        secret: Secret of the processes that share verdicts; None when none are shared.
    """

    api: Api
    clock: Clock = field(default_factory=SystemClock)
    options: ControllerOptions = field(default_factory=ControllerOptions)
    cache: ContentCache | None = field(default_factory=lambda: MemoryCache(_CACHE_BYTES))
    instance: str = "pyratify"
    instrument: Instrument | None = None
    observer: Observer | None = None
    secret: bytes | None = field(default=None, repr=False)
    _reconcilers: dict[str, Reconciler] = field(default_factory=dict)
    _running: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _pending: set[str] = field(default_factory=set)
    _cluster: Informer = field(init=False)
    _tenants: Informer = field(init=False)
    _reporter: StatusReporter = field(init=False)
    _ready: bool = False
    _closed: bool = False
    _changes: int = 0

    def __post_init__(self) -> None:
        self._cluster = Informer(self.api, EXECUTOR, self._schedule, self.clock)
        self._tenants = Informer(self.api, NAMESPACED_EXECUTOR, self._schedule, self.clock)
        self._reporter = StatusReporter(self.api, self.clock, self.instance)

    def acquire(self, namespace: str) -> Generation | None:
        """Return the generation in use for a namespace; None before the first one, and without any Executor.

        Args:
            namespace: The tenant; empty for the cluster.
        """
        if not self._ready:
            return None
        # From the informer: a NamespacedExecutor displaces the cluster's even before it is built.
        own = bool(namespace) and self._tenants.has_namespace(namespace)
        if own or (namespace and self.options.fallback is NamespaceFallback.DENY):
            reconciler = self._reconcilers.get(namespace)
            return (reconciler.current if own and reconciler else None) or _deny_all()
        cluster = self._reconcilers.get(CLUSTER)
        return cluster.current if cluster else None

    def sweep(self) -> None:
        """Forget what the engines in use remember of credentials that are no longer used."""
        for reconciler in self._reconcilers.values():
            if reconciler.current is not None:
                reconciler.current.engine.sweep()

    async def refresh(self) -> bool:
        """List all resources again; return whether a new generation is in use. A failed list changes nothing."""
        before = self._changes
        for informer in (self._cluster, self._tenants):
            try:
                await informer.list()
            except ApiFault as fault:
                informer.note_fault(fault)
        await self._settled()
        return self._changes > before

    async def watch(self) -> None:
        """Watch the resources until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._cluster.run())
                group.create_task(self._tenants.run())
                group.create_task(self._recheck())
        finally:
            self._pending.clear()  # or the callbacks of ended tasks would start the next ones
            await end(*self._running.values())

    async def aclose(self) -> None:
        """Close every generation, and the connections."""
        self._ready, self._closed = False, True  # closed first: callbacks of ended tasks must start none
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self.api.aclose)  # last in, first out; and whatever fails before
            for reconciler in self._reconcilers.values():
                stack.push_async_callback(reconciler.aclose)
            await end(*self._running.values())

    def unready_reason(self) -> str:
        """Return why this process is not ready for requests, or an empty text.

        A resource that is not valid does not count: its scopes are denied, and its status has the reason.
        """
        for informer in (self._cluster, self._tenants):
            if not informer.synced:
                why = informer.fault.message if informer.fault else "they have not been read yet"
                return f"the {informer.kind.plural} are not known: {why}"
            if self.clock.monotonic() - informer.heard > MAX_SILENCE_SECONDS:
                return f"the API server has not said anything about {informer.kind.plural} for {MAX_SILENCE_SECONDS:g} seconds"
        return "" if self._ready else "the executors are being built"

    def gauges(self) -> Mapping[str, Callable[[], float]]:
        """Return gauges by the names of their metrics."""
        return {
            "ratify_executor_scopes": lambda: sum(
                len(each.current.engine.executors) for each in self._reconcilers.values() if each.current
            ),
            "ratify_executors": lambda: sum(len(each.states) for each in self._reconcilers.values()),
            "ratify_executors_invalid": self._invalid,
            "ratify_keys_age_seconds": lambda: max(
                (each.keys_age() for each in self._reconcilers.values()), default=0.0
            ),
            "ratify_configuration_wrong": lambda: float(bool(self.unready_reason()) or self._invalid() > 0),
        }

    def _invalid(self) -> int:
        states = [state for each in self._reconcilers.values() for state in each.states.values()]
        return sum(state.unready_reason is not None for state in states)

    def _schedule(self, namespace: str) -> None:
        """Reconcile a namespace now, or once more as soon as the run under way has ended."""
        if self._closed:
            return
        if namespace in self._running:
            self._pending.add(namespace)
            return
        task = asyncio.create_task(self._reconcile(namespace))
        self._running[namespace] = task
        task.add_done_callback(lambda _: self._done(namespace))

    def _done(self, namespace: str) -> None:
        self._running.pop(namespace, None)
        if namespace in self._pending:
            self._pending.discard(namespace)
            self._schedule(namespace)
        elif not self._running:
            self._note_ready()

    async def _reconcile(self, namespace: str) -> None:
        resources = (self._tenants if namespace else self._cluster).of(namespace)
        reconciler = self._reconcilers.get(namespace)
        if reconciler is None:
            reconciler = self._new_reconciler(namespace)
            self._reconcilers[namespace] = reconciler
        try:
            if await reconciler.reconcile(resources, self.instrument):
                self._changes += 1
        except Exception as error:  # noqa: BLE001 - one namespace must not end the others; its last generation stays in use
            _LOG.error("not exchanged", extra={"namespace": namespace, "error": describe(error)})
        await self._report(reconciler)
        if not resources:
            self._reconcilers.pop(namespace, None)

    def _new_reconciler(self, namespace: str) -> Reconciler:
        # A tenant's plugins run in a process that reaches more of the network than the tenant may.
        only = self.options.tenant_destinations if namespace else None
        shared = Shared(self.cache, self.observer, only)
        services = plugin_resources_for(namespace, self.clock, shared, self.api)
        most = MAX_EXECUTORS if namespace else None
        return Reconciler(services, self.clock, self.options.on_invalid, self.secret, most)

    async def _settled(self) -> None:
        """Wait until every known resource is built, then note that this is ready."""
        while self._running:
            await asyncio.wait(set(self._running.values()))
            await asyncio.sleep(0)  # lets the callbacks run, which may start further tasks
        self._note_ready()

    def _note_ready(self) -> None:
        """Become ready once both kinds were listed and built: before that a resource that denies might be missing."""
        self._ready = self._ready or (self._cluster.synced and self._tenants.synced)

    async def _report(self, reconciler: Reconciler) -> None:
        for state in tuple(reconciler.states.values()):
            serving = state.built is not None
            await self._reporter.report(state.resource, state.unready_reason, serving=serving)

    async def _recheck(self) -> None:
        """Periodically rebuild resources that are due for a retry or whose Secrets or keys changed, and write missing statuses."""
        next_check = self.clock.monotonic() + _SECRETS_SECONDS
        while True:
            await self.clock.sleep(_CHECK_SECONDS)
            now = self.clock.monotonic()
            for namespace, reconciler in tuple(self._reconcilers.items()):  # a copy: it changes meanwhile
                due = reconciler.next_retry()
                if (due is not None and now >= due) or (
                    now >= next_check and await self._sources_changed(reconciler)
                ):
                    self._schedule(namespace)
                elif now >= next_check and namespace not in self._running:
                    await self._report(reconciler)
            next_check = now + _SECRETS_SECONDS if now >= next_check else next_check
            self._reporter.forget({uid for each in self._reconcilers.values() for uid in each.states})
            if not self._running:
                self._note_ready()

    async def _sources_changed(self, reconciler: Reconciler) -> bool:
        try:
            return await reconciler.check_sources()  # polled, because that needs `get` alone, not `watch`
        except Exception as error:  # noqa: BLE001 - the other namespaces are checked all the same
            _LOG.error("Secrets and keys not checked", extra={"error": describe(error)})
            return False


def _deny_all() -> Generation:
    """Return an engine that denies everything with `SCOPE_NO_MATCH`."""
    return Generation(Engine(ScopeMap(())), MappingProxyType({}), AsyncExitStack())
