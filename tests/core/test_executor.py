"""The executor, through its one verb."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.engine import Engine
from pyratify.core.errors import (
    ConfigurationError,
    InconclusiveError,
    StoreError,
    VerificationError,
)
from pyratify.core.executor import Executor
from pyratify.core.policy import Chain, NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, Verdict
from pyratify.core.scope import ScopeMap
from pyratify.core.store import Referrer
from pyratify.core.verifier import Details, Evidence
from pyratify.testing.contracts import SUBJECT
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, ONE, REFERENCE, codes, image, raising, returning, threshold, validate


@pytest.mark.parametrize("by_digest", [True, False])
async def test_a_subject_with_good_evidence_is_allowed(by_digest: bool) -> None:
    """One passed artifact satisfies a policy that asks for one, and the report tells what was found."""
    store, subject = image(KIND)
    reference = REFERENCE.at(subject.digest) if by_digest else REFERENCE
    result = await validate(store, reference=reference)
    assert result.succeeded
    assert (result.reference, result.subject) == (reference, subject)
    (report,) = result.artifacts
    assert report.subject == REFERENCE.at(subject.digest)
    assert (report.artifact.artifact_type, report.outcome, report.failure) == (KIND, None, None)
    assert [(found.verifier, found.outcome) for found in report.results] == [("fake", Outcome.PASSED)]


async def test_a_tag_is_resolved_exactly_once() -> None:
    """After the first answer everything goes by digest."""
    store, _ = image(KIND)
    await validate(store)
    assert [method for method, _ in store.calls].count("resolve") == 1
    assert not any("v1" in what for method, what in store.calls if method != "resolve")


async def test_without_evidence_nothing_is_allowed() -> None:
    """An image to which nothing is attached is denied, and so is one with other kinds of evidence only."""
    for store, _ in (image(), image("application/other")):
        result = await validate(store, FakeVerifier(artifact_type=KIND))
        assert (result.decision, result.error) == (Decision.DENY, None)
        assert result.failure is not None
        assert result.failure.reason is Reason.NO_EVIDENCE


@pytest.mark.parametrize(
    ("raised", "outcome", "reason"),
    [
        (VerificationError(Reason.SIG_INVALID, "x"), Outcome.FAILED, Reason.SIG_INVALID),
        (InvalidDigest(Reason.DIGEST_INVALID, "x"), Outcome.FAILED, Reason.DIGEST_INVALID),
        (InconclusiveError(Reason.KEY_UNAVAILABLE, "x"), Outcome.INCONCLUSIVE, Reason.KEY_UNAVAILABLE),
        (ConfigurationError("x", reason=Reason.KEY_INVALID), Outcome.INCONCLUSIVE, Reason.KEY_INVALID),
        (StoreError(Reason.BLOB_NOT_FOUND, "x"), Outcome.INCONCLUSIVE, Reason.BLOB_NOT_FOUND),
        (ValueError("x"), Outcome.INCONCLUSIVE, Reason.VERIFIER_ERROR),
    ],
)
async def test_what_a_verifier_raises_is_an_outcome(
    raised: Exception, outcome: Outcome, reason: Reason
) -> None:
    """By whose fault it is: the artifact's is FAILED, all others are INCONCLUSIVE; neither counts."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=raising(raised)))
    (found,) = result.artifacts[0].results
    assert (found.outcome, found.details) == (outcome, None)
    assert found.failure is not None
    assert found.failure.reason is reason
    assert result.decision is Decision.DENY


