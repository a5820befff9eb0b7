"""What is shipped in deploy/, in a cluster: the chart is accepted, and image volumes are judged and pinned."""

import http.client
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from e2e.cluster import policies
from e2e.cluster.api import Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.images import Images
from e2e.cluster.pods import pod, with_volumes, workload
from e2e.cluster.programs import Program, eventually, start
from e2e.cluster.provider import Provider
from interop import live
from manifests.chart_values import OWN_TLS, PLACED, VALUES, merged
from manifests.helm import HELM, render
from support.ports import free_port

pytestmark = pytest.mark.e2e
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SIGNED, UNSIGNED = "notation-cose-ec", "unsigned"

# Their kinds are of programs that are not here.
_FOREIGN = {"ServiceMonitor", "PrometheusRule"}
_TOLD = {"Provider", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"}


@pytest.fixture(scope="session")
def kinds(api_server: ApiServer, gatekeeper: Gatekeeper) -> None:
    """The shipped kinds, and Gatekeeper's."""
    for path in sorted((DEPLOY / "crds").glob("config*.yaml")):
        api_server.api.apply(yaml.safe_load(path.read_text()))
    eventually("Executor is served", lambda: api_server.api.knows("config.ratify.sh/v2alpha1", "Executor"))


@pytest.mark.parametrize("name", [*VALUES, *PLACED])
def test_the_chart_is_accepted(api_server: ApiServer, kinds: None, name: str, tmp_path: Path) -> None:
    """Everything it renders is valid to the API server and to Gatekeeper, and nothing is unknown or out of date."""
    if not HELM.exists():
        pytest.skip("run `make peers` first: there is no helm")
    documents = render(merged({**VALUES, **PLACED}[name], OWN_TLS if name == "long-name" else {}), tmp_path)
    trying = api_server.api.trying()
    before = len(trying.warnings)
    for document in documents:
        if document["kind"] in _FOREIGN:
            continue
        metadata = {"namespace": "gatekeeper-system", **document["metadata"]}
        trying.apply({**document, "metadata": metadata})
    assert trying.warnings[before:] == []


def refusal(api_server: ApiServer, document: Document) -> str:
    """Return why a document is refused."""
    with pytest.raises(Refused) as caught:
        api_server.api.create(document)
    return caught.value.message


@pytest.mark.parametrize("kind", ["Pod", "Deployment"])
def test_image_volumes_are_judged(api_server: ApiServer, admitting: str, images: Images, kind: str) -> None:
    """A Pod whose containers are signed is refused for what it mounts."""
    made = pod(admitting, images[SIGNED]) if kind == "Pod" else workload(kind, admitting, images[SIGNED])
    assert images[UNSIGNED] in refusal(api_server, with_volumes(made, images[SIGNED], images[UNSIGNED]))
    api_server.api.create(with_volumes(made, images[SIGNED]))


@pytest.mark.parametrize("kind", ["Pod", "Deployment"])
def test_image_volumes_are_pinned_and_others_are_left_alone(
    api_server: ApiServer, mutating: str, images: Images, kind: str
) -> None:
    """A tag becomes a digest there too, and no volume becomes an image."""
    made = pod(mutating, images[SIGNED]) if kind == "Pod" else workload(kind, mutating, images[SIGNED])
    stored = api_server.api.create(with_volumes(made, images[SIGNED]))
    spec = stored["spec"] if kind == "Pod" else stored["spec"]["template"]["spec"]
    scratch, mounted = spec["volumes"][:2]
    assert "image" not in scratch
    assert mounted["image"]["reference"] == images.pinned(SIGNED)
    assert spec["containers"][0]["image"] == images.pinned(SIGNED)


def test_a_volume_that_cannot_be_resolved_is_refused(
    api_server: ApiServer, mutating: str, images: Images
) -> None:
    """Mutation fails closed."""
    document = with_volumes(pod(mutating, images[SIGNED]), f"{images.repository.name}:none")
    assert "mutation.gatekeeper.sh" in refusal(api_server, document)


def test_what_was_there_before_can_be_scaled_down_but_brings_nothing_new(
    api_server: ApiServer, provider: Provider, images: Images
) -> None:
    """An update of what is not trusted passes as long as its images stay as they are."""
    namespace = api_server.namespace("from-before")
    document = workload("Deployment", namespace, images[UNSIGNED])
    api_server.api.create(document)
    labels = {"labels": {policies.LABEL: policies.DEFAULT}}
    api_server.api.patch({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, **labels}})
    same = {name: document[name] for name in ("apiVersion", "kind", "metadata")}
    eventually("the namespace is looked at", lambda: refusal(api_server, pod(namespace, images[UNSIGNED])))
    assert api_server.api.patch({**same, "spec": {"replicas": 0}})["spec"]["replicas"] == 0
    containers = [{"name": "main-0", "image": images["wrong-ca"]}]
    with pytest.raises(Refused, match="wrong-ca"):
        api_server.api.patch({**same, "spec": {"template": {"spec": {"containers": containers}}}})


@pytest.mark.parametrize("folder", ["base", "example"])
def test_the_kustomization_is_accepted(api_server: ApiServer, kinds: None, folder: str) -> None:
    """What kubectl makes of it is valid to the API server and to Gatekeeper."""
    made = api_server.kubectl("kustomize", str(DEPLOY / "kustomize" / folder)).stdout
    trying = api_server.api.trying()
    for document in yaml.safe_load_all(made):
        trying.apply(document)


