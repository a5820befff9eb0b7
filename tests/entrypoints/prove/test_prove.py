"""`ratify prove` as a command: its exit codes, and what it refuses to take for a proof."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyratify.entrypoints.cli import main
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.registry import RegistrySimulator

REFUSED = "ctr: blocked: verifier 00-ratify rejected image (exit code 1): ratify: DENIED [NO_EVIDENCE]"


@pytest.fixture
def image() -> Iterator[str]:
    """An image of a registry."""
    with RegistrySimulator() as registry:
        registry.repository().add_image()
        yield str(registry.reference())


def ctr(folder: Path, script: str) -> list[str]:
    """Return the flags of a containerd whose client is a script."""
    path = folder / "ctr"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return ["--containerd", "/run/c.sock", "--ctr", str(path)]


@pytest.mark.parametrize(
    ("script", "code", "outcome"),
    [
        (f"echo '{REFUSED}'; exit 1", 0, "refused"),
        ("exit 0", 1, "passed"),
        ("echo 'ctr: no such host'; exit 1", 2, "unknown"),
    ],
)
def test_the_exit_code_says_whether_all_doors_refused(
    tmp_path: Path, image: str, capsys: pytest.CaptureFixture[str], script: str, code: int, outcome: str
) -> None:
    """0 for a proof, 1 where an image passed, 2 where nothing was proved."""
    assert main(["prove", "--image", image, "-o", "json", *ctr(tmp_path, script)]) == code
    (row,) = json.loads(capsys.readouterr().out)["offers"]
    assert row["outcome"] == outcome
    assert "@sha256:" in row["image"]


def test_a_door_that_refuses_everything_is_no_proof(
    tmp_path: Path, image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --allowed each point has to let that image pass."""
    flags = ctr(tmp_path, f"echo '{REFUSED}'; exit 1")
    assert main(["prove", "--image", image, "--allowed", image, *flags]) == 2
    assert "REFUSED, and should be passed" in capsys.readouterr().out


def test_an_image_that_is_not_there_is_no_canary(
    tmp_path: Path, image: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every point refuses it, whatever it verifies."""
    flags = ctr(tmp_path, f"echo '{REFUSED}'; exit 1")
    assert main(["prove", "--image", image.replace("v1", "absent"), *flags]) == 2
    assert "NOT_FOUND" in capsys.readouterr().err
    # Before the image is looked for.
    assert main(["prove", "--image", image.replace("v1", "absent")]) == 3
    assert "no enforcement point is named" in capsys.readouterr().err
    assert main(["prove", "--image", "oci:/layout:v1", *flags]) == 3


def test_a_door_needs_its_extra(
    image: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message has the command that installs it."""
    monkeypatch.setitem(sys.modules, "pyratify.kubernetes.client.api", None)
    assert main(["prove", "--image", image, "--pod"]) == 3
    assert "pip install 'pyratify[kubernetes]'" in capsys.readouterr().err


def test_an_authority_has_to_be_text(tmp_path: Path, image: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A certificate in DER would be taken for no authority at all."""
    (tmp_path / "ca.der").write_bytes(b"\xff")
    flags = ["--gatekeeper", "https://127.0.0.1:1/x", "--server-ca-file", str(tmp_path / "ca.der")]
    assert main(["prove", "--image", image, *flags]) == 3
    assert "is no PEM" in capsys.readouterr().err


def test_a_pod_is_a_dry_run(tmp_path: Path, image: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The API server is asked to keep nothing; a refusal of rights is no refusal of the image."""
    with ApiServer() as server:
        server.refuse(403, method="POST", times=1)
        flags = ["--pod", "--namespace", "default", "--kubeconfig", str(server.kubeconfig(tmp_path))]
        assert main(["prove", "--image", image, *flags]) == 2
        assert "UNKNOWN" in capsys.readouterr().out


@pytest.mark.parametrize(
    "flags",
    [
        ["--gatekeeper", "no URL"],
        ["--webhook", "https://127.0.0.1:1/x", "--server-ca-file", "/absent"],
        ["--pod", "--kubeconfig", "/absent"],
        ["--webhook", "https://127.0.0.1:1/x", "--server-ca-file", __file__.replace("test_prove.py", "")],
    ],
)
def test_flags_that_cannot_be_used_are_said(image: str, flags: list[str]) -> None:
    """Before anything is offered."""
    assert main(["prove", "--image", image, *flags]) == 3
