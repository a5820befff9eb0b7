"""OCI image layouts as they were signed, under the repository that trust policies name."""

import json
from collections.abc import Sequence
from pathlib import Path

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial
from pyratify.core.manifest import INDEX_TYPES, OCI_MANIFEST
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult
from pyratify.core.verifier import Verifier
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.memory import MemoryStore

SIGNATURE = "application/vnd.cncf.notary.signature"


def load_layout(folder: Path) -> MemoryStore:
    """Return a store with everything that a layout has; signatures are listed under their subjects."""
    store = MemoryStore()
    index = json.loads((folder / "index.json").read_bytes())
    for blob in sorted((folder / "blobs" / "sha256").iterdir()):
        store.blobs[Digest(f"sha256:{blob.name}")] = blob.read_bytes()
    for entry in index["manifests"]:
        digest = Digest(entry["digest"])
        store.manifests[digest] = store.blobs[digest]
        store.types[digest] = entry["mediaType"]
        tag = entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
        if tag:
            store.tags[tag] = digest
    for digest, data in list(store.blobs.items()):
        _list_if_signature(store, digest, data)
    return store


def _list_if_signature(store: MemoryStore, digest: Digest, data: bytes) -> None:
    try:
        document = json.loads(data)
    except ValueError:
        return
    kind = isinstance(document, dict) and document.get("mediaType")
    if not kind or kind in INDEX_TYPES or "subject" not in document:
        return
    store.manifests[digest] = data
    store.types[digest] = kind
    store.list_under(Digest(document["subject"]["digest"]), Descriptor(OCI_MANIFEST, digest, len(data)))


def materials(paths: Sequence[Path]) -> tuple[KeyMaterial, ...]:
    """Return files as documents that hold certificates."""
    return tuple(KeyMaterial(path.read_bytes(), path.name) for path in paths)


async def validate(store: MemoryStore, reference: str, verifier: Verifier) -> ValidationResult:
    """Validate with one verifier of which one signature is enough."""
    policy = ThresholdPolicy(Rule(None, (Rule(verifier.name),), 1))
    executor = Executor(store=store, verifiers=(verifier,), policy=policy)
    return await executor.validate(Reference.parse(reference))
