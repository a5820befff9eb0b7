"""Attacks on NRI: names and digests that differ, annotations of a Pod's author, and calls that are none."""

import pytest

from pyratify.entrypoints.node.nri.plugin import NriPlugin
from pyratify.testing.memory import MemoryStore
from support.nodes import judge
from support.nri import call, container, create, refusal

NAME = "example.com/app:signed"


def node() -> tuple[NriPlugin, str, str]:
    """Return a plugin, and the digests of an image with evidence and of one without."""
    store = MemoryStore()
    signed, bare = store.add_image("signed"), store.add_image("bare", b"bare")
    store.attach(signed, "application/test")
    return NriPlugin(judge=judge(store)), str(signed.digest), str(bare.digest)


async def test_atk_277_the_tag_of_a_signed_image_does_not_speak_for_another_digest() -> None:
    """Neither in the name, nor with a digest in the name that is not the one that runs."""
    plugin, signed, bare = node()
    for name in (NAME, f"example.com/app@{signed}", f"{NAME}@{signed}"):
        assert "[NO_EVIDENCE]" in await refusal(plugin, create(container(name, bare)))
        assert await refusal(plugin, create(container(name, signed))) == ""


@pytest.mark.parametrize("key", ["io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"])
async def test_atk_277_an_annotation_does_not_speak_for_another_image(key: str) -> None:
    """Where the runtime says the image, annotations say nothing; also where it says half of it."""
    plugin, signed, bare = node()
    notes = {key: f"example.com/app@{signed}"}
    for name, digest in ((NAME, bare), (NAME, ""), ("", bare)):
        assert await refusal(plugin, create(container(name, digest, annotations=notes)))


@pytest.mark.parametrize(
    "payload", [b"", b"\x12\x00", b"\xff" * 9, b"\x12\x05\xb2\x01\x01\x08\x01", b"\x10\x01"]
)
async def test_atk_276_a_call_that_names_no_image_is_refused(payload: bytes) -> None:
    """Empty, not whole, and of other kinds."""
    assert await refusal(node()[0], call("CreateContainer", payload))
