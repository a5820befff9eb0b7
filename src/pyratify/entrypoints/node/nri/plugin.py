"""The answers of an NRI plugin: which containers may be made, and which of those that are there would not be made today."""

import logging
from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import RatifyError
from pyratify.core.isolation import describe, internal
from pyratify.core.protobuf import InvalidMessage, encode, integer
from pyratify.entrypoints.node.answer import NodeAnswer, malformed
from pyratify.entrypoints.node.judge import NodeJudge
from pyratify.entrypoints.node.nri.containers import Container, created, more_follows, present
from pyratify.entrypoints.node.nri.ttrpc import Call, failed, succeeded

NAME, INDEX = "ratify", "00"
SERVICE = "nri.pkg.api.v1alpha1.Plugin"
_LOG = logging.getLogger("pyratify.node")
_CREATE = 1 << (4 - 1)  # Event.CREATE_CONTAINER
_INVALID, _DENIED, _UNIMPLEMENTED, _INTERNAL = 3, 7, 12, 13  # google.rpc.Code
_REQUEST_SECONDS = 2.0  # plugin_request_timeout of containerd
_SHARE = 0.85  # of it; a plugin that is late is dropped, and the container made
_UNCHECKED_SECONDS = 30.0


@dataclass(slots=True, kw_only=True)
class NriPlugin:
    """Answers a runtime's calls.

    Attributes:
        judge: Judges the images.
        seconds: In what time the runtime wants an answer, as it said last.
        waiting: The containers that were there when the runtime connected, and were not judged yet.
    """

    judge: NodeJudge
    seconds: float = _REQUEST_SECONDS
    waiting: list[Container] = field(default_factory=list)
    _parts: bytearray = field(default_factory=bytearray)

    async def answer(self, call: Call) -> bytes:
        """Return the response to a call; never raises.

        Every error refuses: the runtime takes only a lost connection and a late answer for permission.
        """
        try:
            return await self._dispatch(call)
        except InvalidMessage as error:
            return failed(_INVALID, f"ratify: {call.method[:40]}: {error}")
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            _LOG.error("a call was not answered", extra={"method": call.method, "error": describe(error)})
            return failed(_INTERNAL, f"ratify: {call.method[:40]}: unexpected {type(error).__name__}")

    async def report(self) -> int:
        """Judge the containers that were there already, log those that would be refused, and return their number.

        They go on: a plugin that stops what runs would turn an outage of a registry into one of the node.
        """
        waiting, self.waiting = self.waiting, []
        refused = 0
        for container in waiting:
            answer = await self._judged(container, _UNCHECKED_SECONDS)
            if not answer.allowed:
                refused += 1
                _LOG.warning("a container that is there would be refused", extra=_facts(container, answer))
        return refused

    async def _dispatch(self, call: Call) -> bytes:
        match call.method if call.service == SERVICE else "":
            case "CreateContainer":
                return await self._create(call)
            case "Configure":
                return self._configure(call)
            case "Synchronize":
                return self._synchronize(call)
            case "Shutdown" | "StateChange":
                return succeeded()
            case _:
                text = f"ratify: {call.service[:80]}/{call.method[:40]} is not known"
                return failed(_UNIMPLEMENTED, text)

    def _configure(self, call: Call) -> bytes:
        if milliseconds := integer(call.payload, 5):
            self.seconds = milliseconds / 1000
        self._parts.clear()
        return succeeded(encode(_2=_CREATE))

    def _synchronize(self, call: Call) -> bytes:
        more = more_follows(call.payload)
        self._parts += call.payload
        if not more:
            whole = bytes(self._parts)
            self._parts.clear()
            # Judged later: the runtime waits for this answer no longer than for any other.
            self.waiting = [each for each in present(whole, whole) if not each.stopped]
        return succeeded(encode(_2=int(more)))

    async def _create(self, call: Call) -> bytes:
        container = created(call.payload)
        seconds = min(self.seconds, call.seconds or self.seconds) * _SHARE
        answer = await self._judged(container, seconds)
        if answer.allowed:
            return succeeded()
        _LOG.info("refused a container", extra=_facts(container, answer))
        return failed(_DENIED, answer.text)

    async def _judged(self, container: Container, seconds: float) -> NodeAnswer:
        try:
            return await self.judge.judge(container.reference(), seconds, container.namespace)
        except RatifyError as error:
            return malformed(error.failure)
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            return malformed(internal(error))


def _facts(container: Container, answer: NodeAnswer) -> dict[str, str]:
    return {
        "namespace": container.namespace,
        "pod": container.pod,
        "container": container.name,
        "code": answer.code,
    }
