"""How policies are asked: with the subject, off the loop, within a budget, and under limits."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.engine import Engine
from pyratify.core.errors import InconclusiveError, VerificationError
from pyratify.core.executor import Executor
from pyratify.core.limits import Limits
from pyratify.core.policy import NoPolicy, Subject
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, Outcome, ValidationResult, Verdict
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.rule import Require, Rule
from pyratify.testing.fakes import FakeClock, FakeVerifier
from support.scenes import KIND, REFERENCE, image, raising, threshold, validate

ALLOW = Verdict(Decision.ALLOW)


class Recorder(NoPolicy):
    """A policy that allows and keeps the subjects and threads it was asked with."""

    def __init__(self, **attributes: Any) -> None:
        self.asked: list[Subject] = []
        self.threads: list[int] = []
        for name, value in attributes.items():
            setattr(self, name, value)

    def decide(self, subject: Subject, reports: object) -> Verdict:
        """Allow."""
        self.asked.append(subject)
        self.threads.append(threading.get_ident())
        return ALLOW


async def test_a_policy_is_asked_with_the_subject() -> None:
    """Reference, descriptor, namespace and the clock's time."""
    store, subject = image(KIND)
    policy, clock = Recorder(), FakeClock()
    executor = Executor(store=store, verifiers=(FakeVerifier(),), policy=policy, clock=clock)
    assert (await executor.validate(REFERENCE, "team")).succeeded
    assert policy.asked == [Subject(REFERENCE, subject, "team", clock.time)]


async def test_an_expensive_policy_is_asked_in_a_thread() -> None:
    """Only where it says so with True."""
    store, _ = image(KIND)
    for offload in (True, False, "yes"):
        policy = Recorder(offload=offload)
        assert (await validate(store, policy=policy)).succeeded
        assert (policy.threads != [threading.get_ident()]) is (offload is True)


@pytest.mark.parametrize("moment", [datetime(2099, 1, 1), "2099-01-01T00:00:00Z", 4070908800])  # noqa: DTZ001 - naive on purpose
async def test_a_verdict_that_ends_at_no_aware_moment_denies(moment: Any) -> None:
    """Caches and indexes compare the moment with others: there it would fail, after the answer was ALLOW."""
    store, _ = image(KIND)

    class Naive(NoPolicy):
        def decide(self, subject: Subject, reports: object) -> Verdict:
            return Verdict(Decision.ALLOW, valid_until=moment)

    result = await validate(store, policy=Naive())
    assert result.decision is Decision.DENY
    assert result.failure is not None
    assert result.failure.reason is Reason.POLICY_ERROR


async def test_a_policy_that_is_late_denies() -> None:
    """In a thread, and where it awaits something."""
    store, _ = image(KIND)
    released = threading.Event()

    class Slow(Recorder):
        def decide(self, subject: Subject, reports: object) -> Verdict:
            released.wait(10)
            return ALLOW

    class Waiting(NoPolicy):
        budget = 0.01

        async def decide(self, subject: Subject, reports: object) -> Verdict:  # type: ignore[override]
            await asyncio.Event().wait()
            return ALLOW

    for policy in (Slow(offload=True, budget=0.01), Waiting()):
        result = await validate(store, policy=policy)
        assert result.decision is Decision.DENY
        assert result.failure is not None
        assert result.failure.reason is Reason.POLICY_ERROR
        assert "0.01 seconds" in result.failure.message
    released.set()


async def test_a_policy_may_await_what_it_asks() -> None:
    """An awaitable verdict is awaited; what it awaits to is checked as any other."""
    store, _ = image(KIND)
    for answer, allowed in ((ALLOW, True), (True, False)):

        class Asking(NoPolicy):
            async def decide(self, subject: Subject, reports: object) -> Any:
                return answer  # noqa: B023

        result = await validate(store, policy=Asking())
        assert result.succeeded is allowed


