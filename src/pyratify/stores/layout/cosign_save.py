"""Layouts as `cosign save` writes them.

The annotation `kind` of an entry of `index.json` says what is the image, or the image index, and which signatures and
attestations belong to it (cosign, pkg/oci/layout). Bundles lie in `blobs/` alone, with manifests whose subject is the image.
"""

from collections.abc import Iterable, Iterator

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest

_KIND = "kind"
_PREFIX = "dev.cosignproject.cosign/"
_SUBJECTS = (f"{_PREFIX}image", f"{_PREFIX}imageIndex")
_ATTACHED = (f"{_PREFIX}sigs", f"{_PREFIX}atts")


def is_saved(entries: Iterable[Descriptor]) -> bool:
    """Return whether `cosign save` wrote a layout with these entries."""
    return any(entry.annotations.get(_KIND) in _SUBJECTS for entry in entries)


def is_attached(entry: Descriptor) -> bool:
    """Return whether an entry says that it belongs to an image."""
    return entry.annotations.get(_KIND) in _ATTACHED


def attached(entries: Iterable[Descriptor]) -> Iterator[tuple[Digest, Descriptor]]:
    """Iterate over signatures and attestations, each with the image after which it stands."""
    subject: Digest | None = None
    for entry in entries:
        if entry.annotations.get(_KIND) in _SUBJECTS:
            subject = entry.digest
        elif subject is not None and is_attached(entry):
            yield subject, entry
