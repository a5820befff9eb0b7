"""Following one kind, with an API server that says what it should not."""

import asyncio
import gc
import warnings
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pyratify.core.isolation import end
from pyratify.kubernetes.client.api import Api, ApiFault
from pyratify.kubernetes.client.kinds import EXECUTOR, NAMESPACED_EXECUTOR
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.client.watch_resources import Informer
from pyratify.testing.apiserver import ApiServer
from pyratify.testing.tls import Authority
from support.clusters import SlowClock, spec, until

Event = tuple[str, dict[str, Any]]


def given(name: str, generation: int = 1, version: str = "5", **more: Any) -> dict[str, Any]:
    """Return an Executor as the API server has it."""
    metadata = {"name": name, "uid": name, "generation": generation, "resourceVersion": version} | more
    return {"metadata": metadata, "spec": spec("a.example")}


class Said:
    """An API server that says this, one list or watch after the other.

    Args:
        lists: The names in each list; the last one is repeated.
        watches: The events of each watch, or what is raised; afterwards nothing is said for ever.
    """

    def __init__(self, lists: list[Any], watches: list[list[Any]]) -> None:
        self.lists, self.watches = lists, watches
        self.versions: list[str] = []

    async def list(self, path: str) -> tuple[tuple[dict[str, Any], ...], str]:
        """Return the next list."""
        found = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if isinstance(found, Exception):
            raise found
        return tuple(found), "5"

    async def watch(self, path: str, version: str) -> AsyncIterator[Event]:
        """Iterate over the next events."""
        self.versions.append(version)
        if not self.watches:
            await asyncio.Event().wait()
        for event in self.watches.pop(0):
            if isinstance(event, BaseException):
                raise event
            yield event


async def follow(api: Said, changed: list[str] | None = None) -> Informer:
    """Watch until the API server has nothing more to say; collect the namespaces that changed."""
    informer = Informer(
        api, EXECUTOR, (changed if changed is not None else []).append, SlowClock(), lambda: 1.0
    )  # type: ignore[arg-type]
    task = asyncio.create_task(informer.run())
    total = len(api.watches)
    await until(lambda: len(api.versions) > total)
    await end(task)
    return informer


def names(informer: Informer) -> set[str]:
    """Return the names of what is known."""
    return {each.name for each in informer.of("")}


@pytest.mark.parametrize(
    "strange",
    [
        ("MODIFIED", {}),
        ("MODIFIED", {"metadata": []}),
        ("BOOKMARK", {"metadata": {}}),
        ("MODIFIED", {"metadata": {"resourceVersion": 7}}),
        ApiFault(410, "Expired", "too old"),
        RuntimeError("a defect"),
    ],
    ids=str,
)
async def test_whatever_is_said_everything_is_read_anew(strange: Any) -> None:
    """An event that is none, a version that is gone, a defect: the next list is believed, and the watch begins there."""
    api = Said([[given("one")], [given("two")]], [[strange]])
    informer = await follow(api)
    assert names(informer) == {"two"}
    assert api.versions == ["5", "5"]


async def test_a_bookmark_is_where_the_next_watch_begins() -> None:
    """Nothing is read anew after a watch that ended by itself."""
    bookmark = ("BOOKMARK", {"metadata": {"resourceVersion": "9"}})
    api = Said([[given("one")], [given("two")]], [[bookmark], [ApiFault(500, "Broken", "no")]])
    informer = await follow(api)
    assert names(informer) == {"one"}
    assert api.versions == ["5", "9", "9"]


async def test_what_is_no_resource_is_left_out() -> None:
    """Without a name, in a namespace though its kind has none, with a generation that is no number."""
    strange = [{}, {"metadata": {"uid": "u"}}, given("x", namespace="team"), given("y", generation="1")]  # type: ignore[arg-type]
    event = ("ADDED", {"metadata": {"resourceVersion": "7"}})
    informer = await follow(Said([[*strange, given("one")]], [[event]]))
    assert names(informer) == {"one"}
    assert Resource.of(NAMESPACED_EXECUTOR, given("x")) is None


async def test_only_what_matters_is_told() -> None:
    """Labels and status of a resource are no change of it; coming, going and a new specification are."""
    told: list[str] = []
    same = ("MODIFIED", given("one", version="6", labels={"a": "b"}))
    changes = [
        ("MODIFIED", given("one", 2, "7")),
        ("ADDED", given("two", 1, "8")),
        ("DELETED", given("two", 1, "9")),
        ("DELETED", given("two", 1, "10")),
    ]
    informer = await follow(Said([[given("one")]], [[same]]), told)
    await informer.list()
    assert told == [""]
    told.clear()
    await follow(Said([[given("one")]], [[same, *changes]]), told)
    assert told == [""] * 4


