"""Section D of the catalogue: graphs of artifacts, and manifests of confusing types."""

import json
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.limits import Limits
from pyratify.core.manifest import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult, flatten
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.any_all import AnyAllPolicy, Quantifier
from pyratify.policies.threshold import Rule
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore, as_json, make_manifest
from support.scenes import KIND, REFERENCE, codes, image, threshold, validate

NOTATION = "application/vnd.cncf.notary.signature"
FOUND = [Discovery.REFERRERS_API, Discovery.REFERRERS_TAG, Discovery.LAYOUT]


def denied(result: ValidationResult, reason: Reason) -> None:
    """Expect a denial, not an error, with this reason somewhere in the report."""
    assert (result.decision, result.error) == (Decision.DENY, None)
    assert reason in codes(result)


@pytest.mark.parametrize("discovery", FOUND)
@pytest.mark.parametrize("other", ["digest", "size", "type"])
async def test_atk_052_a_referrer_of_another_image_is_refused(other: str, discovery: Discovery) -> None:
    """Digest, size and media type of its subject must all be the image's, before any verifier sees it."""
    store, subject = image()
    changed = {
        "digest": store.add_image("v2", b"another"),
        "size": Descriptor(subject.media_type, subject.digest, subject.size + 1),
        "type": Descriptor(DOCKER_MANIFEST, subject.digest, subject.size),
    }[other]
    artifact = store.add_manifest(make_manifest(artifact_type=KIND, subject=changed))
    store.list_under(subject.digest, artifact, discovery)
    denied(await validate(store), Reason.SUBJECT_MISMATCH)


@pytest.mark.parametrize("discovery", FOUND)
@pytest.mark.parametrize("extra", [{}, {"subject": None}])
async def test_atk_053_a_referrer_without_a_subject_is_refused(
    extra: dict[str, Any], discovery: Discovery
) -> None:
    """Who may write a listing may not attach what says nothing of being attached."""
    store, subject = image()
    artifact = store.add_manifest(make_manifest(artifact_type=KIND, **extra))
    store.list_under(subject.digest, artifact, discovery)
    denied(await validate(store), Reason.SUBJECT_MISMATCH)


@pytest.mark.parametrize("said", [None, KIND, "application/sbom", OCI_MANIFEST])
@pytest.mark.parametrize("own", [KIND, "application/sbom"])
async def test_atk_054_the_manifest_and_not_the_listing_says_what_an_artifact_is(
    said: str | None, own: str
) -> None:
    """Whatever artifact type the listing announces, verifiers are chosen by the manifest's own."""
    store, subject = image()
    artifact = store.add_manifest(make_manifest(artifact_type=own, subject=subject))
    listed = Descriptor(artifact.media_type, artifact.digest, artifact.size, said)
    store.list_under(subject.digest, listed)
    result = await validate(store, FakeVerifier(artifact_type=KIND))
    assert result.succeeded is (own == KIND)
    assert result.artifacts[0].artifact.artifact_type == own


@pytest.mark.parametrize("said", [OCI_INDEX, DOCKER_MANIFEST, "application/json"])
async def test_atk_054_a_media_type_that_is_not_the_manifests_own_is_refused(said: str) -> None:
    """The listing's media type decides how bytes are read, and so must be theirs."""
    store, subject = image()
    artifact = store.add_manifest(make_manifest(artifact_type=KIND, subject=subject))
    store.list_under(subject.digest, Descriptor(said, artifact.digest, artifact.size))
    result = await validate(store)
    assert result.decision is Decision.DENY
    assert codes(result) & {
        Reason.MEDIATYPE_MISMATCH,
        Reason.MEDIATYPE_UNSUPPORTED,
        Reason.MANIFEST_AMBIGUOUS,
    }


@pytest.mark.parametrize("order", [("documents", "signature"), ("signature", "documents")])
async def test_atk_054_a_document_that_is_called_a_signature_is_none(order: tuple[str, str]) -> None:
    """The manifest's own type is its publisher's word: a verifier that accepts the content does not make it one, in whatever order."""

    async def refuse(evidence: Evidence) -> Details:
        raise VerificationError(
            Reason.MEDIATYPE_MISMATCH, f"{evidence.manifest.descriptor.digest} has no signature"
        )

    verifiers = {
        "documents": FakeVerifier("documents"),
        "signature": FakeVerifier("signature", NOTATION, refuse),
    }
    store, _ = image(NOTATION)
    policy = AnyAllPolicy({NOTATION: Quantifier.ANY}, plugins={"documents": "sbom", "signature": "notation"})
    denied(
        await validate(store, *(verifiers[name] for name in order), policy=policy), Reason.POLICY_UNSATISFIED
    )
    store, _ = image("application/spdx+json")
    policy = AnyAllPolicy({"application/spdx+json": Quantifier.ANY})
    assert (await validate(store, *(verifiers[name] for name in order), policy=policy)).succeeded