@dataclass
class Installed:
    """What a chart was installed as, and its program where the cluster has no nodes.

    Attributes:
        documents: What the chart made.
        program: The program, with the arguments and the environment that the Deployment gives it.
        health: Where its health is.
    """

    documents: list[Document]
    program: Program
    health: int

    def answer(self, path: str) -> tuple[int, str]:
        """Return the status and the text of an answer of its health."""
        connection = http.client.HTTPConnection("127.0.0.1", self.health, timeout=5)
        try:
            connection.request("GET", path)
            found = connection.getresponse()
            return found.status, found.read().decode()
        finally:
            connection.close()

    def is_ready(self) -> bool:
        """Return whether `/readyz` says so.

        Raises:
            AssertionError: It says why not.
        """
        self.program.check()
        status, text = self.answer("/readyz")
        assert status == 200, text
        return True


NOBODY = {"webhook": {"namespaceSelector": [{"key": "e2e-nobody", "operator": "Exists"}]}}
MODES: dict[str, dict[str, Any]] = {
    "gatekeeper": {"provider": {"disableMutation": True}},
    "webhook": {"mode": "webhook", **NOBODY},
}


@pytest.fixture(params=MODES)
def installed(
    request: pytest.FixtureRequest,
    api_server: ApiServer,
    kinds: None,
    provider: Provider,
    gatekeeper: Gatekeeper,
    tmp_path: Path,
) -> Iterator[Installed]:
    """The chart, installed by its own account and no rights but those that it gives itself."""
    if not HELM.exists():
        pytest.skip("run `make peers` first: there is no helm")
    values = {
        "executor": {"scopes": ["registry.example.com"]},
        "cosign": {"keys": {"provider": "kubernetes", "secret": "cosign"}},
    }
    documents = render(merged(values, MODES[request.param]), tmp_path)
    trusted = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "cosign", "namespace": "gatekeeper-system"},
        "stringData": {"cosign.pub": (live.signers.KEYS / "cosign.pub").read_text()},
    }
    api_server.api.apply(trusted)
    for document in documents:
        document["metadata"].setdefault("namespace", "gatekeeper-system")
        api_server.api.apply(document)
    (deployment,) = [each for each in documents if each["kind"] == "Deployment"]
    spec = deployment["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    port, health = free_port(), free_port()
    elsewhere = (
        f"--address=127.0.0.1:{port}",
        f"--health-address=127.0.0.1:{health}",
        f"--gatekeeper-ca-cert-file={gatekeeper.ca}"
        if request.param == "gatekeeper"
        else f"--rules={DEPLOY / 'webhook' / 'rules.yaml'}",
    )
    environment = {each["name"]: each.get("value", "gatekeeper-system") for each in container["env"]}
    environment |= {
        "HOME": str(tmp_path),
        "KUBECONFIG": str(api_server.kubeconfig_of("gatekeeper-system", spec["serviceAccountName"])),
    }
    command = (sys.executable, "-m", "pyratify", *container["args"], *elsewhere)
    program = start(tmp_path / "installed.log", *command, **environment)
    try:
        yield Installed(documents, program, health)
    finally:
        program.end()
        for document in [*documents, trusted]:
            if document["kind"] != "Provider":
                api_server.api.delete(document)
        api_server.api.apply(*provider.resources())


def test_the_charts_rights_suffice(api_server: ApiServer, installed: Installed) -> None:
    """The program makes its certificates, makes its clients trust them, reads the Secret that the executor names, and reports on it."""
    eventually("the program is ready", installed.is_ready)
    one = {each["kind"]: each for each in installed.documents}
    clients = [each for each in installed.documents if each["kind"] in _TOLD]
    assert clients

    def told() -> bool:
        secret = api_server.api.get(one["Secret"])
        bundles = {_bundle(api_server.api.get(each)) for each in clients}
        return bool(secret.get("data", {}).get("tls.crt")) and bundles == {secret["data"]["ca.crt"]}

    eventually("clients trust its authority", told)
    eventually(
        "the executor is in service",
        lambda: api_server.api.get(one["Executor"]).get("status", {}).get("succeeded"),
    )
    assert "forbidden" not in installed.program.said()


def _bundle(document: Document) -> str:
    found = document["spec"] if document["kind"] == "Provider" else document["webhooks"][0]["clientConfig"]
    return str(found["caBundle"])


def test_a_secret_that_was_emptied_is_filled_anew(api_server: ApiServer, installed: Installed) -> None:
    """After a leak: the chart's account may not make Secrets, and need not, where the Secret is emptied and not deleted."""
    eventually("the program is ready", installed.is_ready)
    (secret,) = [each for each in installed.documents if each["kind"] == "Secret"]
    before = eventually("there is a certificate", lambda: api_server.api.get(secret).get("data"))
    names = {"name": secret["metadata"]["name"], "namespace": "gatekeeper-system"}
    api_server.api.patch({"apiVersion": "v1", "kind": "Secret", "metadata": names, "data": None})

    def anew() -> bool:
        found = api_server.api.get(secret).get("data") or {}
        return bool(found.get("ca.key")) and found["ca.key"] != before["ca.key"]

    eventually("there is a new authority", anew)
    assert "forbidden" not in installed.program.said()
