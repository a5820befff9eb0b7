"""Seven faults that an engine of this kind has had; each must not be possible here."""

import asyncio

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.threshold import Rule
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore, make_manifest
from support.scenes import KIND, codes, image, raising, returning, threshold, validate


async def test_f1_many_referrers_at_high_concurrency_change_no_shared_state() -> None:
    """F1: forty referrers at concurrency sixteen, three hundred times: always the same whole report."""

    async def does(evidence: Evidence) -> Details:
        await asyncio.sleep(0)
        return Details("good", signers=(evidence.manifest.annotations["number"],))

    store = MemoryStore()
    subject = store.add_image()
    for number in range(40):
        store.attach(subject, KIND, annotations={"number": str(number)})
    policy = threshold("fake", Rule("other", (Rule("fake"),)))
    verifiers = (FakeVerifier(does=does), FakeVerifier("other", does=does))
    results = [await validate(store, *verifiers, policy=policy, concurrency=16) for _ in range(30)]
    assert all(result == results[0] for result in results)
    assert results[0].decision is Decision.DENY
    assert len(results[0].artifacts) == 40


@pytest.mark.parametrize(
    "value", [None, True, "passed", {}, object(), Exception("no valid signatures found")]
)
async def test_f2_a_result_without_details_is_no_success(value: object) -> None:
    """F2: a verifier returns details or raises; whatever else it returns, no rule is satisfied."""
    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=returning(value)))
    assert result.decision is Decision.DENY
    assert codes(result) >= {Reason.VERIFIER_ERROR}


async def test_f3_evidence_of_another_subject_is_never_offered() -> None:
    """F3: a signature of another image, listed here, does not reach a verifier that would accept it."""
    store, subject = image()
    other = store.add_image("v2", b"another image")
    asked: list[Evidence] = []

    async def careless(evidence: Evidence) -> Details:
        asked.append(evidence)
        return Details("good")

    store.list_under(subject.digest, store.attach(other, KIND))
    result = await validate(store, FakeVerifier(does=careless))
    assert result.decision is Decision.DENY
    assert codes(result) == {Reason.NO_EVIDENCE, Reason.SUBJECT_MISMATCH}
    assert asked == []


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("bad", ["manifest", "missing", "verifier", "crash"])
async def test_f4_one_bad_referrer_hides_nothing(bad: str, first: bool) -> None:
    """F4: before or after the good one, a bad referrer is an entry in the report and no more."""
    store, subject = image()

    def attach_bad() -> None:
        if bad == "manifest":
            data = make_manifest(artifact_type="application/bad", subject=subject, layers=[])
            store.list_under(subject.digest, store.add_manifest(data.replace(b"{", b"[", 1)))
        else:
            artifact = store.attach(subject, "application/bad")
            if bad == "missing":
                del store.manifests[artifact.digest]

    if first:
        attach_bad()
    store.attach(subject, "application/good")
    if not first:
        attach_bad()
    error = VerificationError(Reason.SIG_INVALID, "x") if bad == "verifier" else KeyError("x")
    failing = FakeVerifier("bad", "application/bad", raising(error))
    policy = threshold("fake", "bad", needed=1)
    result = await validate(store, FakeVerifier("fake", "application/good"), failing, policy=policy)
    assert result.succeeded
    assert len(result.artifacts) == (2 if first else 1)


@pytest.mark.parametrize("concurrency", [1, 3, 8, 32])
async def test_f5_stopping_early_never_loses_the_answer(concurrency: int) -> None:
    """F5: three hundred referrers, the first of which suffices: allowed every time."""
    store = MemoryStore()
    subject = store.add_image()
    for number in range(300):
        store.attach(subject, KIND, annotations={"number": str(number)})
    for _ in range(50):
        assert (await validate(store, concurrency=concurrency)).succeeded


async def test_f6_a_verifier_cannot_speak_for_another() -> None:
    """F6: names come from the configuration; a detail that names another verifier satisfies no rule of it."""
    store, _ = image(KIND)
    claims = Details("verified by notation", signers=("notation",), data={"verifier": "notation"})
    result = await validate(
        store,
        FakeVerifier("impostor", does=returning(claims)),
        FakeVerifier("notation", "application/other"),
        policy=threshold("notation", "impostor"),
    )
    assert result.decision is Decision.DENY
    assert [found.verifier for found in result.artifacts[0].results] == ["impostor"]


async def test_f7_nothing_is_listed_that_no_rule_can_use() -> None:
    """F7: referrers of referrers are listed only below evidence whose rule has rules of its own."""
    store, subject = image()
    for kind in ("application/sbom", "application/sig"):
        artifact = store.attach(subject, kind)
        store.attach(artifact, "application/sig")
    verifiers = (FakeVerifier("sbom", "application/sbom"), FakeVerifier("sig", "application/sig"))
    flat = threshold("sig", "sig", "sbom")
    await validate(store, *verifiers, policy=flat)
    assert [method for method, _ in store.calls].count("referrers") == 1
    store.calls.clear()
    await validate(store, *verifiers, policy=threshold(Rule("sbom", (Rule("sig"),)), "sig", "sig"))
    assert [method for method, _ in store.calls].count("referrers") == 2