async def _refused_manifest(document: dict[str, Any], media_type: str = OCI_MANIFEST) -> ValidationResult:
    store, subject = image()
    document = {"subject": as_json(subject)} | document
    artifact = store.add_manifest(json.dumps(document).encode(), media_type=media_type)
    store.list_under(subject.digest, artifact)
    return await validate(store)


IMAGE = json.loads(make_manifest(artifact_type=KIND))
INDEX = {"schemaVersion": 2, "manifests": []}


@pytest.mark.parametrize(
    ("document", "media_type"),
    [
        (IMAGE | {"manifests": []}, OCI_MANIFEST),
        (IMAGE | {"mediaType": OCI_INDEX, "manifests": []}, OCI_INDEX),
        ({name: value for name, value in (IMAGE | INDEX).items() if name != "mediaType"}, OCI_MANIFEST),
        ({name: value for name, value in (IMAGE | INDEX).items() if name != "mediaType"}, OCI_INDEX),
        (IMAGE | {"fsLayers": []}, OCI_MANIFEST),
        (IMAGE | {"blobs": []}, OCI_MANIFEST),
    ],
)
async def test_atk_055_a_manifest_that_is_two_things_is_refused(
    document: dict[str, Any], media_type: str
) -> None:
    """Image and index at once: two readers could see two different artifacts."""
    denied(await _refused_manifest(document, media_type), Reason.MANIFEST_AMBIGUOUS)


@pytest.mark.parametrize(
    ("document", "media_type"),
    [
        (IMAGE | {"schemaVersion": 1}, "application/vnd.docker.distribution.manifest.v1+prettyjws"),
        (IMAGE | {"schemaVersion": 1}, "application/vnd.docker.distribution.manifest.v1+json"),
        (IMAGE | {"schemaVersion": 3}, OCI_MANIFEST),
        (IMAGE | {"schemaVersion": None}, OCI_MANIFEST),
    ],
)
async def test_atk_057_manifests_of_other_versions_are_refused(
    document: dict[str, Any], media_type: str
) -> None:
    """Schema 1, and versions that no specification defines."""
    denied(await _refused_manifest(document, media_type), Reason.MEDIATYPE_UNSUPPORTED)


async def test_atk_060_a_circle_of_referrers_ends() -> None:
    """Each digest is entered once on a way; the answer is the policy's."""
    store, subject = image()
    one = store.add_manifest(make_manifest(artifact_type=KIND))
    two = store.add_manifest(make_manifest(artifact_type=KIND, annotations={"n": "2"}))
    for under in (subject, one, two):
        for artifact in (one, two, subject):
            store.list_under(under.digest, artifact, Discovery.COSIGN_TAG)
    limits = Limits(depth=50)
    assert (await validate(store, policy=NoPolicy(), limits=limits)).limits == ()
    assert (await validate(store, limits=limits)).succeeded
    assert len([method for method, _ in store.calls if method == "referrers"]) <= 8


async def test_atk_061_deep_graphs_are_bounded() -> None:
    """A chain of two hundred artifacts costs as many requests as levels are allowed."""
    store, subject = image()
    for _ in range(200):
        subject = store.attach(subject, KIND)
    result = await validate(store, policy=threshold(*[_nested(10)]))
    denied(result, Reason.GRAPH_LIMIT)
    assert len(store.calls) <= 15


async def test_atk_061_wide_graphs_are_bounded() -> None:
    """Thirty times thirty times thirty artifacts cost no more than the number that is allowed."""
    store, subject = image()

    def grow(under: Descriptor, depth: int, name: str) -> None:
        for number in range(30 if depth < 2 else 10):
            artifact = store.attach(under, KIND, annotations={"n": f"{name}.{number}"})
            if depth < 2:
                grow(artifact, depth + 1, f"{name}.{number}")

    grow(subject, 0, "")
    result = await validate(store, policy=threshold(_nested(4)), limits=Limits(artifacts=100))
    denied(result, Reason.GRAPH_LIMIT)
    assert len(list(flatten(result.artifacts))) <= 200
    assert len(store.calls) <= 8 * 250


def _nested(depth: int) -> Rule:
    return Rule("fake", (_nested(depth - 1),)) if depth else Rule("fake")


