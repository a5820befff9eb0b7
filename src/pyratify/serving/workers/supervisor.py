"""The supervisor: binds the address once, restarts workers that end, and drains them without losing a request."""

import asyncio
import logging
import signal
import socket
from argparse import Namespace
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import field

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.isolation import end
from pyratify.serving.http.server import Address, Reply, Request, Site, listening
from pyratify.serving.http.sockets import bind
from pyratify.serving.telemetry.aggregate import Family, counted, gauge, summed
from pyratify.serving.telemetry.health import Readiness, health_site
from pyratify.serving.workers.worker import Worker, running
from pyratify.terminal import exits

_LOG = logging.getLogger("pyratify.serving.workers")
# Seconds between reports, and every how many of them metrics come along: these are long.
_BEAT = 1.0
_METRICS_EVERY = 5
# A worker that lived long starts again soon; one that ends at its start must not burn the processor.
_FIRST_PAUSE, _LONGEST_PAUSE, _LONG_LIFE = 0.2, 30.0, 60.0


@dataclass(slots=True)
class Supervisor:
    """Several workers as one server.

    Attributes:
        flags: The parsed command line.
        command: The command line of the whole program, for each worker.
        clock: The clock of pauses.
        stop: Set to end the supervisor and its workers.
        started: Called with the address of the workers, and of their health.
        starting: The seconds that a new worker has for its first report; imports take long on a busy machine.
        patience: The seconds that a worker has for every other report, and to end after it closed its connection.
        scraping: The seconds that a worker has to report its metrics to a scrape.
        finishing: The seconds after the drain in which workers may finish the requests under way.
        workers: The running workers, by number.
        restarts: How many workers ended and were started again.
    """

    flags: Namespace
    command: tuple[str, ...]
    clock: Clock = field(default_factory=SystemClock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    started: Callable[[Address, Address], None] | None = None
    starting: float = 60.0
    patience: float = 15.0
    scraping: float = 1.0
    finishing: float = 15.0
    workers: dict[int, Worker] = field(init=False, default_factory=dict)
    restarts: int = field(init=False, default=0)
    _gone: tuple[Family, ...] = ()

    async def run(self) -> None:
        """Supervise until `stop` is set: readiness falls first, then all workers finish the requests under way.

        Raises:
            ConfigurationError: An address cannot be used, or a worker refuses to start.
        """
        address = Address.parse(self.flags.address)
        readiness = Readiness({"workers": self.unready_reason})
        async with AsyncExitStack() as stack:
            # Bound once and inherited: a connection that waits in the queue outlives every single worker.
            sockets = bind(address.host, address.port)
            stack.callback(_close, sockets)
            health = await self._observed(stack, readiness)
            host, port = sockets[0].getsockname()[:2]
            await self._keep_all(sockets, lambda: self._begun(Address(host, port), health), readiness)

    async def _keep_all(
        self, sockets: tuple[socket.socket, ...], begun: Callable[[], None], readiness: Readiness
    ) -> None:
        first = asyncio.Event()
        stopping = asyncio.create_task(self.stop.wait())
        # One worker first: a flag that cannot be used is then reported once, and the program ends.
        keeping = [asyncio.create_task(self._keep(0, sockets, first))]
        try:
            waiting = asyncio.create_task(first.wait())
            await asyncio.wait({waiting, stopping, *keeping}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            if first.is_set():
                rest = range(1, self.flags.workers)
                keeping.extend(asyncio.create_task(self._keep(number, sockets, first)) for number in rest)
                begun()
            done, _ = await asyncio.wait({stopping, *keeping}, return_when=asyncio.FIRST_COMPLETED)
            readiness.draining = True
            # Also where a worker's task has ended by itself: the others must not be left alone.
            self.stop.set()
            await self._drain(sockets, keeping)
            for task in done - {stopping}:
                # Raises what ended it, after the others were drained.
                task.result()
        finally:
            await end(stopping, *keeping)

    async def _drain(self, sockets: tuple[socket.socket, ...], keeping: "list[asyncio.Task[None]]") -> None:
        """Let all workers finish; kill those that do not within the limit."""
        _LOG.info("draining", extra={"workers": len(self.workers)})
        for worker in self.workers.values():
            worker.send(signal.SIGTERM)
        _close(sockets)  # so that the last worker's end is the address's end
        await asyncio.wait(keeping, timeout=self.flags.drain + self.finishing)
        for number, worker in self.workers.items():
            _LOG.error("worker ended by force", extra={"worker": number})
            worker.send(signal.SIGKILL)
        await asyncio.wait(keeping, timeout=self.finishing)

    async def _keep(self, number: int, sockets: tuple[socket.socket, ...], first: asyncio.Event) -> None:
        """Run one worker again and again, after growing pauses, until `stop` is set.

        Raises:
            ConfigurationError: It refuses to start, and no worker has served yet.
        """
        pause = _FIRST_PAUSE
        while not self.stop.is_set():
            began = self.clock.monotonic()
            code = await self._run(number, sockets, first)
            if self.stop.is_set():
                return
            # Later the same code may come from a file that is being replaced, which passes.
            if code == exits.USAGE and not first.is_set():
                raise ConfigurationError("no worker can start", remedy="Its own message says why.")
            self.restarts += 1
            if self.clock.monotonic() - began >= _LONG_LIFE:
                pause = _FIRST_PAUSE
            extra = {"worker": number, "code": code, "pause": pause}
            _LOG.warning("worker ended and is started again", extra=extra)
            await self._sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def _run(self, number: int, sockets: tuple[socket.socket, ...], first: asyncio.Event) -> int:
        """Run one worker until it ends; return its exit code."""
        async with running(self.command, number, sockets) as worker:
            self.workers[number] = worker
            _LOG.info("worker started", extra={"worker": number, "pid": worker.process.pid})
            if self.stop.is_set():
                worker.send(signal.SIGTERM)
            beating = asyncio.create_task(self._beat(number, worker, first))
            try:
                code = await worker.process.wait()
            finally:
                await end(beating)
                del self.workers[number]
        # Counters of a worker that ended stay in the sum: for Prometheus a fall is a restart of all.
        self._gone = summed([self._gone, counted(worker.families.families)])
        return code

    async def _beat(self, number: int, worker: Worker, first: asyncio.Event) -> None:
        """Request a report every second, more often until the worker serves; end a worker that does not report."""
        beat = 0
        while True:
            try:
                async with asyncio.timeout(self.patience if beat else self.starting):
                    await worker.ask(metrics=self.flags.enable_metrics and beat % _METRICS_EVERY == 0)
            except TimeoutError:
                return self._end_silent(number, worker)
            except ConnectionError:
                if beat:  # else the connection is not open yet
                    await self.clock.sleep(self.patience)  # cancelled by `_run` when the process has ended
                    return self._end_silent(number, worker)
            if worker.report.serving:
                first.set()
            beat += 1
            await self.clock.sleep(_BEAT if worker.report.serving else _BEAT / 20)

    def _end_silent(self, number: int, worker: Worker) -> None:
        _LOG.error("worker does not answer", extra={"worker": number})
        worker.send(signal.SIGKILL)

    async def _sleep(self, seconds: float) -> None:
        """Sleep until `stop` is set at the latest."""
        tasks = [asyncio.ensure_future(self.clock.sleep(seconds)), asyncio.ensure_future(self.stop.wait())]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        await end(*tasks)

    def _begun(self, where: Address, health: Address) -> None:
        _LOG.info(
            "supervising",
            extra={"address": f"{where.host}:{where.port}", "workers": self.flags.workers},
        )
        if self.started is not None:
            self.started(where, health)

    def unready_reason(self) -> str:
        """Return why requests should not be sent here, or an empty text; one ready worker is enough."""
        if any(worker.is_ready for worker in self.workers.values()):
            return ""
        faults = [why for worker in self.workers.values() for why in worker.report.faults.values()]
        # The workers read the same configuration, so the first fault stands for all.
        return next(iter(faults), "no worker is running")

    async def _observed(self, stack: AsyncExitStack, readiness: Readiness) -> Address:
        address = Address.parse(self.flags.health_address)
        health = await stack.enter_async_context(listening(health_site(readiness), address))
        if self.flags.enable_metrics:
            site = Site(routes={("GET", "/metrics"): self._measured}, refusals={}, max_body=1024)
            port = Address(address.host, self.flags.metrics_port)
            await stack.enter_async_context(listening(site, port))
        return health

    async def _measured(self, request: Request) -> Reply:
        """Return the sum of the workers' metrics; of a worker that does not answer at once those of its last report."""
        del request
        from pyratify.serving.telemetry.metrics import exposed  # needs an extra

        # All at once: one silent worker costs a scrape its second only once.
        await asyncio.gather(*(_fresh(worker, self.scraping) for worker in self.workers.values()))
        found = [self._gone, *(worker.families.families for worker in self.workers.values())]
        ready = sum(worker.is_ready for worker in self.workers.values())
        own = (
            gauge("ratify_workers_ready", "workers ready", ready),
            gauge("ratify_worker_restarts", "worker restarts", self.restarts),
        )
        return Reply(200, exposed((*summed(found), *own)), "text/plain")


async def _fresh(worker: Worker, seconds: float) -> None:
    """Request a worker's metrics; its last report counts where none arrives in time."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(seconds):
            await worker.ask(metrics=True)


def _close(sockets: tuple[socket.socket, ...]) -> None:
    for one in sockets:
        one.close()
