"""What is shipped in deploy/, in a cluster: the chart is accepted, and templates and mutations do what they say."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.x509 import load_pem_x509_certificate

from e2e.cluster import policies
from e2e.cluster.api import Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.images import Images
from e2e.cluster.pods import pod, with_volumes, workload
from e2e.cluster.programs import eventually
from interop import live
from manifests.chart_values import OWN_TLS, VALUES, merged
from manifests.helm import HELM, render

pytestmark = pytest.mark.e2e
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
SIGNED, UNSIGNED, COSIGNED = "notation-cose-ec", "unsigned", "cosign-v2"
ISSUER = load_pem_x509_certificate((live.signers.CERTS / "ca.pem").read_bytes()).subject.rfc4514_string()

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


def enforced(api_server: ApiServer, folder: str, **parameters: Any) -> Document:
    """Put a shipped template and its constraint in force, and return the constraint."""
    constraint = policies.constraint(folder, **parameters)
    policies.put_in_force(api_server.api, policies.template(folder), constraint)
    return constraint


def admitted_now(api_server: ApiServer, document: Document) -> Document:
    """Create a document; that it is refused means not yet: the constraint of before may still be in force."""
    try:
        return api_server.api.create(document)
    except Refused as error:
        raise AssertionError(error.message) from None


@pytest.mark.parametrize(
    ("folder", "parameters", "tag", "admitted"),
    [
        ("notation-issuer-validation", {"issuer": ISSUER}, SIGNED, True),
        ("notation-issuer-validation", {"issuer": "CN=somebody else"}, SIGNED, False),
        ("notation-issuer-validation", {"issuer": ISSUER}, COSIGNED, False),
        ("cosign-identity-validation", {"issuer": "https://issuer.example.com"}, COSIGNED, False),
        ("sbom-validation", {}, SIGNED, False),
        ("vulnerability-report-validation", {}, SIGNED, False),
    ],
)
def test_the_templates_read_the_providers_details(
    api_server: ApiServer,
    admitting: str,
    images: Images,
    folder: str,
    parameters: dict[str, Any],
    tag: str,
    admitted: bool,
) -> None:
    """An image that is verified is admitted where its evidence is of the kind that is asked for, and refused elsewhere."""
    constraint = enforced(api_server, folder, **parameters)
    try:
        document = pod(admitting, images[tag])
        if admitted:
            eventually("the image is admitted", lambda: admitted_now(api_server, document))
        else:
            message = eventually("the image is refused", lambda: refusal(api_server, document))
            assert constraint["metadata"]["name"] in message
    finally:
        api_server.api.delete(constraint)


def test_digests_can_be_asked_for(api_server: ApiServer, admitting: str, images: Images) -> None:
    """With `requireDigest` a signed image by its tag is refused, and by its digest admitted."""
    folder = "notation-issuer-validation"
    constraint = enforced(api_server, folder, issuer=ISSUER, requireDigest=True)
    try:
        message = eventually(
            "the tag is refused", lambda: refusal(api_server, pod(admitting, images[SIGNED]))
        )
        assert "digest" in message
        eventually(
            "the digest is admitted",
            lambda: admitted_now(api_server, pod(admitting, images.pinned(SIGNED))),
        )
    finally:
        api_server.api.delete(constraint)
