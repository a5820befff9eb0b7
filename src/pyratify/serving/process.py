"""An entry point that serves, as a process: from flags to its end."""

import asyncio
import logging
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import TYPE_CHECKING

from pyratify.caches.verdicts import Verdicts
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.core.isolation import end
from pyratify.core.telemetry import Observer, combine_observers
from pyratify.serving.choose_source import choose_source
from pyratify.serving.configuration_source import FollowedSource, Source
from pyratify.serving.context_from_flags import check_exposure, name_cluster, verdicts_of, watch_of
from pyratify.serving.housekeeping import Housekeeping, keep_small
from pyratify.serving.http.activity import Watch
from pyratify.serving.http.connections import Bounds
from pyratify.serving.http.server import Address, Site, listening
from pyratify.serving.keep_watching import watch_on
from pyratify.serving.open_files import raise_limit
from pyratify.serving.shared_verdicts import open_shared
from pyratify.serving.telemetry.gauges import measure
from pyratify.serving.telemetry.health import Readiness, health_site, metrics_site
from pyratify.serving.telemetry.tracing import close_tracer, open_tracer
from pyratify.serving.tls.certificate_source import Certificates, open_certificates
from pyratify.serving.workers.control import Inherited, Report, answer, inherit

if TYPE_CHECKING:
    from pyratify.serving.telemetry.metrics import Metrics
    from pyratify.serving.tls.reloading import ReloadingTls
    from pyratify.serving.workers.supervisor import Supervisor

_LOG = logging.getLogger("pyratify.serving")
# For how long a thread that parses a large document may hold the interpreter while the event loop has something to do.
_SWITCH_SECONDS = 0.0005


