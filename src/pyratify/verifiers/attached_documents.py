"""Documents that are attached as they are: which artifacts hold them, and where."""

from pyratify.core.descriptor import Descriptor
from pyratify.core.manifest import EMPTY_CONFIG, Manifest


def plain_type(media_type: str | None) -> str:
    """Return a media type in lower case and without its parameters, as `; version=1.6`."""
    return (media_type or "").partition(";")[0].strip().lower()


def read_types(given: tuple[str, ...] | str) -> frozenset[str]:
    """Return the types that a configuration names, in a list or in Ratify v1's text with commas."""
    listed = given.split(",") if isinstance(given, str) else given
    return frozenset(map(plain_type, listed)) - {""}


def documents_of(manifest: Manifest) -> tuple[Descriptor, ...]:
    """Return the layers that hold documents: all but the empty one that tools write where they need some layer."""
    return tuple(each for each in manifest.layers if each.media_type != EMPTY_CONFIG)
