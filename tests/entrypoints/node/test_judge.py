"""What a node answers for an image: the verdict, the last one while its registry is down, or a refusal in time."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from pyratify.caches.on_disk import OnDisk
from pyratify.caches.replicated import SharedCache
from pyratify.caches.shared_secret import SharedSecret
from pyratify.caches.sqlite_content import SqliteCache
from pyratify.config.schema import NodeConfig
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure, StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Referrer
from pyratify.entrypoints.node.answer import malformed
from pyratify.entrypoints.node.judge import NodeJudge
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.indexes import add_index, entry
from pyratify.testing.memory import MemoryStore
from support.nodes import judge
from support.providers import BellClock, signed
from support.scenes import signed_by_annotation

LAST = NodeConfig(when_undecided="lastVerdict", max_age=3600)
IMAGE = Reference.parse("example.com/app:v1")


class Registry(MemoryStore):
    """A store whose registry may be down."""

    down: Reason | None = None

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Fail while it is down."""
        if self.down is not None:
            raise StoreError(self.down, "the registry is down")
        async for found in super().referrers(reference, artifact_type):
            yield found


def kept(folder: Path, clock: FakeClock) -> SharedCache:
    """Return verdicts on disk."""
    secret = SharedSecret.of(bytes(range(32)))
    return SharedCache(OnDisk(SqliteCache(folder / "kept" / "verdicts.sqlite")), secret, clock)


def registry() -> tuple[Registry, Descriptor]:
    """Return a registry with a signed image, and the image."""
    store = Registry()
    subject = store.add_image()
    store.attach(subject, "application/test")
    return store, subject


async def test_an_image_with_evidence_is_allowed() -> None:
    """The text names the image by its digest."""
    store = signed()
    subject = await store.resolve(IMAGE)
    answer = await judge(store).judge(IMAGE.at(subject.digest), 5)
    assert answer.allowed
    assert answer.text == f"ratify: ALLOWED example.com/app@{subject.digest}"


async def test_the_first_line_of_a_refusal_is_the_verdict() -> None:
    """With the code; the second says what to do."""
    store = MemoryStore()
    subject = store.add_image()
    store.attach(subject, "application/test")
    answer = await judge(store, signed_by_annotation()).judge(IMAGE.at(subject.digest), 5)
    first, second = answer.text.split("\n")
    assert (answer.exit, answer.code, answer.decision) == (1, "SIG_INVALID", "DENY")
    assert first == f"ratify: DENIED example.com/app@{subject.digest}: there is no signature [SIG_INVALID]"
    assert second == Reason.SIG_INVALID.remedy


async def test_a_platforms_digest_is_judged_with_the_index_of_its_tag() -> None:
    """As containerd names it; without the tag, or with that of another index, nothing speaks for it."""
    store = MemoryStore()
    image = store.add_image("image")
    store.attach(add_index(store, entry(image), tag="v1"), "application/test")
    add_index(store, tag="v2")
    one = judge(store)
    both = replace(IMAGE, digest=image.digest)
    assert (await one.judge(both, 5)).allowed
    assert not (await one.judge(IMAGE.at(image.digest), 5)).allowed
    assert not (await one.judge(replace(both, tag="v2"), 5)).allowed


async def test_what_has_no_digest_is_not_judged() -> None:
    """The runtime's digest counts, and a tag has none."""
    answer = await judge(signed()).judge(IMAGE, 5)
    assert (answer.exit, answer.code) == (2, "TAG_NOT_PINNED")


async def test_without_a_configuration_nothing_is_allowed() -> None:
    """As after a start with a file that is wrong."""
    store = signed()
    subject = await store.resolve(IMAGE)
    answer = await judge(None).judge(IMAGE.at(subject.digest), 5)
    assert (answer.exit, answer.code, answer.decision) == (2, "NO_EXECUTOR", "UNDECIDED")


async def test_audit_admits_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """A denial and an image that was not decided; the log has the decision that was not enforced."""
    store = MemoryStore()
    subject = store.add_image()
    store.attach(subject, "application/test")
    one = judge(store, signed_by_annotation(), node=NodeConfig(mode="audit"))
    answer = await one.judge(IMAGE.at(subject.digest), 5)
    assert (answer.allowed, answer.code) == (True, "SIG_INVALID")
    assert answer.text.startswith("ratify: AUDIT: admitted, and would be refused: DENIED example.com/app@")
    assert (await one.judge(IMAGE, 5)).allowed
    found = [record for record in caplog.records if "audit" in record.getMessage()]
    assert [record.decision for record in found] == ["DENY", "UNDECIDED"]  # type: ignore[attr-defined]
    # Without a configuration nothing says that there is an audit.
    assert not (await judge(None).judge(IMAGE.at(subject.digest), 5)).allowed


async def test_an_answer_comes_in_time() -> None:
    """A verifier that never ends is given up before the runtime's time is over."""
    clock = BellClock()

    async def never(evidence: object) -> object:
        clock.bell.set()
        return await asyncio.Event().wait()

    store = signed()
    subject = await store.resolve(IMAGE)
    one = judge(store, FakeVerifier(does=never), clock=clock)  # type: ignore[arg-type]
    answer = await one.judge(IMAGE.at(subject.digest), 2)
    assert (answer.exit, answer.code) == (2, "TIMEOUT")
    assert "1.9 seconds" in answer.text
    await one.aclose()


