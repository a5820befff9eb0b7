"""Attacks on listings of referrers, tried through the registry store."""

import json
from collections.abc import Iterator

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.limits import Limits
from pyratify.core.manifest import DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.stores.registry.registry_options import ReferrersMode
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.testing.registry import Fault, Features, RegistrySimulator
from support.registries import ONE, SIGNATURE, executor, open_store, reasons, sign

TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, "application/json", "text/html")


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry with one image without any signature, `app:v1`."""
    with RegistrySimulator() as simulator:
        simulator.repository("app").add_image("v1")
        yield simulator


def _image(memory: MemoryStore) -> Descriptor:
    digest = memory.tags["v1"]
    return Descriptor(OCI_MANIFEST, digest, len(memory.manifests[digest]))


def _junk(memory: MemoryStore, subject: Descriptor, count: int) -> None:
    """List artifacts that exist nowhere, announced as signatures."""
    for number in range(count):
        data = f"junk {number}".encode()
        memory.list_under(subject.digest, Descriptor(OCI_MANIFEST, Digest.of(data), len(data), SIGNATURE))


@pytest.mark.parametrize("body_type", TYPES[:3])
@pytest.mark.parametrize("header_type", TYPES)
async def test_atk_056_what_a_manifest_is_called_has_to_agree(
    registry: RegistrySimulator, body_type: str, header_type: str
) -> None:
    """Header field and document name the same type, and one that can be verified."""
    if body_type == OCI_INDEX:
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    else:
        document = {**json.loads(make_manifest()), "mediaType": body_type}
    registry.fault(
        Fault(
            path="manifests/",
            body=json.dumps(document).encode(),
            headers={"Content-Type": header_type, "Docker-Content-Digest": None},
        )
    )
    async with open_store() as store:
        if header_type == body_type:
            assert (await store.resolve(registry.reference("app", "v1"))).media_type == body_type
            return
        with pytest.raises(StoreError) as caught:
            await store.resolve(registry.reference("app", "v1"))
    wrong = (Reason.MEDIATYPE_MISMATCH, Reason.MEDIATYPE_UNSUPPORTED, Reason.MANIFEST_AMBIGUOUS)
    assert caught.value.reason in wrong


@pytest.mark.parametrize("header_type", [OCI_INDEX, DOCKER_MANIFEST, "text/plain"])
async def test_atk_056_an_artifact_is_delivered_as_what_it_was_listed(
    registry: RegistrySimulator, header_type: str
) -> None:
    """A referrer's manifest that comes as another type is not looked at."""
    memory = registry.repository("app")
    signature = sign(memory, _image(memory))
    registry.fault(Fault(path=f"manifests/{signature.digest}", headers={"Content-Type": header_type}))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert Reason.MEDIATYPE_MISMATCH in reasons(result)


@pytest.mark.parametrize("page_size", [None, 7])
async def test_atk_058_referrers_beyond_the_limit_are_not_looked_at(
    registry: RegistrySimulator, page_size: int | None
) -> None:
    """A signature behind the hundredth artifact is too far away; one at the first place is enough, whatever follows."""
    memory = registry.repository("app")
    image = _image(memory)
    registry.features.page_size = page_size
    _junk(memory, image, 100)
    sign(memory, image)
    async with open_store() as store:
        denied = await executor(store).validate(registry.reference("app", "v1"))
        assert denied.decision is Decision.DENY
        assert Reason.REFERRERS_LIMIT in reasons(denied) | {limit.reason for limit in denied.limits}
        memory.listings[image.digest].insert(0, memory.listings[image.digest].pop())
        _junk(memory, image, 2000)
        registry.reset()
        allowed = await executor(store).validate(registry.reference("app", "v1"))
    assert allowed.decision is Decision.ALLOW
    assert len(registry.hits) < 40


