"""The walk: order, stopping, nesting, limits, deadlines and cancellation."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.limits import Limits
from pyratify.core.manifest import OCI_INDEX
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, Outcome, flatten
from pyratify.core.store import Discovery, Referrer
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.threshold import Rule
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore, make_manifest
from support.scenes import KIND, ONE, REFERENCE, codes, image, threshold, validate

BOTH = threshold("fake", "other")


def many(count: int) -> MemoryStore:
    """Return a store with an image to which that many artifacts are attached."""
    store = MemoryStore()
    subject = store.add_image()
    for number in range(count):
        store.attach(subject, KIND, annotations={"number": str(number)})
    return store


def chain(length: int) -> MemoryStore:
    """Return a store with an image, an artifact attached to it, one attached to that one, and so on."""
    store = MemoryStore()
    subject = store.add_image()
    for _ in range(length):
        subject = store.attach(subject, KIND)
    return store


async def test_reports_stand_in_the_stores_order() -> None:
    """However long each takes, the report lists artifacts as the store does."""

    async def does(evidence: Evidence) -> Details:
        for _ in range(20 - int(evidence.manifest.annotations["number"])):
            await asyncio.sleep(0)
        return Details("good")

    result = await validate(many(20), FakeVerifier(does=does), policy=NoPolicy())
    assert [report.artifact.annotations["number"] for report in result.artifacts] == [
        str(number) for number in range(20)
    ]


@pytest.mark.parametrize("concurrency", [1, 8, 32])
async def test_enough_evidence_stops_the_listing(concurrency: int) -> None:
    """The first of 300 suffices: the report has one entry, and no more was asked than the window holds."""
    store = many(300)
    result = await validate(store, concurrency=concurrency)
    assert result.succeeded
    assert len(result.artifacts) == 1
    assert len([method for method, _ in store.calls if method == "fetch_manifest"]) <= concurrency


async def test_ten_thousand_referrers_take_linear_work_and_a_bounded_number_of_tasks() -> None:
    """Each manifest is read once, and never more tasks live than the window and the walk need."""
    store, most = many(10_000), 0

    async def does(evidence: Evidence) -> Details:
        nonlocal most
        most = max(most, len(asyncio.all_tasks()))
        return Details("good", signers=("a",))

    asked = 0

    class Counting(type(BOTH)):  # type: ignore[misc]
        def settled(self, reports: tuple[object, ...]) -> bool:
            """Count how many reports the policy is shown."""
            nonlocal asked
            asked += len(reports)
            return super().settled(reports)

    limits = Limits(referrers=10_000, artifacts=10_000)
    result = await validate(
        store, FakeVerifier(does=does), policy=Counting(BOTH.root), limits=limits, concurrency=8
    )
    assert len(result.artifacts) == 10_000
    assert result.limits == ()
    assert len(store.calls) == 10_002
    assert most <= 8 * 2 + 4
    assert asked < 10_000 * 20


class Failing(MemoryStore):
    """A store whose listing breaks off at its end."""

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """List, then fail."""
        async for referrer in super().referrers(reference, artifact_type):
            yield referrer
        raise StoreError(Reason.REGISTRY_ERROR, "the second page is broken")


@pytest.mark.parametrize("concurrency", [1, 2, 32])
async def test_a_listing_that_fails_after_sufficient_evidence_does_not_matter(concurrency: int) -> None:
    """What was found before the failure is looked at first, and suffices."""
    store = Failing()
    store.attach(store.add_image(), KIND)
    result = await validate(store, concurrency=concurrency)
    assert result.succeeded
    assert result.error is None


async def test_a_listing_that_fails_before_sufficient_evidence_is_an_error() -> None:
    """The report shows what came before the failure."""
    store = Failing()
    store.attach(store.add_image(), KIND)
    result = await validate(store, policy=BOTH)
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR
    assert len(result.artifacts) == 1


async def test_an_artifact_that_is_listed_twice_is_looked_at_once() -> None:
    """A listing may repeat itself, and two ways of discovery may find the same."""
    store, subject = image()
    artifact = store.attach(subject, KIND)
    store.list_under(subject.digest, artifact, Discovery.REFERRERS_TAG)
    result = await validate(store, policy=NoPolicy())
    assert len(result.artifacts) == 1


@pytest.mark.parametrize(
    "false",
    [
        lambda good: Descriptor(good.media_type, good.digest, good.size + 1),
        lambda good: Descriptor(OCI_INDEX, good.digest, good.size),
    ],
)
async def test_a_false_entry_does_not_hide_the_true_one_of_the_same_digest(false) -> None:
    """An attacker who can write a listing may repeat a good signature's digest with another size or type first."""
    store, subject = image()
    good = store.attach(subject, KIND)
    store.listings[subject.digest].insert(0, Referrer(false(good), Discovery.REFERRERS_TAG))
    result = await validate(store, policy=ONE)
    assert result.succeeded
    assert [bool(report.failure) for report in result.artifacts] == [True, False]


