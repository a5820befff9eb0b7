"""What a node answers for one image: the verdict, or why there is none; in both cases in time."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import field, replace
from functools import partial
from typing import Any

from pyratify.caches.last_verdicts import LastVerdicts
from pyratify.caches.verdicts import Verdicts
from pyratify.config.exemption import covering
from pyratify.core import telemetry
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.errors import Failure, RatifyError
from pyratify.core.isolation import internal
from pyratify.core.platform_report import rests_on_index
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.shared_verdicts import VerdictKey
from pyratify.entrypoints.node.answer import (
    NodeAnswer,
    allowed,
    allowed_before,
    audited,
    denied,
    excepted,
    undecided,
)
from pyratify.serving.configuration_source import Source
from pyratify.serving.deadline_group import DeadlineGroup, ignore_code, late_after
from pyratify.serving.public_errors import is_foreign
from pyratify.serving.verdict_source import Answer, Answers, refusal

_LOG = logging.getLogger("pyratify.node")
_FRESH = 1.0  # seconds; an older verdict was noted when it was made
# The registry could not be asked. Not REGISTRY_AUTH: a credential that was withdrawn is no outage.
_OUTAGE = frozenset(
    {
        Reason.BUSY,
        Reason.REGISTRY_BUSY,
        Reason.REGISTRY_ERROR,
        Reason.REGISTRY_UNREACHABLE,
        Reason.TIMEOUT,
    }
)


@dataclass(slots=True, kw_only=True)
class NodeJudge:
    """Judges images for the runtimes of a node.

    Attributes:
        source: The current configuration.
        verdicts: Remembers verdicts.
        clock: The clock of deadlines and ages.
        lifetime: For how many seconds a verdict that allows is remembered.
        last: The last verdicts on digests, for outages; None where nothing is kept.
        count: Called with the code of every image that was not decided.
        measure: Called with `verification` and the milliseconds of every answer.
    """

    source: Source
    verdicts: Verdicts
    clock: Clock
    lifetime: float
    last: LastVerdicts | None = None
    count: Callable[[str], None] = ignore_code
    measure: Callable[[str, float], None] | None = None
    _answers: Answers = field(init=False)
    _group: DeadlineGroup = field(init=False)

    def __post_init__(self) -> None:
        self._answers = Answers(self.source, self.verdicts, self.clock)
        self._group = DeadlineGroup(self.clock)

    async def judge(self, reference: Reference, seconds: float, namespace: str = "") -> NodeAnswer:
        """Return the answer for an image; never raises.

        Args:
            reference: The image by digest.
            seconds: In how many seconds the answer has to leave.
            namespace: The namespace of what runs it; empty where the runtime knows none.
        """
        text, began = str(reference), self.clock.monotonic()
        found = await self._group.each(
            (text,), partial(self._judge, reference, namespace), partial(self._late, seconds), seconds
        )
        answer = found[text]
        # The last verdict is looked for outside the deadline's tasks: one file of this machine.
        if isinstance(answer, Failure):
            answer = await self._without_registry(reference, namespace, answer)
        extra = {"reference": text, "decision": answer.decision, "code": answer.code}
        if not answer.allowed:
            answer = self._admitted(reference, namespace, answer, extra)
        if self.measure is not None:
            self.measure("verification", (self.clock.monotonic() - began) * 1000)
        _LOG.info("answered", extra={**extra, "trace": telemetry.trace()})
        return answer

    async def pinned(self, reference: Reference, namespace: str = "") -> Reference:
        """Return a reference by digest; errors as in `Answers.pinned`."""
        return await self._answers.pinned(reference, namespace)

    async def aclose(self) -> None:
        """Wait for evaluations that were given up at their deadline."""
        await self._group.aclose()

    async def _judge(self, reference: Reference, namespace: str, text: str) -> NodeAnswer | Failure:
        del text
        try:
            telemetry.set_namespace(namespace)
            # A tag would be resolved here, and perhaps to something else than the runtime's digest.
            if reference.digest is None:
                return Failure(
                    Reason.TAG_NOT_PINNED, f"{reference} has no digest", Reason.TAG_NOT_PINNED.remedy
                )
            answer = await self._answers.verdict(reference, namespace)
            await self._note(reference, namespace, answer)
            return _verdict(reference, answer.result)
        except RatifyError as error:
            return error.failure
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            return internal(error)

    def _late(self, seconds: float, text: str) -> Failure:
        del text
        return late_after(seconds)

    async def _note(self, reference: Reference, namespace: str, answer: Answer) -> None:
        """Keep a verdict for outages, when it was just made."""
        snapshot = self.source.acquire(namespace)
        if self.last is None or snapshot is None or snapshot.node.when_undecided != "lastVerdict":
            return
        age = max(0.0, self.lifetime - answer.seconds) if answer.result.succeeded and answer.seconds else 0.0
        if age <= _FRESH:
            names, result = _known_as(snapshot.engine, reference), answer.result
            # What the index of a tag speaks for is allowed with that tag alone: the digest was just found not to be, by itself.
            # All else is the digest's own: a later denial takes it from every tag.
            name = names[0] if result.succeeded and rests_on_index(result) else names[-1]
            for each in names:
                key = VerdictKey(answer.generation, namespace, each)
                known = result if each == name else replace(result, decision=Decision.DENY)
                await self.last.note(key, replace(known, reference=each), snapshot.node.max_age, age)

    async def _without_registry(self, reference: Reference, namespace: str, why: Failure) -> NodeAnswer:
        """Return what the configuration says for a digest that could not be decided now."""
        with telemetry.for_namespace(namespace):
            self.count(why.reason.value)
        # Without tracing too: the refusal names what to search the log for.
        trace = telemetry.trace() or secrets.token_hex(16)
        extra = {"reference": str(reference), "code": why.reason.value, "error": why.message, "trace": trace}
        _LOG.warning("not decided", extra=extra)
        if why.reason in _OUTAGE and await self._was_allowed(reference, namespace):
            return allowed_before(reference, why)
        return undecided(reference, _shown(why, trace))

    def _admitted(
        self, reference: Reference, namespace: str, answer: NodeAnswer, extra: dict[str, Any]
    ) -> NodeAnswer:
        """Return an answer that does not allow, or the one that admits all the same where the configuration says so."""
        snapshot = self.source.acquire(namespace)
        if snapshot is None:
            return answer
        codes = (Reason(answer.code),)
        found = covering(snapshot.exemptions, namespace, reference, codes, self.clock.now())
        if found is not None:
            said = {"exception": found.config.name, "approvedBy": found.config.approved_by}
            _LOG.warning(
                "admitted without a verdict that allows: exception",
                extra={**extra, **said, "until": found.config.until.isoformat()},
            )
            return excepted(answer, found)
        if snapshot.node.mode == "audit":
            _LOG.warning("admitted without a verdict that allows: audit", extra=extra)
            return audited(answer)
        return answer

    async def _was_allowed(self, reference: Reference, namespace: str) -> bool:
        snapshot = self.source.acquire(namespace)
        if self.last is None or snapshot is None or snapshot.node.when_undecided != "lastVerdict":
            return False
        for each in _known_as(snapshot.engine, reference):
            key = VerdictKey(snapshot.engine.generation, namespace, each)
            found = await self.last.find(key, snapshot.node.max_age)
            if found is not None and found.succeeded:
                return True
        return False


def _known_as(engine: Engine, reference: Reference) -> tuple[Reference, ...]:
    """Return what the last verdict on a digest is kept under: with the tag, and then without it where no rule reads it."""
    executor = engine.executors.match(reference)
    if reference.digest is None or reference.tag is None or executor is None or executor.reads_tag:
        return (reference,)
    return reference, reference.at(reference.digest)


def _shown(why: Failure, trace: str) -> Failure:
    """Return what users read of a failure: no text of registries, and what to do on this node."""
    if why.reason is Reason.NO_EXECUTOR:
        remedy = (
            "The log of ratify node says what is wrong with its file; `ratify config check -c FILE` does too."
        )
        return Failure(why.reason, "ratify node has no valid configuration", remedy)
    if not is_foreign(why):
        return why
    message = f"it could not be decided; the log of ratify node says why under the trace {trace}"
    return Failure(why.reason, message, why.remedy)


def _verdict(reference: Reference, result: ValidationResult) -> NodeAnswer:
    return allowed(reference) if result.succeeded else denied(reference, refusal(result))
