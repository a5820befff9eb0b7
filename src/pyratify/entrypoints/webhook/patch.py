"""Pinning: the reference as it was written, with its digest behind it."""

from pyratify.core.errors import InvalidReference
from pyratify.core.reference import Reference
from pyratify.entrypoints.webhook.pod_images import Image


def pinned(text: str, wanted: Reference) -> str:
    """Return a reference with the digest that it stands for; repository and tag stay as they were written.

    What would be read as anything else than the wanted reference is never returned.

    Args:
        text: The reference as it was written.
        wanted: The repository and the digest.
    """
    # The tag stays readable; runtimes go by the digest (decision 0014).
    found = f"{text}@{wanted.digest}"
    try:
        read = Reference.parse(found)
        # A text with a digest of its own would keep that one: it is parsed again, and compared.
        same = read.digest == wanted.digest and read.name == wanted.name
    except InvalidReference:
        same = False
    return found if same else str(wanted)


def replacing(image: Image, text: str) -> dict[str, str]:
    """Return the operation that gives an image another reference (RFC 6902, section 4.3; RFC 6901, section 3)."""
    return {"op": "replace", "path": pointer(image.path), "value": text}


def pointer(path: tuple[str, ...]) -> str:
    """Return a path as a JSON pointer."""
    # In this order: `~1` that comes from `/` must not become `~01` (RFC 6901, section 3).
    return "".join(f"/{step.replace('~', '~0').replace('/', '~1')}" for step in path)
