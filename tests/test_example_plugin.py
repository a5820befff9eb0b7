"""The example of a verifier plugin, installed as a package of its own and used through entry points."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from pyratify.core.descriptor import Descriptor
from pyratify.core.plugin import Registry
from pyratify.testing.layout import write_layout
from pyratify.testing.memory import MemoryStore

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "verifier-plugin"
ARTIFACT_TYPE = "application/vnd.example.ed25519.signature.v1"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the example is installed in, built from its own pyproject.toml and without a network."""
    pytest.importorskip("hatchling", reason="the build backend is not installed")
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    offline = ["--no-index", "--no-build-isolation", "--target", str(target), str(EXAMPLE)]
    subprocess.run([*pip, *offline], check=True)
    return target


def run(installed: Path, *arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run Python where the example is installed."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, *arguments], env=environment, cwd=cwd, capture_output=True, text=True, check=False
    )


def test_it_is_found_through_its_entry_point(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing but the installation makes it known; the package that brings it is named."""
    assert "ed25519-signature" not in Registry[Any]("verifiers").names()
    monkeypatch.syspath_prepend(str(installed))
    verifiers = Registry[Any]("verifiers")
    assert verifiers.names()["ed25519-signature"] == ("pyratify-ed25519",)
    assert "Ed25519" in verifiers.load("ed25519-signature", "executors[0].verifiers[0].type").summary


def test_its_own_tests_pass(installed: Path) -> None:
    """Among them the contract of verifiers."""
    result = run(
        installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--override-ini=pythonpath=", cwd=EXAMPLE
    )
    assert result.returncode == 0, result.stdout
    assert " passed" in result.stdout


def sign(installed: Path, folder: Path, image: Descriptor) -> bytes:
    """Make a key and sign with the example's own command."""
    key = Ed25519PrivateKey.generate()
    (folder / "release.key").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "release.pub").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    subject = (image.media_type, str(image.digest), str(image.size))
    return run(installed, "-m", "ratify_ed25519", str(folder / "release.key"), *subject).stdout.encode()


def test_the_command_verifies_with_it(installed: Path, tmp_path: Path) -> None:
    """From a signature made by the example to a verdict: allowed for its image, denied for another."""
    memory = MemoryStore()
    image, other = memory.add_image("signed"), memory.add_image("other", b"another")
    layer = (f"{ARTIFACT_TYPE}+json", sign(installed, tmp_path, image))
    for subject in (image, other):
        memory.attach(subject, ARTIFACT_TYPE, layer)
    write_layout(memory, tmp_path / "layout", prefix="example.com/app:")
    policy = {"threshold": 1, "rules": [{"verifierName": "release"}]}
    executor = {
        "scopes": ["example.com"],
        "stores": [{"type": "filesystem-oci-store", "parameters": {"path": "layout"}}],
        "verifiers": [
            {
                "name": "release",
                "type": "ed25519-signature",
                "parameters": {"keys": {"files": ["release.pub"]}},
            }
        ],
        "policyEnforcer": {"type": "threshold-policy", "parameters": {"policy": policy}},
    }
    (tmp_path / "ratify.json").write_text(json.dumps({"executors": [executor]}))
    command = ("-m", "pyratify", "verify", "-c", "ratify.json", "-o", "json")
    results = {
        tag: run(installed, *command, f"example.com/app:{tag}", cwd=tmp_path) for tag in ("signed", "other")
    }
    assert (results["signed"].returncode, results["signed"].stderr) == (0, "")
    assert json.loads(results["signed"].stdout)["succeeded"] is True
    assert results["other"].returncode == 1
    assert "PAYLOAD_SUBJECT_MISMATCH" in results["other"].stdout