@dataclass(frozen=True, slots=True)
class ServerContext:
    """What an entry point is made of.

    Attributes:
        flags: What the command line said.
        source: The configuration of the moment.
        verdicts: Remembers verdicts.
        clock: Where all times come from.
        metrics: What is measured; None when nothing is.
    """

    flags: Namespace
    source: Source
    verdicts: Verdicts
    clock: Clock
    metrics: "Metrics | None" = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An entry point, ready to be served.

    Attributes:
        site: What is served.
        aclose: Waits for the end of what it still does, when the last request was answered.
        open_to_all: Whether who has no certificate of the clients' authority may be answered, because nobody learns
            anything or because the site itself asks who it is.
        watch: Follows what the entry point reads beside the configuration, until cancelled; None where there is nothing.
        checks: What readiness asks beside the configuration and the certificates: by name, why not; empty texts are good.
        sweeps: Each forgets what has expired; called every second.
    """

    site: Site
    aclose: Callable[[], Awaitable[None]]
    open_to_all: bool = False
    watch: Callable[[], Coroutine[None, None, None]] | None = None
    checks: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    sweeps: tuple[Callable[[], None], ...] = ()


@dataclass(slots=True)
class Process:
    """An entry point as a process.

    Attributes:
        flags: What the command line said; those of `add_serving_flags` and the entry point's own.
        make: Makes the entry point from its context.
        clock: Where all times come from.
        stop: Set when the process is to end.
        started: Told where the entry point and its health are served.
        inherited: What it has from a supervisor, who then serves its health and metrics.
    """

    flags: Namespace
    make: Callable[[ServerContext], Server]
    clock: Clock = field(default_factory=SystemClock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    started: Callable[[Address, Address], None] | None = None
    inherited: Inherited | None = None

    async def run(self) -> None:
        """Serve until told to stop, then finish what is under way.

        Raises:
            ConfigurationError: A flag, a certificate or an address cannot be used. A configuration that is wrong is not an
                error: nothing is allowed and the process is not ready until it is right.
        """
        address = Address.parse(self.flags.address)
        certificates = open_certificates(self.flags, self.clock)
        tls = certificates.tls
        metrics = _metrics(self.clock) if self.flags.enable_metrics else None
        tracer = open_tracer(self.flags)
        observer = combine_observers(metrics, tracer)
        source, shared = choose_source(self.flags, self.clock), open_shared(self.flags, self.clock)
        watch, verdicts = (
            watch_of(self.flags, self.clock),
            verdicts_of(self.flags, self.clock, shared, observer),
        )
        source.secret = None if shared is None else shared.secret.generations
        source.observer = observer if metrics or tracer else None
        if metrics is not None:
            source.instrument = metrics.measured
            measure(metrics, source, verdicts, shared, certificates)
            metrics.know(version("pyratify"), watch)
        server = self.make(ServerContext(self.flags, source, verdicts, self.clock, metrics))
        check_exposure(address, tls, self.flags.client_ca_flag, open_to_all=server.open_to_all)
        checks = {
            **server.checks,
            "configuration": source.unready_reason,
            "certificates": certificates.unready_reason,
        }
        readiness = Readiness(checks)
        checks["serving"] = lambda: "" if readiness.serving else "requests are not taken yet"
        async with AsyncExitStack() as stack:
            stack.push_async_callback(close_tracer, tracer)
            stack.push_async_callback(certificates.aclose)
            stack.push_async_callback(source.aclose)
            if shared is not None:
                stack.push_async_callback(shared.aclose)
            stack.push_async_callback(verdicts.aclose)
            await source.refresh()
            keeper = Housekeeping(self.clock, watch.activity, server.sweeps)
            self._follow(stack, source, certificates, server, keeper)
            observed = self._observed if self.inherited is None else self._supervised
            health = await observed(stack, readiness, metrics)
            stack.push_async_callback(server.aclose)
            await certificates.arrive(self.stop)
            serving = self._listening(
                server.site, address, tls, observer=observer, ending=lambda: readiness.draining, watch=watch
            )
            where = await stack.enter_async_context(serving)
            readiness.serving = True
            extra = {"address": f"{where.host}:{where.port}", "tls": tls is not None}
            _LOG.info("serving", extra={**extra, "version": version("pyratify")})
            if self.started is not None:
                self.started(where, health)
            await self.stop.wait()
            readiness.draining = True
            _LOG.info("draining")
            await self.clock.sleep(self.flags.drain)

    def _listening(
        self,
        site: Site,
        address: Address,
        tls: "ReloadingTls | None",
        *,
        observer: Observer,
        ending: Callable[[], bool],
        watch: Watch,
    ) -> AbstractAsyncContextManager[Address]:
        context, outdated = (tls.context, tls.outdated) if tls else (None, None)
        return listening(
            site,
            address,
            context,
            outdated=outdated,
            observer=observer,
            sockets=self.inherited.sockets if self.inherited else (),
            ending=ending,
            bounds=Bounds(most=self.flags.max_connections),
            watch=watch,
        )

    async def _observed(
        self, stack: AsyncExitStack, readiness: Readiness, metrics: "Metrics | None"
    ) -> Address:
        """Serve health and metrics until the stack is closed; return where the health is."""
        address = Address.parse(self.flags.health_address)
        health = await stack.enter_async_context(listening(health_site(readiness), address))
        if metrics is not None:
            port = Address(address.host, self.flags.metrics_port)
            await stack.enter_async_context(listening(metrics_site(metrics.expose), port))
        return health

    async def _supervised(
        self, stack: AsyncExitStack, readiness: Readiness, metrics: "Metrics | None"
    ) -> Address:
        """Tell a supervisor of health and metrics until the stack is closed; without one there is nothing to serve for."""
        if self.inherited is not None:

            def report(wanted: bool) -> Report:
                families = metrics.families() if wanted and metrics is not None else ()
                return Report(serving=readiness.serving, faults=readiness.faults(), families=families)

            telling = asyncio.create_task(answer(self.inherited.control, report, self.stop.set))
            stack.push_async_callback(end, telling)
        return Address.parse(self.flags.health_address)

    def _follow(
        self,
        stack: AsyncExitStack,
        source: FollowedSource,
        certificates: Certificates,
        server: Server,
        keeper: Housekeeping,
    ) -> None:
        """Follow the configuration, the certificates, what the entry point reads and the memory until the stack is closed."""
        watches = [
            ("configuration", source.watch),
            ("memory", keeper.watch),
            *(("certificates", one) for one in certificates.watches()),
        ]
        if server.watch is not None:
            watches.append(("entry point", server.watch))
        tasks = [asyncio.create_task(watch_on(watch, self.clock, name)) for name, watch in watches]
        stack.push_async_callback(end, *tasks)


def run(flags: Namespace, make: Callable[[ServerContext], Server]) -> None:
    """Serve until SIGTERM or an interrupt; arguments and errors as in `Process`."""
    from pyratify.serving.telemetry.logs import set_up, tear_down

    raise_limit()
    keep_small()
    name_cluster(flags, os.environ)
    sys.setswitchinterval(_SWITCH_SECONDS)
    inherited = inherit()
    handler = set_up(flags.log_level, worker=None if inherited is None else inherited.number)
    try:
        process = _supervisor(flags) if inherited is None and flags.workers > 1 else None
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_until_signalled(process or Process(flags, make, inherited=inherited)))
    finally:
        tear_down(handler)


def _supervisor(flags: Namespace) -> "Supervisor":
    from pyratify.serving.workers.supervisor import Supervisor

    if flags.enable_metrics:
        _metrics(SystemClock())
    return Supervisor(flags, (sys.executable, *sys.orig_argv[1:]))


async def _until_signalled(process: "Process | Supervisor") -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, process.stop.set)
    await process.run()


def _metrics(clock: Clock) -> "Metrics":
    try:
        from pyratify.serving.telemetry.metrics import Metrics
    except ImportError:
        raise ConfigurationError(
            "metrics need prometheus_client", remedy="Install it: pip install 'pyratify[metrics]'."
        ) from None
    return Metrics(clock)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