async def test_a_cosign_signature_that_is_also_listed_as_a_referrer_still_counts() -> None:
    """Without a subject it is no referrer, but found by its tag it is offered to the verifier, once."""
    store, subject = image()
    artifact = store.add_manifest(make_manifest(artifact_type=KIND))
    store.list_under(subject.digest, artifact, Discovery.REFERRERS_TAG)
    store.list_under(subject.digest, artifact, Discovery.COSIGN_TAG)
    result = await validate(store, policy=NoPolicy())
    assert [report.discovery for report in result.artifacts] == [Discovery.COSIGN_TAG]
    assert (await validate(store, policy=ONE)).succeeded


async def test_a_cosign_tag_that_names_an_index_is_refused() -> None:
    """Cosign writes image manifests."""
    store, subject = image()
    artifact = store.add_manifest(
        b'{"schemaVersion": 2, "manifests": []}', tag="sha256-x.sig", media_type=OCI_INDEX
    )
    store.list_under(subject.digest, artifact, Discovery.COSIGN_TAG)
    assert codes(await validate(store)) >= {Reason.MEDIATYPE_MISMATCH}


@pytest.mark.parametrize("good", [True, False])
async def test_a_manifest_that_came_with_the_listing_is_checked_and_not_fetched(good: bool) -> None:
    """A store that has read it already hands it over; it must be what its descriptor says all the same."""
    store, subject = image()
    artifact = store.attach(subject, KIND)
    data = store.manifests.pop(artifact.digest)
    data = data if good else data.replace(b"a", b"b", 1)
    store.listings[subject.digest] = [Referrer(artifact, Discovery.REFERRERS_API, data)]
    result = await validate(store)
    assert result.succeeded is good
    assert ("fetch_manifest", artifact.digest) not in store.calls


# Nested evidence


async def test_rules_on_what_is_attached_to_evidence_are_satisfied_below_it() -> None:
    """A signed SBOM: the SBOM's own signature is found one level down and reported there."""
    store, subject = image()
    sbom = store.attach(subject, "application/sbom")
    policy = threshold(Rule("sbom", (Rule("signature"),)))
    verifiers = (FakeVerifier("sbom", "application/sbom"), FakeVerifier("signature", "application/sig"))
    assert not (await validate(store, *verifiers, policy=policy)).succeeded
    store.attach(subject, "application/sig")
    assert not (await validate(store, *verifiers, policy=policy)).succeeded
    signature = store.attach(sbom, "application/sig")
    result = await validate(store, *verifiers, policy=policy)
    assert result.succeeded
    assert [found.artifact.digest for found in result.artifacts[0].nested] == [signature.digest]
    assert result.artifacts[0].nested[0].subject.digest == sbom.digest


