"""The store of OCI image layouts: names, what is attached, and everything that is not as it should be."""

import json
import os
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.manifest import DOCKER_LIST, OCI_INDEX, OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery
from pyratify.stores.layout.layout_store import LayoutStore
from pyratify.testing.layout import REF_NAME, put_blob, write_archive, write_layout
from pyratify.testing.memory import MemoryStore, as_json, make_manifest
from pyratify.testing.store_contract import Sample, StoreCase, StoreContract, fill

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material" / "layout"


def filled() -> tuple[MemoryStore, Sample]:
    """Return the contract's sample and the store that it is in."""
    memory = MemoryStore()
    return memory, fill(memory)


async def listing(store: LayoutStore, reference: Reference) -> list[tuple[Digest, Discovery]]:
    """Return what is listed and how it was found."""
    return [(r.descriptor.digest, r.discovery) async for r in store.referrers(reference)]


async def reason_of(store: LayoutStore, reference: Reference) -> Reason:
    """Return why a reference is not resolved."""
    with pytest.raises(StoreError) as caught:
        await store.resolve(reference)
    return caught.value.reason


def edit(folder: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change a layout's `index.json`."""
    document = json.loads((folder / "index.json").read_text())
    change(document)
    (folder / "index.json").write_text(json.dumps(document))


class TestDirectoryContract(StoreContract):
    """The contract of stores, kept by a layout in a directory."""

    @pytest.fixture
    async def case(self, tmp_path: Path) -> StoreCase:
        """A directory with the contract's content under whole references."""
        memory, sample = filled()
        store = LayoutStore(write_layout(memory, tmp_path / "layout", prefix="example.com/app:"))
        return StoreCase(store, Reference.parse("example.com/app:v1"), sample)


class TestArchiveContract(StoreContract):
    """The contract of stores, kept by a layout in a tar archive."""

    @pytest.fixture(
        params=[tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT], ids=["pax", "gnu", "ustar"]
    )
    async def case(self, tmp_path: Path, request: pytest.FixtureRequest) -> StoreCase:
        """An archive of each format with the contract's content under bare tags."""
        memory, sample = filled()
        folder = write_layout(memory, tmp_path / "layout")
        path = write_archive(folder, tmp_path / "layout.tar", prefix="./", format=request.param)
        return StoreCase(LayoutStore(path), Reference.parse_layout(f"oci-archive:{path}:v1"), sample)


class TestNames:
    """What a reference finds."""

    async def test_a_bare_tag_is_enough_only_for_a_layout_reference_or_on_request(
        self, tmp_path: Path
    ) -> None:
        """Every other reference would find an image of whatever repository."""
        memory, sample = filled()
        folder = write_layout(memory, tmp_path)
        foreign = Reference.parse("example.com/app:v1")
        assert await reason_of(LayoutStore(folder), foreign) is Reason.NOT_FOUND
        assert (await LayoutStore(folder, allow_bare_tags=True).resolve(foreign)).same_content(sample.image)
        own = Reference.parse_layout(f"oci:{folder}:v1")
        assert (await LayoutStore(folder).resolve(own)).same_content(sample.image)

    async def test_a_layout_reference_finds_a_whole_reference_by_its_tag(self, tmp_path: Path) -> None:
        """The tag alone is enough where the layout holds whole references, if only one has it."""
        memory, sample = filled()
        folder = write_layout(memory, tmp_path, prefix="localhost:5000/hello:")
        reference = Reference.parse_layout(f"oci:{folder}:v1")
        assert (await LayoutStore(folder).resolve(reference)).same_content(sample.image)

    async def test_containerds_name_is_a_whole_reference_too(self, tmp_path: Path) -> None:
        """What `docker save` writes is found by the image's whole name."""
        memory, sample = filled()
        folder = write_layout(memory, tmp_path)
        name = {"io.containerd.image.name": "docker.io/library/nginx:1"}
        edit(folder, lambda index: index["manifests"][0].update(annotations=name))
        assert (await LayoutStore(folder).resolve(Reference.parse("nginx:1"))).same_content(sample.image)

    async def test_a_digest_decides_whatever_the_tag_says(self, tmp_path: Path) -> None:
        """With tag and digest the tag is only for show."""
        memory, sample = filled()
        store = LayoutStore(write_layout(memory, tmp_path))
        reference = Reference.parse(f"example.com/app:bare@{sample.image.digest}")
        assert (await store.resolve(reference)).same_content(sample.image)

    async def test_one_image_needs_no_tag(self, tmp_path: Path) -> None:
        """Evidence attached to the only image does not make the layout ambiguous."""
        memory = MemoryStore()
        image = memory.add_image()
        memory.attach(image, "application/test", ("text/plain", b"evidence"))
        folder = write_layout(memory, tmp_path)
        assert (await LayoutStore(folder).resolve(Reference.parse_layout(f"oci:{folder}"))).same_content(
            image
        )

    async def test_several_images_need_a_tag_and_the_remedy_names_them(self, tmp_path: Path) -> None:
        """The refusal says what there is to choose from."""
        folder = write_layout(filled()[0], tmp_path)
        with pytest.raises(StoreError) as caught:
            await LayoutStore(folder).resolve(Reference.parse_layout(f"oci:{folder}"))
        assert caught.value.reason is Reason.REF_AMBIGUOUS
        assert "bare, v1" in caught.value.remedy

    async def test_one_name_for_two_images_is_ambiguous(self, tmp_path: Path) -> None:
        """It is ambiguous which of the two is meant."""
        folder = write_layout(filled()[0], tmp_path)
        edit(folder, lambda index: index["manifests"][1].update(annotations={REF_NAME: "v1"}))
        reference = Reference.parse_layout(f"oci:{folder}:v1")
        assert await reason_of(LayoutStore(folder), reference) is Reason.REF_AMBIGUOUS

    async def test_names_that_could_steer_a_terminal_are_not_shown(self, tmp_path: Path) -> None:
        """Only plain names become part of a remedy, and not too many."""
        memory = MemoryStore()
        for number in range(30):
            memory.add_image(f"t{number:02}", b"%d" % number)
        memory.add_image("\x1b[2Jevil", b"evil")
        folder = write_layout(memory, tmp_path)
        with pytest.raises(StoreError) as caught:
            await LayoutStore(folder).resolve(Reference.parse_layout(f"oci:{folder}:none"))
        assert "t19 and 10 more" in caught.value.remedy
        assert "\x1b" not in caught.value.remedy

    async def test_a_layout_without_names_asks_for_a_digest(self, tmp_path: Path) -> None:
        """Where there is no tag the remedy does not ask for one."""
        folder = write_layout(MemoryStore(), tmp_path)
        with pytest.raises(StoreError, match="has no image") as caught:
            await LayoutStore(folder).resolve(Reference.parse_layout(f"oci:{folder}"))
        assert "digest" in caught.value.remedy

    async def test_a_reference_to_another_layout_is_not_found(self, tmp_path: Path) -> None:
        """A store answers for its own layout only, however the path is spelled."""
        memory, sample = filled()
        store = LayoutStore(write_layout(memory, tmp_path / "a"))
        write_layout(MemoryStore(), tmp_path / "b")
        assert await reason_of(store, Reference.parse_layout(f"oci:{tmp_path}/b:v1")) is Reason.NOT_FOUND
        spelled = Reference.parse_layout(f"oci:{tmp_path}/b/../a:v1")
        assert (await store.resolve(spelled)).same_content(sample.image)

    async def test_a_layout_that_changes_is_read_again(self, tmp_path: Path) -> None:
        """A long-lived program sees new images."""
        memory = MemoryStore()
        memory.add_image("v1")
        folder = write_layout(memory, tmp_path / "l")
        archive = write_archive(folder, tmp_path / "l.tar")
        stores = LayoutStore(folder), LayoutStore(archive)
        for store in stores:
            await store.open()
        new = memory.add_image("v2", b"second")
        write_archive(write_layout(memory, folder), archive)
        for store, path in zip(stores, (folder, archive), strict=True):
            assert (await store.resolve(Reference.parse_layout(f"oci:{path}:v2"))).same_content(new)


class TestManifestsNotListed:
    """Digests that `index.json` does not lead to."""

    @pytest.mark.parametrize(
        ("document", "media_type"),
        [
            pytest.param(make_manifest(), OCI_MANIFEST, id="says so"),
            pytest.param(b'{"schemaVersion":2,"manifests":[]}', OCI_INDEX, id="index without a type"),
            pytest.param(
                make_manifest().replace(
                    b'"mediaType": "application/vnd.oci.image.manifest.v1+json", ', b"", 1
                ),
                OCI_MANIFEST,
                id="image without a type",
            ),
            pytest.param(
                json.dumps({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": []}).encode(),
                DOCKER_LIST,
                id="Docker's list",
            ),
        ],
    )
    async def test_a_manifest_is_what_it_calls_itself(
        self, tmp_path: Path, document: bytes, media_type: str
    ) -> None:
        """Any manifest in the layout can be named by its digest."""
        folder = write_layout(MemoryStore(), tmp_path)
        put_blob(folder, Digest.of(document), document)
        descriptor = await LayoutStore(folder).resolve(Reference.parse(f"a.io/b@{Digest.of(document)}"))
        assert descriptor.same_content(Descriptor(media_type, Digest.of(document), len(document)))

    @pytest.mark.parametrize(
        "document", [b"layer", b"{}", b'{"mediaType":"text/html"}', b"[]", b'{"a":1,"a":2}']
    )
    async def test_a_blob_that_is_no_manifest_is_not_found(self, tmp_path: Path, document: bytes) -> None:
        """A layer's digest names no image."""
        folder = write_layout(MemoryStore(), tmp_path)
        put_blob(folder, Digest.of(document), document)
        reference = Reference.parse(f"a.io/b@{Digest.of(document)}")
        assert await reason_of(LayoutStore(folder), reference) is Reason.NOT_FOUND

    async def test_content_under_another_digest_is_refused(self, tmp_path: Path) -> None:
        """The digest asked for decides, not what lies at its place."""
        folder = write_layout(MemoryStore(), tmp_path)
        digest = Digest.of(b"something else")
        put_blob(folder, digest, make_manifest())
        assert (
            await reason_of(LayoutStore(folder), Reference.parse(f"a.io/b@{digest}"))
            is Reason.DIGEST_MISMATCH
        )

    async def test_a_manifest_that_can_be_read_in_two_ways_is_refused(self, tmp_path: Path) -> None:
        """A subject is parsed as strictly as evidence."""
        folder = write_layout(MemoryStore(), tmp_path)
        document = make_manifest(manifests=[])
        put_blob(folder, Digest.of(document), document)
        reference = Reference.parse(f"a.io/b@{Digest.of(document)}")
        assert await reason_of(LayoutStore(folder), reference) is Reason.MANIFEST_AMBIGUOUS


class TestReferrers:
    """What is attached, and how it is found."""

    async def test_all_ways_are_found_and_each_artifact_once(self, tmp_path: Path) -> None:
        """Subjects, the referrers tag and cosign's tags are looked at, in this order."""
        memory, sample = filled()
        tag = f"sha256-{sample.image.digest.hex}"
        classic = memory.add_manifest(make_manifest(annotations={"a": "classic"}), tag=f"{tag}.sig")
        replayed = memory.add_manifest(make_manifest(subject=sample.bare))
        fallback = json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [as_json(sample.sbom), as_json(replayed)],
            }
        )
        memory.add_manifest(fallback.encode(), tag=tag, media_type=OCI_INDEX)
        folder = write_layout(memory, tmp_path)
        image = Reference.parse(f"a.io/b@{sample.image.digest}")
        expected = [
            (sample.signature.digest, Discovery.LAYOUT),
            (sample.sbom.digest, Discovery.LAYOUT),
            (replayed.digest, Discovery.REFERRERS_TAG),
            (classic.digest, Discovery.COSIGN_TAG),
        ]
        assert await listing(LayoutStore(folder), image) == expected
        assert await listing(LayoutStore(folder, allow_cosign_tag=False), image) == expected[:3]
        tagged = Reference.parse_layout(f"oci:{folder}:v1")
        assert await listing(LayoutStore(folder), tagged) == expected

    async def test_nested_indexes_are_followed(self, tmp_path: Path) -> None:
        """An image of an index is found by digest, and so is what is attached to it."""
        memory = MemoryStore()
        image = memory.add_image()
        signature = memory.attach(image, "application/test")
        children = [as_json(image), as_json(signature)]
        index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": children}).encode()
        listed = memory.add_manifest(index, tag="all", media_type=OCI_INDEX)
        folder = write_layout(memory, tmp_path)
        edit(folder, lambda doc: doc.update(manifests=doc["manifests"][-1:]))
        store = LayoutStore(folder)
        assert (await store.resolve(Reference.parse_layout(f"oci:{folder}"))).same_content(listed)
        reference = Reference.parse(f"a.io/b@{image.digest}")
        assert (await store.resolve(reference)).same_content(image)
        assert await listing(store, reference) == [(signature.digest, Discovery.LAYOUT)]

    @pytest.mark.parametrize(
        "damage",
        [
            pytest.param(lambda path: path.unlink(), id="missing"),
            pytest.param(lambda path: path.write_bytes(path.read_bytes() + b" "), id="longer"),
            pytest.param(lambda path: path.write_bytes(path.read_bytes()[:-1]), id="shorter"),
            pytest.param(lambda path: path.write_bytes(b"x" * path.stat().st_size), id="no JSON"),
        ],
    )
    async def test_evidence_that_cannot_be_read_is_listed_and_not_passed_over(
        self, tmp_path: Path, damage: Callable[[Path], Any]
    ) -> None:
        """It is unknown what it belongs to, so every report mentions it, after what can be read."""
        memory, sample = filled()
        folder = write_layout(memory, tmp_path)
        damage(folder / "blobs" / "sha256" / sample.signature.digest.hex)
        found = await listing(LayoutStore(folder), Reference.parse(f"a.io/b@{sample.image.digest}"))
        assert [digest for digest, _ in found] == [sample.sbom.digest, sample.signature.digest]

    async def test_a_subject_that_is_none_hides_nothing(self, tmp_path: Path) -> None:
        """A malformed subject is evidence that cannot be placed."""
        memory, sample = filled()
        odd = memory.add_manifest(
            make_manifest().replace(b"{", b'{"subject": {"digest": "sha256:short"}, ', 1)
        )
        folder = write_layout(memory, tmp_path)
        found = await listing(LayoutStore(folder), Reference.parse(f"a.io/b@{sample.image.digest}"))
        assert found[-1] == (odd.digest, Discovery.LAYOUT)
        assert len(found) == 3

    async def test_a_malformed_index_in_the_index_hides_nothing(self, tmp_path: Path) -> None:
        """Its own entries are passed over; the rest of the layout is found."""
        memory, sample = filled()
        tag = f"sha256-{sample.image.digest.hex}"
        memory.add_manifest(b'{"schemaVersion":2,"manifests":[1]}', tag=tag, media_type=OCI_INDEX)
        store = LayoutStore(write_layout(memory, tmp_path))
        assert len(await listing(store, Reference.parse(f"a.io/b@{sample.image.digest}"))) == 2

    async def test_a_named_image_that_is_missing_is_no_evidence(self, tmp_path: Path) -> None:
        """Layouts that hold only some of their images are usual."""
        memory, sample = filled()
        folder = write_layout(memory, tmp_path)
        (folder / "blobs" / "sha256" / sample.bare.digest.hex).unlink()
        found = await listing(LayoutStore(folder), Reference.parse(f"a.io/b@{sample.image.digest}"))
        assert len(found) == 2
        assert (
            await reason_of(LayoutStore(folder), Reference.parse_layout(f"oci:{folder}:bare"))
            is Reason.NOT_FOUND
        )

    async def test_a_tag_that_only_looks_like_cosigns_is_an_image(self, tmp_path: Path) -> None:
        """`sha256-` with something that is no digest names no subject."""
        memory = MemoryStore()
        image = memory.add_image("sha256-abc.sig")
        folder = write_layout(memory, tmp_path)
        assert (await LayoutStore(folder).resolve(Reference.parse_layout(f"oci:{folder}"))).same_content(
            image
        )


class TestInvalidLayouts:
    """Folders and documents that are no layout."""

    @pytest.mark.parametrize(
        "text",
        [
            None,
            "",
            "{}",
            '{"imageLayoutVersion":"2.0.0"}',
            '{"imageLayoutVersion":1}',
            "[]",
            '{"imageLayoutVersion":"1"}',
        ],
    )
    async def test_the_version_must_be_one(self, tmp_path: Path, text: str | None) -> None:
        """The file oci-layout says which format the folder has."""
        folder = write_layout(filled()[0], tmp_path)
        (folder / "oci-layout").unlink()
        if text is not None:
            (folder / "oci-layout").write_text(text)
        assert (
            await reason_of(LayoutStore(folder), Reference.parse_layout(f"oci:{folder}:v1"))
            is Reason.LAYOUT_INVALID
        )

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (None, Reason.LAYOUT_INVALID),
            ("", Reason.LAYOUT_INVALID),
            ("[]", Reason.LAYOUT_INVALID),
            ('{"schemaVersion":1,"manifests":[]}', Reason.LAYOUT_INVALID),
            ('{"schemaVersion":2,"manifests":{"a":1}}', Reason.LAYOUT_INVALID),
            ('{"schemaVersion":2,"manifests":["x"]}', Reason.LAYOUT_INVALID),
            ('{"schemaVersion":2,"manifests":[],"manifests":[]}', Reason.LAYOUT_INVALID),
            ('{"schemaVersion":2,"manifests":[],"mediaType":"text/html"}', Reason.LAYOUT_INVALID),
            (
                '{"schemaVersion":2,"manifests":[{"mediaType":"a/b","size":1,"digest":"sha256:../../x"}]}',
                Reason.DIGEST_INVALID,
            ),
        ],
    )
    async def test_the_index_must_be_one(self, tmp_path: Path, text: str | None, reason: Reason) -> None:
        """A malformed index is refused as a whole."""
        folder = write_layout(filled()[0], tmp_path)
        (folder / "index.json").unlink()
        if text is not None:
            (folder / "index.json").write_text(text)
        assert await reason_of(LayoutStore(folder), Reference.parse_layout(f"oci:{folder}:v1")) is reason

    async def test_an_archive_without_an_index_is_no_layout(self, tmp_path: Path) -> None:
        """An archive of other files is refused by what is missing."""
        folder = write_layout(filled()[0], tmp_path / "l")
        (folder / "index.json").unlink()
        path = write_archive(folder, tmp_path / "l.tar")
        assert (
            await reason_of(LayoutStore(path), Reference.parse_layout(f"oci:{path}:v1"))
            is Reason.LAYOUT_INVALID
        )

    async def test_a_path_that_does_not_exist_is_not_found(self, tmp_path: Path) -> None:
        """There is nothing to be wrong with."""
        path = tmp_path / "none"
        assert (
            await reason_of(LayoutStore(path), Reference.parse_layout(f"oci:{path}:v1")) is Reason.NOT_FOUND
        )

    async def test_a_store_whose_layout_vanishes_refuses(self, tmp_path: Path) -> None:
        """What was there a moment ago is a StoreError like all others."""
        folder = write_layout(filled()[0], tmp_path / "l")
        path = write_archive(folder, tmp_path / "l.tar")
        stores = LayoutStore(folder), LayoutStore(path)
        for store in stores:
            await store.open()
        folder.rename(tmp_path / "elsewhere")
        path.unlink()
        reference = Reference.parse("a.io/b:v1")
        assert [await reason_of(store, reference) for store in stores] == [
            Reason.LAYOUT_INVALID,
            Reason.ARCHIVE_INVALID,
        ]
        descriptor = Descriptor("text/plain", Digest.of(b""), 0)
        with pytest.raises(StoreError, match="cannot be read"):
            await stores[1].fetch_blob(reference, descriptor, 10)

    async def test_more_than_can_be_looked_at_is_refused(self, tmp_path: Path) -> None:
        """A layout that lists too much is refused before it is all read."""
        entry = {"mediaType": OCI_MANIFEST, "size": 4 << 20}
        entries = [{**entry, "digest": str(Digest.of(b"%d" % number))} for number in range(70)]
        folder = write_layout(MemoryStore(), tmp_path, extra=entries)
        assert await reason_of(LayoutStore(folder), Reference.parse("a.io/b:v1")) is Reason.SIZE_EXCEEDED

    async def test_a_large_index_is_read_up_to_a_bound(self, tmp_path: Path) -> None:
        """An index beyond 16 MiB is refused, one below is read."""
        folder = write_layout(filled()[0], tmp_path)
        text = (folder / "index.json").read_text()
        (folder / "index.json").write_text(text + " " * (1 << 20))
        store = LayoutStore(folder)
        await store.resolve(Reference.parse_layout(f"oci:{folder}:v1"))
        (folder / "index.json").write_text(text + " " * (16 << 20))
        assert await reason_of(store, Reference.parse_layout(f"oci:{folder}:v1")) is Reason.SIZE_EXCEEDED


