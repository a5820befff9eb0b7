"""What an image says of itself: the configurations of its platforms (OCI image specification, "OCI Image Configuration").

These are the publisher's claims: nothing but the digest binds them, and nothing says that they are true.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from pyratify.core.content import Content
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.examine import read_manifest
from pyratify.core.isolation import gather
from pyratify.core.limits import MIB
from pyratify.core.manifest import INDEX_TYPES, Manifest
from pyratify.core.offload import offload
from pyratify.core.platform import Platform
from pyratify.core.policy import Image
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.strictjson import InvalidJson, load_object

CONFIG_TYPES = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
)
_MAX_CONFIG = 4 * MIB
_NO_IMAGE = "The policy reads what an image says of itself: ask for an image, or use another policy in the scopes of what is none."


async def read_images(
    content: Content, reference: Reference, subject: Descriptor, concurrency: int
) -> tuple[Image, ...]:
    """Return what an image says of itself, once for each platform that may be run; at least one.

    Each is a JSON object: `platform`, `platforms` (of all), `labels`, `user`, `entrypoint`, `cmd`, `env`, `created` and `layers`;
    what is not said is empty.

    Raises:
        StoreError: A manifest or configuration could not be read.
        VerificationError: The subject is no image, or a configuration is malformed.
    """
    manifests = await _runnable(content, reference, subject, concurrency)
    found = await gather([partial(_image, content, reference, each) for each in manifests], concurrency)
    if not found:
        raise VerificationError(
            Reason.MEDIATYPE_UNSUPPORTED,
            f"the image index {subject.digest} lists no image that may be run",
            remedy=_NO_IMAGE,
        )
    # Sorted: no rule may depend on the order of an index.
    platforms = sorted({image["platform"] for image in found})
    return tuple({**image, "platforms": platforms} for image in found)


async def _runnable(
    content: Content, reference: Reference, subject: Descriptor, concurrency: int
) -> tuple[Descriptor, ...]:
    if subject.media_type not in INDEX_TYPES:
        return (subject,)
    # Lazy: most images are judged without their configuration.
    from pyratify.core.index_reading import IndexReader

    reader = IndexReader(content, concurrency)
    return tuple(entry.descriptor for entry in await reader.read(reference, subject))


async def _image(content: Content, reference: Reference, descriptor: Descriptor) -> dict[str, Any]:
    manifest = await read_manifest(content, reference, descriptor)
    config = manifest.config
    # Artifacts share an image's manifest type; this one tells them apart (OCI image manifest, `config`).
    if config is None or config.media_type not in CONFIG_TYPES:
        kind = (
            "no configuration" if config is None else f"a configuration of type {config.media_type[:120]!a}"
        )
        raise VerificationError(
            Reason.MEDIATYPE_UNSUPPORTED,
            f"{descriptor.digest} has {kind}, so it is no image",
            remedy=_NO_IMAGE,
        )
    # By the announced size: nothing is fetched of what would be refused.
    if config.size > _MAX_CONFIG:
        raise VerificationError(
            Reason.SIZE_EXCEEDED,
            f"the configuration of {descriptor.digest} has {config.size} bytes, more than the {_MAX_CONFIG} allowed",
        )
    data = await content.blob(reference, config)
    return await offload(len(data), _parse, data, manifest)


def _parse(data: bytes, manifest: Manifest) -> dict[str, Any]:
    try:
        document = load_object(data, what="the image's configuration")
    except InvalidJson as error:
        raise VerificationError(error.reason, error.message) from None
    members = _Members(manifest)
    own = members.read(document, "config", dict) or {}
    names = ("os", "architecture", "variant", "os.version")
    platform = Platform.of(*(members.read(document, name, str) or "" for name in names))
    return {
        "platform": str(platform),
        "labels": members.texts(own, "Labels"),
        "user": members.read(own, "User", str) or "",
        "entrypoint": members.words(own, "Entrypoint"),
        "cmd": members.words(own, "Cmd"),
        "env": members.words(own, "Env"),
        "created": members.read(document, "created", str) or "",
        "layers": [str(layer.digest) for layer in manifest.layers],
    }


class _Members:
    """Reads members of a configuration; null and absent are the same, as in Go's programs that write them."""

    def __init__(self, manifest: Manifest) -> None:
        self._digest = manifest.descriptor.digest

    def read(self, document: Mapping[str, Any], name: str, kind: type) -> Any:
        value = document.get(name)
        if value is not None and type(value) is not kind:
            raise self._malformed(name)
        return value

    def words(self, document: Mapping[str, Any], name: str) -> list[str]:
        found = self.read(document, name, list) or []
        if not all(isinstance(each, str) for each in found):
            raise self._malformed(name)
        return list(found)

    def texts(self, document: Mapping[str, Any], name: str) -> dict[str, str]:
        found = self.read(document, name, dict) or {}
        if not all(isinstance(each, str) for each in found.values()):
            raise self._malformed(name)
        return dict(found)

    def _malformed(self, name: str) -> VerificationError:
        # Another reader might take the value for something else than is judged here.
        return VerificationError(
            Reason.JSON_INVALID,
            f"the configuration of {self._digest} has a {name} of the wrong type",
        )
