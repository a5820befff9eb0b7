"""What every store has to do; a store's author inherits `StoreContract` in a test module.

```python
class TestMyStore(StoreContract):
    @pytest.fixture
    async def case(self) -> AsyncIterator[StoreCase]:
        content = sample()
        ...                              # put the content where the store reads it
        yield StoreCase(store, Reference.parse("example.com/app:v1"), content)
```
The methods are tests for pytest with `asyncio_mode = "auto"`.
"""

import asyncio

from pyratify.core.content import Content, check_content
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError, StoreError
from pyratify.core.manifest import parse_manifest
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Store
from pyratify.testing.memory import MemoryStore

SIGNATURE = "application/vnd.example.signature"
SBOM = "application/vnd.example.sbom"


@dataclass(frozen=True, slots=True)
class Sample:
    """Content that a store is filled with.

    Attributes:
        memory: All of it; `v1` is an image with two artifacts attached, `bare` one with none.
        image: What the tag `v1` is.
        bare: What the tag `bare` is.
        signature: The first artifact.
        sbom: The second.
        payload: The bytes of the signature's only layer.
    """

    memory: MemoryStore
    image: Descriptor
    bare: Descriptor
    signature: Descriptor
    sbom: Descriptor
    payload: bytes


@dataclass(frozen=True, slots=True)
class StoreCase:
    """A store with known content.

    Attributes:
        store: The store.
        reference: The tag `v1` in it.
        sample: What it was filled with.
    """

    store: Store
    reference: Reference
    sample: Sample


def fill(memory: MemoryStore) -> Sample:
    """Put the sample into a store in memory and return it."""
    image = memory.add_image("v1")
    bare = memory.add_image("bare", b"another image")
    payload = b"signature"
    signature = memory.attach(image, SIGNATURE, ("application/octet-stream", payload))
    sbom = memory.attach(image, SBOM, ("application/json", b'{"sbom":true}'))
    # The empty config, which all manifests of the sample share.
    memory.add_blob(b"{}")
    return Sample(memory, image, bare, signature, sbom, payload)


def sample() -> Sample:
    """Return the content that a store under test is to be filled with."""
    return fill(MemoryStore())


async def listed(store: Store, reference: Reference, artifact_type: str | None = None) -> list[Digest]:
    """Return the digests that a store lists."""
    return [referrer.descriptor.digest async for referrer in store.referrers(reference, artifact_type)]


async def refusal(work: "asyncio.Future[object] | object") -> RatifyError | None:
    """Return the error that an awaitable raises, or None."""
    try:
        await work  # type: ignore[misc]
    except RatifyError as error:
        return error
    return None