class TestBlobs:
    """Reading blobs within bounds."""

    @pytest.mark.parametrize("archived", [False, True])
    @pytest.mark.parametrize(
        ("size", "limit", "reason"),
        [(10, 9, Reason.SIZE_EXCEEDED), (9, 9, Reason.SIZE_MISMATCH), (9, 20, None), (10, 10, None)],
    )
    async def test_no_more_than_the_limit_is_read(
        self, tmp_path: Path, archived: bool, size: int, limit: int, reason: Reason | None
    ) -> None:
        """A blob longer than allowed is too large; longer than announced, it is not what was announced."""
        folder = write_layout(MemoryStore(), tmp_path / "l")
        digest = Digest.of(b"0123456789")
        put_blob(folder, digest, b"0123456789")
        store = LayoutStore(write_archive(folder, tmp_path / "l.tar") if archived else folder)
        descriptor = Descriptor("text/plain", digest, size)
        if reason is None:
            assert await store.fetch_blob(Reference.parse("a.io/b"), descriptor, limit) == b"0123456789"
            return
        with pytest.raises(StoreError) as caught:
            await store.fetch_blob(Reference.parse("a.io/b"), descriptor, limit)
        assert caught.value.reason is reason

    @pytest.mark.parametrize("archived", [False, True])
    async def test_a_large_blob_is_whole(self, tmp_path: Path, archived: bool) -> None:
        """What is read in a thread is the same."""
        memory = MemoryStore()
        descriptor = memory.add_blob(os.urandom(3 << 20))
        folder = write_layout(memory, tmp_path / "l")
        store = LayoutStore(write_archive(folder, tmp_path / "l.tar") if archived else folder)
        data = await store.fetch_blob(Reference.parse("a.io/b"), descriptor, 4 << 20)
        assert descriptor.digest.matches(data)