async def test_atk_062_evidence_counts_only_where_it_is_attached() -> None:
    """An SBOM listed under two images is evidence for the one it is attached to."""
    store, subject = image()
    other = store.add_image("v2", b"another")
    sbom = store.attach(other, "application/sbom")
    store.attach(sbom, "application/sig")
    store.list_under(subject.digest, sbom)
    verifiers = (FakeVerifier("sbom", "application/sbom"), FakeVerifier("sig", "application/sig"))
    policy = threshold(Rule("sbom", (Rule("sig"),)))
    result = await validate(store, *verifiers, policy=policy)
    denied(result, Reason.SUBJECT_MISMATCH)
    assert (await validate(store, *verifiers, policy=policy, reference=REFERENCE.tagged("v2"))).succeeded


@pytest.mark.parametrize("junk", [b"", b"{", b"[]", b"{}", b"\xff", b"null", b'{"schemaVersion": 2}'])
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("concurrency", [1, 8])
async def test_atk_063_junk_beside_a_good_signature_hides_nothing(
    junk: bytes, first: bool, concurrency: int
) -> None:
    """In both orders and at once; also where the junk is missing altogether."""
    store, subject = image()
    bad = store.add_manifest(junk)
    missing = Descriptor(OCI_MANIFEST, subject.digest.of(b"missing"), 7)
    for entry in (bad, missing) if first else ():
        store.list_under(subject.digest, entry)
    store.attach(subject, KIND)
    for entry in () if first else (bad, missing):
        store.list_under(subject.digest, entry)
    assert (await validate(store, concurrency=concurrency)).succeeded


def _platforms() -> tuple[MemoryStore, Descriptor, list[Descriptor]]:
    """Return a store with an index `v1` of three images, two of one platform and one of none."""
    store = MemoryStore()
    children = [store.add_image(f"child{number}", str(number).encode()) for number in range(3)]
    platforms = ({"os": "linux", "architecture": "amd64"},) * 2 + (
        {"os": "unknown", "architecture": "unknown"},
    )
    entries = [
        as_json(child) | {"platform": platform} for child, platform in zip(children, platforms, strict=True)
    ]
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}
    index = store.add_manifest(json.dumps(document).encode(), tag="v1", media_type=OCI_INDEX)
    return store, index, children


@pytest.mark.parametrize("signed", ["index", "child", "both", "none"])
@pytest.mark.parametrize("asked", ["index", "child"])
async def test_atk_067_an_index_does_not_speak_for_its_images(signed: str, asked: str) -> None:
    """Whatever digest is asked for needs evidence of its own."""
    store, index, children = _platforms()
    if signed in ("index", "both"):
        store.attach(index, KIND)
    if signed in ("child", "both"):
        store.attach(children[0], KIND)
    subject = index if asked == "index" else children[0]
    result = await validate(store, reference=REFERENCE.at(subject.digest))
    assert result.succeeded is (signed in (asked, "both"))


@pytest.mark.parametrize("which", [0, 1, 2])
async def test_atk_068_a_signed_image_does_not_speak_for_its_index(which: int) -> None:
    """One signed platform allows neither the index nor another platform."""
    store, index, children = _platforms()
    store.attach(children[which], KIND)
    denied(await validate(store, reference=REFERENCE.at(index.digest)), Reason.NO_EVIDENCE)
    other = children[(which + 1) % 3]
    denied(await validate(store, reference=REFERENCE.at(other.digest)), Reason.NO_EVIDENCE)


async def test_atk_069_two_images_of_one_platform_are_two_images() -> None:
    """The first being signed says nothing of the second, in either order."""
    store, _, children = _platforms()
    store.attach(children[1], KIND)
    assert not (await validate(store, reference=REFERENCE.at(children[0].digest))).succeeded
    assert (await validate(store, reference=REFERENCE.at(children[1].digest))).succeeded


@pytest.mark.parametrize("annotated", [True, False])
async def test_atk_070_an_image_of_an_unknown_platform_is_not_skipped(annotated: bool) -> None:
    """Annotations that call it an attestation of a sibling make it no evidence and exempt it from none."""
    store, index, children = _platforms()
    annotations = {"vnd.docker.reference.type": "attestation-manifest"} if annotated else {}
    entry = as_json(children[2]) | {"annotations": annotations}
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
    index = store.add_manifest(json.dumps(document).encode(), media_type=OCI_INDEX)
    for subject in (index, children[2]):
        denied(await validate(store, reference=REFERENCE.at(subject.digest)), Reason.NO_EVIDENCE)


async def test_atk_071_indexes_within_indexes_are_not_followed() -> None:
    """Fifty levels cost no more than one: what an index holds is never fetched."""
    store = MemoryStore()
    inner = store.add_image()
    for _ in range(50):
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [as_json(inner)]}
        inner = store.add_manifest(json.dumps(document).encode(), media_type=OCI_INDEX)
    denied(await validate(store, reference=REFERENCE.at(inner.digest)), Reason.NO_EVIDENCE)
    assert len(store.calls) == 2
