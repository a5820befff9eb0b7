"""A worker as its supervisor sees it: a process, and what it last reported."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.isolation import end
from pyratify.serving.workers.control import (
    MAX_LINE,
    METRICS,
    STATE,
    VARIABLE,
    Report,
    handed,
    parse_report,
)

_NOTHING = Report(serving=False, faults={"worker": "it has not started yet"})
_SILENT = Report(serving=False, faults={"worker": "it does not report any more"})


@dataclass(slots=True)
class Worker:
    """One worker process.

    Attributes:
        process: The process.
        report: Its last report.
        families: Its last report with metrics.
    """

    process: asyncio.subprocess.Process
    report: Report = _NOTHING
    families: Report = _NOTHING
    _writer: asyncio.StreamWriter | None = None
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_ready(self) -> bool:
        """Whether it serves and has no fault."""
        return self.report.serving and not self.report.faults

    async def ask(self, *, metrics: bool = False) -> None:
        """Request a report and wait for it.

        Raises:
            ConnectionError: The worker has closed the connection.
        """
        # Compared by identity: a new report may hold the same numbers.
        before, writer = self.families, self._connected()
        writer.write(METRICS if metrics else STATE)
        await writer.drain()
        await self._news.wait()
        while metrics and self.families is before:
            self._connected()
            await self._news.wait()

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, if it is still there."""
        # It may have ended between the decision and the signal.
        with suppress(ProcessLookupError):
            self.process.send_signal(number)

    async def listen(self, control: socket.socket) -> None:
        """Take its reports until it closes the connection; a malformed report ends the worker."""
        reader, self._writer = await asyncio.open_connection(sock=control, limit=MAX_LINE)
        try:
            while line := await reader.readline():
                self.report = parse_report(line)
                if self.report.families:
                    self.families = self.report
                self._tell()
        # Neither a report nor a line within the limit: what it says cannot be trusted any more.
        except ValueError:
            self.send(signal.SIGKILL)
        except ConnectionError:  # it ends, or lives on without reporting: the supervisor's patience decides
            pass
        finally:
            # A last good report must not keep readiness up.
            self.report = _SILENT
            self._writer.close()
            self._tell()

    def _connected(self) -> asyncio.StreamWriter:
        if self._writer is None or self._writer.is_closing():
            raise ConnectionResetError("the worker is gone")
        return self._writer

    def _tell(self) -> None:
        """Wake those that wait for the next report."""
        self._news.set()
        # Replaced, not cleared: all that wait on the old one wake, and later ones wait for the next.
        self._news = asyncio.Event()


@asynccontextmanager
async def running(
    command: Sequence[str], number: int, sockets: tuple[socket.socket, ...]
) -> AsyncIterator[Worker]:
    """Run a worker while the context is open; at its end the process is gone.

    Args:
        command: The command line of the whole program.
        number: The worker's number, from 0.
        sockets: The listening sockets.
    """
    # Not a pipe: requests and reports use one connection, whose end tells both sides of the other's.
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            env={**os.environ, VARIABLE: handed(number, theirs, sockets)},
            pass_fds=[one.fileno() for one in (theirs, *sockets)],
        )
    except BaseException:
        ours.close()
        raise
    finally:
        # Else this process would hold the worker's end open, and never see it close.
        theirs.close()
    worker = Worker(process)
    listening = asyncio.create_task(worker.listen(ours))
    try:
        yield worker
        await asyncio.wait({listening}, timeout=1)  # its last report
    finally:
        worker.send(signal.SIGKILL)
        # Waited for after the signal, or it stays as a zombie.
        await process.wait()
        await end(listening)
        ours.close()