class TestPlugin:
    """The plugin `filesystem-oci-store`."""

    async def test_ratify_v2s_parameters_make_a_store(self, tmp_path: Path) -> None:
        """`path` alone is enough; relative paths start at the configuration's folder."""
        memory, sample = filled()
        write_layout(memory, tmp_path / "layout", prefix="example.com/app:")
        store = await build({"path": "layout"}, tmp_path)
        assert (await store.resolve(Reference.parse("example.com/app:v1"))).same_content(sample.image)

    async def test_own_parameters_are_heard(self, tmp_path: Path) -> None:
        """Bare tags are allowed when they are asked for."""
        memory, sample = filled()
        write_layout(memory, tmp_path / "layout")
        store = await build({"path": "layout", "allowBareTags": True, "allowCosignTag": False}, tmp_path)
        assert (await store.resolve(Reference.parse("example.com/app:v1"))).same_content(sample.image)

    @pytest.mark.parametrize("path", ["", "none", "file"])
    async def test_a_path_that_is_no_layout_is_found_out_at_once(self, tmp_path: Path, path: str) -> None:
        """The configuration is refused and not the first image."""
        (tmp_path / "file").write_text("text")
        with pytest.raises(ConfigurationError) as caught:
            await build({"path": path}, tmp_path)
        assert caught.value.path == "path"


