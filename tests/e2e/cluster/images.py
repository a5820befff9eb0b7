"""A registry with really signed images in it, and really unsigned ones."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from interop import live

NEEDED = ("registry", "oras", "crane", "cosign", "notary")


@dataclass(frozen=True)
class Images:
    """The images of `examples/material`, in a registry.

    Attributes:
        repository: The repository; its methods push more.
    """

    repository: live.loopback.Repository

    def __getitem__(self, tag: str) -> str:
        """Return the reference of a tag."""
        return f"{self.repository.name}:{tag}"

    def pinned(self, tag: str) -> str:
        """Return the reference of a tag by its digest."""
        return f"{self.repository.name}@{self.repository.descriptor(tag)['digest']}"


@contextmanager
def images() -> Iterator[Images]:
    """Run a registry until the end of the block, with all images of the material and their signatures in it."""
    with live.loopback.registry() as repository:
        live.signers.copy_from_layout(repository)
        yield Images(repository)


def tags() -> dict[str, dict[str, str]]:
    """Return what cosign and notation say of each tag: `pass`, `fail` or `none`."""
    found: dict[str, dict[str, str]] = json.loads((live.MATERIAL / "expected.json").read_text())
    return found
