"""Docker's chain of attestations, for tests: an index, platform manifests, attestation manifests, and what signs which of them."""

from collections.abc import Mapping
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.testing.attestations import SLSA_V1, in_toto, provenance_v1
from pyratify.testing.cosign import CosignKey, attach_bundle, sign_statement, statement
from pyratify.testing.indexes import add_attestation_manifest, add_index, attestation_entry, entry
from pyratify.testing.memory import MemoryStore

PLATFORMS = ("linux/amd64", "linux/arm64")


@dataclass(frozen=True, slots=True)
class DockerChain:
    """An image for several platforms with an attestation manifest for each.

    Attributes:
        store: Where it is.
        index: The image index.
        images: The platform manifests, in the order of the index.
        attestations: Their attestation manifests.
    """

    store: MemoryStore
    index: Descriptor
    images: tuple[Descriptor, ...]
    attestations: tuple[Descriptor, ...]

    def sign(self, key: CosignKey, *subjects: Descriptor) -> None:
        """Attach a signature of cosign's to each subject; to the attestation manifests where none is named."""
        for subject in subjects or self.attestations:
            bundle = sign_statement(key, statement(subject.digest))
            attach_bundle(self.store, subject, bundle)


def make_chain(
    store: MemoryStore | None = None,
    *,
    hardened: bool = False,
    about: Digest | None = None,
    predicate: Mapping[str, Any] | None = None,
    predicate_type: str = SLSA_V1,
    tag: str = "v1",
) -> DockerChain:
    """Return a chain that nothing signs yet.

    Args:
        store: Where it is made; a new one when omitted.
        hardened: Whether attestation manifests are referrers of their images, as those of Docker Hardened Images, and not in the index.
        about: What the statements are about in place of their images.
        predicate: What they say in place of a provenance.
        predicate_type: The type of that.
        tag: The tag of the index.
    """
    store = store or MemoryStore()
    images = tuple(
        store.add_image(f"{tag}-{platform}".replace("/", "-"), platform.encode()) for platform in PLATFORMS
    )
    found = []
    for image in images:
        said = provenance_v1() if predicate is None else predicate
        made = in_toto(about or image.digest, predicate_type, said)
        found.append(add_attestation_manifest(store, made, subject=image if hardened else None))
    entries = [entry(image, platform) for image, platform in zip(images, PLATFORMS, strict=True)]
    # BuildKit lists attestation manifests in the index, behind the images they are about.
    if not hardened:
        pairs = zip(found, images, strict=True)
        entries += [attestation_entry(each, image.digest) for each, image in pairs]
    return DockerChain(store, add_index(store, *entries, tag=tag), images, tuple(found))