async def build(parameters: dict[str, Any], base: Path) -> Any:
    """Build the plugin's store as the configuration reader does."""
    import msgspec

    from pyratify.core.plugin import Registry
    from support.plugins import FakeResources

    plugin = Registry[Any]("stores").load("filesystem-oci-store", "stores[0].type")
    return await plugin.build("store", msgspec.convert(parameters, plugin.options), FakeResources(base=base))


LAYOUTS = (
    ("notation-e2e/oci_layout/e2e", "v1", 0),
    ("notation-e2e/oci_layout/e2e-valid-signature", "v1", 1),
    ("notation-e2e/oci_layout/e2e-valid-multiple-signatures", "v1", 2),
    ("notation-e2e/oci_layout/e2e-expired-signature", "v1", 1),
    ("notation-e2e/oci_layout/e2e-invalid-signature", "v1", 1),
    ("notation-e2e/oci_layout/e2e-with-expired-cert", "v1", 1),
    ("notation-e2e/oci_layout/e2e-with-timestamped-signature", "v1", 1),
    ("notation-e2e/oci_layout/e2e-with-invalid-timestamped-signature", "v1", 1),
    ("derived/notation-alpine-jws-cose-layout", "v2", 2),
    ("derived/cosign-v3-oci-attestation-layout", "v1", 1),
    ("ratify-go/oci_store/hello", "v1", 2),
    ("ratify-go/oci_store/full_ref.tar", "v1", 1),
    ("oras/oras-go-content-oci/hello-world.tar", "latest", 0),
    ("oras/oras-go-content-oci/hello-world-prefixed-path.tar", "latest", 0),
    ("oras/zot-command-layouts/images", "multi", 0),
    ("oras/zot-command-layouts/artifacts", "foobar", 1),
)


