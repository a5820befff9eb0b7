"""What `ratify inspect` shows of a notation signature."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.testing.certificates import authority, signer
from pyratify.testing.notation import SIGNERS, Recipe
from pyratify.testing.timestamps import stamped_cose, stamped_jws, timestamp_authority
from pyratify.verifiers.notation.envelope import JWS_TYPE, TIMESTAMP
from support.notation_bench import FORMATS

Run = Callable[..., Any]
TSA = timestamp_authority(authority("tsa root"))
LEAF = signer(authority())
SUBJECT = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest.of(b"{}"), 2)


def inspect(run: Run, path: Path, kind: str, recipe: Recipe) -> dict[str, Any]:
    """Return what is said of a signature that is made by a recipe."""
    path.write_bytes(SIGNERS[kind](LEAF, SUBJECT, recipe))
    result = run("inspect", "-o", "json", path)
    assert result.code == 0
    shown = run("inspect", path)
    assert shown.code == 0
    assert "\x1b" not in shown.out + result.out
    found: dict[str, Any] = json.loads(result.out)
    return found


def annotated(payload: Any) -> Any:
    """Add user metadata to a payload."""
    payload["targetArtifact"]["annotations"] = {"stage": "\x1b[2Jprod"}
    return payload


@pytest.mark.parametrize("kind", FORMATS)
def test_everything_that_is_signed_is_shown(kind: str, run: Run, tmp_path: Path) -> None:
    """User metadata, extended attributes, and when each certificate ends."""
    recipe = Recipe(payload=annotated, protected=lambda header: {**header, "com.example.job": "17"})
    found = inspect(run, tmp_path / "x.sig", kind, recipe)
    assert found["extendedAttributes"] == {"com.example.job": "17"}
    assert found["userMetadata"]["stage"].endswith("prod")
    assert found["unsignedAttributes"]["timestamp"] is None
    first = found["certificates"][0]
    assert first["notAfter"] == "2056-01-01T00:00:00Z"
    assert len(first["SHA256Fingerprint"]) == 64
    assert int(first["serialNumber"], 16) > 0


@pytest.mark.parametrize("kind", FORMATS)
def test_a_timestamps_time_and_authority_are_shown(kind: str, run: Run, tmp_path: Path) -> None:
    """With its accuracy and certificates, though it is not verified."""
    recipe = Recipe(whole=(stamped_jws if kind == JWS_TYPE else stamped_cose)(TSA))
    stamp = inspect(run, tmp_path / "x.sig", kind, recipe)["unsignedAttributes"]["timestamp"]
    assert stamp["time"].endswith("Z")
    assert stamp["authority"]["SHA256Fingerprint"] == stamp["certificates"][0]["SHA256Fingerprint"]
    assert stamp["hashAlgorithm"].startswith("sha")
    assert stamp["accuracySeconds"] >= 0


def test_a_timestamp_that_is_none_says_so(run: Run, tmp_path: Path) -> None:
    """The rest of the signature is shown."""
    recipe = Recipe(unprotected=lambda header: {**header, TIMESTAMP: "QUFB"})
    found = inspect(run, tmp_path / "x.sig", JWS_TYPE, recipe)
    assert found["unsignedAttributes"]["timestamp"]["error"]
    assert found["signatureAlgorithm"] == "ES256"
