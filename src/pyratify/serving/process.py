"""A serving entry point as a process: open, follow, listen, drain."""

import asyncio
import logging
import os
import signal
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import field
from importlib.metadata import version
from typing import TYPE_CHECKING

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.isolation import end
from pyratify.serving.components import Components, open_components
from pyratify.serving.context_from_flags import name_cluster, open_metrics
from pyratify.serving.entry_point import Server, ServerContext
from pyratify.serving.housekeeping import Housekeeping, keep_small
from pyratify.serving.http.connections import Bounds
from pyratify.serving.http.server import Address, listening
from pyratify.serving.keep_watching import watch_on
from pyratify.serving.open_files import raise_limit
from pyratify.serving.telemetry.health import health_site, metrics_site
from pyratify.serving.telemetry.tracing import close_tracer
from pyratify.serving.unix.listeners import bind_sites, fault_of
from pyratify.serving.workers.control import Inherited, Report, answer, inherit

if TYPE_CHECKING:
    from pyratify.serving.workers.supervisor import Supervisor

_LOG = logging.getLogger("pyratify.serving")
# The longest time in seconds for which a thread that parses a large document keeps the event loop waiting for the interpreter.
_SWITCH_SECONDS = 0.0001


@dataclass(slots=True)
class Process:
    """An entry point as a process.

    Attributes:
        flags: The parsed command line; flags of `add_serving_flags` and the entry point's own.
        make: Makes the entry point's server.
        clock: The clock of all deadlines and lifetimes.
        stop: Set to end the process.
        started: Called with the addresses of the server and of its health.
        inherited: Control connection and sockets of a worker, whose supervisor serves health and metrics.
    """

    flags: Namespace
    make: Callable[[ServerContext], Server]
    clock: Clock = field(default_factory=SystemClock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    started: Callable[[Address, Address], None] | None = None
    inherited: Inherited | None = None

    async def run(self) -> None:
        """Serve until `stop` is set, then finish the requests under way.

        Raises:
            ConfigurationError: A flag, a certificate or an address cannot be used. An invalid configuration is not an error:
                every request is denied, and the process is not ready, until it is valid.
        """
        # Before any socket: a flag that cannot be used ends the program and serves nothing meanwhile.
        components = open_components(self.flags, self.make, self.clock)
        async with AsyncExitStack() as stack:
            self._close_at_end(stack, components)
            # Awaited, so that the first request finds the configuration in use.
            await components.source.refresh()
            self._follow(stack, components)
            # Before it listens: while certificates are waited for, a probe has to get an answer.
            health = await self._report_health(stack, components)
            await components.certificates.arrive(self.stop)
            places = [
                *await self._listen(stack, components),
                *await self._listen_unix(stack, components),
            ]
            # Only now: a probe that succeeds earlier sends clients to a closed port.
            components.readiness.serving = True
            self._announce(places, health, components)
            await self.stop.wait()
            components.readiness.draining = True
            _LOG.info("draining")
            await self.clock.sleep(
                self.flags.drain
            )  # load balancers see it not ready before it stops listening

    def _close_at_end(self, stack: AsyncExitStack, components: Components) -> None:
        """Have the components closed when the stack is: the verdicts first, the traces last."""
        # The stack closes in reverse: what is pushed first can still be used by what is pushed later.
        stack.push_async_callback(close_tracer, components.tracer)
        stack.push_async_callback(components.certificates.aclose)
        stack.push_async_callback(components.source.aclose)
        if components.shared is not None:
            stack.push_async_callback(components.shared.aclose)
        stack.push_async_callback(components.verdicts.aclose)

    def _follow(self, stack: AsyncExitStack, components: Components) -> None:
        """Follow the configuration, the certificates, the entry point's files and the memory until the stack is closed."""
        server = components.server
        sweeps = (components.source.sweep, *server.sweeps)
        keeper = Housekeeping(self.clock, components.watch.activity, sweeps)
        watches = [
            ("configuration", components.source.watch),
            ("memory", keeper.watch),
            *(("certificates", watch) for watch in components.certificates.watches()),
        ]
        if server.watch is not None:
            watches.append(("entry point", server.watch))
        tasks = [asyncio.create_task(watch_on(watch, self.clock, name)) for name, watch in watches]
        stack.push_async_callback(end, *tasks)

    async def _report_health(self, stack: AsyncExitStack, components: Components) -> Address:
        """Serve health and metrics, or report them to the supervisor, until the stack is closed; return the health's address."""
        address = Address.parse(self.flags.health_address)
        readiness, metrics = components.readiness, components.metrics
        # Workers have no such port: one probe or scrape has to see all of them, through the supervisor.
        if self.inherited is None:
            health = await stack.enter_async_context(listening(health_site(readiness), address))
            if metrics is not None:
                port = Address(address.host, self.flags.metrics_port)
                await stack.enter_async_context(listening(metrics_site(metrics.expose), port))
            return health

        def report(with_metrics: bool) -> Report:
            families = metrics.families() if with_metrics and metrics is not None else ()
            return Report(serving=readiness.serving, faults=readiness.faults(), families=families)

        reporting = asyncio.create_task(answer(self.inherited.control, report, self.stop.set))
        stack.push_async_callback(end, reporting)
        return address

    async def _listen(self, stack: AsyncExitStack, components: Components) -> tuple[Address, ...]:
        """Listen at the address until the stack is closed; return it, nothing where the server has none."""
        tls, readiness = components.certificates.tls, components.readiness
        # Left first of all, listening ends before the requests' background work is waited for.
        stack.push_async_callback(components.server.aclose)
        if components.address is None or components.server.site is None:
            return ()
        where = await stack.enter_async_context(
            listening(
                components.server.site,
                components.address,
                tls.context if tls else None,
                outdated=tls.outdated if tls else None,
                observer=components.observer,
                sockets=self.inherited.sockets if self.inherited else (),
                # While draining, a kept connection would bring requests after the end of listening.
                ending=lambda: readiness.draining,
                bounds=Bounds(most=self.flags.max_connections),
                watch=components.watch,
            )
        )
        return (where,)

    async def _listen_unix(self, stack: AsyncExitStack, components: Components) -> list[Address]:
        """Listen at the server's unix sockets until the stack is closed; return their paths."""
        sites, readiness = components.server.sockets, components.readiness
        sockets = bind_sites(sites, stack)
        readiness.checks["sockets"] = lambda: fault_of(sockets.values())
        return [
            await stack.enter_async_context(
                listening(
                    each.site,
                    Address(str(each.path), 0),
                    observer=components.observer,
                    sockets=(sockets[each.path].listener,),
                    ending=lambda: readiness.draining,
                    bounds=Bounds(most=self.flags.max_connections),
                    watch=components.watch,
                    peers=each.peers,
                )
            )
            for each in sites
        ]

    def _announce(self, places: list[Address], health: Address, components: Components) -> None:
        extra = {"address": " ".join(map(str, places)), "tls": components.certificates.tls is not None}
        _LOG.info("serving", extra={**extra, "version": version("pyratify")})
        if self.started is not None:
            self.started(places[0], health)


def run(flags: Namespace, make: Callable[[ServerContext], Server]) -> None:
    """Serve until SIGTERM or an interrupt; arguments and errors as in `Process`."""
    from pyratify.serving.telemetry.logs import set_up, tear_down

    raise_limit()
    # Before any thread: M_ARENA_MAX takes no pool back that was made already.
    keep_small()
    name_cluster(flags, os.environ)
    sys.setswitchinterval(_SWITCH_SECONDS)
    # Before the supervisor: a worker runs the same command line, --workers included.
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

    open_metrics(flags, SystemClock())  # fails here, once, where prometheus_client is not installed
    return Supervisor(flags, (sys.executable, *sys.orig_argv[1:]))  # orig_argv keeps -m and -X


async def _until_signalled(process: "Process | Supervisor") -> None:
    # Kubernetes ends a container with SIGTERM; an interrupt is for terminals.
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, process.stop.set)
    await process.run()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        # Optional: faster, and not to be had on every platform.
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
