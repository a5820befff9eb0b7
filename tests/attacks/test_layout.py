"""Attacks through OCI layouts: links, paths, names, descriptors and archives."""

import io
import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.errors import RatifyError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.stores.layout.layout_store import LayoutStore
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.layout import put_blob, write_archive, write_layout
from pyratify.testing.memory import MemoryStore, as_json, make_manifest

SENTINEL = b"outside of the layout"
KIND = "application/test"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A file outside of the layout that an attack tries to reach."""
    path = tmp_path / "outside"
    path.write_bytes(SENTINEL)
    return path


@pytest.fixture
def layout(tmp_path: Path) -> tuple[Path, Descriptor, Descriptor]:
    """A layout with an image and a piece of evidence."""
    memory = MemoryStore()
    image = memory.add_image()
    evidence = memory.attach(image, KIND, ("text/plain", b"evidence"))
    return write_layout(memory, tmp_path / "layout"), image, evidence


def seen(folder: Path) -> set[str]:
    """Return the names of everything beneath a folder."""
    return {str(path) for path in folder.rglob("*")}


@pytest.mark.parametrize(
    "digest", ["sha256:../../../etc/cron.d/x", "sha256:/abs", "sha256:" + "a" * 63 + "\0", "../x:y"]
)
async def test_atk_023_a_digest_is_never_a_path(tmp_path: Path, digest: str) -> None:
    """A digest that is none is refused before any file is opened; nothing is made outside of the layout."""
    entry = {"mediaType": OCI_MANIFEST, "size": 1, "digest": digest}
    folder = write_layout(MemoryStore(), tmp_path / "layout", extra=[entry])
    before = seen(tmp_path)
    with pytest.raises(StoreError) as caught:
        await LayoutStore(folder).resolve(Reference.parse("example.com/app:v1"))
    assert caught.value.reason is Reason.DIGEST_INVALID
    with pytest.raises(InvalidDigest):
        Digest(digest)
    assert seen(tmp_path) == before


async def test_atk_024_inline_data_of_a_descriptor_is_never_used(tmp_path: Path) -> None:
    """A descriptor's `data` member is ignored: the blob itself is read and checked."""
    memory = MemoryStore()
    image = memory.add_image()
    layer = memory.add_blob(b"signed payload", "text/plain")
    forged = {**as_json(layer), "data": "YXR0YWNrZXI="}
    document = json.loads(make_manifest(artifact_type=KIND, subject=image))
    evidence = memory.add_manifest(json.dumps({**document, "layers": [forged]}).encode())
    folder = write_layout(memory, tmp_path)
    read: list[bytes] = []

    async def look(evidence: object) -> object:
        """Note what is read, and verify nothing."""
        read.append(await evidence.blob(evidence.manifest.layers[0]))
        raise RatifyError(Reason.SIG_INVALID, "only looked at")

    executor = Executor(store=LayoutStore(folder), verifiers=(FakeVerifier(does=look),))
    reference = Reference.parse_layout(f"oci:{folder}:v1")
    await executor.validate(reference)
    assert read == [b"signed payload"]
    put_blob(folder, layer.digest, b"attacker sends")
    report = (await executor.validate(reference)).artifacts[0]
    assert report.artifact.digest == evidence.digest
    assert report.results[0].failure is not None
    assert report.results[0].failure.reason is Reason.DIGEST_MISMATCH
    assert read == [b"signed payload"]


def sentinel_is_whole(outside: Path) -> bool:
    """Return whether the file outside of the layout is unchanged."""
    return outside.read_bytes() == SENTINEL


def link_blob(folder: Path, blob: Path, outside: Path) -> None:
    """Put a link in the place of a blob."""
    blob.unlink()
    blob.symlink_to(outside)


def link_inside(folder: Path, blob: Path, outside: Path) -> None:
    """Put a link to another blob in the place of a blob."""
    target = blob.rename(folder / "moved")
    blob.symlink_to(target)


def chain(folder: Path, blob: Path, outside: Path) -> None:
    """Put a chain of links in the place of a blob."""
    (folder / "hop").symlink_to(outside)
    link_blob(folder, blob, folder / "hop")


def link_folder(name: str) -> Callable[[Path, Path, Path], None]:
    """Put a link in the place of a folder."""

    def change(folder: Path, blob: Path, outside: Path) -> None:
        elsewhere = (folder / name).rename(outside.parent / "elsewhere")
        (folder / name).symlink_to(elsewhere)

    return change


def link_file(name: str) -> Callable[[Path, Path, Path], None]:
    """Put a link in the place of one of the layout's own files."""

    def change(folder: Path, blob: Path, outside: Path) -> None:
        (folder / name).rename(outside)
        (folder / name).symlink_to(outside)

    return change


def pipe(folder: Path, blob: Path, outside: Path) -> None:
    """Put a pipe, which never ends, in the place of a blob."""
    blob.unlink()
    os.mkfifo(blob)


def directory(folder: Path, blob: Path, outside: Path) -> None:
    """Put a folder in the place of a blob."""
    blob.unlink()
    blob.mkdir()


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(link_blob, id="blob"),
        pytest.param(link_inside, id="blob to blob"),
        pytest.param(chain, id="chain"),
        pytest.param(link_folder("blobs"), id="blobs"),
        pytest.param(link_folder("blobs/sha256"), id="blobs of sha256"),
        pytest.param(link_file("index.json"), id="index"),
        pytest.param(link_file("oci-layout"), id="oci-layout"),
        pytest.param(pipe, id="pipe"),
        pytest.param(directory, id="folder"),
    ],
)
async def test_atk_073_nothing_outside_of_a_layout_is_read(
    layout: tuple[Path, Descriptor, Descriptor], outside: Path, attack: Callable[[Path, Path, Path], None]
) -> None:
    """Links, pipes and folders in a layout are refused, wherever they lead."""
    folder, image, _ = layout
    blob = folder / "blobs" / "sha256" / image.digest.hex
    attack(folder, blob, outside)
    store, reference = LayoutStore(folder), Reference.parse_layout(f"oci:{folder}:v1")
    for work in (store.resolve(reference), fetched(store, reference, image)):
        with pytest.raises(StoreError) as caught:
            await work
        assert caught.value.reason is Reason.LAYOUT_INVALID
        assert SENTINEL.decode() not in str(caught.value)


