"""Which of the listed referrers are looked at first."""

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.limits import Limits
from pyratify.core.manifest import OCI_INDEX, OCI_MANIFEST
from pyratify.core.ordering import Ordering
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.store import Discovery, Referrer
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore, make_manifest
from support.scenes import KIND, codes, image, validate

READ = FakeVerifier(artifact_type=KIND)


def entry(
    name: str, kind: str | None = None, discovery: Discovery = Discovery.REFERRERS_API, of: str = OCI_MANIFEST
) -> Referrer:
    """Return an entry of a listing, announced as that kind."""
    return Referrer(Descriptor(of, Digest.of(name.encode()), 1, kind), discovery)


def order(*listed: Referrer, limit: int = 100) -> tuple[list[Referrer], Ordering]:
    """Return the entries in the order in which they are looked at."""
    ordering = Ordering(limit, lambda descriptor: descriptor.artifact_type == KIND)
    now = [referrer for referrer in listed if not ordering.ended and ordering.comes_now(referrer)]
    return [*now, *ordering.rest()], ordering


def announce(store: MemoryStore, kind: str) -> None:
    """Make every listing announce its entries as the kind that their manifests have, or as this one."""
    for entries in store.listings.values():
        entries[:] = [
            Referrer(
                Descriptor(each.descriptor.media_type, each.descriptor.digest, each.descriptor.size, kind),
                each.discovery,
            )
            for each in entries
        ]


def test_what_is_read_comes_first_then_what_has_no_type_then_the_rest() -> None:
    """A type that is announced as another is the least promising, but it is looked at."""
    other, untyped, read = entry("a", "application/sbom"), entry("b"), entry("c", KIND)
    found, ordering = order(other, untyped, read)
    assert found == [read, untyped, other]
    assert not ordering.over


def test_the_config_type_of_an_image_says_no_more_than_no_type() -> None:
    """Registries announce it for artifacts without a type of their own."""
    other, image_config = (
        entry("a", "application/sbom"),
        entry("b", "application/vnd.oci.image.config.v1+json"),
    )
    assert order(other, image_config)[0] == [image_config, other]


def test_a_cosign_tag_is_looked_at_before_what_is_announced_as_something_else() -> None:
    """Cosign's manifests announce no type that tells a signature from an SBOM."""
    other, tag = entry("a", "application/sbom"), entry("b", discovery=Discovery.COSIGN_TAG)
    assert order(other, tag)[0] == [tag, other]


def test_an_entry_that_is_listed_again_as_what_is_read_is_moved_up() -> None:
    """A hostile listing may announce a signature as an SBOM first; the honest entry still counts."""
    false, read, other = entry("a", "application/sbom"), entry("a", KIND), entry("b")
    assert order(false, other, read)[0] == [read, other]


def test_an_image_manifest_under_a_tag_is_not_looked_at_again_as_a_referrer() -> None:
    """Evidence of all places is merged by digest; the more permissive way of discovery is kept."""
    tag, referrer = entry("a", discovery=Discovery.COSIGN_TAG), entry("a", KIND)
    assert order(tag, referrer)[0] == [tag]
    assert order(referrer, tag)[0] == [referrer, tag]


def test_an_index_under_a_tag_does_not_hide_the_referrer() -> None:
    """A cosign tag must not name an index, a referrer may be one."""
    tag = entry("a", discovery=Discovery.COSIGN_TAG, of=OCI_INDEX)
    assert len(order(tag, entry("a", KIND, of=OCI_INDEX))[0]) == 2


@pytest.mark.parametrize(("count", "over"), [(2, False), (3, False), (4, True)])
@pytest.mark.parametrize("kind", [KIND, None, "application/sbom"])
def test_the_limit_counts_what_is_looked_at(count: int, over: bool, kind: str | None) -> None:
    """As many as allowed are no excess, of whatever kind."""
    found, ordering = order(*(entry(str(number), kind) for number in range(count)), limit=3)
    assert len(found) == min(count, 3)
    assert ordering.over is over


def test_a_listing_without_end_is_left() -> None:
    """Entries that are put off are bounded in number, and so are those that are read."""
    ordering, read = Ordering(10, lambda _: False), 0
    while not ordering.ended:
        ordering.comes_now(entry(str(read), "application/sbom"))
        read += 1
    assert read == 10_000
    assert ordering.over
    assert len(list(ordering.rest())) == 10


async def test_atk_299_unrelated_referrers_push_no_signature_out_of_sight() -> None:
    """A thousand SBOMs stand before the signature, which is announced as one; the limit is a hundred."""
    store, subject = image()
    for number in range(1000):
        store.attach(subject, "application/sbom", annotations={"number": str(number)})
    announce(store, "application/sbom")
    signature = store.attach(subject, KIND)
    store.listings[subject.digest][-1] = Referrer(
        Descriptor(signature.media_type, signature.digest, signature.size, KIND), Discovery.REFERRERS_API
    )
    result = await validate(store, READ)
    assert result.succeeded
    assert [report.artifact.digest for report in result.artifacts] == [signature.digest]


async def test_atk_299_attestations_of_a_kind_that_is_read_push_no_cosign_tag_out_of_sight() -> None:
    """As the registry store lists it, the tag stands first."""
    store, subject = image()
    tagged = store.add_manifest(make_manifest(artifact_type=KIND, annotations={"good": "yes"}))
    store.list_under(subject.digest, tagged, Discovery.COSIGN_TAG)
    for number in range(1000):
        store.attach(subject, KIND, annotations={"number": str(number)})
    announce(store, KIND)
    result = await validate(store, READ, limits=Limits(referrers=1))
    assert result.succeeded
    assert result.artifacts[0].artifact.digest == tagged.digest


async def test_atk_299_an_announced_type_is_no_reason_to_trust() -> None:
    """What is announced as a signature and is none stays what its manifest says."""
    store, subject = image()
    store.attach(subject, "application/sbom")
    announce(store, KIND)
    result = await validate(store, READ)
    assert not result.succeeded
    assert Reason.NO_EVIDENCE in codes(result) or result.failure is not None


async def test_atk_299_a_signature_that_is_announced_as_something_else_still_counts() -> None:
    """The hint decides when it is looked at, not whether."""
    store, subject = image()
    store.attach(subject, KIND)
    announce(store, "application/sbom")
    assert (await validate(store, READ)).succeeded


async def test_the_remedy_names_the_limit_and_the_flag() -> None:
    """The limit of a configuration is `limits.referrers`, that of the command `--max-signatures`."""
    store, subject = image()
    for number in range(3):
        store.attach(subject, "application/sbom", annotations={"number": str(number)})
    result = await validate(store, READ, limits=Limits(referrers=2))
    assert result.failure is not None
    assert result.failure.reason is Reason.REFERRERS_LIMIT
    assert "limits.referrers" in result.failure.remedy
    assert "--max-signatures" in result.failure.remedy


async def test_a_verifier_that_cannot_say_whether_it_reads_a_type_is_asked_all_the_same() -> None:
    """Its failure is reported once the whole manifest is there, not while listing."""

    class Broken(FakeVerifier):
        def accepts(self, manifest: object) -> bool:
            """Fail."""
            raise ValueError(manifest)

    store, subject = image()
    store.attach(subject, KIND)
    announce(store, KIND)
    result = await validate(store, Broken(), policy=NoPolicy())
    assert codes(result) == {Reason.VERIFIER_ERROR}
