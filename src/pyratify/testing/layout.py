"""Writes OCI image layouts for tests: a directory or a tar archive with the content of a `MemoryStore`."""

import json
import tarfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.manifest import OCI_INDEX, OCI_MANIFEST
from pyratify.testing.memory import MemoryStore, as_json

REF_NAME = "org.opencontainers.image.ref.name"
KIND_PREFIX = "dev.cosignproject.cosign/"


def write_layout(memory: MemoryStore, folder: Path, *, prefix: str = "", extra: Iterable[Any] = ()) -> Path:
    """Write everything that the store holds and return the folder.

    Args:
        memory: The store; its tags become names, its listings are left to the manifests' own subjects.
        folder: Where to; made when it is missing.
        prefix: Put before each tag, as `example.com/app:`.
        extra: Further entries of `index.json`, as they stand.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for digest, data in {**memory.blobs, **memory.manifests}.items():
        put_blob(folder, digest, data)
    entries = [_entry(memory, digest, prefix) for digest in memory.manifests]
    # The marker file without which a directory is no layout (image-layout.md, "oci-layout file").
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [*entries, *extra]}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def write_saved_layout(
    memory: MemoryStore, folder: Path, *entries: tuple[str, Descriptor], prefix: str = KIND_PREFIX
) -> Path:
    """Write a layout as `cosign save` does: everything is in `blobs/`, and only these entries are in `index.json`.

    Args:
        memory: The store.
        folder: Where to.
        entries: What is listed, each with its kind: `image`, `imageIndex`, `sigs` or `atts`.
        prefix: Put before each kind.
    """
    # All blobs first; the index is replaced below, so unlisted manifests are reachable by digest only.
    write_layout(memory, folder)
    listed = [
        as_json(replace(entry, annotations={"kind": f"{prefix}{kind}"} if kind else {}))
        for kind, entry in entries
    ]
    index = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed}
    (folder / "index.json").write_text(json.dumps(index))
    return folder


def put_blob(folder: Path, digest: Digest, data: bytes) -> Path:
    """Write one blob under a digest, whether it is its own or not, and return the file."""
    path = folder / "blobs" / digest.algorithm / digest.hex
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def write_archive(folder: Path, path: Path, *, prefix: str = "", format: int = tarfile.PAX_FORMAT) -> Path:  # noqa: A002 - tarfile's own word
    """Pack a layout's folder into a tar archive and return the archive.

    Args:
        folder: The layout.
        path: The archive to write.
        prefix: Put before each member's name, as `./`.
        format: One of the formats of `tarfile`.
    """
    with tarfile.open(path, "w", format=format) as archive:
        # Sorted: folders give their entries in no fixed order.
        for file in sorted(folder.rglob("*")):
            # `rglob` gives every folder's content itself; recursion would add it a second time.
            archive.add(file, f"{prefix}{file.relative_to(folder)}", recursive=False)
    return path


def _entry(memory: MemoryStore, digest: Digest, prefix: str) -> dict[str, Any]:
    data = memory.manifests[digest]
    tags = [tag for tag, tagged in memory.tags.items() if tagged == digest]
    annotations = {REF_NAME: f"{prefix}{tags[0]}"} if tags else {}
    media_type = memory.types.get(digest, OCI_MANIFEST)
    return as_json(Descriptor(media_type, digest, len(data), annotations=annotations))
