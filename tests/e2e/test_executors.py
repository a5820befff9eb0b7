"""Executors and NamespacedExecutors in a real cluster: which decides for which namespace, and what their status says."""

from collections.abc import Iterator

import pytest

from e2e.cluster.api import Document
from e2e.cluster.executors import Tenants, executor
from e2e.cluster.images import Images
from e2e.cluster.programs import eventually
from e2e.cluster.provider import COSIGN, notation

pytestmark = pytest.mark.e2e

BY_KEY, BY_OURS, BY_OTHERS = "cosign-v3", "notation-jws-ec", "wrong-ca"


@pytest.fixture
def cluster_wide(tenants: Tenants, images: Images) -> Iterator[Document]:
    """The cluster's Executor: the key and our authority are trusted."""
    document = executor("cluster-wide", COSIGN, notation("ca"), scopes=(images.repository.name,))
    assert tenants.apply(document)["succeeded"] is True
    yield document
    tenants.server.api.delete(document)


@pytest.fixture
def tenant(tenants: Tenants, images: Images) -> Iterator[Document]:
    """The NamespacedExecutor of the namespace `tenant`: only another authority is trusted."""
    tenants.namespace("tenant")
    document = executor("own", notation("other-ca"), scopes=(images.repository.name,), namespace="tenant")
    assert tenants.apply(document)["succeeded"] is True
    yield document
    tenants.server.api.delete(document)


def test_no_pod_is_admitted_before_there_is_an_executor(tenants: Tenants, images: Images) -> None:
    """An empty cluster configuration allows nothing; with the first Executor signed images are admitted."""
    namespace = tenants.namespace("early")
    assert images[BY_KEY] in tenants.refusal(namespace, images[BY_KEY])
    document = executor("first", COSIGN, scopes=(images.repository.name,))
    assert tenants.apply(document)["succeeded"] is True
    assert tenants.admitted(namespace, images[BY_KEY])
    tenants.server.api.delete(document)
    eventually("no executor decides", lambda: not tenants.admitted(namespace, images[BY_KEY]))


def test_a_tenant_differs_from_the_cluster(
    tenants: Tenants, cluster_wide: Document, tenant: Document, images: Images
) -> None:
    """What the cluster trusts is refused in the tenant's namespace and the other way round, and only there."""
    elsewhere = tenants.namespace("elsewhere")
    assert tenants.admitted(elsewhere, images[BY_KEY])
    assert tenants.admitted(elsewhere, images[BY_OURS])
    assert not tenants.admitted(elsewhere, images[BY_OTHERS])
    assert not tenants.admitted("tenant", images[BY_KEY])
    assert not tenants.admitted("tenant", images[BY_OURS])
    assert tenants.admitted("tenant", images[BY_OTHERS])


def test_a_tenant_whose_executor_is_deleted_falls_back_to_the_cluster(
    tenants: Tenants, cluster_wide: Document, tenant: Document, images: Images
) -> None:
    """Within seconds, and no verdict of before is remembered."""
    assert tenants.admitted("tenant", images[BY_OTHERS])
    tenants.server.api.delete(tenant)
    eventually("the cluster decides", lambda: tenants.admitted("tenant", images[BY_KEY]))
    assert not tenants.admitted("tenant", images[BY_OTHERS])


def test_an_executor_that_becomes_invalid_and_valid_again(
    tenants: Tenants, cluster_wide: Document, images: Images
) -> None:
    """Its status says so each time; its last valid specification stays in service, and its fault spoils no other."""
    namespace = tenants.namespace("steady")
    spoilt = {**cluster_wide, "spec": {**cluster_wide["spec"], "stores": [{"type": "invalid-store-type"}]}}
    status = tenants.apply(spoilt)
    assert status["succeeded"] is False
    assert "invalid-store-type" in status["error"]
    assert status["briefError"]
    (ready,) = [condition for condition in status["conditions"] if condition["type"] == "Ready"]
    assert (ready["status"], ready["reason"]) == ("False", "CONFIG_INVALID")
    assert tenants.admitted(namespace, images[BY_KEY])
    assert not tenants.admitted(namespace, images["unsigned"])
    eventually("there is an Event", lambda: warned(tenants, cluster_wide))

    status = tenants.apply(cluster_wide)
    assert status["succeeded"] is True
    assert not status.get("error")
    (ready,) = [condition for condition in status["conditions"] if condition["type"] == "Ready"]
    assert ready["status"] == "True"
    assert tenants.admitted(namespace, images[BY_KEY])


def test_an_executor_that_was_never_valid(tenants: Tenants, cluster_wide: Document, images: Images) -> None:
    """Denies what it is for and spoils nothing else, neither in its namespace nor in the tenants."""
    tenants.namespace("hopeless")
    elsewhere = tenants.namespace("healthy")
    bad = executor(
        "bad", COSIGN, scopes=(images.repository.name,), namespace="hopeless", stores=[{"type": "none"}]
    )
    assert tenants.apply(bad)["succeeded"] is False
    assert not tenants.admitted("hopeless", images[BY_KEY])
    assert tenants.admitted(elsewhere, images[BY_KEY])
    good = {**bad, "metadata": {**bad["metadata"], "name": "good"}, "spec": cluster_wide["spec"]}
    tenants.apply({**good, "spec": {**good["spec"], "scopes": ["other.example.com"]}})
    assert not tenants.admitted("hopeless", images[BY_KEY])
    tenants.server.api.delete(bad, good)


def test_what_is_no_executor_is_refused_by_the_api_server(tenants: Tenants) -> None:
    """The definition's own schema says what is missing."""
    shown = tenants.server.kubectl("get", "executors", "--no-headers")
    assert shown.returncode == 0
    for spec in ({}, {"scopes": []}, {"scopes": ["a.example"], "verifiers": [], "stores": []}):
        document = {**executor("empty", scopes=("a.example",)), "spec": spec}
        with pytest.raises(Exception, match="422"):
            tenants.server.api.create(document)


def test_kubectl_shows_what_became_of_it(tenants: Tenants, cluster_wide: Document) -> None:
    """In the columns that Ratify's users know."""
    bad = executor("shown", COSIGN, scopes=("shown.example.com",), stores=[{"type": "no-such-store"}])
    tenants.apply(bad)
    shown = {line.split()[0]: line for line in tenants.server.kubectl("get", "executors").stdout.splitlines()}
    assert shown["NAME"].split() == ["NAME", "SUCCEEDED", "ERROR", "AGE"]
    assert "false" in shown["shown"]
    assert "no-such-store" in shown["shown"]
    assert "true" in shown["cluster-wide"]
    tenants.server.api.delete(bad)


def test_the_provider_is_restarted(tenants: Tenants, cluster_wide: Document, images: Images) -> None:
    """It reads everything anew before it is ready, and the status is still right."""
    namespace = tenants.namespace("restarted")
    tenants.provider.kill()
    assert not tenants.admitted(namespace, images[BY_KEY])
    tenants.provider.start()
    assert tenants.admitted(namespace, images[BY_KEY])
    assert tenants.status(cluster_wide)["succeeded"] is True


def warned(tenants: Tenants, document: Document) -> bool:
    """Return whether an Event warns of an object."""
    events = tenants.server.api.all("events.k8s.io/v1", "Event", "default")
    name = document["metadata"]["name"]
    return any(event["type"] == "Warning" and event["regarding"]["name"] == name for event in events)
