"""The ground under the other trials: the API server is real, and the client tells what it says."""

import pytest

from e2e.cluster.api import Refused
from e2e.cluster.apiserver import ApiServer

pytestmark = pytest.mark.e2e


def config_map(namespace: str) -> dict[str, object]:
    """Return an object to try with."""
    metadata = {"name": "one", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def test_objects_are_created_changed_and_deleted(api_server: ApiServer, namespace: str) -> None:
    """As kubectl would, and kubectl sees the same."""
    document = config_map(namespace)
    api_server.api.create(document)
    api_server.api.patch({**document, "data": {"a": "2"}})
    assert api_server.api.get(document)["data"] == {"a": "2"}
    shown = api_server.kubectl("get", "configmap", "one", "-n", namespace, "-o", "jsonpath={.data.a}")
    assert shown.stdout == "2"
    api_server.api.trying().delete(document)
    assert api_server.api.get(document)
    api_server.api.delete(document)
    with pytest.raises(Refused, match="not found"):
        api_server.api.get(document)


def test_a_service_account_may_do_nothing_without_a_role(api_server: ApiServer, namespace: str) -> None:
    """RBAC decides, with real tokens."""
    account = api_server.kubeconfig_of(namespace, "nobody")
    denied = api_server.kubectl("--kubeconfig", account, "get", "secrets", "-n", namespace)
    assert denied.returncode == 1
    assert f"system:serviceaccount:{namespace}:nobody" in denied.stderr
