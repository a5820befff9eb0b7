"""The connection to a runtime's NRI socket: register, answer, and connect again when it ends."""

import asyncio
import logging
from dataclasses import field
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.isolation import end
from pyratify.core.protobuf import InvalidMessage, encode
from pyratify.entrypoints.node.nri.plugin import INDEX, NAME, NriPlugin
from pyratify.entrypoints.node.nri.ttrpc import (
    PLUGIN,
    REQUEST,
    RESPONSE,
    RUNTIME,
    Call,
    Frames,
    Message,
    failed,
    result_of,
)

_LOG = logging.getLogger("pyratify.node")
_CHUNK = 256 * 1024
_MOST_CALLS = 256
_AGAIN_SECONDS = 1.0
# NRI 0.12 is the first version whose runtimes say an image's digest.
_REGISTER = Call("nri.pkg.api.v1alpha1.Runtime", "RegisterPlugin", encode(_1=NAME, _2=INDEX, _3="0.12.0"))


@dataclass(slots=True)
class NriConnection:
    """Keeps a plugin connected to a runtime.

    Attributes:
        path: The runtime's socket.
        plugin: Answers its calls.
        fault: Why the runtime does not ask; empty while it does.
    """

    path: Path
    plugin: NriPlugin
    fault: str = "the runtime was not asked yet"
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def keep(self) -> None:
        """Stay connected until cancelled."""
        while True:
            try:
                await self._serve()
                why = "the runtime ended the connection"
            except (OSError, InvalidMessage) as error:
                why = getattr(error, "strerror", None) or str(error)
            # Once for each cause: a runtime that is stopped would fill the log every second.
            if not self.fault or why not in self.fault:
                _LOG.warning("NRI is not connected", extra={"path": str(self.path), "error": why})
            self.fault = f"NRI at {self.path}: {why}"
            await self.plugin.judge.clock.sleep(_AGAIN_SECONDS)

    async def _serve(self) -> None:
        """Register and answer until the connection ends.

        Raises:
            OSError: It cannot be made, or breaks.
            InvalidMessage: What comes is not the protocol, or the runtime refuses this plugin.
        """
        reader, writer = await asyncio.open_unix_connection(self.path)
        try:
            writer.write(Message(RUNTIME, 1, REQUEST, _REGISTER.encode()).frame())
            frames = Frames()
            while data := await reader.read(_CHUNK):
                for message in frames.feed(data):
                    self._take(message, writer)
        finally:
            writer.close()
            await end(*self._tasks)

    def _take(self, message: Message, writer: asyncio.StreamWriter) -> None:
        if message.connection == RUNTIME and message.kind == RESPONSE:
            if why := result_of(message.body):
                raise InvalidMessage(f"the runtime refuses this plugin: {why}")
            _LOG.info("NRI is connected", extra={"path": str(self.path)})
            self.fault = ""
        elif message.connection == PLUGIN and message.kind == REQUEST:
            task = asyncio.create_task(self._answer(message, writer))
            # asyncio itself keeps only weak references to tasks.
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, message: Message, writer: asyncio.StreamWriter) -> None:
        try:
            call = Call.parse(message.body)
        except InvalidMessage as error:
            body = failed(3, f"ratify: {error}")  # google.rpc.Code INVALID_ARGUMENT
        else:
            # A refusal costs the runtime nothing but a retry; a queue without an end would make all answers late.
            busy = len(self._tasks) > _MOST_CALLS
            body = failed(8, "ratify: too many calls at once") if busy else await self.plugin.answer(call)
        writer.write(Message(PLUGIN, message.stream, RESPONSE, body).frame())
        # After the answer: the runtime waits for Synchronize no longer than for other calls.
        if self.plugin.waiting:
            await self.plugin.report()