class StoreContract:
    """The contract; needs a fixture `case` that gives a `StoreCase` filled with `sample()`."""

    async def test_a_tag_is_resolved_to_what_it_names(self, case: StoreCase) -> None:
        """Resolving a tag gives media type, digest and size of the manifest."""
        descriptor = await case.store.resolve(case.reference)
        _must(descriptor.same_content(case.sample.image), "the tag has its own digest, size and type")

    async def test_a_digest_is_resolved_to_itself(self, case: StoreCase) -> None:
        """Resolving a digest gives the same digest."""
        descriptor = await case.store.resolve(case.reference.at(case.sample.image.digest))
        _must(descriptor.same_content(case.sample.image), "the digest is resolved to itself")

    async def test_a_missing_tag_is_not_found(self, case: StoreCase) -> None:
        """A tag that does not exist is `NOT_FOUND`, not another error."""
        await _refused(case.store.resolve(case.reference.tagged("missing")), Reason.NOT_FOUND)

    async def test_a_missing_digest_is_not_found(self, case: StoreCase) -> None:
        """A digest that does not exist is `NOT_FOUND`."""
        reference = case.reference.at(Digest.of(b"missing"))
        await _refused(case.store.resolve(reference), Reason.NOT_FOUND)

    async def test_referrers_are_listed_in_a_stable_order(self, case: StoreCase) -> None:
        """Everything attached is listed, each time in the same order."""
        subject = case.reference.at(case.sample.image.digest)
        first = await listed(case.store, subject)
        _must(
            set(first) == {case.sample.signature.digest, case.sample.sbom.digest}, "all referrers are listed"
        )
        # Reports keep the store's order, so equal content must give equal reports.
        _must(first == await listed(case.store, subject), "the order is stable")

    async def test_an_artifact_type_never_hides_what_was_asked_for(self, case: StoreCase) -> None:
        """A listing by type contains that type, whatever else it contains."""
        subject = case.reference.at(case.sample.image.digest)
        digests = await listed(case.store, subject, SIGNATURE)
        # More than was asked for is allowed: registries need not filter (distribution-spec.md).
        _must(case.sample.signature.digest in digests, "the wanted type is listed")

    async def test_a_subject_without_referrers_has_an_empty_listing(self, case: StoreCase) -> None:
        """Nothing attached is no error."""
        subject = case.reference.at(case.sample.bare.digest)
        _must(await listed(case.store, subject) == [], "nothing is listed")

    async def test_a_listing_can_be_left(self, case: StoreCase) -> None:
        """A caller that has seen enough stops after the first referrer; the store goes on working."""
        subject = case.reference.at(case.sample.image.digest)
        listing = case.store.referrers(subject)
        # One step, then the end: connections or files that a listing holds must be released.
        await anext(listing)
        await listing.aclose()  # type: ignore[attr-defined]
        _must(len(await listed(case.store, subject)) == 2, "another listing is whole")

    async def test_a_referrers_manifest_names_its_subject(self, case: StoreCase) -> None:
        """A manifest is delivered as it is."""
        subject = case.reference.at(case.sample.image.digest)
        async for referrer in case.store.referrers(subject):
            # A store may hand over a manifest that it has read to make the listing.
            data = referrer.manifest or await case.store.fetch_manifest(subject, referrer.descriptor, 1 << 20)
            # Before parsing, as the executor does: bytes that do not fit the digest are not read.
            check_content(data, referrer.descriptor)
            manifest = parse_manifest(data, referrer.descriptor)
            named = manifest.subject is not None and manifest.subject.same_content(case.sample.image)
            _must(named, "the manifest names its subject")

    async def test_a_blob_is_delivered_as_it_is(self, case: StoreCase) -> None:
        """A blob's bytes are those that were stored."""
        descriptor = Descriptor(
            "application/octet-stream", Digest.of(case.sample.payload), len(case.sample.payload)
        )
        data = await case.store.fetch_blob(case.reference, descriptor, 1 << 20)
        _must(data == case.sample.payload, "the blob is the same")

    async def test_a_missing_blob_has_its_own_reason(self, case: StoreCase) -> None:
        """A blob that does not exist is `BLOB_NOT_FOUND`."""
        descriptor = Descriptor("application/octet-stream", Digest.of(b"missing"), 7)
        await _refused(case.store.fetch_blob(case.reference, descriptor, 1 << 20), Reason.BLOB_NOT_FOUND)

    async def test_a_missing_manifest_is_not_found(self, case: StoreCase) -> None:
        """A manifest that does not exist is `NOT_FOUND`."""
        descriptor = Descriptor(case.sample.image.media_type, Digest.of(b"missing"), 7)
        await _refused(case.store.fetch_manifest(case.reference, descriptor, 1 << 20), Reason.NOT_FOUND)

    async def test_many_readers_get_the_same(self, case: StoreCase) -> None:
        """Reads at the same time do not disturb one another."""
        content = Content(case.store)
        subject = case.reference.at(case.sample.image.digest)
        read = await asyncio.gather(*(content.manifest(subject, case.sample.signature) for _ in range(8)))
        _must(len(set(read)) == 1, "all readers get the same bytes")


async def _refused(work: "asyncio.Future[object] | object", reason: Reason) -> None:
    error = await refusal(work)
    _must(isinstance(error, StoreError), f"a StoreError is raised, not {error!r}")
    _must(error is not None and error.reason is reason, f"the reason is {reason}")


def _must(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(f"a store has to see to it that {what}")
