"""The supervisor: binds the address once, keeps its workers alive, and ends them without losing a request."""

import asyncio
import logging
import signal
import socket
from argparse import Namespace
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.core.isolation import end
from pyratify.serving.http.server import Address, Reply, Request, Site, listening
from pyratify.serving.http.sockets import bind
from pyratify.serving.telemetry.aggregate import Family, counted, gauge, summed
from pyratify.serving.telemetry.health import Readiness, health_site
from pyratify.serving.workers.worker import Worker, running
from pyratify.terminal import exits

_LOG = logging.getLogger("pyratify.serving.workers")
_BEAT = 1.0
_METRICS_EVERY = 5
_FIRST_PAUSE, _LONGEST_PAUSE, _LONG_LIFE = 0.2, 30.0, 60.0


@dataclass(slots=True)
class Supervisor:
    """Several workers as one server.

    Attributes:
        flags: What the command line said.
        command: The command line of the whole program, for each worker.
        clock: Where all times come from.
        stop: Set when everything is to end.
        started: Told where is served, and where their health is.
        patience: For how many seconds a worker may not answer before it is ended.
        finishing: For how many seconds after the drain workers may finish what is under way.
    """

    flags: Namespace
    command: tuple[str, ...]
    clock: Clock = field(default_factory=SystemClock)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    started: Callable[[Address, Address], None] | None = None
    patience: float = 15.0
    finishing: float = 15.0
    _workers: dict[int, Worker] = field(default_factory=dict)
    _gone: tuple[Family, ...] = ()
    _restarts: int = 0

    async def run(self) -> None:
        """Serve until told to stop: readiness falls first, then all workers finish what is under way.

        Raises:
            ConfigurationError: An address cannot be used, or a worker refuses to start.
        """
        address = Address.parse(self.flags.address)
        readiness = Readiness({"workers": self._trouble})
        async with AsyncExitStack() as stack:
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
            self.stop.set()
            await self._drain(sockets, keeping)
            for task in done - {stopping}:
                task.result()
        finally:
            await end(stopping, *keeping)

    async def _drain(self, sockets: tuple[socket.socket, ...], keeping: "list[asyncio.Task[None]]") -> None:
        """Let all workers finish; end those that do not within the limit."""
        _LOG.info("draining", extra={"workers": len(self._workers)})
        for worker in self._workers.values():
            worker.send(signal.SIGTERM)
        _close(sockets)  # so that the last worker's end is the address's end
        await asyncio.wait(keeping, timeout=self.flags.drain + self.finishing)
        for number, worker in self._workers.items():
            _LOG.error("worker ended by force", extra={"worker": number})
            worker.send(signal.SIGKILL)
        await asyncio.wait(keeping, timeout=self.finishing)

    async def _keep(self, number: int, sockets: tuple[socket.socket, ...], first: asyncio.Event) -> None:
        """Run one worker again and again, after longer and longer pauses, until everything ends.

        Raises:
            ConfigurationError: It refuses to start, and none has served yet.
        """
        pause = _FIRST_PAUSE
        while not self.stop.is_set():
            began = self.clock.monotonic()
            code = await self._run(number, sockets, first)
            if self.stop.is_set():
                return
            if code == exits.USAGE and not first.is_set():
                raise ConfigurationError("no worker can start", remedy="Its own message says why.")
            self._restarts += 1
            if self.clock.monotonic() - began >= _LONG_LIFE:
                pause = _FIRST_PAUSE
            extra = {"worker": number, "code": code, "pause": pause}
            _LOG.warning("worker ended and is started again", extra=extra)
            await self._sleep(pause)
            pause = min(_LONGEST_PAUSE, pause * 2)

    async def _run(self, number: int, sockets: tuple[socket.socket, ...], first: asyncio.Event) -> int:
        """Run one worker until it ends; return its exit code."""
        async with running(self.command, number, sockets) as worker:
            self._workers[number] = worker
            _LOG.info("worker started", extra={"worker": number, "pid": worker.process.pid})
            if self.stop.is_set():
                worker.send(signal.SIGTERM)
            beating = asyncio.create_task(self._beat(number, worker, first))
            try:
                code = await worker.process.wait()
            finally:
                await end(beating)
                del self._workers[number]
        self._gone = summed([self._gone, counted(worker.families.families)])
        return code

    async def _beat(self, number: int, worker: Worker, first: asyncio.Event) -> None:
        """Ask a worker how it is every second; end one that does not answer."""
        beat = 0
        while True:
            try:
                async with asyncio.timeout(self.patience):
                    await worker.ask(metrics=self.flags.enable_metrics and beat % _METRICS_EVERY == 0)
            except TimeoutError:
                return self._silence(number, worker)
            except ConnectionError:
                if beat:
                    await self.clock.sleep(self.patience)  # it is ending; `_run` ends this when it has
                    return self._silence(number, worker)
            if worker.report.serving:
                first.set()
            beat += 1
            await self.clock.sleep(_BEAT if first.is_set() else _BEAT / 20)

    def _silence(self, number: int, worker: Worker) -> None:
        _LOG.error("worker does not answer", extra={"worker": number})
        worker.send(signal.SIGKILL)

    async def _sleep(self, seconds: float) -> None:
        """Sleep, but not when everything is to end."""
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

    def _trouble(self) -> str:
        """Return why requests should not be sent here; one worker that is ready is enough."""
        if any(worker.is_ready for worker in self._workers.values()):
            return ""
        faults = [why for worker in self._workers.values() for why in worker.report.faults.values()]
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
        """Return the sum of what all workers have measured, as far as they answer at once."""
        del request
        from pyratify.serving.telemetry.metrics import exposed

        await asyncio.gather(*(_fresh(worker) for worker in self._workers.values()))
        found = [self._gone, *(worker.families.families for worker in self._workers.values())]
        ready = sum(worker.is_ready for worker in self._workers.values())
        own = (
            gauge("ratify_workers_ready", "workers ready", ready),
            gauge("ratify_worker_restarts", "worker restarts", self._restarts),
        )
        return Reply(200, exposed((*summed(found), *own)), "text/plain")


async def _fresh(worker: Worker) -> None:
    """Let a worker report what it has measured; what it last said counts where it does not answer in time."""
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(_BEAT):
            await worker.ask(metrics=True)


def _close(sockets: tuple[socket.socket, ...]) -> None:
    for one in sockets:
        one.close()