async def test_a_policy_that_cannot_decide_leaves_it_undecided() -> None:
    """As an engine of policies that cannot be reached: no ALLOW, and no denial to remember."""
    store, _ = image(KIND)

    class Unreachable(NoPolicy):
        def decide(self, subject: Subject, reports: object) -> Verdict:
            raise InconclusiveError(Reason.POLICY_ERROR, "no answer")

    result = await validate(store, policy=Unreachable())
    assert (result.decision, result.decided) == (Decision.DENY, False)
    assert result.error is not None
    assert result.error.message == "no answer"


@pytest.mark.parametrize("require", Require)
async def test_evidence_that_a_limit_leaves_unseen_denies_where_it_could(require: Require) -> None:
    """The one that is not looked at may be the newest, or the one that failed."""
    store, _ = image(KIND, "application/b", "application/c")
    dated = _dated("2026-01-01T00:00:00Z")
    policy = threshold(Rule("fake", require=require))
    result = await validate(store, dated, policy=policy, limits=Limits(referrers=2), clock=FakeClock())
    assert result.succeeded is (require is Require.ANY)
    if require is not Require.ANY:
        assert result.failure is not None
        assert result.failure.reason is Reason.REFERRERS_LIMIT


def _dated(created: str) -> FakeVerifier:
    async def does(evidence: Evidence) -> Details:
        return Details("x", ("k",), {"createdAt": created})

    return FakeVerifier(does=does)


async def test_what_is_known_of_failed_evidence_is_in_its_result() -> None:
    """Texts alone: nothing else of a plugin's error is passed on."""
    store, _ = image(KIND)
    facts: Any = {"createdAt": "2026-01-01T00:00:00Z", "size": 3, 4: "x"}
    error = VerificationError(Reason.SIG_INVALID, "x", facts=facts)
    result = await validate(store, FakeVerifier(does=raising(error)))
    (found,) = result.artifacts[0].results
    assert found.outcome is Outcome.FAILED
    assert found.facts == {"createdAt": "2026-01-01T00:00:00Z"}


async def test_verdicts_are_remembered_for_tag_and_digest_where_a_policy_reads_the_tag() -> None:
    """And for the digest alone otherwise; namespaces share none."""
    for reads_tag, evaluations in ((True, 3), (False, 2)):
        store, subject = image(KIND)
        store.tags["v2"] = subject.digest
        policy = Recorder(reads_tag=reads_tag)
        verdicts, engine = _serve(store, policy)
        for tag, namespace in (("v1", "a"), ("v2", "a"), ("v1", "a"), ("v1", "b")):
            result = await verdicts.validate(engine, Reference.parse(f"example.com/app:{tag}"), namespace)
            assert result.succeeded
        assert len(policy.asked) == evaluations
        tags = [asked.reference.tag for asked in policy.asked]
        assert tags == (["v1", "v2", "v1"] if reads_tag else [None, None])
        assert {asked.namespace for asked in policy.asked} == {"a", "b"}
        await verdicts.aclose()


async def test_a_verdict_that_depends_on_time_is_remembered_until_it_may_change() -> None:
    """The policy says until when."""
    store, subject = image(KIND)
    clock = FakeClock()

    class Timed(Recorder):
        def decide(self, subject: Subject, reports: object) -> Verdict:
            self.asked.append(subject)
            return Verdict(Decision.ALLOW, valid_until=subject.now + timedelta(seconds=1))

    policy = Timed()
    verdicts, engine = _serve(store, policy, clock)
    reference = REFERENCE.at(subject.digest)
    for elapsed, evaluations in ((0.0, 1), (0.5, 1), (0.6, 2)):
        clock.advance(elapsed)
        result: ValidationResult = await verdicts.validate(engine, reference)
        assert result.succeeded
        assert len(policy.asked) == evaluations
    assert result.valid_until == datetime(2026, 6, 1, tzinfo=UTC) + timedelta(seconds=2.1)
    await verdicts.aclose()


def _serve(store: Any, policy: Any, clock: FakeClock | None = None) -> tuple[Verdicts, Engine]:
    clock = clock or FakeClock()
    executor = Executor(store=store, verifiers=(FakeVerifier(),), policy=policy, clock=clock)
    return Verdicts(clock), Engine(ScopeMap([("*", executor)]), generation="g")