@pytest.mark.parametrize(
    "details",
    [
        Details(""),
        Details(" "),
        Details(1),  # type: ignore[arg-type]
        Details("good", signers="abc"),  # type: ignore[arg-type]
        Details("good", signers=["a"]),  # type: ignore[arg-type]
        Details("good", signers=("a", "")),
        Details("good", signers=(1,)),  # type: ignore[arg-type]
        Details("good", data=[]),  # type: ignore[arg-type]
        Details("good", warnings=("w",)),  # type: ignore[arg-type]
    ],
)
async def test_details_that_are_not_whole_are_no_evidence(details: Details) -> None:
    """A string of signers would be as many signers as it has letters; and details must say something."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=returning(details)))
    assert result.decision is Decision.DENY
    assert Reason.VERIFIER_ERROR in codes(result)


class _Accepting(FakeVerifier):
    """A verifier that says something other than yes or no."""

    answer: Any

    def accepts(self, manifest: object) -> Any:
        """Answer as it was told."""
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [1, "yes", None, ValueError("x"), SystemExit(0), MemoryError()])
async def test_a_verifier_that_does_not_say_whether_it_accepts_is_broken(answer: Any) -> None:
    """Only True is yes and only False is no; anything else is shown in the report and proves nothing."""
    store, _ = image(KIND)
    verifier = type("V", (_Accepting,), {"answer": answer})()
    result = await validate(store, verifier)
    assert result.decision is Decision.DENY
    assert codes(result) >= {Reason.VERIFIER_ERROR}


async def test_the_name_is_stamped_as_configured() -> None:
    """A verifier whose name changes while it works answers for the name it was given."""

    class Chameleon(FakeVerifier):
        async def verify(self, evidence: Evidence) -> Details:
            """Take another name."""
            object.__setattr__(self, "name", "notation")
            return Details("good")

    store, _ = image(KIND)
    result = await validate(store, Chameleon(), policy=threshold("fake", "notation", needed=1))
    assert [found.verifier for found in result.artifacts[0].results] == ["fake"]


@pytest.mark.parametrize(
    "build",
    [
        lambda: Executor(store=MemoryStore(), verifiers=()),
        lambda: Executor(store=MemoryStore(), verifiers=(FakeVerifier(), FakeVerifier())),
        lambda: Executor(store=MemoryStore(), verifiers=(FakeVerifier(""),)),
        lambda: Executor(store=MemoryStore(), verifiers=(FakeVerifier(),), concurrency=0),
        lambda: Executor(store=MemoryStore(), verifiers=(FakeVerifier(),), timeout=0),
        lambda: Executor(store=MemoryStore(), verifiers=(FakeVerifier(),), timeout=-1),
        lambda: Executor(store=MemoryStore(), verifiers=(FakeVerifier(),), timeout=float("nan")),
    ],
)
def test_an_executor_that_could_not_decide_is_refused(build: Callable[[], Executor]) -> None:
    """No verifiers, names that are not distinct, no concurrency, no time: refused before any request."""
    with pytest.raises(ConfigurationError):
        build()


async def test_without_a_policy_every_verifier_runs_and_nothing_is_decided() -> None:
    """The report is complete, the decision NONE, and that is no success."""
    store, _ = image(KIND, KIND + "2")
    result = await validate(store, FakeVerifier("a"), FakeVerifier("b"), policy=NoPolicy())
    assert result.decision is Decision.NONE
    assert not result.succeeded
    assert [[found.verifier for found in report.results] for report in result.artifacts] == [["a", "b"]] * 2


@pytest.mark.parametrize(
    "reason", [Reason.NOT_FOUND, Reason.REGISTRY_UNREACHABLE, Reason.REGISTRY_AUTH, Reason.DIGEST_MISMATCH]
)
@pytest.mark.parametrize("by_digest", [True, False])
@pytest.mark.parametrize("method", ["resolve", "referrers"])
async def test_what_could_not_be_read_is_an_error_and_denied(
    method: str, by_digest: bool, reason: Reason
) -> None:
    """A subject that cannot be resolved, or whose referrers cannot be listed, could not be decided."""
    store, subject = image(KIND)
    store.faults[method] = StoreError(reason, "x")
    reference = REFERENCE.at(subject.digest) if by_digest else REFERENCE
    result = await validate(store, reference=reference)
    assert (result.decision, result.failure) == (Decision.DENY, None)
    assert result.error is not None
    assert result.error.reason is reason


async def test_where_subject_and_listing_both_fail_the_subject_explains_more() -> None:
    """With a digest both are asked side by side; the error is the subject's."""
    store, subject = image(KIND)
    store.faults |= {
        "resolve": StoreError(Reason.NOT_FOUND, "no such image"),
        "referrers": StoreError(Reason.REGISTRY_ERROR, "x"),
    }
    result = await validate(store, reference=REFERENCE.at(subject.digest))
    assert result.error is not None
    assert result.error.reason is Reason.NOT_FOUND