async def test_atk_058_a_page_has_a_size_limit(registry: RegistrySimulator) -> None:
    """A list of a hundred thousand in one page is larger than any page may be."""
    memory = registry.repository("app")
    _junk(memory, _image(memory), 5_000)
    async with open_store(max_manifest_bytes=100_000) as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.error is not None
    assert result.error.reason is Reason.SIZE_EXCEEDED


@pytest.mark.parametrize("kind", ["same", "ever new", "empty"])
async def test_atk_059_pages_come_to_an_end(registry: RegistrySimulator, kind: str) -> None:
    """A page that names itself, pages without end, and empty ones."""
    memory = registry.repository("app")
    image = _image(memory)
    path = f"/v2/app/referrers/{image.digest}"
    listing = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    if kind == "ever new":
        listing["manifests"] = [{"mediaType": OCI_MANIFEST, "digest": str(Digest.of(b"x")), "size": 1}]
    body = json.dumps(listing).encode()
    faults = [
        Fault(
            path="/referrers/",
            nth=number,
            times=1,
            body=body,
            headers={"Link": f'<{path}{"" if kind == "same" else f"?last={number}"}>; rel="next"'},
        )
        for number in range(1, 200)
    ]
    registry.fault(*faults)
    async with open_store() as store:
        limits = Limits(referrers=1000)
        result = await executor(store, limits=limits).validate(registry.reference("app", "v1"))
    assert result.decision is Decision.DENY
    assert Reason.REFERRERS_LIMIT in reasons(result)
    assert len([hit for hit in registry.hits if "/referrers/" in hit.path]) <= 50


@pytest.mark.parametrize("case", ["other subject", "no subject", "other content", "good"])
async def test_atk_065_the_tag_schema_is_checked_like_the_api(case: str) -> None:
    """The tag's index, which push access suffices to write, is only a list of candidates."""
    with RegistrySimulator(features=Features(referrers_api=False)) as registry:
        memory = registry.repository("app")
        image = memory.add_image("v1")
        other = memory.add_image("other", b"signed")
        if case == "other subject":
            memory.list_under(image.digest, sign(memory, other))
        elif case == "no subject":
            layer = memory.add_blob(b"a good envelope")
            manifest = make_manifest(artifact_type="application/vnd.example.signature", layers=[layer])
            memory.list_under(image.digest, memory.add_manifest(manifest))
        elif case == "other content":
            sign(memory, image, b"another envelope")
        else:
            sign(memory, image)
        async with open_store() as store:
            result = await executor(store).validate(registry.reference("app", "v1"))
        async with open_store(referrers=ReferrersMode.API) as store:
            strict = await executor(store).validate(registry.reference("app", "v1"))
    assert result.decision is (Decision.ALLOW if case == "good" else Decision.DENY)
    assert strict.error is not None
    assert strict.error.reason is Reason.REGISTRY_ERROR


@pytest.mark.parametrize("case", ["an image", "a huge index", "called otherwise"])
async def test_atk_066_the_referrers_tag_names_an_index(case: str) -> None:
    """An image under that tag is no list, and a list has a size limit."""
    with RegistrySimulator(features=Features(referrers_api=False)) as registry:
        memory = registry.repository("app")
        image = memory.add_image("v1")
        tag = f"sha256-{image.digest.hex}"
        if case == "an image":
            memory.add_manifest(make_manifest(), tag=tag)
        elif case == "called otherwise":
            document = {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "manifests": []}
            memory.add_manifest(json.dumps(document).encode(), tag=tag, media_type=OCI_INDEX)
        else:
            document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [], "x": "y" * 5_000_000}
            memory.add_manifest(json.dumps(document).encode(), tag=tag, media_type=OCI_INDEX)
        async with open_store() as store:
            result = await executor(store, ONE).validate(registry.reference("app", "v1"))
    assert result.error is not None
    expected = Reason.SIZE_EXCEEDED if case == "a huge index" else Reason.MEDIATYPE_MISMATCH
    assert result.error.reason is expected
