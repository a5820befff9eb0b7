"""Manifests: image manifests and image indexes, parsed strictly (OCI image specification)."""

import re
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import NO_ANNOTATIONS, Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.errors import VerificationError
from pyratify.core.platform import Platform
from pyratify.core.reason import Reason

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
EMPTY_CONFIG = "application/vnd.oci.empty.v1+json"
MANIFEST_TYPES = (OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST, DOCKER_LIST)
INDEX_TYPES = (OCI_INDEX, DOCKER_LIST)
MAX_ANNOTATIONS = 64 * 1024
"""Characters of the annotations of what is attached to an image, names included."""
_MAX_SIZE = 2**63 - 1  # image-descriptor.md: size is an int64
# RFC 6838, section 4.2; parameters are allowed, as tools in use write them.
_NAME = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,126}"
_MEDIA_TYPE = re.compile(rf"{_NAME}/{_NAME}(?: ?; ?[ -~]{{1,126}})?", re.ASCII)
_IMAGE_FIELDS = ("config", "layers")
# A document with fields of both kinds is an image to one reader and an index to another (type confusion).
_FOREIGN = {True: ("config", "layers", "blobs", "fsLayers"), False: ("manifests", "blobs", "fsLayers")}


class InvalidManifest(VerificationError):
    """A document that is no manifest, or one that readers could understand in different ways."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """An image manifest or image index.

    Attributes:
        descriptor: What the manifest itself is; artifact type and annotations are the manifest's own.
        config: The config's descriptor; None for an index.
        layers: The layers of an image manifest.
        manifests: The entries of an image index.
        subject: The manifest this one is attached to.
    """

    descriptor: Descriptor
    config: Descriptor | None = None
    layers: tuple[Descriptor, ...] = ()
    manifests: tuple[Descriptor, ...] = ()
    subject: Descriptor | None = None

    @property
    def artifact_type(self) -> str | None:
        """The artifact type; for an image manifest without one, its config's media type."""
        return self.descriptor.artifact_type

    @property
    def annotations(self) -> Mapping[str, str]:
        """Text of the manifest's author; not signed."""
        return self.descriptor.annotations

    @property
    def is_index(self) -> bool:
        """Whether this is an image index."""
        return self.descriptor.media_type in INDEX_TYPES


def parse_manifest(data: bytes, descriptor: Descriptor) -> Manifest:
    """Parse the bytes of a manifest.

    Args:
        data: Bytes whose digest and size have been checked, and are within the caller's limits.
        descriptor: The descriptor that announced them; its media type must equal the document's own.

    Raises:
        InvalidManifest: `MEDIATYPE_UNSUPPORTED`, `MEDIATYPE_MISMATCH`, `MANIFEST_AMBIGUOUS`, `DIGEST_INVALID` or a JSON code.
    """
    try:
        document = strictjson.load_object(data, what="manifest", max_bytes=descriptor.size)
        return _read(document, descriptor)
    except (strictjson.InvalidJson, InvalidDigest) as error:
        raise InvalidManifest(error.reason, error.message) from None


def check_annotations(manifest: Manifest) -> None:
    """Refuse a manifest with very long annotations, as reports and cached verdicts hold them.

    Raises:
        InvalidManifest: `PARSE_LIMIT`.
    """
    size = sum(len(name) + len(text) for name, text in manifest.annotations.items())
    if size > MAX_ANNOTATIONS:
        raise InvalidManifest(
            Reason.PARSE_LIMIT,
            f"the annotations of {manifest.descriptor.digest} have {size} characters, more than the {MAX_ANNOTATIONS} allowed",
        )


def read_descriptor(value: Any, where: str) -> Descriptor:
    """Read a descriptor from parsed JSON.

    Raises:
        InvalidManifest: `JSON_INVALID` or `SIZE_MISMATCH` for a size that is no byte count.
        InvalidDigest: `DIGEST_INVALID`.
    """
    if not isinstance(value, dict):
        raise InvalidManifest(Reason.JSON_INVALID, f"{where} is not a descriptor")
    media_type, digest, size = value.get("mediaType"), value.get("digest"), value.get("size")
    if not isinstance(media_type, str) or not isinstance(digest, str):
        raise InvalidManifest(Reason.JSON_INVALID, f"{where} has no media type or no digest")
    _check_type(media_type, where)
    # Not isinstance: True and 1.0 equal 1.
    if type(size) is not int or not 0 <= size <= _MAX_SIZE:
        raise InvalidManifest(Reason.SIZE_MISMATCH, f"{where} has a size that is no number of bytes")
    return Descriptor(
        media_type, Digest(digest), size, _type(value, "artifactType", where), _annotations(value, where)
    )


