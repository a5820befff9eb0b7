"""Private images and the pull Secrets of Pods, with an API server that puts those of service accounts into Pods."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster import apiserver, programs
from e2e.cluster.api import Document, Refused
from e2e.cluster.gatekeeper import LABEL
from e2e.cluster.pods import pod, workload
from e2e.cluster.programs import eventually
from e2e.cluster.provider import SIGNED_BY_EITHER
from e2e.cluster.rights import grant, rule
from e2e.cluster.webhook import WATCHED, webhook
from pyratify.testing.registry import BasicAuth, RegistrySimulator

pytestmark = pytest.mark.e2e

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
RULES = {"rules": [{"name": "held"}]}
PASSWORD = "test-only-hunter2"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[apiserver.ApiServer]:
    """An API server with the admission plugin `ServiceAccount`."""
    if absent := programs.missing(*apiserver.NEEDED):
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    with apiserver.api_server(tmp_path_factory.mktemp("accounts"), accounts=True) as found:
        yield found


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistrySimulator]:
    """A registry whose signed images need a password."""
    with RegistrySimulator(auth=BasicAuth("alice", PASSWORD)) as found:
        found.load_layout(MATERIAL / "layout", "app")
        yield found


def login(namespace: str, host: str, password: str = PASSWORD) -> Document:
    """Return a pull Secret."""
    auths = {host: {"auth": base64.b64encode(f"alice:{password}".encode()).decode()}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps({"auths": auths}).encode()).decode()}
    metadata = {"name": "login", "namespace": namespace}
    kind = "kubernetes.io/dockerconfigjson"
    return {"apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "data": data}


def account(namespace: str, *secrets: str) -> Document:
    """Return the service account of Pods that name none."""
    metadata = {"name": "default", "namespace": namespace}
    names = [{"name": name} for name in secrets]
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "imagePullSecrets": names}


def naming(document: Document, *secrets: str) -> Document:
    """Return a Pod that names Secrets of its own."""
    names = [{"name": name} for name in secrets]
    return {**document, "spec": {**document["spec"], "imagePullSecrets": names}}


def refusal(server: apiserver.ApiServer, document: Document) -> str:
    """Return why an object would be refused; empty where it would not."""
    try:
        server.api.trying().create(document)
    except Refused as error:
        return error.message
    return ""


def test_private_images_are_read_as_the_kubelet_would(
    server: apiserver.ApiServer, registry: RegistrySimulator, tmp_path: Path
) -> None:
    """By Pods, by Pods of an account, by templates; by no other namespace, and not where the webhook has no right to."""
    own = server.namespace("ratify-pulls")
    team, rival, closed = (server.namespace(name, **{LABEL: WATCHED}) for name in ("team", "rival", "closed"))
    kubeconfig = server.kubeconfig_of(own, "ratify")
    for where in (team, rival):
        grant(server, own, "ratify", rule("", "secrets serviceaccounts", "get"), where=where)
    server.api.apply(login(team, registry.host), login(closed, registry.host))
    server.api.apply(account(team, "login"), account(rival), account(closed, "login"))
    image = f"{registry.host}/app:cosign-v3"
    environment = {"KUBECONFIG": str(kubeconfig)}
    with webhook(server, tmp_path, SIGNED_BY_EITHER, RULES, "--pull-secrets", environment=environment):
        eventually("a Pod of the account is admitted", lambda: refusal(server, pod(team, image)) == "")
        assert refusal(server, naming(pod(team, image), "login")) == ""
        assert refusal(server, workload("Deployment", team, image)) == ""
        assert "NO_EVIDENCE" in refusal(server, pod(team, f"{registry.host}/app:unsigned"))
        assert "REGISTRY_AUTH" in refusal(server, pod(rival, image))
        assert "Secret rival/login does not exist" in refusal(server, naming(pod(rival, image), "login"))
        assert "ServiceAccount closed/default must not be read" in refusal(
            server, workload("Deployment", closed, image)
        )
        assert "Secret closed/login must not be read by this server" in refusal(server, pod(closed, image))
        server.api.apply(login(team, registry.host, "changed"))
        eventually(
            "the Secret that replaced it counts",
            lambda: "REGISTRY_AUTH" in refusal(server, pod(team, image)),
        )