async def test_a_list_that_fails_leaves_what_was_known() -> None:
    """No resource is forgotten because the API server did not answer."""
    fault = ApiFault(503, "Busy", "no")
    api = Said([[given("one")], fault, [given("one"), given("two")]], [[ApiFault(410, "Expired", "old")]])
    informer = await follow(api)
    assert names(informer) == {"one", "two"}
    assert informer.fault is None


def client(*chunks: bytes, status: int = 200) -> Api:
    """Return a client of a server that answers with these bytes."""

    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk

    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, content=body()))
    return Api(httpx2.AsyncClient(transport=transport, base_url="http://x"), "ratify")


async def events(api: Api) -> list[Event]:
    """Return what a watch tells."""
    return [event async for event in api.watch("/apis/x", "1")]


async def test_events_are_lines_wherever_they_are_cut() -> None:
    """Chunks of a connection are no events."""
    lines = b'{"type":"ADDED","object":{"a":1}}\n{"type":"DELETED","object":{"a":2}}\n'
    for size in (1, 7, 40, 200):
        api = client(*(lines[start : start + size] for start in range(0, len(lines), size)))
        assert await events(api) == [("ADDED", {"a": 1}), ("DELETED", {"a": 2})]
        await api.aclose()


@pytest.mark.parametrize(
    "body",
    [
        b"[]\n",
        b"nonsense\n",
        b'{"type":1,"object":{}}\n',
        b'{"type":"ADDED","object":[]}\n',
        b'{"a":1,"a":2}\n',
    ],
)
async def test_what_is_no_event_is_a_fault(body: bytes) -> None:
    """Nothing is guessed."""
    api = client(body)
    with pytest.raises(ApiFault) as caught:
        await events(api)
    assert caught.value.code == 599
    await api.aclose()


@pytest.mark.parametrize("status", [302, 307, 304])
async def test_a_redirection_is_no_answer(status: int) -> None:
    """It is not followed, and what it says is not taken for what was asked for."""
    api = client(b'{"metadata":{"name":"x"}}', status=status)
    with pytest.raises(ApiFault) as caught:
        await api.get("/x")
    assert caught.value.code == status
    await api.aclose()


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b'{"metadata":{"resourceVersion":"5"}}',
        b'{"metadata":{"resourceVersion":"5"},"items":{}}',
        b'{"metadata":{"resourceVersion":"5"},"items":[7]}',
        b'{"metadata":{"resourceVersion":""},"items":[]}',
        b'{"metadata":[],"items":[]}',
        b'{"kind":"Status","status":"Success"}',
    ],
)
async def test_what_is_no_list_is_not_taken_for_an_empty_one(body: bytes) -> None:
    """Otherwise all NamespacedExecutors would seem to be gone, and their namespaces would be the cluster's to decide."""
    api = client(body)
    with pytest.raises(ApiFault) as caught:
        await api.list("/apis/x")
    assert caught.value.code == 599
    await api.aclose()


async def test_answers_and_events_are_bounded() -> None:
    """An API server that does not stop is not listened to for ever."""
    megabyte = b"x" * 1024 * 1024
    api = client(*([megabyte] * 9))
    with pytest.raises(ApiFault, match="event of the API server is too large"):
        await events(api)
    await api.aclose()
    api = client(*([megabyte] * 65))
    with pytest.raises(ApiFault, match="answer is too large"):
        await api.get("/x")
    await api.aclose()
    api = client(*([megabyte] * 3), status=500)
    with pytest.raises(ApiFault, match="500 Unknown"):
        await api.get("/x")
    await api.aclose()


@pytest.mark.filterwarnings("error::ResourceWarning")
async def test_a_request_cancelled_in_its_handshake_leaves_nothing_open(tmp_path: Path) -> None:
    """Connections that were about to be opened are closed, wherever their opening was."""
    authority = Authority()
    with ApiServer(authority.server_context()) as server:
        environment = {"KUBECONFIG": str(server.kubeconfig(tmp_path, authority.pem))}
        for steps in range(40):
            api = Api.connect(environment)
            task = asyncio.create_task(api.list("/api/v1/secrets"))
            for _ in range(steps):
                await asyncio.sleep(0.0005)
            await end(task)
            await api.aclose()
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        gc.collect()
    assert [str(each.message) for each in found] == []