@pytest.mark.parametrize(("path", "tag", "count"), LAYOUTS)
async def test_layouts_of_other_tools_are_read(shared: Path, path: str, tag: str, count: int) -> None:
    """What notation, oras, ratify, docker and zot wrote is resolved, and all that is attached is found."""
    store = LayoutStore(shared / path)
    reference = Reference.parse_layout(f"oci:{shared / path}:{tag}")
    descriptor = await store.resolve(reference)
    assert len(await listing(store, reference.at(descriptor.digest))) == count


async def test_a_whole_reference_in_an_archive_is_found(shared: Path) -> None:
    """The archive names its image `localhost:5000/hello:v1`."""
    store = LayoutStore(shared / "ratify-go/oci_store/full_ref.tar")
    assert (await store.resolve(Reference.parse("localhost:5000/hello:v1"))).size == 588
    assert await reason_of(store, Reference.parse("localhost:5000/other:v1")) is Reason.NOT_FOUND


@pytest.mark.parametrize("archived", [False, True])
async def test_the_signed_material_is_read(tmp_path: Path, archived: bool) -> None:
    """Each way of attaching occurs in the repository's own material."""
    path = write_archive(MATERIAL, tmp_path / "m.tar") if archived else MATERIAL
    store = LayoutStore(path)
    found = {}
    for tag in ("both", "cosign-v2", "unsigned", "replayed"):
        reference = Reference.parse_layout(f"oci:{path}:{tag}")
        digest = (await store.resolve(reference)).digest
        found[tag] = sorted(how for _, how in await listing(store, reference.at(digest)))
    assert found["both"] == ["layout", "layout"]
    assert found["cosign-v2"] == ["cosign-tag"]
    assert found["unsigned"] == []
    assert found["replayed"] == ["cosign-tag", "layout", "layout"]
