"""Manifests and indexes, parsed strictly."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.manifest import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    EMPTY_CONFIG,
    OCI_INDEX,
    OCI_MANIFEST,
    InvalidManifest,
    Manifest,
    parse_manifest,
    read_descriptor,
)
from pyratify.testing.memory import EMPTY_DESCRIPTOR, as_json, make_manifest

LAYER = Descriptor("text/plain", Digest.of(b"layer"), 5)
INDEX = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}


def parse(document: Any, media_type: str = OCI_MANIFEST) -> Manifest:
    """Parse a document, or bytes as they are, as what it is announced to be."""
    data = document if isinstance(document, bytes) else json.dumps(document).encode()
    return parse_manifest(data, Descriptor(media_type, Digest.of(data), len(data)))


def changed(**members: Any) -> dict[str, Any]:
    """Return a good image manifest with some members changed; `...` removes one."""
    document = json.loads(make_manifest(layers=[LAYER])) | members
    return {name: value for name, value in document.items() if value is not ...}


def test_an_image_manifest_is_read() -> None:
    """Every member arrives where it belongs; the artifact type is the manifest's own."""
    data = make_manifest(artifact_type="a/b", layers=[LAYER], subject=LAYER, annotations={"k": "v"})
    manifest = parse(data)
    assert manifest.artifact_type == "a/b"
    assert manifest.annotations == {"k": "v"}
    assert manifest.config == EMPTY_DESCRIPTOR
    assert manifest.layers == (LAYER,)
    assert manifest.subject == LAYER
    assert not manifest.is_index
    assert manifest.descriptor.digest == Digest.of(data)


def test_an_index_is_read() -> None:
    """Its entries are descriptors, with their artifact types and annotations."""
    entry = Descriptor(OCI_MANIFEST, Digest.of(b"x"), 1, "a/b", {"k": "v"})
    manifest = parse(INDEX | {"manifests": [as_json(entry)], "artifactType": "c/d"}, OCI_INDEX)
    assert manifest.is_index
    assert manifest.manifests == (entry,)
    assert manifest.config is None
    assert manifest.artifact_type == "c/d"


def test_without_an_artifact_type_the_config_tells_it() -> None:
    """OCI image specification, "Guidelines for Artifact Usage": the config's media type stands in."""
    assert parse(changed()).artifact_type == EMPTY_CONFIG
    assert parse(INDEX, OCI_INDEX).artifact_type is None


@pytest.mark.parametrize("kind", [DOCKER_MANIFEST, OCI_MANIFEST])
@pytest.mark.parametrize("own", [True, False])
def test_docker_manifests_and_those_without_a_media_type_are_read(kind: str, own: bool) -> None:
    """The media type is optional in an OCI document; where it stands it must be the announced one."""
    assert parse(changed(mediaType=kind if own else ...), kind).layers == (LAYER,)


@pytest.mark.parametrize("layers", [[], None])
def test_a_manifest_may_have_no_layers(layers: object) -> None:
    """Some tools write an empty list as null; that it proves nothing is the verifier's to say."""
    assert parse(changed(layers=layers)).layers == ()


