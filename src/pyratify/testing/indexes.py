"""Makes image indexes and the attestation manifests of Docker's BuildKit, for tests."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.manifest import OCI_INDEX
from pyratify.core.platform_choice import ATTESTATION_MANIFEST, REFERENCE_DIGEST, REFERENCE_TYPE
from pyratify.testing.memory import MemoryStore, as_json, make_manifest

STATEMENT_TYPE = "application/vnd.in-toto+json"
UNKNOWN = "unknown/unknown"
PROVENANCE = "https://slsa.dev/provenance/v1"


def entry(
    manifest: Descriptor, platform: str | None = "linux/amd64", annotations: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return an entry of an image index: `os/architecture[/variant]`, or None for an entry without a platform."""
    document = as_json(manifest)
    if platform is not None:
        os, architecture, variant = (*platform.split("/"), "")[:3]
        document["platform"] = {
            "os": os,
            "architecture": architecture,
            **({"variant": variant} if variant else {}),
        }
    if annotations:
        document["annotations"] = dict(annotations)
    return document


def add_index(store: MemoryStore, *entries: Mapping[str, Any], tag: str | None = "v1") -> Descriptor:
    """Keep an image index with these entries, perhaps under a tag, and return what it is."""
    document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [dict(each) for each in entries]}
    return store.add_manifest(json.dumps(document).encode(), tag=tag, media_type=OCI_INDEX)


def attestation_entry(
    manifest: Descriptor, subject: Digest, *, kind: str = ATTESTATION_MANIFEST, platform: str | None = UNKNOWN
) -> dict[str, Any]:
    """Return the entry with which BuildKit lists an attestation manifest of a subject; another kind or platform breaks it."""
    return entry(manifest, platform, {REFERENCE_TYPE: kind, REFERENCE_DIGEST: str(subject)})


def add_attestation_manifest(
    store: MemoryStore,
    *statements: Mapping[str, Any] | bytes,
    subject: Descriptor | None = None,
    layer_type: str = STATEMENT_TYPE,
    predicate_types: Sequence[str] = (PROVENANCE,),
) -> Descriptor:
    """Keep an attestation manifest with a layer for each statement and return what it is.

    Args:
        store: Where it is kept.
        statements: The statements; bytes stand as they are.
        subject: For a manifest that is a referrer of the image, as those of Docker Hardened Images; it is listed as one.
        layer_type: The media type of the layers; another one makes it no attestation manifest.
        predicate_types: The annotation of each layer, the last one for the rest; hints that may be wrong.
    """
    layers = []
    for number, statement in enumerate(statements):
        hint = predicate_types[min(number, len(predicate_types) - 1)]
        annotations = {"in-toto.io/predicate-type": hint}
        data = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
        layers.append(replace(store.add_blob(data, layer_type), annotations=annotations))
    # As BuildKit writes it: for a platform that no runtime asks for.
    config = store.add_blob(
        b'{"architecture":"unknown","os":"unknown"}', "application/vnd.oci.image.config.v1+json"
    )
    found = store.add_manifest(make_manifest(config=config, subject=subject, layers=layers))
    if subject is not None:
        store.list_under(subject.digest, found)
    return found
