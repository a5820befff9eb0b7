"""`ratify prove` in a real cluster and at a real Docker daemon: what refuses an unsigned image, and what does not."""

import json
import subprocess
import sys

import pytest

from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images
from e2e.dockers import docker, reason_not_to

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


def test_docker_is_asked_to_pull_and_to_create(
    images: Images, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Refused for the unsigned image and not for the signed one, of which nothing is left."""
    if why := reason_not_to():
        pytest.skip(why)
    with docker(tmp_path_factory.mktemp("docker")) as daemon, daemon.serving():
        offered = (
            "--image",
            images["unsigned"],
            "--allowed",
            images["cosign-v3"],
            "--plain-http",
            "-o",
            "json",
        )
        done = daemon.ratify("prove", *offered, "--docker", daemon.socket)
        offers = json.loads(done.stdout)["offers"]
        assert [each["outcome"] for each in offers] == ["refused", "passed"], offers
        assert offers[0]["code"] == "NO_EVIDENCE"
        assert done.returncode == 0
        assert not daemon.docker("ps", "-aq").stdout
        assert not daemon.docker("images", "-q").stdout
