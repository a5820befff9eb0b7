"""Laws of what reads files of others: whatever stands in them, there is a value or a refusal."""

import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.manifest import OCI_INDEX, OCI_MANIFEST
from pyratify.credentials.docker_file import parse_docker_file
from pyratify.stores.layout.archive import read_members
from pyratify.stores.layout.directory import read_up_to
from pyratify.stores.layout.layout_index import build_index
from pyratify.testing.layout import KIND_PREFIX

NAME = st.lists(st.sampled_from(["a", "blobs", "sha256", "x" * 90, "é"]), min_size=1, max_size=4).map(
    "/".join
)
FILES = st.dictionaries(NAME, st.binary(max_size=1500), max_size=5)
FORMATS = st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
QUIET = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def pack(files: dict[str, bytes], form: int, prefix: str = "") -> bytes:
    """Return an archive of the files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(prefix + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def contents(path: Path, data: bytes) -> dict[str, bytes]:
    """Return what is read from an archive."""
    path.write_bytes(data)
    file = os.open(path, os.O_RDONLY)
    try:
        members = read_members(file, len(data))
        return {name: read_up_to(file, member.size, member.offset) for name, member in members.items()}
    finally:
        os.close(file)


@QUIET
@given(files=FILES, form=FORMATS, prefix=st.sampled_from(["", "./"]))
def test_what_is_packed_is_read(tmp_path: Path, files: dict[str, bytes], form: int, prefix: str) -> None:
    """Every file of a well-made archive is found, byte by byte, and no other."""
    assert contents(tmp_path / "a.tar", pack(files, form, prefix)) == files


@QUIET
@given(
    files=FILES,
    form=FORMATS,
    edits=st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), min_size=1, max_size=4),
    cut=st.integers(0, 6000),
)
def test_a_damaged_archive_is_refused_or_agrees_with_another_reader(
    tmp_path: Path, files: dict[str, bytes], form: int, edits: list[tuple[int, int]], cut: int
) -> None:
    """Whatever is changed: a refusal, or exactly those regular files that Python's own reader sees."""
    data = bytearray(pack(files, form)[: cut or None])
    for position, value in edits:
        if position < len(data):
            data[position] = value
    try:
        found = contents(tmp_path / "a.tar", bytes(data))
    except StoreError:
        return
    assert found == by_tarfile(bytes(data))


def by_tarfile(data: bytes) -> dict[str, bytes]:
    """Return the regular files that Python's own reader sees; an archive without a header is empty."""
    if not any(data[:512]):
        return {}
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        members = [member for member in archive.getmembers() if member.isreg()]
        return {member.name.removeprefix("./"): archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
DIGESTS = st.sampled_from(
    [str(Digest.of(b"%d" % number)) for number in range(5)] + ["sha256:x", "", "sha256:" + "A" * 64]
)
DESCRIPTORS = st.fixed_dictionaries(
    {
        "mediaType": st.sampled_from([OCI_MANIFEST, OCI_INDEX, "a/b", ""]),
        "digest": DIGESTS,
        "size": st.integers(-1, 9),
    },
    optional={
        "annotations": st.dictionaries(
            st.just("org.opencontainers.image.ref.name"),
            st.sampled_from(["v1", f"sha256-{Digest.of(b'1').hex}", f"sha256-{Digest.of(b'2').hex}.sig"]),
        )
        | st.dictionaries(
            st.just("kind"),
            st.sampled_from([f"{KIND_PREFIX}{kind}" for kind in ("image", "imageIndex", "sigs", "atts")]),
        )
    },
)
DOCUMENTS = st.one_of(
    JSON,
    st.fixed_dictionaries(
        {"schemaVersion": st.sampled_from([2, 1])},
        optional={"manifests": st.lists(DESCRIPTORS, max_size=4), "subject": DESCRIPTORS | JSON},
    ),
)


@QUIET
@example(document={"schemaVersion": 2, "manifests": None}, blobs=[])
@given(document=DOCUMENTS, blobs=st.lists(DOCUMENTS, max_size=5))
def test_an_index_is_understood_or_refused(document: Any, blobs: list[Any]) -> None:
    """Whatever the index and the manifests that it lists say, also of each other, reading comes to an end."""
    by_digest = {Digest.of(b"%d" % number): json.dumps(blob).encode() for number, blob in enumerate(blobs)}

    def read(descriptor: Descriptor) -> bytes | None:
        return by_digest.get(descriptor.digest)

    try:
        index = build_index(json.dumps(document).encode(), read, by_digest.items)
    except StoreError:
        return
    assert {image.digest for image in index.images} <= index.known.keys() | {i.digest for i in index.images}
    assert set(index.tags) <= set(index.names)


@QUIET
@given(document=JSON, registry=st.sampled_from(["example.com", "docker.io"]))
def test_dockers_file_is_understood_or_refused(document: Any, registry: str) -> None:
    """Whatever stands in the file, there is a credential, none, or a refusal."""
    for shape in (document, {"auths": document}, {"auths": {registry: document}}, {"credHelpers": document}):
        try:
            file = parse_docker_file(json.dumps(shape).encode(), "config.json")
            file.helper(registry, "")
            file.credential(registry)
        except StoreError:
            continue


@pytest.mark.parametrize("data", [b"", b"\0" * 512, b"\0" * 10240])
def test_an_empty_archive_holds_nothing(tmp_path: Path, data: bytes) -> None:
    """Neither a file of no bytes nor one of end marks is a fault of the archive."""
    assert contents(tmp_path / "a.tar", data) == {}
