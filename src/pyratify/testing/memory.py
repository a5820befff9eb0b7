"""A store in memory, for tests."""

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import field
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.manifest import EMPTY_CONFIG, OCI_INDEX, OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer

EMPTY = b"{}"
EMPTY_DESCRIPTOR = Descriptor(EMPTY_CONFIG, Digest.of(EMPTY), len(EMPTY))


def as_json(descriptor: Descriptor) -> dict[str, Any]:
    """Return a descriptor as it stands in a manifest."""
    document: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }
    if descriptor.artifact_type:
        document["artifactType"] = descriptor.artifact_type
    if descriptor.annotations:
        document["annotations"] = dict(descriptor.annotations)
    return document


def make_manifest(
    *,
    artifact_type: str | None = None,
    layers: Sequence[Descriptor] = (),
    subject: Descriptor | None = None,
    annotations: Mapping[str, str] | None = None,
    config: Descriptor = EMPTY_DESCRIPTOR,
    **extra: Any,
) -> bytes:
    """Return the bytes of an OCI image manifest; `extra` adds or replaces members as they stand."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": as_json(config),
        "layers": [as_json(layer) for layer in layers],
    }
    if artifact_type:
        document["artifactType"] = artifact_type
    if subject:
        document["subject"] = as_json(Descriptor(subject.media_type, subject.digest, subject.size))
    if annotations:
        document["annotations"] = dict(annotations)
    # Last, so that a test can also break a member, with null or a wrong type.
    document.update(extra)
    return json.dumps(document).encode()


@dataclass
class MemoryStore:
    """Holds manifests and blobs by digest, tags by name and referrers by subject; every method can be made to fail.

    Attributes:
        faults: Errors by method name (`resolve`, `referrers`, `fetch_manifest`, `fetch_blob`) or by digest or tag;
            they are raised instead of an answer.
        calls: The names of the methods that were called with what they were called for, in order.
    """

    manifests: dict[Digest, bytes] = field(default_factory=dict)
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    types: dict[Digest, str] = field(default_factory=dict)
    tags: dict[str, Digest] = field(default_factory=dict)
    listings: dict[Digest, list[Referrer]] = field(default_factory=dict)
    faults: dict[str, Exception] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)

    def add_blob(self, data: bytes, media_type: str = "application/octet-stream") -> Descriptor:
        """Keep a blob and return what it is."""
        descriptor = Descriptor(media_type, Digest.of(data), len(data))
        self.blobs[descriptor.digest] = data
        return descriptor

    def add_manifest(
        self, data: bytes, *, tag: str | None = None, media_type: str = OCI_MANIFEST
    ) -> Descriptor:
        """Keep a manifest, perhaps under a tag, and return what it is."""
        descriptor = Descriptor(media_type, Digest.of(data), len(data))
        self.manifests[descriptor.digest] = data
        self.types[descriptor.digest] = media_type
        if tag is not None:
            self.tags[tag] = descriptor.digest
        return descriptor

    def add_image(self, tag: str = "v1", content: bytes = b"image") -> Descriptor:
        """Keep a small image under a tag and return what it is."""
        layer = self.add_blob(content, "application/vnd.oci.image.layer.v1.tar")
        return self.add_manifest(make_manifest(layers=[layer]), tag=tag)

    def attach(
        self,
        subject: Descriptor,
        artifact_type: str,
        *layers: tuple[str, bytes],
        annotations: Mapping[str, str] | None = None,
        discovery: Discovery = Discovery.REFERRERS_API,
    ) -> Descriptor:
        """Attach an artifact with these layers (media type and bytes) to a subject and return what it is."""
        descriptors = [self.add_blob(data, media_type) for media_type, data in layers]
        manifest = make_manifest(
            artifact_type=artifact_type, layers=descriptors, subject=subject, annotations=annotations
        )
        descriptor = self.add_manifest(manifest)
        self.list_under(subject.digest, descriptor, discovery)
        return descriptor

    def list_under(
        self, subject: Digest, descriptor: Descriptor, discovery: Discovery = Discovery.REFERRERS_API
    ) -> None:
        """List an artifact under a subject, whatever its own manifest says."""
        self.listings.setdefault(subject, []).append(Referrer(descriptor, discovery))

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return what the reference names."""
        self.called("resolve", str(reference))
        digest = reference.digest or self.tags.get(reference.tag or "")
        if digest is None or digest not in self.manifests:
            raise StoreError(Reason.NOT_FOUND, f"{reference} was not found")
        data = self.manifests[digest]
        return Descriptor(self.types.get(digest, OCI_INDEX), digest, len(data))

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Iterate over what is listed under the reference's digest."""
        # Not filtered: a store may list other types too, and the executor has to cope with that.
        del artifact_type
        self.called("referrers", str(reference.digest))
        for referrer in self.listings.get(reference.digest or Digest.of(b""), []):
            yield referrer

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return a manifest's bytes."""
        # The limit is for `Content` to enforce: a store that ignores it must do no harm.
        del reference, limit
        self.called("fetch_manifest", descriptor.digest)
        if descriptor.digest not in self.manifests:
            raise StoreError(Reason.NOT_FOUND, f"{descriptor.digest} was not found")
        return self.manifests[descriptor.digest]

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return a blob's bytes."""
        del reference, limit
        self.called("fetch_blob", descriptor.digest)
        if descriptor.digest not in self.blobs:
            raise StoreError(Reason.BLOB_NOT_FOUND, f"{descriptor.digest} was not found")
        return self.blobs[descriptor.digest]

    def called(self, method: str, what: str) -> None:
        """Note a call, and fail where that is wanted; a subclass may decide otherwise.

        Args:
            method: As `fetch_blob`.
            what: The digest, or the reference that is resolved.
        """
        # Noted also when it fails, so that retries can be counted.
        self.calls.append((method, what))
        fault = self.faults.get(method) or self.faults.get(what)
        if fault is not None:
            raise fault