async def test_a_store_that_resolves_a_digest_to_another_is_refused() -> None:
    """The digest that was asked for decides."""

    class Liar(MemoryStore):
        async def resolve(self, reference: Reference) -> Descriptor:
            """Return another image."""
            return self.add_image("other", b"other")

    result = await validate(Liar(), reference=REFERENCE.at(Digest.of(b"asked")))
    assert result.error is not None
    assert result.error.reason is Reason.DIGEST_MISMATCH
    assert result.subject is None


@pytest.mark.parametrize("reason", [Reason.REGISTRY_UNREACHABLE, Reason.DIGEST_MISMATCH, Reason.INTERNAL])
async def test_a_gap_in_the_evidence_makes_a_denial_an_error(reason: Reason) -> None:
    """Where the registry withheld a signature, asking again may help; so it is not the last word."""
    store, subject = image()
    artifact = store.attach(subject, KIND)
    store.faults[artifact.digest] = StoreError(reason, "x")
    result = await validate(store)
    assert (result.decision, result.failure) == (Decision.DENY, None)
    assert result.error is not None
    assert result.error.reason is reason


async def test_what_the_publisher_can_cause_stays_a_denial() -> None:
    """A signature that lacks its blob is no signature."""
    store, subject = image()
    artifact = store.attach(subject, KIND)
    store.faults[artifact.digest] = StoreError(Reason.NOT_FOUND, "x")
    result = await validate(store)
    assert result.error is None
    assert codes(result) == {Reason.NO_EVIDENCE, Reason.NOT_FOUND}


class _Policy(NoPolicy):
    """A policy of which one method does something else."""

    def __init__(self, method: str, does: Callable[..., Any]) -> None:
        setattr(self, method, does)


def _raise(error: BaseException) -> Callable[..., Any]:
    def does(*_: object) -> None:
        raise error

    return does


FAULTS = (ValueError("x"), SystemExit(0), MemoryError(), asyncio.CancelledError(), TimeoutError())


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
async def test_a_policy_that_fails_while_deciding_denies(fault: BaseException) -> None:
    """Whatever it raises, it has not allowed anything."""
    store, _ = image(KIND)
    result = await validate(store, policy=_Policy("decide", _raise(fault)))
    assert result.decision is Decision.DENY
    assert codes(result) == {Reason.POLICY_ERROR}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("method", ["wants", "descends", "settled"])
async def test_a_policy_that_fails_on_the_way_is_an_error(method: str, fault: BaseException) -> None:
    """It ends neither the process nor in an answer."""
    store, _ = image(KIND)
    result = await validate(store, policy=_Policy(method, _raise(fault)))
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.INTERNAL


@pytest.mark.parametrize("answer", [None, True, "ALLOW", Decision.ALLOW, Verdict("ALLOW"), Verdict(True)])  # type: ignore[arg-type]
async def test_a_policy_answers_with_a_verdict_or_not_at_all(answer: object) -> None:
    """What is only like ALLOW is not ALLOW."""
    store, _ = image(KIND)
    result = await validate(store, policy=_Policy("decide", lambda *_: answer))
    assert result.decision is Decision.DENY
    assert codes(result) == {Reason.POLICY_ERROR}


async def test_no_policy_can_allow_without_evidence_that_passed() -> None:
    """Allow needs positive evidence, also where a policy says otherwise."""
    careless = _Policy("decide", lambda *_: Verdict(Decision.ALLOW))
    assert (await validate(image(KIND)[0], policy=careless)).succeeded
    for store, does in ((image()[0], returning(Details("x"))), (image(KIND)[0], raising(ValueError()))):
        result = await validate(store, FakeVerifier(does=does), policy=careless)
        assert result.decision is Decision.DENY
        assert Reason.NO_EVIDENCE in codes(result)