def _read(document: dict[str, Any], descriptor: Descriptor) -> Manifest:
    # The announced type alone decides how the document is read.
    if descriptor.media_type not in MANIFEST_TYPES or not _is_version_2(document):
        raise InvalidManifest(
            Reason.MEDIATYPE_UNSUPPORTED,
            f"not a manifest that can be verified: {descriptor.media_type[:120]!a}",
        )
    _check_shape(document, descriptor)
    config = _optional(document, "config")
    # distribution-spec.md, "Listing Referrers": without an artifactType the config's mediaType stands for it.
    artifact_type = _type(document, "artifactType", "manifest") or (config.media_type if config else None)
    annotations = _annotations(document, "manifest")
    return Manifest(
        replace(descriptor, artifact_type=artifact_type, annotations=annotations),
        config,
        _descriptors(document, "layers"),
        _entries(document),
        _optional(document, "subject"),
    )


def _is_version_2(document: dict[str, Any]) -> bool:
    # image-manifest.md: schemaVersion is the integer 2; True and 2.0 are not.
    version = document.get("schemaVersion")
    return type(version) is int and version == 2


def _check_shape(document: dict[str, Any], descriptor: Descriptor) -> None:
    is_index = descriptor.media_type in INDEX_TYPES
    foreign = [name for name in _FOREIGN[is_index] if name in document]
    if foreign:
        raise InvalidManifest(
            Reason.MANIFEST_AMBIGUOUS,
            f"a manifest of type {descriptor.media_type} must not have {foreign[0]!r}",
        )
    # image-manifest.md: mediaType should be there and need not be.
    if document.get("mediaType", descriptor.media_type) != descriptor.media_type:
        raise InvalidManifest(
            Reason.MEDIATYPE_MISMATCH,
            f"the manifest says its mediaType is {str(document['mediaType'])[:120]!a}, its descriptor says {descriptor.media_type}",
        )
    required = ("manifests",) if is_index else _IMAGE_FIELDS
    if any(name not in document for name in required) or (not is_index and document["config"] is None):
        raise InvalidManifest(Reason.JSON_INVALID, f"the manifest lacks one of: {', '.join(required)}")


def _optional(document: dict[str, Any], name: str) -> Descriptor | None:
    return read_descriptor(document[name], name) if document.get(name) is not None else None


def _descriptors(document: dict[str, Any], name: str) -> tuple[Descriptor, ...]:
    values = document.get(name)
    if values is None:  # how some tools write an empty list
        return ()
    if not isinstance(values, list):
        raise InvalidManifest(Reason.JSON_INVALID, f"{name} is not a list")
    return tuple(read_descriptor(value, f"{name}[{index}]") for index, value in enumerate(values))


def _entries(document: dict[str, Any]) -> tuple[Descriptor, ...]:
    """Read the entries of an image index with their platforms."""
    entries = _descriptors(document, "manifests")
    platforms = [_platform(value, index) for index, value in enumerate(document.get("manifests") or ())]
    return tuple(
        replace(entry, platform=platform) if platform else entry
        for entry, platform in zip(entries, platforms, strict=True)
    )


def _platform(value: dict[str, Any], index: int) -> Platform | None:
    platform = value.get("platform")
    if platform is None:
        return None
    if not isinstance(platform, dict):
        raise InvalidManifest(Reason.JSON_INVALID, f"manifests[{index}]: its platform is not an object")
    try:
        return Platform.read(platform)
    except ValueError as error:
        raise InvalidManifest(Reason.JSON_INVALID, f"manifests[{index}]: {error}") from None


def _type(document: dict[str, Any], name: str, where: str) -> str | None:
    value = document.get(name)
    if value is not None and not isinstance(value, str):
        raise InvalidManifest(Reason.JSON_INVALID, f"{where}: {name} is not a string")
    if value:
        _check_type(value, f"{where}: {name}")
    return value or None


def _check_type(text: str, where: str) -> None:
    if not _MEDIA_TYPE.fullmatch(text):
        raise InvalidManifest(Reason.JSON_INVALID, f"{where}: not a media type: {text[:80]!a}")


def _annotations(document: dict[str, Any], where: str) -> Mapping[str, str]:
    value = document.get("annotations")
    if value is None:
        return NO_ANNOTATIONS
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise InvalidManifest(Reason.JSON_INVALID, f"{where}: annotations are not strings")
    # Read-only without a copy: the parser made this dict, and nothing else holds it.
    return MappingProxyType(value)
