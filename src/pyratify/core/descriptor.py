"""Descriptors (OCI image specification, "OCI Content Descriptors")."""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.platform import Platform

# Read-only, as every descriptor without annotations shares it.
NO_ANNOTATIONS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Descriptor:
    """What content is: its media type, digest and size.

    Attributes:
        media_type: The media type of the content.
        digest: The digest of the content.
        size: Its length in bytes.
        artifact_type: The type of artifact, when the content is an artifact's manifest.
        annotations: Text attached to the descriptor; never trusted.
        platform: What the content runs on, where an image index says so; never trusted.
    """

    media_type: str
    digest: Digest
    size: int
    artifact_type: str | None = None
    # Without the hash: mappings have none. Equality still compares annotations.
    annotations: Mapping[str, str] = field(default_factory=lambda: NO_ANNOTATIONS, hash=False)
    platform: Platform | None = None

    def same_content(self, other: "Descriptor") -> bool:
        """Return whether media type, digest and size are all equal."""
        # All three: with the digest alone, the media type could be swapped and bytes be read as another kind.
        return (self.media_type, self.digest, self.size) == (other.media_type, other.digest, other.size)
