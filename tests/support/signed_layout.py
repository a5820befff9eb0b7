"""A signed image in a layout, for tests of flags that ask for documents beside its signature."""

from collections.abc import Callable
from pathlib import Path

from pyratify.core.descriptor import Descriptor
from pyratify.testing.cosign import CosignKey, attach_classic, sign_classic, simple_signing
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore

Run = Callable[..., tuple[int, str, str]]


class SignedLayout:
    """An image that `key` signed, and what is attached to it.

    Args:
        folder: Where the layout and the public key go.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key, self.other = CosignKey.generate(), CosignKey.generate()
        (folder / "cosign.pub").write_bytes(self.key.pem)
        self.store = MemoryStore()
        self.image = self.store.add_image()
        self.sign(self.image)

    def sign(self, what: Descriptor, key: CosignKey | None = None) -> None:
        """Sign an artifact of the layout."""
        attach_classic(self.store, what, sign_classic(key or self.key, simple_signing(what.digest)))

    def verify(self, run: Run, *flags: str) -> tuple[int, str, str]:
        """Verify the image with the key."""
        write_layout(self.store, self.folder / "layout")
        reference = f"oci:{self.folder / 'layout'}@{self.image.digest}"
        return run("verify", "--key", str(self.folder / "cosign.pub"), *flags, reference)