@pytest.mark.parametrize(
    ("document", "media_type", "reason"),
    [
        (changed(), "application/vnd.docker.distribution.manifest.v1+prettyjws", "MEDIATYPE_UNSUPPORTED"),
        (changed(), "application/json", "MEDIATYPE_UNSUPPORTED"),
        (changed(schemaVersion=1), OCI_MANIFEST, "MEDIATYPE_UNSUPPORTED"),
        (changed(schemaVersion=3), OCI_MANIFEST, "MEDIATYPE_UNSUPPORTED"),
        (changed(schemaVersion="2"), OCI_MANIFEST, "MEDIATYPE_UNSUPPORTED"),
        (changed(schemaVersion=2.0), OCI_MANIFEST, "MEDIATYPE_UNSUPPORTED"),
        (changed(schemaVersion=True), OCI_MANIFEST, "MEDIATYPE_UNSUPPORTED"),
        (changed(schemaVersion=...), OCI_MANIFEST, "MEDIATYPE_UNSUPPORTED"),
        (changed(), DOCKER_MANIFEST, "MEDIATYPE_MISMATCH"),
        (changed(mediaType=None), OCI_MANIFEST, "MEDIATYPE_MISMATCH"),
        (changed(mediaType=OCI_INDEX), OCI_MANIFEST, "MEDIATYPE_MISMATCH"),
        (INDEX, DOCKER_LIST, "MEDIATYPE_MISMATCH"),
        (changed(manifests=[]), OCI_MANIFEST, "MANIFEST_AMBIGUOUS"),
        (changed(manifests=None), OCI_MANIFEST, "MANIFEST_AMBIGUOUS"),
        (changed(blobs=[]), OCI_MANIFEST, "MANIFEST_AMBIGUOUS"),
        (changed(fsLayers=[]), OCI_MANIFEST, "MANIFEST_AMBIGUOUS"),
        (INDEX | {"layers": []}, OCI_INDEX, "MANIFEST_AMBIGUOUS"),
        (INDEX | {"config": {}}, OCI_INDEX, "MANIFEST_AMBIGUOUS"),
        (changed(layers=...), OCI_MANIFEST, "JSON_INVALID"),
        (changed(config=...), OCI_MANIFEST, "JSON_INVALID"),
        (changed(config=None), OCI_MANIFEST, "JSON_INVALID"),
        ({"schemaVersion": 2}, OCI_INDEX, "JSON_INVALID"),
        (changed(layers={}), OCI_MANIFEST, "JSON_INVALID"),
        (changed(layers=0), OCI_MANIFEST, "JSON_INVALID"),
        (changed(layers=["x"]), OCI_MANIFEST, "JSON_INVALID"),
        (changed(subject=".nope"), OCI_MANIFEST, "JSON_INVALID"),
        (changed(subject=False), OCI_MANIFEST, "JSON_INVALID"),
        (changed(subject={}), OCI_MANIFEST, "JSON_INVALID"),
        (changed(artifactType=1), OCI_MANIFEST, "JSON_INVALID"),
        (changed(artifactType="foo/.bar"), OCI_MANIFEST, "JSON_INVALID"),
        (changed(artifactType="a/b\x1b[2J"), OCI_MANIFEST, "JSON_INVALID"),
        (changed(annotations=[]), OCI_MANIFEST, "JSON_INVALID"),
        (changed(annotations={"a": 1}), OCI_MANIFEST, "JSON_INVALID"),
        (changed(subject=as_json(LAYER) | {"size": -1}), OCI_MANIFEST, "SIZE_MISMATCH"),
        (changed(subject=as_json(LAYER) | {"size": 2**63}), OCI_MANIFEST, "SIZE_MISMATCH"),
        (changed(subject=as_json(LAYER) | {"size": True}), OCI_MANIFEST, "SIZE_MISMATCH"),
        (changed(subject=as_json(LAYER) | {"size": 5.0}), OCI_MANIFEST, "SIZE_MISMATCH"),
        (changed(subject=as_json(LAYER) | {"digest": "sha256:00"}), OCI_MANIFEST, "DIGEST_INVALID"),
        (b"[]", OCI_MANIFEST, "JSON_INVALID"),
        (b'{"schemaVersion": 2, "schemaVersion": 2}', OCI_MANIFEST, "JSON_DUPLICATE_KEY"),
    ],
)
def test_a_manifest_that_could_be_understood_differently_is_refused(
    document: Any, media_type: str, reason: str
) -> None:
    """Hybrids, other types than announced, and members of the wrong kind each have their reason."""
    with pytest.raises(InvalidManifest) as caught:
        parse(document, media_type)
    assert caught.value.reason == reason


def test_media_types_may_have_parameters() -> None:
    """Sigstore's bundles are called `application/vnd.dev.sigstore.bundle+json;version=0.2`."""
    kind = "application/vnd.dev.sigstore.bundle+json;version=0.2"
    assert read_descriptor(as_json(LAYER) | {"mediaType": kind}, "layer").media_type == kind


# The schema also refuses what this engine never reads (`urls`, `platform`, and `data`, which is never used in place of the
# content), and a manifest without layers, where the specification's text says "SHOULD".
TOLERATED = {
    "layers": [],
    "urls": ["value"],
    "platform": {"os": "linux"},
    "data": "aHR0cHM6Ly9naXRodWIuY29tL29wZW5jb250YWluZXJzCg",
}


def _tolerated(document: dict[str, Any]) -> bool:
    entries = [document, *document.get("manifests", ())]
    return any(entry.get(name) == value for entry in entries for name, value in TOLERATED.items())


def _reads(case: dict[str, Any]) -> bool:
    kind = {"manifest_test.go": OCI_MANIFEST, "imageindex_test.go": OCI_INDEX}.get(case["file"])
    try:
        if kind is None:
            read_descriptor(json.loads(case["json"]), "descriptor")
        else:
            parse(case["json"].encode(), kind)
    except (InvalidManifest, InvalidDigest):
        return False
    return True


def _is_readable_here(case: dict[str, Any]) -> bool:
    if case["file"] == "descriptor_test.go":
        document = json.loads(case["json"])
        return str(document.get("digest", "")).partition(":")[0] in ("sha256", "sha384", "sha512", "")
    return case["file"] in ("manifest_test.go", "imageindex_test.go")


def test_documents_of_the_image_specification(shared: Path) -> None:
    """What the specification's tests refuse is refused, and what they accept of known digests is accepted."""
    cases = json.loads((shared / "oci-image-spec/schema_cases.json").read_text())
    assert len(cases) == 65
    disagreements = []
    for case in cases:
        if not _is_readable_here(case):
            continue
        reads = _reads(case)
        if reads and case["fail"] and _tolerated(json.loads(case["json"])):
            continue
        if reads == case["fail"]:
            disagreements.append(case["json"])
    assert disagreements == []
