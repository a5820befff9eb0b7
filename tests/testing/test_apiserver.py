"""The simulated API server, spoken to by the client that the controller uses."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.client.api import (
    JSON_PATCH,
    MERGE_PATCH,
    Api,
    ApiFault,
    collection_path,
    object_path,
)
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.tls import Authority

SECRETS = collection_path("v1", "secrets", "team")
ONE = object_path("v1", "secrets", "one", "team")


@pytest.fixture
def server() -> Iterator[ApiServer]:
    """An API server."""
    with ApiServer() as found:
        yield found


@pytest.fixture
async def api(server: ApiServer, tmp_path: Path) -> AsyncIterator[Api]:
    """A client of it."""
    client = Api.connect({"KUBECONFIG": str(server.kubeconfig(tmp_path))})
    yield client
    await client.aclose()


def secret(name: str = "one", **data: str) -> dict[str, Any]:
    """Return a Secret."""
    return {"metadata": {"name": name, "namespace": "team"}, "data": data}


async def test_what_is_written_is_read(server: ApiServer, api: Api) -> None:
    """Objects are created, replaced, patched and deleted, and every change has its own version."""
    made = await api.request("POST", SECRETS, secret(a="1"))
    assert made["metadata"]["namespace"] == "team"
    with pytest.raises(ApiFault) as twice:
        await api.request("POST", SECRETS, secret(a="1"))
    assert twice.value.is_conflict
    changed = await api.request("PATCH", ONE, {"data": {"b": "2"}}, content_type=MERGE_PATCH)
    assert changed["data"] == {"a": "1", "b": "2"}
    with pytest.raises(ApiFault) as stale:
        await api.request("PUT", ONE, made)
    assert stale.value.is_conflict
    operations = [{"op": "test", "path": "/data/b", "value": "2"}, {"op": "remove", "path": "/data/a"}]
    await api.request("PATCH", ONE, operations, content_type=JSON_PATCH)
    assert server.get("v1", "secrets", "one", "team")["data"] == {"b": "2"}
    operations[0]["value"] = "3"
    with pytest.raises(ApiFault, match="test failed"):
        await api.request("PATCH", ONE, operations, content_type=JSON_PATCH)
    await api.request("DELETE", ONE)
    with pytest.raises(ApiFault) as gone:
        await api.get(ONE)
    assert gone.value.is_missing


async def test_a_status_is_written_by_itself(server: ApiServer, api: Api) -> None:
    """The subresource changes nothing else, and the object nothing of the status; a new spec is a new generation."""
    path = object_path("config.ratify.sh/v2alpha1", "executors", "e")
    server.put("config.ratify.sh/v2alpha1", "executors", {"metadata": {"name": "e"}, "spec": {"a": 1}})
    patch = {"spec": {"a": 9}, "status": {"succeeded": True}}
    found = await api.request("PATCH", f"{path}/status", patch, content_type=MERGE_PATCH)
    assert (found["spec"], found["status"], found["metadata"]["generation"]) == (
        {"a": 1},
        {"succeeded": True},
        1,
    )
    found = await api.request("PATCH", path, patch | {"status": None}, content_type=MERGE_PATCH)
    assert (found["spec"], found["status"], found["metadata"]["generation"]) == (
        {"a": 9},
        {"succeeded": True},
        2,
    )


async def test_a_list_comes_in_pages(server: ApiServer, api: Api) -> None:
    """All objects are found, whatever the size of a page, of one namespace or of all."""
    for number in range(45):
        server.put("v1", "secrets", secret(f"s{number:02}"))
    server.put("v1", "secrets", {"metadata": {"name": "x", "namespace": "other"}})
    found, version = await api.list(SECRETS)
    assert [each["metadata"]["name"] for each in found] == [f"s{number:02}" for number in range(45)]
    assert len((await api.list(collection_path("v1", "secrets")))[0]) == 46
    assert int(version) > 45
    assert len([hit for hit in server.hits if hit.query.get("continue")]) == 2 + 2


async def test_a_watch_tells_what_happens(server: ApiServer, api: Api) -> None:
    """What happened since the version and what happens, with bookmarks, until the connection ends."""
    _, version = await api.list(SECRETS)
    server.put("v1", "secrets", secret(a="1"))
    events = api.watch(SECRETS, version)
    assert (await anext(events))[0] == "ADDED"
    server.put("v1", "secrets", secret(a="2"))
    kind, value = await anext(events)
    assert (kind, value["data"]) == ("MODIFIED", {"a": "2"})
    server.remove("v1", "secrets", "one", "team")
    assert (await anext(events))[0] == "DELETED"
    server.disconnect()
    with pytest.raises((ApiFault, StopAsyncIteration)):
        await anext(events)
    later = api.watch(SECRETS, str(server.objects.version))
    assert (await anext(later))[0] == "BOOKMARK"
    await later.aclose()


@pytest.mark.parametrize("in_stream", [False, True])
async def test_a_version_that_is_forgotten_is_410(server: ApiServer, api: Api, in_stream: bool) -> None:
    """Said by the answer or by an event in it."""
    server.gone_in_stream = in_stream
    _, version = await api.list(SECRETS)
    server.compact()
    with pytest.raises(ApiFault) as caught:
        await anext(api.watch(SECRETS, version))
    assert caught.value.is_gone


async def test_faults_come_when_they_are_asked_for(server: ApiServer, api: Api) -> None:
    """With a status, or no answer at all; the token is shown to the server."""
    server.refuse(503, method="GET")
    server.refuse(0, method="POST")
    with pytest.raises(ApiFault) as refused:
        await api.get(ONE)
    assert refused.value.code == 503
    with pytest.raises(ApiFault) as silent:
        await api.request("POST", SECRETS, secret())
    assert silent.value.code == 0
    assert {hit.token for hit in server.hits} == {"test-only"}


async def test_over_tls_the_authority_is_checked(tmp_path: Path) -> None:
    """A server of another authority is not spoken to."""
    authority = Authority()
    with ApiServer(authority.server_context()) as server:
        good = Api.connect({"KUBECONFIG": str(server.kubeconfig(tmp_path, authority.pem))})
        assert await good.list(SECRETS) == ((), "1")
        await good.aclose()
        bad = Api.connect({"KUBECONFIG": str(server.kubeconfig(tmp_path, Authority("other").pem))})
        with pytest.raises(ApiFault, match="did not answer"):
            await bad.list(SECRETS)
        await bad.aclose()


def test_without_a_cluster_there_is_no_client(tmp_path: Path) -> None:
    """Neither a kubeconfig nor a service account, or one that is nothing."""
    for environment in ({}, {"KUBECONFIG": str(tmp_path / "none")}):
        with pytest.raises(ConfigurationError, match="API server is not known"):
            Api.connect(environment)
