"""Signatures that are not with their image: another repository, and a prefix before cosign's tags."""

from collections.abc import Iterator

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import StoreError
from pyratify.core.executor import Executor
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.store import Referrer
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.testing.cosign import (
    CosignKey,
    another_image,
    attach_bundle,
    sign_classic,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.testing.memory import MemoryStore, make_manifest
from pyratify.testing.registry import RegistrySimulator
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.registries import open_store
from support.scenes import threshold

KEY = CosignKey.generate()


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry on loopback."""
    with RegistrySimulator() as simulator:
        yield simulator


@pytest.fixture
def image(registry: RegistrySimulator) -> Descriptor:
    """An image in the repository `app`."""
    return registry.repository("app").add_image("v1")


def elsewhere(registry: RegistrySimulator) -> Reference:
    """The repository of signatures."""
    return Reference.parse(f"{registry.reference('sigs').registry}/sigs")


def classic(memory: MemoryStore, image: Descriptor, prefix: str = "", suffix: str = "sig") -> Descriptor:
    """A classic signature under its tag, wherever that is."""
    signed = sign_classic(KEY, simple_signing(image.digest))
    blob = memory.add_blob(signed.payload, signed.media_type)
    layer = Descriptor(blob.media_type, blob.digest, blob.size, annotations=signed.annotations)
    return memory.add_manifest(
        make_manifest(layers=[layer]), tag=f"{prefix}sha256-{image.digest.hex}.{suffix}"
    )


async def judge(store: RegistryStore, registry: RegistrySimulator, image: Descriptor) -> Decision:
    """The decision by the key."""
    policy = CosignTrustPolicy(keys=(KEY.material,), require_docker_reference=False)
    executor = Executor(
        store=store, verifiers=(CosignVerifier("cosign", [policy]),), policy=threshold("cosign")
    )
    return (await executor.validate(registry.reference("app", str(image.digest)))).decision


async def listed(store: RegistryStore, reference: Reference) -> list[Referrer]:
    """Everything that is attached."""
    return [referrer async for referrer in store.referrers(reference)]


async def test_signatures_count_from_the_repository_that_is_configured(
    registry: RegistrySimulator, image: Descriptor
) -> None:
    """A tag and a bundle there are as good as with the image, and only where that repository is configured."""
    sigs = registry.repository("sigs")
    classic(sigs, image)
    async with open_store(cosign_tags=True) as store:
        assert await judge(store, registry, image) is Decision.DENY
    async with open_store(cosign_tags=True, signatures=elsewhere(registry)) as store:
        assert await judge(store, registry, image) is Decision.ALLOW
    sigs.tags.clear()
    attach_bundle(sigs, image, sign_statement(KEY, statement(image.digest)))
    async with open_store(signatures=elsewhere(registry)) as store:
        assert await judge(store, registry, image) is Decision.ALLOW


async def test_the_image_s_own_repository_is_not_listed_then(
    registry: RegistrySimulator, image: Descriptor
) -> None:
    """As with cosign: the other repository takes its place."""
    memory = registry.repository("app")
    classic(memory, image)
    attach_bundle(memory, image, sign_statement(KEY, statement(image.digest)))
    registry.repository("sigs")
    async with open_store(cosign_tags=True, signatures=elsewhere(registry)) as store:
        assert await judge(store, registry, image) is Decision.DENY
        assert await listed(store, registry.reference("app", str(image.digest))) == []


async def test_atk_198_a_repository_that_all_images_share_binds_every_signature_to_its_own(
    registry: RegistrySimulator, image: Descriptor
) -> None:
    """Another image's signature there, under its own tag and under this image's, signs this image not."""
    sigs = registry.repository("sigs")
    other = another_image(registry.repository("app"))
    moved = classic(sigs, other)
    sigs.tags[f"sha256-{image.digest.hex}.sig"] = moved.digest
    attach_bundle(sigs, image, sign_statement(KEY, statement(other.digest)))
    async with open_store(cosign_tags=True, signatures=elsewhere(registry)) as store:
        assert await judge(store, registry, other) is Decision.ALLOW
        assert await judge(store, registry, image) is Decision.DENY


async def test_the_image_itself_is_read_from_its_own_repository(
    registry: RegistrySimulator, image: Descriptor
) -> None:
    """A tag of the other repository is not the image's; content by digest is found in either."""
    sigs = registry.repository("sigs")
    decoy = sigs.add_image("v1")
    blob = registry.repository("app").add_blob(b"only here", "text/plain")
    async with open_store(signatures=elsewhere(registry)) as store:
        reference = registry.reference("app", "v1")
        assert (await store.resolve(reference)).digest == image.digest
        at = reference.at(image.digest)
        assert await store.fetch_blob(at, blob, 100) == b"only here"
        assert await store.fetch_manifest(at, decoy, 10_000) == sigs.manifests[decoy.digest]
        with pytest.raises(StoreError):
            await store.resolve(registry.reference("app", "v2"))


async def test_mirrors_are_of_images_and_not_of_their_signatures(
    registry: RegistrySimulator, image: Descriptor
) -> None:
    """What is configured as the place of signatures is asked itself."""
    classic(registry.repository("sigs"), image)
    with RegistrySimulator() as mirror:
        mirror.repository("sigs")
        host = mirror.reference("app").registry
        async with open_store(cosign_tags=True, signatures=elsewhere(registry), mirrors=(host,)) as store:
            assert await judge(store, registry, image) is Decision.ALLOW
        assert not any("/v2/sigs/" in hit.path for hit in mirror.hits)


async def test_a_prefix_stands_before_cosigns_tags(registry: RegistrySimulator, image: Descriptor) -> None:
    """Signatures under the plain tag then count no more."""
    memory = registry.repository("app")
    classic(memory, image, prefix="dev-")
    async with open_store(cosign_tags=True) as store:
        assert await judge(store, registry, image) is Decision.DENY
    async with open_store(cosign_tags=True, cosign_tag_prefix="dev-") as store:
        assert await judge(store, registry, image) is Decision.ALLOW
    async with open_store(cosign_tags=True, cosign_tag_prefix="prod-") as store:
        assert await judge(store, registry, image) is Decision.DENY


@pytest.mark.parametrize("suffixes", [(), ("sig",), ("att", "sbom")])
async def test_only_the_tags_that_matter_are_asked_for(
    registry: RegistrySimulator, image: Descriptor, suffixes: tuple[str, ...]
) -> None:
    """Each is a request."""
    for suffix in ("sig", "att", "sbom"):
        classic(registry.repository("app"), image, suffix=suffix)
    async with open_store(cosign_tags=True, cosign_suffixes=suffixes) as store:
        found = await listed(store, registry.reference("app", str(image.digest)))
    assert len(found) == len(suffixes)
    tags = [hit.path.rpartition("/")[2] for hit in registry.hits if "/manifests/sha256-" in hit.path]
    assert {tag.rpartition(".")[2] for tag in tags if "." in tag} == set(suffixes)


async def test_a_signature_under_the_tag_of_attestations_counts_for_nothing(
    registry: RegistrySimulator, image: Descriptor
) -> None:
    """Cosign looks for signatures under `.sig` alone, and so does an engine with its verifier."""
    classic(registry.repository("app"), image, suffix="att")
    async with open_store(cosign_tags=True, cosign_suffixes=("sig",)) as store:
        assert await judge(store, registry, image) is Decision.DENY
