"""The provider as a process that makes its own certificates, asked by Gatekeeper all the time."""

import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.images import Images
from e2e.cluster.pods import pod
from e2e.cluster.programs import eventually
from e2e.cluster.provider import SIGNED_BY_EITHER, Provider
from e2e.test_certificates import GOOD, load, refused
from pyratify.testing.tls import Authority

pytestmark = pytest.mark.e2e

LOST = base64.b64encode(b"lost").decode()


def secret(namespace: str) -> Document:
    """Return the Secret by its name only."""
    metadata = {"name": "ratify-gatekeeper-provider-tls", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}


def served(api_server: ApiServer, namespace: str) -> str:
    """Return the certificate in the Secret."""
    return str(api_server.api.get(secret(namespace)).get("data", {}).get("tls.crt", ""))


def told(api_server: ApiServer, provider: Provider) -> str:
    """Return the authorities that Gatekeeper trusts; one text for both Providers."""
    found = {api_server.api.get(document)["spec"]["caBundle"] for document in provider.resources()}
    assert len(found) == 1
    return base64.b64decode(found.pop()).decode()


@pytest.fixture
def rotating(
    api_server: ApiServer, gatekeeper: Gatekeeper, provider: Provider, namespace: str, tmp_path: Path
) -> Iterator[Provider]:
    """A provider in the place of the session's, without any file of its own certificate, and a Secret that a chart made."""
    environment = {
        "KUBECONFIG": str(api_server.kubeconfig),
        "RATIFY_NAME": "ratify-gatekeeper-provider",
        "RATIFY_NAMESPACE": namespace,
    }
    flags = ("--config", tmp_path / "config.json", "--cert-name", "127.0.0.1", "--disable-crd-manager")
    found = Provider(tmp_path, Authority("nobody's"), flags, environment=environment)
    found.admit_clients_of(gatekeeper.authority.pem)
    found.configure(SIGNED_BY_EITHER)
    api_server.api.create({**secret(namespace), "type": "Opaque"})
    api_server.api.apply(*found.resources())
    try:
        found.start()
        yield found
    finally:
        found.end()
        api_server.api.apply(*provider.resources())


def test_gatekeeper_notices_nothing_of_a_new_certificate_and_a_new_authority(
    api_server: ApiServer, rotating: Provider, admitting: str, namespace: str, images: Images
) -> None:
    """Signed Pods are admitted and unsigned ones refused throughout, from an empty Secret on."""
    eventually("Gatekeeper was told", lambda: "BEGIN" in told(api_server, rotating))
    eventually("it decides", lambda: not refused(api_server, pod(admitting, images[GOOD])))
    with load(api_server, admitting, images) as creating:
        creating.goes_on()
        before = served(api_server, namespace)
        api_server.api.patch({**secret(namespace), "data": {"tls.key": LOST}})
        eventually("there is a new certificate", lambda: served(api_server, namespace) != before)
        creating.goes_on()
        before, old = served(api_server, namespace), told(api_server, rotating)
        api_server.api.patch({**secret(namespace), "data": {"ca.key": LOST}})
        eventually("the new authority is announced", lambda: told(api_server, rotating).count("BEGIN") == 2)
        assert told(api_server, rotating).endswith(old)
        assert served(api_server, namespace) == before
        creating.goes_on()
        eventually("it is used", lambda: served(api_server, namespace) != before, 150)
        creating.goes_on()