async def fetched(store: LayoutStore, reference: Reference, image: Descriptor) -> bytes:
    """Read an image's manifest, of an index that was found to be good."""
    await store.open()
    return await store.fetch_manifest(reference, image, 1 << 20)


def hostile_archives() -> dict[str, tarfile.TarInfo]:
    """Return members that have no place in a layout."""
    members = {}
    for name, kind, target in (
        ("../escape", tarfile.REGTYPE, ""),
        ("/tmp/escape", tarfile.REGTYPE, ""),
        ("blobs/../../escape", tarfile.REGTYPE, ""),
        ("blobs/sha256", tarfile.SYMTYPE, "/etc"),
        ("index.json", tarfile.SYMTYPE, "../outside"),
        ("index.json", tarfile.LNKTYPE, "../outside"),
        ("blobs/sha256/x", tarfile.CHRTYPE, ""),
        ("blobs/sha256/x", tarfile.BLKTYPE, ""),
        ("blobs/sha256/x", tarfile.FIFOTYPE, ""),
        ("a" * 300 + "/../../escape", tarfile.REGTYPE, ""),
    ):
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, target
        members[f"{name[-20:]} {kind!r} {target}"] = info
    return members


@pytest.mark.parametrize("info", hostile_archives().values(), ids=hostile_archives().keys())
async def test_atk_086_an_archive_is_never_extracted(
    layout: tuple[Path, Descriptor, Descriptor], tmp_path: Path, outside: Path, info: tarfile.TarInfo
) -> None:
    """An archive with one hostile member is refused as a whole, and no file is made or changed."""
    path = write_archive(layout[0], tmp_path / "layout.tar")
    with tarfile.open(path, "a") as archive:
        archive.addfile(info, io.BytesIO())
    before = seen(tmp_path)
    with pytest.raises(StoreError) as caught:
        await LayoutStore(path).resolve(Reference.parse_layout(f"oci-archive:{path}:v1"))
    assert caught.value.reason is Reason.ARCHIVE_INVALID
    assert seen(tmp_path) == before
    assert sentinel_is_whole(outside)


async def test_atk_086_a_negative_size_does_not_send_the_reader_back(tmp_path: Path) -> None:
    """A header whose size points back to itself is refused instead of read for ever."""
    header = bytearray(tarfile.TarInfo("index.json").tobuf(tarfile.USTAR_FORMAT))
    header[124:136] = b"\xff" * 10 + b"\xfe\x00"
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    path = tmp_path / "layout.tar"
    path.write_bytes(bytes(header) + b"\0" * 1024)
    with pytest.raises(StoreError) as caught:
        await LayoutStore(path).open()
    assert caught.value.reason is Reason.ARCHIVE_INVALID


async def test_atk_085_a_compressed_archive_is_not_inflated(tmp_path: Path) -> None:
    """Archives are read as they lie; what is compressed is refused at its first block."""
    import gzip

    path = tmp_path / "layout.tar.gz"
    path.write_bytes(gzip.compress(b"\0" * (64 << 20)))
    with pytest.raises(StoreError) as caught:
        await LayoutStore(path).open()
    assert caught.value.reason is Reason.ARCHIVE_INVALID


@pytest.mark.parametrize("tag", ["v1", "latest"])
async def test_atk_074_a_tag_of_one_repository_is_not_another_ones(tmp_path: Path, tag: str) -> None:
    """A good image's bare tag or its whole name is not found through another repository."""
    memory = MemoryStore()
    memory.attach(memory.add_image(tag), KIND)
    policy = ThresholdPolicy(Rule(None, (Rule("fake"),), 1))
    for prefix in ("", "good.io/app:"):
        store = LayoutStore(write_layout(memory, tmp_path / f"layout{len(prefix)}", prefix=prefix))
        executor = Executor(store=store, verifiers=(FakeVerifier(),), policy=policy)
        result = await executor.validate(Reference.parse(f"evil.io/other:{tag}"))
        assert result.decision is Decision.DENY
        assert result.error is not None
        assert result.error.reason is Reason.NOT_FOUND
        assert result.artifacts == ()


async def test_atk_084_a_flood_of_annotations_is_bounded_by_the_manifest(tmp_path: Path) -> None:
    """A manifest over 4 MiB is refused by its size, as evidence and as subject."""
    memory = MemoryStore()
    image = memory.add_image()
    flood = make_manifest(artifact_type=KIND, subject=image, annotations={"note": "x" * (5 << 20)})
    evidence = memory.add_manifest(flood, tag="flood")
    folder = write_layout(memory, tmp_path)
    index = json.loads((folder / "index.json").read_text())
    index["manifests"][1].pop("annotations")
    executor = Executor(store=LayoutStore(folder), verifiers=(FakeVerifier(),))
    result = await executor.validate(Reference.parse(f"a.io/b@{evidence.digest}"))
    assert result.error is not None
    assert result.error.reason is Reason.SIZE_EXCEEDED
    (folder / "index.json").write_text(json.dumps(index))
    result = await executor.validate(Reference.parse_layout(f"oci:{folder}:v1"))
    assert [report.failure.reason for report in result.artifacts if report.failure] == [Reason.SIZE_EXCEEDED]
