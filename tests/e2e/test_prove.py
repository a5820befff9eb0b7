"""`ratify prove` in a real cluster: Gatekeeper refuses the Pod of an unsigned image, and a namespace without it does not."""

import json
import subprocess
import sys

import pytest

from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images

pytestmark = pytest.mark.e2e


def prove(server: ApiServer, namespace: str, images: Images) -> tuple[int, list[dict[str, str]]]:
    """Return the exit code and the offers of a dry run in a namespace."""
    command = (
        "prove", "--image", images["unsigned"], "--allowed", images["cosign-v3"], "--plain-http", "-o", "json",
        "--pod", "--namespace", namespace, "--kubeconfig", str(server.kubeconfig),
    )  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "pyratify", *command], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)["offers"]


def test_a_dry_run_of_a_pod_is_the_proof(
    api_server: ApiServer, admitting: str, namespace: str, images: Images
) -> None:
    """Where the constraint is in force the unsigned image is refused and the signed one is not; elsewhere both pass."""
    code, offers = prove(api_server, admitting, images)
    assert [each["outcome"] for each in offers] == ["refused", "passed"], offers
    assert (code, offers[0]["code"]) == (0, "NO_EVIDENCE")
    code, offers = prove(api_server, namespace, images)
    assert (code, offers[0]["outcome"]) == (1, "passed")
