"""Executors and NamespacedExecutors in a real cluster: who decides for whom, and what their status says."""

from collections.abc import Iterator

import pytest

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.executors import Tenants, executor, tenants
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.images import Images
from e2e.cluster.programs import eventually
from e2e.cluster.provider import COSIGN, notation

pytestmark = pytest.mark.e2e

BY_KEY, BY_OURS, BY_OTHERS = "cosign-v3", "notation-jws-ec", "wrong-ca"


@pytest.fixture(scope="module")
def cluster(
    api_server: ApiServer, gatekeeper: Gatekeeper, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Tenants]:
    """A provider that follows executors, asked for every namespace of a tenant."""
    with tenants(api_server, gatekeeper, tmp_path_factory.mktemp("tenants")) as found:
        yield found


@pytest.fixture
def everybody(cluster: Tenants, images: Images) -> Iterator[Document]:
    """The cluster's Executor: the key and our authority are trusted."""
    document = executor("everybody", COSIGN, notation("ca"), scopes=(images.repository.name,))
    assert cluster.apply(document)["succeeded"] is True
    yield document
    cluster.server.api.delete(document)


@pytest.fixture
def tenant(cluster: Tenants, images: Images) -> Iterator[Document]:
    """The NamespacedExecutor of the namespace `tenant`: only another authority is trusted."""
    cluster.namespace("tenant")
    document = executor("own", notation("other-ca"), scopes=(images.repository.name,), namespace="tenant")
    assert cluster.apply(document)["succeeded"] is True
    yield document
    cluster.server.api.delete(document)


def test_nobody_is_admitted_before_there_is_an_executor(cluster: Tenants, images: Images) -> None:
    """An empty cluster configuration allows nothing; with the first Executor signed images are admitted."""
    namespace = cluster.namespace("early")
    assert images[BY_KEY] in cluster.refusal(namespace, images[BY_KEY])
    document = executor("first", COSIGN, scopes=(images.repository.name,))
    assert cluster.apply(document)["succeeded"] is True
    assert cluster.admitted(namespace, images[BY_KEY])
    cluster.server.api.delete(document)
    eventually("nobody decides", lambda: not cluster.admitted(namespace, images[BY_KEY]))


def test_a_tenant_differs_from_the_cluster(
    cluster: Tenants, everybody: Document, tenant: Document, images: Images
) -> None:
    """What the cluster trusts is refused in the tenant's namespace and the other way round, and only there."""
    elsewhere = cluster.namespace("elsewhere")
    assert cluster.admitted(elsewhere, images[BY_KEY])
    assert cluster.admitted(elsewhere, images[BY_OURS])
    assert not cluster.admitted(elsewhere, images[BY_OTHERS])
    assert not cluster.admitted("tenant", images[BY_KEY])
    assert not cluster.admitted("tenant", images[BY_OURS])
    assert cluster.admitted("tenant", images[BY_OTHERS])


def test_a_tenant_whose_executor_is_deleted_falls_back_to_the_cluster(
    cluster: Tenants, everybody: Document, tenant: Document, images: Images
) -> None:
    """Within seconds, and no verdict of before is remembered."""
    assert cluster.admitted("tenant", images[BY_OTHERS])
    cluster.server.api.delete(tenant)
    eventually("the cluster decides", lambda: cluster.admitted("tenant", images[BY_KEY]))
    assert not cluster.admitted("tenant", images[BY_OTHERS])


def test_an_executor_that_becomes_invalid_and_valid_again(
    cluster: Tenants, everybody: Document, images: Images
) -> None:
    """Its status says so each time; as it last was valid it stays in service, and its fault spoils no other."""
    namespace = cluster.namespace("steady")
    spoilt = {**everybody, "spec": {**everybody["spec"], "stores": [{"type": "invalid-store-type"}]}}
    status = cluster.apply(spoilt)
    assert status["succeeded"] is False
    assert "invalid-store-type" in status["error"]
    assert status["briefError"]
    (ready,) = [condition for condition in status["conditions"] if condition["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "CONFIG_INVALID")
    assert cluster.admitted(namespace, images[BY_KEY])
    assert not cluster.admitted(namespace, images["unsigned"])
    eventually("there is an Event", lambda: warned(cluster, everybody))

    status = cluster.apply(everybody)
    assert status["succeeded"] is True
    assert not status.get("error")
    (ready,) = [condition for condition in status["conditions"] if condition["type"] == "Ready"]
    assert ready["status"] == "True"
    assert cluster.admitted(namespace, images[BY_KEY])


def test_an_executor_that_was_never_valid(cluster: Tenants, everybody: Document, images: Images) -> None:
    """Denies what it is for and spoils nothing else, neither in its namespace nor in the cluster."""
    cluster.namespace("hopeless")
    elsewhere = cluster.namespace("healthy")
    bad = executor(
        "bad", COSIGN, scopes=(images.repository.name,), namespace="hopeless", stores=[{"type": "none"}]
    )
    assert cluster.apply(bad)["succeeded"] is False
    assert not cluster.admitted("hopeless", images[BY_KEY])
    assert cluster.admitted(elsewhere, images[BY_KEY])
    good = {**bad, "metadata": {**bad["metadata"], "name": "good"}, "spec": everybody["spec"]}
    cluster.apply({**good, "spec": {**good["spec"], "scopes": ["other.example.com"]}})
    assert not cluster.admitted("hopeless", images[BY_KEY])
    cluster.server.api.delete(bad, good)


def test_what_is_no_executor_is_refused_by_the_api_server(cluster: Tenants) -> None:
    """The definition's own schema says what is missing."""
    shown = cluster.server.kubectl("get", "executors", "--no-headers")
    assert shown.returncode == 0
    for spec in ({}, {"scopes": []}, {"scopes": ["a.example"], "verifiers": [], "stores": []}):
        document = {**executor("empty", scopes=("a.example",)), "spec": spec}
        with pytest.raises(Exception, match="422"):
            cluster.server.api.create(document)


def test_kubectl_shows_what_became_of_it(cluster: Tenants, everybody: Document) -> None:
    """In the columns that Ratify's users know."""
    bad = executor("shown", COSIGN, scopes=("shown.example.com",), stores=[{"type": "no-such-store"}])
    cluster.apply(bad)
    shown = {line.split()[0]: line for line in cluster.server.kubectl("get", "executors").stdout.splitlines()}
    assert shown["NAME"].split() == ["NAME", "SUCCEEDED", "ERROR", "AGE"]
    assert "false" in shown["shown"]
    assert "no-such-store" in shown["shown"]
    assert "true" in shown["everybody"]
    cluster.server.api.delete(bad)


def test_the_provider_is_restarted(cluster: Tenants, everybody: Document, images: Images) -> None:
    """It reads everything anew before it is ready, and the status is still right."""
    namespace = cluster.namespace("restarted")
    cluster.provider.kill()
    assert not cluster.admitted(namespace, images[BY_KEY])
    cluster.provider.start()
    assert cluster.admitted(namespace, images[BY_KEY])
    assert cluster.status(everybody)["succeeded"] is True


def warned(cluster: Tenants, document: Document) -> bool:
    """Return whether an Event warns of an object."""
    events = cluster.server.api.all("events.k8s.io/v1", "Event", "default")
    name = document["metadata"]["name"]
    return any(event["type"] == "Warning" and event["regarding"]["name"] == name for event in events)
