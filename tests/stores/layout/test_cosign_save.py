"""Layouts as `cosign save` writes them: which entry is the image, and what belongs to it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.manifest import OCI_INDEX, OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery
from pyratify.stores.layout.layout_store import LayoutStore
from pyratify.testing.layout import put_blob, write_archive, write_layout, write_saved_layout
from pyratify.testing.memory import MemoryStore, as_json, make_manifest

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
Open = Callable[[Path], tuple[LayoutStore, str]]


def manifest(memory: MemoryStore, content: bytes) -> Descriptor:
    """Keep a manifest without a subject, as cosign's signatures and attestations are."""
    return memory.add_manifest(make_manifest(layers=[memory.add_blob(content, "text/plain")]))


async def listing(store: LayoutStore, reference: Reference) -> list[tuple[Digest, Discovery]]:
    """Return what is listed and how it was found."""
    return [(each.descriptor.digest, each.discovery) async for each in store.referrers(reference)]


def opened(folder: Path, form: str) -> tuple[LayoutStore, Reference]:
    """Return the store of a layout, as a folder or as an archive, with the reference of it alone."""
    if form == "folder":
        return LayoutStore(folder), Reference.parse_layout(f"oci:{folder}")
    path = write_archive(folder, folder.parent / "saved.tar", prefix="./")
    return LayoutStore(path), Reference.parse_layout(f"oci-archive:{path}")


@pytest.mark.parametrize("form", ["folder", "archive"])
async def test_the_kind_says_what_is_the_image_and_what_belongs_to_it(tmp_path: Path, form: str) -> None:
    """Signatures and attestations are no images, and are found by the image's digest too."""
    memory = MemoryStore()
    image, sigs, atts = memory.add_image(), manifest(memory, b"sigs"), manifest(memory, b"atts")
    folder = write_saved_layout(memory, tmp_path / "l", ("image", image), ("sigs", sigs), ("atts", atts))
    store, reference = opened(folder, form)
    assert (await store.resolve(reference)).same_content(image)
    expected = [(sigs.digest, Discovery.COSIGN_TAG), (atts.digest, Discovery.COSIGN_TAG)]
    assert await listing(store, reference) == expected
    assert await listing(store, Reference.parse(f"a.io/b@{image.digest}")) == expected
    assert await listing(store, Reference.parse(f"a.io/b@{sigs.digest}")) == []


async def test_cosigns_tags_may_be_left_out(tmp_path: Path) -> None:
    """What stands for them in a saved layout is not listed then either."""
    memory = MemoryStore()
    image, sigs = memory.add_image(), manifest(memory, b"sigs")
    folder = write_saved_layout(memory, tmp_path / "l", ("image", image), ("sigs", sigs))
    store = LayoutStore(folder, allow_cosign_tag=False)
    assert await listing(store, Reference.parse_layout(f"oci:{folder}")) == []


@pytest.mark.parametrize("form", ["folder", "archive"])
async def test_bundles_that_lie_only_among_the_blobs_are_found(tmp_path: Path, form: str) -> None:
    """By their subject, among blobs that are no manifests; for an index and for an image in it too."""
    memory = MemoryStore()
    child = memory.add_image("child")
    body = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [as_json(child)]}
    index = memory.add_manifest(json.dumps(body).encode(), media_type=OCI_INDEX)
    of_index = memory.attach(index, BUNDLE, (BUNDLE, b'{"index": 1}'))
    of_child = memory.attach(child, BUNDLE, (BUNDLE, b'{"child": 1}'))
    memory.add_blob(b'{"mediaType": "text/html", "subject": {"digest": "x"}}')
    memory.add_blob(b"{ no JSON")
    memory.add_blob(b'{"mediaType": 1}')
    folder = write_saved_layout(memory, tmp_path / "l", ("imageIndex", index))
    (folder / "blobs" / "sha256" / "README").write_text('{"subject": 1}')
    (folder / "blobs" / "sha256" / "sub").mkdir()
    store, reference = opened(folder, form)
    assert (await store.resolve(reference)).same_content(index)
    assert await listing(store, reference) == [(of_index.digest, Discovery.LAYOUT)]
    assert await listing(store, Reference.parse(f"a.io/b@{child.digest}")) == [
        (of_child.digest, Discovery.LAYOUT)
    ]