async def test_nested_evidence_must_be_attached_to_the_artifact_and_not_to_the_image() -> None:
    """The signature of the image, listed under the SBOM, does not sign the SBOM."""
    store, subject = image()
    sbom = store.attach(subject, "application/sbom")
    signature = store.attach(subject, "application/sig")
    store.list_under(sbom.digest, signature)
    policy = threshold(Rule("sbom", (Rule("signature"),)))
    verifiers = (FakeVerifier("sbom", "application/sbom"), FakeVerifier("signature", "application/sig"))
    result = await validate(store, *verifiers, policy=policy)
    assert result.decision is Decision.DENY
    assert Reason.SUBJECT_MISMATCH in codes(result)


async def test_a_nested_listing_that_fails_leaves_the_rest_of_the_report() -> None:
    """The artifact keeps its own result and is marked; with such a gap the denial is an error."""
    store, subject = image()
    sbom = store.attach(subject, KIND)
    store.faults[sbom.digest] = StoreError(Reason.REGISTRY_ERROR, "x")
    data = store.manifests[sbom.digest]
    store.listings[subject.digest] = [Referrer(sbom, Discovery.REFERRERS_API, data)]
    result = await validate(store, FakeVerifier(), policy=threshold(Rule("fake", (Rule("fake"),))))
    (report,) = result.artifacts
    assert report.outcome is Outcome.INCONCLUSIVE
    assert report.results[0].passed
    assert result.error is not None
    assert result.error.reason is Reason.REGISTRY_ERROR


async def test_a_cycle_ends() -> None:
    """Artifacts without a subject, found by tags, can be listed under each other in a circle."""
    store, subject = image()
    one = store.add_manifest(make_manifest(artifact_type=KIND))
    two = store.add_manifest(make_manifest(artifact_type=KIND, annotations={"a": "b"}))
    for under, artifact in ((subject, one), (one, two), (two, one), (two, two), (one, subject)):
        store.list_under(under.digest, artifact, Discovery.COSIGN_TAG)
    result = await validate(store, policy=NoPolicy())
    digests = [report.artifact.digest for report in flatten(result.artifacts)]
    assert digests == [one.digest, two.digest, one.digest, two.digest, subject.digest]
    assert [method for method, _ in store.calls].count("referrers") == 3


# Limits


@pytest.mark.parametrize("concurrency", [1, 8])
@pytest.mark.parametrize(("count", "over"), [(9, False), (10, False), (11, True)])
async def test_more_referrers_than_the_limit_are_shown_as_a_limit(
    count: int, over: bool, concurrency: int
) -> None:
    """Exactly as many as allowed are no excess; one more is not looked at, and denies."""
    result = await validate(many(count), policy=BOTH, limits=Limits(referrers=10), concurrency=concurrency)
    assert len(result.artifacts) == min(count, 10)
    assert (Reason.REFERRERS_LIMIT in codes(result)) is over
    assert result.failure is not None
    assert (result.failure.reason is Reason.REFERRERS_LIMIT) is over


async def test_a_limit_that_is_hit_does_not_matter_where_evidence_suffices() -> None:
    """The tenth of a hundred suffices; that more are attached is not even asked."""
    store = many(9)
    subject = (await store.resolve(REFERENCE)).digest
    store.attach(await store.resolve(REFERENCE.at(subject)), "application/good")
    for _ in range(90):
        store.list_under(subject, store.add_blob(b"junk"))
    result = await validate(
        store, FakeVerifier(artifact_type="application/good"), limits=Limits(referrers=10)
    )
    assert result.succeeded
    assert result.limits == ()


@pytest.mark.parametrize(("length", "over"), [(4, False), (5, False), (6, True), (50, True)])
async def test_artifacts_nested_deeper_than_the_limit_are_shown_as_a_limit(length: int, over: bool) -> None:
    """The levels that are allowed are looked at; the report says whether there was more."""
    result = await validate(chain(length), policy=NoPolicy(), limits=Limits(depth=5))
    assert len(list(flatten(result.artifacts))) == min(length, 5)
    assert (codes(result) == {Reason.GRAPH_LIMIT}) is over


