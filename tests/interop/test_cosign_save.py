"""Layouts that both versions of the real `cosign save` write, judged as `cosign verify --local-image` judges them."""

import json
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop import live
from pyratify.core.descriptor import Descriptor
from pyratify.core.manifest import OCI_INDEX
from pyratify.entrypoints.cli import main
from pyratify.testing.cosign import (
    CosignKey,
    attach_bundle,
    attach_classic,
    sign_classic,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.testing.memory import MemoryStore, as_json, make_manifest
from pyratify.testing.registry import RegistrySimulator

KEY = CosignKey.generate()
DSSE = "application/vnd.dsse.envelope.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
pytestmark = pytest.mark.interop


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistrySimulator]:
    """A registry with an image and an index, signed classically, with attestations, and with a bundle."""
    with RegistrySimulator() as registry:
        memory = registry.repository("app")
        classic(memory, memory.add_image("classic"))
        image = memory.add_image("attested", b"attested")
        classic(memory, image)
        attest(memory, image)
        bundled = memory.add_image("bundle", b"bundle")
        attach_bundle(memory, bundled, sign_statement(KEY, statement(bundled.digest)))
        body = {
            "schemaVersion": 2,
            "mediaType": OCI_INDEX,
            "manifests": [as_json(memory.add_image("child", b"c"))],
        }
        index = memory.add_manifest(json.dumps(body).encode(), tag="index", media_type=OCI_INDEX)
        classic(memory, index)
        memory.add_image("unsigned", b"unsigned")
        yield registry


def classic(memory: MemoryStore, image: Descriptor) -> None:
    """Sign as cosign 2 does."""
    memory.add_blob(b"{}")
    attach_classic(memory, image, sign_classic(KEY, simple_signing(image.digest)))


def attest(memory: MemoryStore, image: Descriptor) -> None:
    """Attach an attestation as cosign 2 does."""
    envelope = json.dumps(sign_statement(KEY, statement(image.digest))["dsseEnvelope"]).encode()
    blob = memory.add_blob(envelope, DSSE)
    layer = Descriptor(
        DSSE,
        blob.digest,
        blob.size,
        annotations={"dev.cosignproject.cosign/signature": "", "predicateType": "x"},
    )
    config = memory.add_blob(b"{}", CONFIG)
    memory.add_manifest(make_manifest(layers=[layer], config=config), tag=f"sha256-{image.digest.hex}.att")


def program(name: str) -> str:
    """Return a peer's path, or skip where it was not built."""
    path = live.loopback.PEERS / name
    if not path.exists():
        pytest.skip(f"run `make peers` first: there is no {name}")
    return str(path)


def run(*command: str, folder: Path) -> int:
    """Run a program without the user's own files and return its exit code."""
    environment = {"HOME": str(folder), "TUF_ROOT": str(folder / "tuf"), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, env=environment, cwd=folder, check=False).returncode


@pytest.mark.parametrize("cosign", ["cosign", "cosign2"])
@pytest.mark.parametrize("tag", ["classic", "attested", "bundle", "index", "unsigned"])
def test_saved_images_are_judged_as_cosign_judges_them(
    cosign: str, tag: str, registry: RegistrySimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """As a folder, by digest, and as a tar archive."""
    monkeypatch.chdir(tmp_path)
    peer, folder = program(cosign), tmp_path / "saved"
    key = tmp_path / "cosign.pub"
    key.write_bytes(KEY.pem)
    name = f"{registry.host}/app:{tag}"
    saved = run(peer, "save", "--allow-http-registry", "--dir", str(folder), name, folder=tmp_path)
    assert saved == 0
    options = ("--insecure-ignore-tlog", "--key", str(key))
    expected = run(peer, "verify", *options, "--local-image", str(folder), folder=tmp_path)
    archive = tmp_path / "saved.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(folder, ".")
    digest = registry.repository("app").tags[tag]
    for reference in (f"oci:{folder}", f"oci:{folder}@{digest}", f"oci-archive:{archive}"):
        assert main(["verify", "--key", str(key), "-o", "json", reference]) == bool(expected)
        result: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert result["digest"] == str(digest)
    assert expected == (1 if tag == "unsigned" or (tag, cosign) == ("bundle", "cosign2") else 0)