async def test_other_layouts_are_not_searched(tmp_path: Path) -> None:
    """What `index.json` does not list is not there, unless `cosign save` wrote it."""
    memory = MemoryStore()
    image = memory.add_image()
    memory.attach(image, BUNDLE, (BUNDLE, b"{}"))
    folder = write_saved_layout(memory, tmp_path / "l", ("image", image), prefix="com.example/")
    assert await listing(LayoutStore(folder), Reference.parse_layout(f"oci:{folder}")) == []


async def test_several_images_each_have_what_follows_them(tmp_path: Path) -> None:
    """And neither is meant by the layout alone; the refusal lists both digests."""
    memory = MemoryStore()
    images = memory.add_image(), memory.add_image("v2", b"two")
    sigs = manifest(memory, b"one"), manifest(memory, b"two")
    folder = write_saved_layout(
        memory,
        tmp_path / "l",
        ("sigs", manifest(memory, b"none")),
        *(("image", images[0]), ("sigs", sigs[0]), ("image", images[1]), ("sigs", sigs[1])),
    )
    store = LayoutStore(folder)
    for image, signature in zip(images, sigs, strict=True):
        found = await listing(store, Reference.parse(f"a.io/b@{image.digest}"))
        assert found == [(signature.digest, Discovery.COSIGN_TAG)]
    with pytest.raises(StoreError, match="each of 2 images") as caught:
        await store.resolve(Reference.parse_layout(f"oci:{folder}"))
    assert caught.value.reason is Reason.REF_AMBIGUOUS
    assert all(str(image.digest) in caught.value.message for image in images)
    assert all(str(signature.digest) not in caught.value.message for signature in sigs)


async def test_an_ambiguous_reference_lists_the_digests(tmp_path: Path) -> None:
    """Twenty of them at most, and how many more there are."""
    memory = MemoryStore()
    for number in range(22):
        memory.add_image(f"v{number}", b"%d" % number)
    folder = write_layout(memory, tmp_path / "l")
    with pytest.raises(StoreError, match=r"and 2 more$") as caught:
        await LayoutStore(folder).resolve(Reference.parse_layout(f"oci:{folder}"))
    assert caught.value.message.count("sha256:") == 20


async def test_too_many_blobs_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A saved layout has a few; the search is bounded in number and in bytes."""
    monkeypatch.setattr("pyratify.stores.layout.layout_store.MAX_MANIFESTS", 3)
    memory = MemoryStore()
    folder = write_saved_layout(memory, tmp_path / "l", ("image", memory.add_image()))
    for number in range(3):
        put_blob(folder, Digest.of(b"%d" % number), b"%d" % number)
    with pytest.raises(StoreError, match="more than 3 blobs") as caught:
        await LayoutStore(folder).open()
    assert caught.value.reason is Reason.SIZE_EXCEEDED


async def test_a_link_among_the_blobs_is_not_followed(tmp_path: Path) -> None:
    """Neither a file nor the folder: nothing outside of the layout is read."""
    memory = MemoryStore()
    image = memory.add_image()
    folder = write_saved_layout(memory, tmp_path / "l", ("image", image))
    data = make_manifest(subject=image)
    (tmp_path / "outside").write_bytes(data)
    (folder / "blobs" / "sha256" / Digest.of(data).hex).symlink_to(tmp_path / "outside")
    assert await listing(LayoutStore(folder), Reference.parse_layout(f"oci:{folder}")) == []
    (folder / "blobs" / "sha512").symlink_to(tmp_path)
    with pytest.raises(StoreError, match="reached through a link"):
        await LayoutStore(folder).open()


async def test_a_saved_manifest_that_is_damaged_is_not_passed_over(tmp_path: Path) -> None:
    """It is listed, and reading it says what is wrong."""
    memory = MemoryStore()
    image, sigs = memory.add_image(), manifest(memory, b"sigs")
    folder = write_saved_layout(memory, tmp_path / "l", ("image", image), ("sigs", sigs))
    put_blob(folder, sigs.digest, b"x" * sigs.size)
    found = await listing(LayoutStore(folder), Reference.parse_layout(f"oci:{folder}"))
    assert [digest for digest, _ in found] == [sigs.digest]
    assert sigs.media_type == OCI_MANIFEST
