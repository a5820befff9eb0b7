"""What a verifier sees of the artifacts beside its own evidence: all of them, once, in order, or an error."""

import asyncio
from typing import Any

import pytest

from pyratify.core.errors import (
    ConfigurationError,
    InconclusiveError,
    RatifyError,
    StoreError,
    VerificationError,
)
from pyratify.core.limits import Limits
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.report import ValidationResult
from pyratify.core.verifier import Details, Evidence
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, codes, validate

OTHER = "application/other"


def scene(count: int = 3) -> tuple[MemoryStore, Any]:
    """Return a store with an image, one artifact that is verified, and others of another type."""
    store = MemoryStore()
    subject = store.add_image()
    store.attach(subject, KIND)
    for number in range(count):
        store.attach(subject, OTHER, annotations={"number": str(number)})
    return store, subject


async def number_of(evidence: Evidence) -> str | None:
    """Return an artifact's number; None for the one that is verified."""
    return evidence.manifest.annotations.get("number")


def looking(work: Any = number_of) -> FakeVerifier:
    """Return a verifier that says what it finds beside its evidence."""

    async def does(evidence: Evidence) -> Details:
        assert evidence.siblings is not None
        return Details("good", data={"found": list(await evidence.siblings.examine("key", work))})

    return FakeVerifier("fake", KIND, does)


def found(result: ValidationResult) -> list[Any]:
    """Return what the verifier found."""
    return [
        each.details.data["found"] for report in result.artifacts for each in report.results if each.details
    ]


@pytest.mark.parametrize("concurrency", [1, 3, 16])
async def test_all_siblings_are_seen_in_the_stores_order(concurrency: int) -> None:
    """However long each takes, and whichever of them is verified first."""

    async def slow(evidence: Evidence) -> str | None:
        number = evidence.manifest.annotations.get("number")
        for _ in range(10 - int(number or 0)):
            await asyncio.sleep(0)
        return number

    store, _ = scene(9)
    result = await validate(store, looking(slow), policy=NoPolicy(), concurrency=concurrency)
    assert found(result) == [[str(number) for number in range(9)]]


async def test_the_work_is_done_once_for_all_that_ask() -> None:
    """Twenty artifacts that ask cause one listing, and one reading of each sibling."""
    store, subject = scene()
    for number in range(19):
        store.attach(subject, KIND, annotations={"unique": str(number)})
    seen: list[str] = []

    async def work(evidence: Evidence) -> str | None:
        seen.append(str(evidence.manifest.descriptor.digest))
        return await number_of(evidence)

    result = await validate(store, looking(work), policy=NoPolicy())
    assert found(result) == [["0", "1", "2"]] * 20
    assert len(seen) == len(set(seen)) == 23
    assert store.calls.count(("referrers", str(subject.digest))) == 2


async def test_what_is_attached_elsewhere_is_left_out() -> None:
    """A listing that names another image's artifact makes it no sibling."""
    store, subject = scene(1)
    other = store.add_image("v2", b"other")
    foreign = store.attach(other, OTHER, annotations={"number": "7"})
    store.list_under(subject.digest, foreign)
    assert found(await validate(store, looking(), policy=NoPolicy())) == [["0"]]


async def test_a_sibling_that_is_refused_is_left_out() -> None:
    """What is no evidence hides nothing of the others."""

    async def work(evidence: Evidence) -> str | None:
        number = await number_of(evidence)
        if number == "1":
            raise VerificationError(Reason.SIG_INVALID, "no")
        return number

    store, _ = scene()
    assert found(await validate(store, looking(work), policy=NoPolicy())) == [["0", "2"]]


@pytest.mark.parametrize(
    "error",
    [
        StoreError(Reason.REGISTRY_UNREACHABLE, "the registry is away"),
        InconclusiveError(Reason.TIMEOUT, "too slow"),
        InconclusiveError(Reason.KEY_UNAVAILABLE, "the key cannot be used"),
        ConfigurationError("the key cannot be used", reason=Reason.KEY_INVALID),
    ],
)
async def test_a_sibling_that_cannot_be_read_is_an_error(error: RatifyError) -> None:
    """It may be the one that says otherwise: the verifier gets that error and cannot go on without it."""

    async def work(evidence: Evidence) -> str | None:
        if await number_of(evidence) == "1":
            raise error
        return "x"

    store, _ = scene()
    result = await validate(store, looking(work), policy=NoPolicy())
    assert found(result) == []
    assert codes(result) == {error.reason}


async def test_a_blob_that_was_never_pushed_hides_nothing() -> None:
    """A publisher can cause it at will, so it must not make the other siblings useless."""

    async def work(evidence: Evidence) -> str | None:
        if await number_of(evidence) == "1":
            raise StoreError(Reason.BLOB_NOT_FOUND, "it is not there")
        return await number_of(evidence)

    store, _ = scene()
    assert found(await validate(store, looking(work), policy=NoPolicy())) == [["0", "2"]]


async def test_more_siblings_than_the_limit_are_an_error() -> None:
    """What is beyond the limit may say otherwise."""
    store, _ = scene(5)
    result = await validate(store, looking(), policy=NoPolicy(), limits=Limits(referrers=4))
    assert Reason.REFERRERS_LIMIT in codes(result)
    assert found(result) == []


async def test_large_siblings_do_not_wait_for_the_evidence_that_asks() -> None:
    """Evidence holds a slot for large documents while it asks; its siblings have slots of their own."""
    store = MemoryStore()
    subject = store.add_image()
    large = b" " * 100_000
    for number in range(12):
        store.attach(subject, KIND, ("text/plain", large + str(number).encode()))

    async def work(evidence: Evidence) -> int:
        return len(await evidence.blob(evidence.manifest.layers[0]))

    async def does(evidence: Evidence) -> Details:
        assert evidence.siblings is not None
        await evidence.blob(evidence.manifest.layers[0])
        return Details("good", data={"found": list(await evidence.siblings.examine("key", work))})

    verifier = FakeVerifier("fake", KIND, does)
    result = await validate(store, verifier, policy=NoPolicy(), concurrency=12, timeout=20)
    assert [len(each) for each in found(result)] == [12] * 12


async def test_a_sibling_has_no_siblings() -> None:
    """The work cannot ask for them: it would wait for itself."""

    async def work(evidence: Evidence) -> bool:
        return evidence.siblings is None

    store, _ = scene(2)
    assert found(await validate(store, looking(work), policy=NoPolicy())) == [[True] * 3]


async def test_a_listing_that_fails_is_an_error_each_time() -> None:
    """It is asked for once; each evidence that asks gets the same answer."""
    store, subject = scene()
    store.attach(subject, KIND, annotations={"unique": "1"})
    listed = StoreError(Reason.REGISTRY_ERROR, "no listing")
    told: list[str] = []

    async def does(evidence: Evidence) -> Details:
        assert evidence.siblings is not None
        store.faults["referrers"] = listed
        try:
            await evidence.siblings.examine("key", number_of)
        except StoreError as error:
            told.append(error.message)
        return Details("good")

    await validate(store, FakeVerifier("fake", KIND, does), policy=NoPolicy(), concurrency=1)
    assert told == ["no listing", "no listing"]
    assert store.calls.count(("referrers", str(subject.digest))) == 2