async def test_a_defect_is_a_refusal() -> None:
    """Whatever a store raises; the text of the exception is in the log alone."""

    class Broken(MemoryStore):
        """A store with a defect."""

        async def referrers(
            self, reference: Reference, artifact_type: str | None = None
        ) -> AsyncIterator[Referrer]:
            """Raise what no store may."""
            raise ZeroDivisionError("secret")
            yield

    store = Broken()
    subject = store.add_image()
    answer = await judge(store).judge(IMAGE.at(subject.digest), 5)
    assert not answer.allowed
    assert "secret" not in answer.text


async def allowed_before_an_outage(one: NodeJudge, store: Registry, clock: FakeClock) -> None:
    """Have the signed image of `registry` allowed ten minutes before its registry fails."""
    subject = await store.resolve(IMAGE)
    assert (await one.judge(IMAGE.at(subject.digest), 5)).allowed
    store.down = Reason.REGISTRY_UNREACHABLE
    clock.advance(600)


class TestRegistryOutages:
    """`whenUndecided: lastVerdict`: a digest that the same configuration allowed a short time ago, and no other."""

    @pytest.fixture
    def clock(self) -> FakeClock:
        """The clock of all parts."""
        return BellClock()

    async def test_a_digest_that_was_allowed_stays_allowed(self, tmp_path: Path, clock: FakeClock) -> None:
        """Also after a restart; the text says by what."""
        store, subject = registry()
        cache = kept(tmp_path, clock)
        await allowed_before_an_outage(judge(store, clock=clock, node=LAST, kept=cache), store, clock)
        again = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        answer = await again.judge(IMAGE.at(subject.digest), 5)
        assert (answer.allowed, answer.code) == (True, "REGISTRY_UNREACHABLE")
        assert answer.text.endswith(
            "by its last verdict: the registry cannot be asked [REGISTRY_UNREACHABLE]"
        )

    async def test_a_digest_is_known_under_any_tag(self, tmp_path: Path, clock: FakeClock) -> None:
        """Where no rule reads the tag, it makes no difference by which name a digest was allowed."""
        store, subject = registry()
        cache = kept(tmp_path, clock)
        reference = replace(IMAGE, digest=subject.digest)
        one = judge(store, clock=clock, node=LAST, kept=cache)
        assert (await one.judge(reference, 5)).allowed
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(600)
        again = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await again.judge(replace(reference, tag="v2"), 5)).allowed

    async def test_what_the_index_of_a_tag_speaks_for_is_known_with_that_tag(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        """Without it the manifest has no evidence, and a denial of it takes nothing from the tag."""
        store = Registry()
        image = store.add_image("image")
        store.attach(add_index(store, entry(image), tag="v1"), "application/test")
        both, alone = replace(IMAGE, tag="v1", digest=image.digest), IMAGE.at(image.digest)
        one = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await one.judge(both, 5)).allowed
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(600)
        assert not (await one.judge(alone, 5)).allowed
        store.down = None
        clock.advance(600)
        assert (await one.judge(alone, 5)).exit == 1
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(600)
        again = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await again.judge(both, 5)).allowed
        assert not (await again.judge(replace(both, tag="v2"), 5)).allowed
        assert not (await again.judge(alone, 5)).allowed

    async def test_what_the_index_of_a_tag_speaks_for_takes_the_place_of_evidence_that_is_gone(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        """That the index was asked says that the manifest is not allowed by itself any more."""
        store = Registry()
        image = store.add_image("image")
        store.attach(image, "application/test")
        store.attach(add_index(store, entry(image), tag="v1"), "application/test")
        both, alone = replace(IMAGE, tag="v1", digest=image.digest), IMAGE.at(image.digest)
        one = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await one.judge(alone, 5)).allowed
        store.listings[image.digest].clear()
        clock.advance(600)
        assert (await one.judge(both, 5)).allowed
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(600)
        for again in (one, judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))):
            assert (await again.judge(both, 5)).allowed
            assert not (await again.judge(alone, 5)).allowed

    @pytest.mark.parametrize("tag", [None, "v2"])
    async def test_a_denial_of_a_digest_takes_its_own_allowance_from_every_tag(
        self, tmp_path: Path, clock: FakeClock, tag: str | None
    ) -> None:
        """Its evidence is gone, under whatever name that was seen."""
        store = Registry()
        subject = store.add_image()
        store.attach(subject, "application/test")
        both, other = (replace(IMAGE, tag=each, digest=subject.digest) for each in ("v1", tag))
        one = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await one.judge(both, 5)).allowed
        store.listings[subject.digest].clear()
        clock.advance(600)
        assert (await one.judge(other, 5)).exit == 1
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(600)
        again = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert not (await again.judge(both, 5)).allowed

    async def test_an_allowance_takes_the_place_of_a_denial_under_every_name(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        """And a denial with a tag that of an allowance without."""
        store = Registry()
        subject = store.add_image()
        both, alone = replace(IMAGE, digest=subject.digest), IMAGE.at(subject.digest)
        one = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await one.judge(both, 5)).exit == 1
        store.attach(subject, "application/test")
        clock.advance(600)
        assert (await one.judge(both, 5)).allowed
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(600)
        again = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await again.judge(both, 5)).allowed
        assert (await again.judge(alone, 5)).allowed
        store.down = None
        denying = judge(store, signed_by_annotation(), clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await denying.judge(both, 5)).exit == 1
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(600)
        last = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert not (await last.judge(alone, 5)).allowed

    async def test_refuse_is_the_default(self, tmp_path: Path, clock: FakeClock) -> None:
        """An outage allows nothing that no configuration says."""
        store, subject = registry()
        one = judge(store, clock=clock, kept=kept(tmp_path, clock))
        await allowed_before_an_outage(one, store, clock)
        answer = await one.judge(IMAGE.at(subject.digest), 5)
        assert (answer.exit, answer.code) == (2, "REGISTRY_UNREACHABLE")

    async def test_an_unknown_digest_is_refused(self, tmp_path: Path, clock: FakeClock) -> None:
        """Another digest of the same repository, and the same digest in another repository."""
        store, subject = registry()
        one = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        await allowed_before_an_outage(one, store, clock)
        other = Descriptor("a/b", Digest.of(b"other"), 5)
        for unknown in (IMAGE.at(other.digest), Reference.parse("example.com/other:v1").at(subject.digest)):
            assert not (await one.judge(unknown, 5)).allowed

    @pytest.mark.parametrize("age", [3599, 3601])
    async def test_a_last_verdict_ends_with_its_age(self, tmp_path: Path, clock: FakeClock, age: int) -> None:
        """Counted from the evaluation, and not from its last use."""
        store, subject = registry()
        one = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        for _ in range(2):
            assert (await one.judge(IMAGE.at(subject.digest), 5)).allowed
            clock.advance(4)
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(age - 8)
        assert (await one.judge(IMAGE.at(subject.digest), 5)).allowed is (age < 3600)

    async def test_another_configuration_knows_no_last_verdict(
        self, tmp_path: Path, clock: FakeClock
    ) -> None:
        """What another one trusted says nothing."""
        store, subject = registry()
        cache = kept(tmp_path, clock)
        await allowed_before_an_outage(judge(store, clock=clock, node=LAST, kept=cache), store, clock)
        other = judge(store, clock=clock, node=LAST, kept=cache, generation="two")
        assert not (await other.judge(IMAGE.at(subject.digest), 5)).allowed

    async def test_a_shorter_age_holds_at_once(self, tmp_path: Path, clock: FakeClock) -> None:
        """What was kept for a longer one is not found."""
        store, subject = registry()
        cache = kept(tmp_path, clock)
        await allowed_before_an_outage(judge(store, clock=clock, node=LAST, kept=cache), store, clock)
        shorter = NodeConfig(when_undecided="lastVerdict", max_age=300)
        one = judge(store, clock=clock, node=shorter, kept=cache)
        assert not (await one.judge(IMAGE.at(subject.digest), 5)).allowed

    async def test_a_denial_takes_the_last_verdict_back(self, tmp_path: Path, clock: FakeClock) -> None:
        """The last one counts, and not the last that allowed."""
        store, subject = registry()
        cache = kept(tmp_path, clock)
        assert (
            await judge(store, clock=clock, node=LAST, kept=cache).judge(IMAGE.at(subject.digest), 5)
        ).allowed
        clock.advance(600)
        denying = judge(store, signed_by_annotation(), clock=clock, node=LAST, kept=cache)
        assert (await denying.judge(IMAGE.at(subject.digest), 5)).exit == 1
        store.down = Reason.REGISTRY_UNREACHABLE
        clock.advance(600)
        assert not (await denying.judge(IMAGE.at(subject.digest), 5)).allowed

    @pytest.mark.parametrize("reason", [Reason.REGISTRY_AUTH, Reason.NOT_FOUND, Reason.TLS_VERIFY])
    async def test_only_an_outage_is_one(self, tmp_path: Path, clock: FakeClock, reason: Reason) -> None:
        """A credential that was withdrawn, an image that was deleted and a certificate that is wrong are none."""
        store, subject = registry()
        one = judge(store, clock=clock, node=LAST, kept=kept(tmp_path, clock))
        assert (await one.judge(IMAGE.at(subject.digest), 5)).allowed
        store.down = reason
        clock.advance(600)
        assert not (await one.judge(IMAGE.at(subject.digest), 5)).allowed


@pytest.mark.parametrize("reason", [Reason.JSON_INVALID, Reason.JSON_DUPLICATE_KEY, Reason.PARSE_LIMIT])
def test_a_malformed_request_is_no_fault_of_a_publisher(reason: Reason) -> None:
    """What to do is said of the request, and of no artifact."""
    text = malformed(Failure(reason, "the body of the request: not JSON", reason.remedy)).text
    assert text.endswith("Correct the request; no image was looked at.")
    assert "publisher" not in text
