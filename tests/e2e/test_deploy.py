"""What is shipped in deploy/, in a cluster: the chart is accepted, and image volumes are judged and pinned."""

from pathlib import Path

import pytest
import yaml

from e2e.cluster.api import Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.images import Images
from e2e.cluster.pods import pod, with_volumes, workload
from e2e.cluster.programs import eventually
from manifests.chart_values import OWN_TLS, VALUES, merged
from manifests.helm import HELM, render

pytestmark = pytest.mark.e2e
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SIGNED, UNSIGNED = "notation-cose-ec", "unsigned"

# Their kinds are of programs that are not here.
_FOREIGN = {"ServiceMonitor"}


@pytest.fixture(scope="session")
def kinds(api_server: ApiServer, gatekeeper: Gatekeeper) -> None:
    """The shipped kinds, and Gatekeeper's."""
    for path in sorted((DEPLOY / "crds").glob("config*.yaml")):
        api_server.api.apply(yaml.safe_load(path.read_text()))
    eventually("Executor is served", lambda: api_server.api.knows("config.ratify.sh/v2alpha1", "Executor"))
    api_server.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "apps"}})


@pytest.mark.parametrize("name", VALUES)
def test_the_chart_is_accepted(api_server: ApiServer, kinds: None, name: str, tmp_path: Path) -> None:
    """Everything it renders is valid to the API server and to Gatekeeper, and nothing is unknown or out of date."""
    if not HELM.exists():
        pytest.skip("run `make peers` first: there is no helm")
    documents = render(merged(VALUES[name], OWN_TLS if name == "long-name" else {}), tmp_path)
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