async def test_a_truthy_word_does_not_settle() -> None:
    """A policy that answers something other than True has not said that enough is known."""
    store, _ = image(KIND, KIND + "2")
    result = await validate(store, policy=_Policy("settled", lambda _: "yes"))
    assert len(result.artifacts) == 2


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
@pytest.mark.parametrize("method", ["resolve", "referrers", "fetch_manifest"])
async def test_a_store_that_fails_unforeseen_is_an_error(method: str, fault: Exception) -> None:
    """It ends neither the process nor in an answer, and the report says that it is a defect."""
    store, _ = image(KIND)
    store.faults[method] = fault
    result = await validate(store)
    assert result.decision is Decision.DENY
    assert result.error is not None
    assert result.error.reason is Reason.INTERNAL


async def test_an_interrupt_by_the_user_is_passed_on() -> None:
    """Ctrl-C is no fault of a policy."""
    store, _ = image(KIND)
    with pytest.raises(KeyboardInterrupt):
        await validate(store, policy=_Policy("decide", _raise(KeyboardInterrupt())))


async def test_executors_over_different_stores_share_no_downloads() -> None:
    """A copy over another store does not wait for a download that the first has begun, nor get its bytes."""
    hangs, asked = asyncio.Event(), asyncio.Event()

    class Slow(MemoryStore):
        async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
            """Never end."""
            asked.set()
            await hangs.wait()
            raise AssertionError

    slow, (store, _) = Slow(), image(KIND)
    slow.attach(slow.add_image(), KIND)
    executor = Executor(store=slow, verifiers=(FakeVerifier(),), policy=ONE)
    first = asyncio.create_task(executor.validate(REFERENCE))
    await asked.wait()
    assert (await replace(executor, store=store).validate(REFERENCE)).succeeded
    assert not first.done()
    first.cancel()


async def test_an_engine_asks_the_responsible_executor_only() -> None:
    """Scopes decide who answers; where none covers the reference it is denied."""
    good, bad = image(KIND)[0], image()[0]
    executors = [
        (scope, Executor(store=store, verifiers=(FakeVerifier(),), policy=ONE))
        for scope, store in (("example.com", bad), ("example.com/app", good))
    ]
    engine = Engine(ScopeMap(executors))
    assert (await engine.validate(REFERENCE)).succeeded
    assert not (await engine.validate(Reference.parse("example.com/other:v1"))).succeeded
    result = await engine.validate(Reference.parse("elsewhere.com/app:v1"))
    assert (result.decision, result.subject) == (Decision.DENY, None)
    assert codes(result) == {Reason.SCOPE_NO_MATCH}


async def test_a_listing_may_be_any_iterator() -> None:
    """A store need not write its listing as a generator."""

    class Listing:
        def __init__(self, referrers: list[Referrer]) -> None:
            self.referrers = referrers

        def __aiter__(self) -> "Listing":
            return self

        async def __anext__(self) -> Referrer:
            """Return the next referrer."""
            if not self.referrers:
                raise StopAsyncIteration
            return self.referrers.pop(0)

    class Store(MemoryStore):
        def referrers(  # type: ignore[override]
            self, reference: Reference, artifact_type: str | None = None
        ) -> AsyncIterator[Referrer]:
            """List without a generator."""
            return Listing(list(self.listings.get(reference.digest or Digest.of(b""), [])))

    store = Store()
    store.attach(store.add_image(), KIND)
    assert (await validate(store)).succeeded


def test_reports_find_what_passed() -> None:
    """Only a passed result of exactly that name is returned."""
    report = ArtifactReport(REFERENCE, Descriptor("a/b", Digest.of(b""), 0), "layout")  # type: ignore[arg-type]
    assert report.passed("fake") is None


async def test_no_policy_wants_everything() -> None:
    """It never stops early and looks at everything."""
    chain: Chain = ()
    policy = NoPolicy()
    policy.wants(chain)
    assert policy.descends(chain)
    assert not policy.settled(())
    assert policy.decide(SUBJECT, ()).decision is Decision.NONE