async def test_a_listing_at_the_end_of_the_depth_may_fail_like_others() -> None:
    """Whether there is more could not be told; that is shown at the artifact."""
    store = chain(1)
    (artifact,) = next(iter(store.listings.values()))
    good = dict(store.manifests)
    store.faults[artifact.descriptor.digest] = StoreError(Reason.REGISTRY_ERROR, "x")
    store.listings = {
        subject: [Referrer(artifact.descriptor, artifact.discovery, good[artifact.descriptor.digest])]
        for subject in store.listings
    }
    result = await validate(store, policy=NoPolicy(), limits=Limits(depth=1))
    assert result.artifacts[0].outcome is Outcome.INCONCLUSIVE


@pytest.mark.parametrize("concurrency", [1, 3, 32])
async def test_more_artifacts_than_the_limit_are_shown_as_a_limit(concurrency: int) -> None:
    """Counted in the store's order, on all levels together, and so alike at any concurrency."""
    store, subject = image()
    for number in range(5):
        artifact = store.attach(subject, KIND, annotations={"number": str(number)})
        for other in range(5):
            store.attach(artifact, KIND, annotations={"number": f"{number}.{other}"})
    result = await validate(store, policy=NoPolicy(), limits=Limits(artifacts=12), concurrency=concurrency)
    assert len(list(flatten(result.artifacts))) == 12
    assert [failure.reason for failure in result.limits] == [Reason.GRAPH_LIMIT]
    few = await validate(store, policy=NoPolicy(), limits=Limits(artifacts=3), concurrency=concurrency)
    assert len(few.artifacts) == 1
    assert len(few.artifacts[0].nested) == 3


# Deadlines and cancellation


async def _forever(evidence: Evidence) -> Details:
    await asyncio.Event().wait()
    raise AssertionError


async def test_a_deadline_is_an_error_and_leaves_no_task_behind() -> None:
    """What was found in time is in the report; nothing is allowed."""
    store, _ = image(KIND, "application/slow")
    slow = FakeVerifier("other", "application/slow", _forever)
    result = await validate(store, FakeVerifier(), slow, policy=BOTH, timeout=0.02)
    assert (result.decision, result.failure) == (Decision.DENY, None)
    assert result.error is not None
    assert result.error.reason is Reason.TIMEOUT
    assert len(result.artifacts) == 1
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_timeout_raised_by_a_store_is_not_the_deadline() -> None:
    """A store whose own wait ran out has failed; it does not say that this validation was too slow."""
    store, _ = image(KIND)
    store.faults["resolve"] = TimeoutError()
    result = await validate(store, timeout=60)
    assert result.error is not None
    assert result.error.reason is Reason.INTERNAL


