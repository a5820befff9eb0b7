"""The committed material is whole: checked without any peer, so that a broken checkout is told from a broken verifier."""

import hashlib
import json
from typing import Any

import pytest

from interop import live

LAYOUT = live.MATERIAL / "layout"
INDEX: dict[str, Any] = json.loads((LAYOUT / "index.json").read_text())
EXPECTED: dict[str, dict[str, str]] = json.loads((live.MATERIAL / "expected.json").read_text())
NAME = "org.opencontainers.image.ref.name"


def blob(digest: str) -> bytes:
    """The bytes that a digest names."""
    return (LAYOUT / "blobs" / digest.replace(":", "/")).read_bytes()


def names() -> dict[str, str]:
    """Every name in the index, with its digest."""
    entries = ((entry.get("annotations", {}).get(NAME), entry["digest"]) for entry in INDEX["manifests"])
    return {name: digest for name, digest in entries if name}


@pytest.mark.parametrize(
    "path", sorted((LAYOUT / "blobs" / "sha256").iterdir()), ids=lambda path: path.name[:12]
)
def test_every_blob_hashes_to_its_name(path: Any) -> None:
    """No line ending or editor has changed a byte."""
    assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name


def test_every_tag_has_an_expected_verdict() -> None:
    """The index names the tags of expected.json and cosign's signature tags, and nothing else."""
    assert {name for name in names() if not name.endswith(".sig")} == set(EXPECTED)


def test_the_table_of_the_readme_names_every_tag() -> None:
    """A person finds each tag explained."""
    readme = (live.MATERIAL / "README.md").read_text()
    assert [tag for tag in EXPECTED if f"`{tag}`" not in readme] == []


@pytest.mark.parametrize("tag", EXPECTED)
def test_a_signature_of_each_kind_is_there_unless_none_is_expected(tag: str) -> None:
    """`none` means that no signature of this kind is attached; `pass` and `fail` that one is."""
    digest = names()[tag]
    manifests = [json.loads(blob(entry["digest"])) for entry in INDEX["manifests"]]
    attached = [manifest for manifest in manifests if manifest.get("subject", {}).get("digest") == digest]
    layers = {layer["mediaType"] for manifest in attached for layer in manifest["layers"]}
    cosign = f"{digest.replace(':', '-')}.sig" in names() or live.loopback.BUNDLE in layers
    notation = bool(layers & {"application/jose+json", "application/cose"})
    expected = EXPECTED[tag]
    assert (cosign, notation) == (expected["cosign"] != "none", expected["notation"] != "none")
