"""The service: every reference of a request together, every answer within the deadline."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import field
from functools import partial
from typing import Any

from msgspec import Raw, json, structs

from pyratify.caches.verdicts import Verdicts
from pyratify.core import telemetry
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, Failure, RatifyError
from pyratify.core.isolation import as_failure, internal
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.entrypoints.service.decisions import Decisions
from pyratify.entrypoints.service.request_bodies import Questions
from pyratify.entrypoints.service.response_bodies import Fault, Pin, Resolved, Summary, Verdict
from pyratify.render.plain import MAX_REFERENCE, clean
from pyratify.render.words import summary, undecided
from pyratify.serving.configuration_source import Source
from pyratify.serving.deadline_group import DeadlineGroup, ignore_code, late_after
from pyratify.serving.public_errors import is_foreign
from pyratify.serving.verdict_source import Answers

_LOG = logging.getLogger("pyratify.service")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the service answers.

    Attributes:
        verify_seconds: In how many seconds every verification is answered.
        resolve_seconds: In how many seconds every resolution is answered.

    Raises:
        ConfigurationError: A deadline that is not above zero.
    """

    verify_seconds: float = 29.9
    resolve_seconds: float = 9.9

    def __post_init__(self) -> None:
        # Written so that NaN is refused, too.
        if not (0 < self.verify_seconds <= 600 and 0 < self.resolve_seconds <= 600):
            raise ConfigurationError("a deadline is more than 0 and at most 600 seconds")


@dataclass(frozen=True, slots=True)
class _RequestContext:
    """What all references of a request have in common."""

    namespace: str
    began: float
    # 16 bytes, as a trace-id has (W3C Trace Context, section 3.2.2.3).
    trace: str = field(default_factory=lambda: telemetry.trace() or secrets.token_hex(16))


@dataclass(slots=True)
class Service:
    """Answers for references.

    Attributes:
        source: The current configuration.
        verdicts: Remembers verdicts.
        settings: How it answers.
        clock: Where deadlines and times are taken from.
        decisions: What was answered last.
        count: Called with the code of every error.
    """

    source: Source
    verdicts: Verdicts
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=SystemClock)
    decisions: Decisions = field(default_factory=Decisions)
    count: Callable[[str], None] = ignore_code
    _answers: Answers = field(init=False)
    _group: DeadlineGroup = field(init=False)

    def __post_init__(self) -> None:
        self._answers = Answers(self.source, self.verdicts, self.clock)
        self._group = DeadlineGroup(self.clock)

    async def verify(self, questions: Questions) -> bytes:
        """Return the document `Verified` for these questions; equal references are one decision."""
        request = self._request(questions)
        seconds = self.settings.verify_seconds
        found = await self._group.each(
            questions.texts,
            partial(self._verify, request),
            lambda text: self._undecided(request, text, late_after(seconds)),
            seconds,
        )
        answers = [found[text] for text in questions.texts]
        return json.encode(
            {
                "trace": request.trace,
                "succeeded": all(succeeded for succeeded, _ in answers),
                "answers": [Raw(answer) for _, answer in answers],
            }
        )

    async def resolve(self, questions: Questions) -> bytes:
        """Return the document `Resolved` for these questions."""
        request = self._request(questions)
        seconds = self.settings.resolve_seconds
        found = await self._group.each(
            questions.texts,
            partial(self._resolve, request),
            lambda text: self._unresolved(request, text, late_after(seconds)),
            seconds,
        )
        answers = tuple(found[text] for text in questions.texts)
        return json.encode(Resolved(trace=request.trace, answers=answers))

    async def aclose(self) -> None:
        """Wait for the end of what was left when a deadline was over."""
        await self._group.aclose()

    def _request(self, questions: Questions) -> _RequestContext:
        return _RequestContext(questions.namespace, self.clock.monotonic())

    async def _verify(self, request: _RequestContext, text: str) -> tuple[bool, bytes]:
        try:
            telemetry.set_namespace(request.namespace)
            found = await self._answers.verdict(Reference.parse(text), request.namespace)
            return self._decided(request, text, found.result)
        except RatifyError as error:
            return self._undecided(request, text, as_failure(error))
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            return self._undecided(request, text, internal(error))

    async def _resolve(self, request: _RequestContext, text: str) -> Pin:
        try:
            telemetry.set_namespace(request.namespace)
            found = await self._answers.pinned(Reference.parse(text), request.namespace)
        except RatifyError as error:
            return self._unresolved(request, text, as_failure(error))
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            return self._unresolved(request, text, internal(error))
        return Pin(reference=_shown(text), digest=str(found.digest), pinned=str(found))

    def _decided(self, request: _RequestContext, text: str, result: ValidationResult) -> tuple[bool, bytes]:
        short = Summary(
            **self._common(request, text),
            digest=str(result.subject.digest) if result.subject else None,
            decision=result.decision,
            succeeded=result.succeeded,
            decided=True,
            code=result.failure.reason.value if result.failure else "",
            why=summary(result),
        )
        extra = {"decision": short.decision.value, "code": short.code, "digest": short.digest}
        _LOG.info("answered", extra={"reference": text, "trace": request.trace, **extra})
        # Raw: it is JSON already, from the one place that renders reports.
        return self._kept(short, report=Raw(result.to_json().encode("ascii")))

    def _undecided(self, request: _RequestContext, text: str, failure: Failure) -> tuple[bool, bytes]:
        short = Summary(
            **self._common(request, text),
            digest=None,
            # Also where nothing was decided, for clients that look at this member alone.
            decision=Decision.DENY,
            succeeded=False,
            decided=False,
            code=failure.reason.value,
            why=undecided(failure),
        )
        return self._kept(short, error=self._fault(request, text, failure))

    def _common(self, request: _RequestContext, text: str) -> dict[str, Any]:
        return {
            # Random: with a counter, an ETag from before a restart could be one from after it.
            "id": secrets.token_hex(8),
            "time": self.clock.now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "milliseconds": round((self.clock.monotonic() - request.began) * 1000, 1),
            "reference": _shown(text),
            "namespace": request.namespace,
        }

    def _kept(self, short: Summary, **rest: Any) -> tuple[bool, bytes]:
        """Keep a decision, and return whether it allows and its document."""
        # Kept as bytes: an object tree of the same evidence takes several times the memory.
        found = json.encode(Verdict(**structs.asdict(short), **rest))
        self.decisions.keep(short, found)
        return short.succeeded, found

    def _unresolved(self, request: _RequestContext, text: str, failure: Failure) -> Pin:
        fault = self._fault(request, text, failure)
        return Pin(reference=_shown(text), digest=None, pinned=None, error=fault)

    def _fault(self, request: _RequestContext, text: str, failure: Failure) -> Fault:
        """Count and log an error, and return its part for the client."""
        with telemetry.for_namespace(request.namespace):  # a late reference has not set it yet
            self.count(failure.reason.value)
        extra = {"reference": text, "code": failure.reason.value, "error": failure.message}
        _LOG.warning("not answered", extra={**extra, "trace": request.trace})
        message = f"it could not be decided; the log says why under the trace {request.trace}"
        return Fault(
            code=failure.reason.value,
            message=message if is_foreign(failure) else clean(failure.message),
            remedy=clean(failure.remedy),
        )


def _shown(text: str) -> str:
    return clean(text, MAX_REFERENCE)