@pytest.mark.parametrize("method", ["resolve", "referrers", "fetch_manifest", "verify"])
async def test_a_cancelled_validation_leaves_no_task_behind(method: str) -> None:
    """Wherever it stands, cancellation is passed on and everything that was started has ended."""
    reached = asyncio.Event()

    async def stop() -> None:
        reached.set()
        await asyncio.Event().wait()

    class Stuck(MemoryStore):
        async def resolve(self, reference: Reference) -> Descriptor:
            """Perhaps never return."""
            if method == "resolve":
                await stop()
            return await super().resolve(reference)

        async def referrers(
            self, reference: Reference, artifact_type: str | None = None
        ) -> AsyncIterator[Referrer]:
            """Perhaps not come to an end."""
            for referrer in self.listings.get(reference.digest or Digest.of(b""), []):
                yield referrer
            if method == "referrers":
                await stop()

        async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
            """Perhaps never return."""
            if method == "fetch_manifest":
                await stop()
            return await super().fetch_manifest(reference, descriptor, limit)

    async def does(evidence: Evidence) -> Details:
        if method == "verify":
            await stop()
        return Details("good")

    store = Stuck()
    subject = store.add_image()
    for kind in (KIND, KIND + "2"):
        store.attach(subject, kind)
    reference = REFERENCE.at(subject.digest)
    task = asyncio.create_task(
        validate(store, FakeVerifier(does=does), policy=NoPolicy(), reference=reference)
    )
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_verifier_that_will_not_end_does_not_hold_up_the_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that swallows its cancellation is left to itself after a grace; the deadline holds."""
    monkeypatch.setattr("pyratify.core.isolation._GRACE", 0.01)
    release = asyncio.Event()

    async def stubborn(evidence: Evidence) -> Details:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        return Details("good")

    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=stubborn), timeout=0.01)
    assert result.error is not None
    assert result.error.reason is Reason.TIMEOUT
    release.set()
    await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)


async def test_a_verifier_that_cancels_its_own_task_is_no_cancellation() -> None:
    """The validation itself was not cancelled; so it ends in an error and not in an exception."""

    async def does(evidence: Evidence) -> Details:
        task = asyncio.current_task()
        if task is not None:
            task.cancel()
        await asyncio.sleep(0)
        return Details("good")

    store, _ = image(KIND)
    result = await validate(store, FakeVerifier(does=does))
    assert result.decision is Decision.DENY
    assert result.error is not None


async def test_a_subject_unknown_by_then_is_looked_at_when_it_is_known() -> None:
    """With a digest, resolving and listing run side by side; an artifact waits for its subject."""
    go = asyncio.Event()

    class Late(MemoryStore):
        async def resolve(self, reference: Reference) -> Descriptor:
            """Wait until the listing has been asked."""
            await go.wait()
            return await super().resolve(reference)

        async def referrers(
            self, reference: Reference, artifact_type: str | None = None
        ) -> AsyncIterator[Referrer]:
            """List, and let the subject be known."""
            async for referrer in super().referrers(reference, artifact_type):
                yield referrer
            go.set()

    store = Late()
    subject = store.add_image()
    store.attach(subject, KIND)
    assert (await validate(store, reference=REFERENCE.at(subject.digest))).succeeded


async def test_a_digest_that_does_not_exist_is_not_found_whatever_is_listed_under_it() -> None:
    """Artifacts listed under it are INCONCLUSIVE, and the answer is that there is no such image."""
    store, subject = image(KIND)
    del store.manifests[subject.digest]
    result = await validate(store, reference=REFERENCE.at(subject.digest))
    assert result.error is not None
    assert result.error.reason is Reason.NOT_FOUND
    assert {report.outcome for report in result.artifacts} == {Outcome.INCONCLUSIVE}
    assert Digest.of(b"") not in store.manifests


@pytest.mark.parametrize("own", [True, False])
async def test_a_cosign_tag_whose_manifest_has_a_subject_must_have_the_right_one(own: bool) -> None:
    """Without a subject the verifier binds it; with one, it must be the image."""
    store, subject = image()
    other = store.add_image("v2", b"other")
    artifact = store.add_manifest(make_manifest(artifact_type=KIND, subject=subject if own else other))
    store.list_under(subject.digest, artifact, Discovery.COSIGN_TAG)
    assert (await validate(store)).succeeded is own


async def test_what_is_attached_to_an_artifact_that_was_refused_is_not_looked_at() -> None:
    """Who attaches something to the wrong image does not make the engine follow it further."""
    store, subject = image()
    stray = store.attach(store.add_image("v2", b"other"), KIND)
    store.attach(stray, KIND)
    store.list_under(subject.digest, stray)
    result = await validate(store, policy=NoPolicy())
    assert codes(result) == {Reason.SUBJECT_MISMATCH}
    assert [method for method, _ in store.calls].count("referrers") == 1
