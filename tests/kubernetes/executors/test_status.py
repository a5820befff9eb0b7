"""Status and Events: written once by any number of replicas, and only when they change."""

import re
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.kubernetes.client.api import Api
from pyratify.kubernetes.client.kinds import EXECUTOR, NAMESPACED_EXECUTOR
from pyratify.kubernetes.client.resource import Resource
from pyratify.kubernetes.executors.controller import ClusterConfig
from pyratify.kubernetes.executors.crds import definition
from pyratify.kubernetes.executors.status import StatusReporter
from pyratify.testing.apiserver import ApiServer
from support.clusters import API, SlowClock, invalid, put, spec, status

FAULT = ConfigurationError("no such key", path="spec.verifiers[0]", reason=Reason.KEY_UNAVAILABLE)


@pytest.fixture
async def reporter(kubeconfig: dict[str, str]) -> Any:
    """Someone who reports."""
    api = Api.connect(kubeconfig)
    yield StatusReporter(api, SlowClock())
    await api.aclose()


def resource(given: dict[str, Any]) -> Resource:
    """Return an object of the API server as a resource."""
    kind = NAMESPACED_EXECUTOR if given["kind"] == "NamespacedExecutor" else EXECUTOR
    found = Resource.of(kind, given)
    assert found is not None
    return found


def writes(server: ApiServer) -> int:
    """Return how often a status was written."""
    return len([hit for hit in server.hits if hit.method == "PATCH"])


async def test_the_same_is_said_once(server: ApiServer, reporter: StatusReporter) -> None:
    """A current status is not written again, also if another replica wrote it."""
    put(server, "e", spec("a.example"))
    for _ in range(3):
        await reporter.report(resource(server.get(API, "executors", "e")), None, serving=True)
    assert writes(server) == 1
    other = StatusReporter(reporter.api, SlowClock())
    await other.report(resource(server.get(API, "executors", "e")), None, serving=True)
    assert writes(server) == 1
    assert len(server.list("events.k8s.io/v1", "events")) == 1


async def test_replicas_that_disagree_do_not_argue(server: ApiServer, open_config: Any) -> None:
    """What another one wrote is left alone until there is something new to say."""
    one, two = open_config(), open_config()
    put(server, "e", spec("a.example"))
    await one.refresh()
    await two.refresh()
    found = server.get(API, "executors", "e")
    server.objects.patch(_status_place(), {"status": {**found["status"], "succeeded": False}}, "")
    for _ in range(3):
        await one.refresh()
        await two.refresh()
    assert status(server, "e")["succeeded"] is False
    assert writes(server) == 1


async def test_a_conflict_is_tried_again(server: ApiServer, reporter: StatusReporter) -> None:
    """A label was changed meanwhile: the status is written all the same."""
    old = resource(put(server, "e", spec("a.example")))
    server.objects.patch(_place(), {"metadata": {"labels": {"a": "b"}}}, "")
    await reporter.report(old, FAULT, serving=False)
    assert status(server, "e")["error"] == "spec.verifiers[0]: no such key"
    assert writes(server) == 2


async def test_what_is_said_about_an_older_generation_is_not_written(
    server: ApiServer, reporter: StatusReporter
) -> None:
    """The specification changed meanwhile: what is true of it will be said then."""
    old = resource(put(server, "e", spec("a.example")))
    put(server, "e", spec("b.example"))
    await reporter.report(old, FAULT, serving=False)
    assert status(server, "e") == {}


async def test_since_when_is_kept_while_it_is_so(server: ApiServer, reporter: StatusReporter) -> None:
    """Another error is another message of the same condition."""
    clock = reporter.clock
    assert isinstance(clock, SlowClock)
    put(server, "e", spec("a.example"))
    times = []
    for trouble in (FAULT, ConfigurationError("another"), None):
        clock.advance(60)
        await reporter.report(resource(server.get(API, "executors", "e")), trouble, serving=False)
        times.append(status(server, "e")["conditions"][0]["lastTransitionTime"])
    assert times == ["2026-06-01T00:01:00Z", "2026-06-01T00:01:00Z", "2026-06-01T00:03:00Z"]
    assert "error" not in status(server, "e")


@pytest.mark.parametrize("code", [403, 500, 0])
async def test_what_cannot_be_said_now_is_said_later(
    server: ApiServer, reporter: StatusReporter, code: int
) -> None:
    """A server that refuses is asked again with the next occasion."""
    found = resource(put(server, "e", spec("a.example")))
    server.refuse(code, method="PATCH")
    await reporter.report(found, None, serving=True)
    assert status(server, "e") == {}
    await reporter.report(found, None, serving=True)
    assert status(server, "e")["succeeded"] is True


async def test_events_name_what_they_are_about_and_are_few(
    server: ApiServer, reporter: StatusReporter
) -> None:
    """In the resource's namespace; after twenty at once only one every ten seconds."""
    for number in range(30):
        found = resource(put(server, f"e{number}", invalid("a.example"), "team"))
        await reporter.report(found, FAULT, serving=number == 0)
    events = server.list("events.k8s.io/v1", "events", "team")
    assert len(events) == 20
    first = next(each for each in events if each["regarding"]["name"] == "e0")
    assert first["regarding"]["kind"] == "NamespacedExecutor"
    assert (first["type"], first["reason"], first["action"]) == ("Warning", "KEY_UNAVAILABLE", "Configure")
    assert first["note"] == "spec.verifiers[0]: no such key; its last valid specification stays in service"
    assert first["eventTime"] == "2026-06-01T00:00:00.000000Z"


async def test_an_error_is_bounded_and_plain(server: ApiServer, reporter: StatusReporter) -> None:
    """Whatever a message has in it, a status and an Event take it, and a terminal obeys none of it."""
    found = resource(put(server, "e", spec("a.example")))
    await reporter.report(found, ConfigurationError("\x1b[2J\n" + "x" * 9000), serving=False)
    shown = status(server, "e")
    (event,) = server.list("events.k8s.io/v1", "events")
    assert len(shown["error"]) <= 2000
    assert len(event["note"]) <= 1024
    assert "\x1b" not in str(shown) + str(event)


async def test_a_resource_that_is_gone_is_no_fault(server: ApiServer, config: ClusterConfig) -> None:
    """It was deleted while its status was about to be written."""
    put(server, "e", spec("a.example"))
    server.refuse(404, method="PATCH")
    await config.refresh()
    assert config.unready_reason() == ""


async def test_the_definition_names_the_conditions_that_are_written(
    server: ApiServer, config: ClusterConfig
) -> None:
    """A client that waits for one of them gets it."""
    put(server, "one", spec("a.example"))
    await config.refresh()
    place = definition(EXECUTOR)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    named = re.findall(r"`([A-Z][A-Za-z]+)`", place["properties"]["conditions"]["description"])
    assert {each["type"] for each in status(server, "one")["conditions"]} == set(named)


def _place() -> Any:
    from pyratify.testing.apiserver_objects import Place

    return Place(API, "executors", "", "e")


def _status_place() -> Any:
    from pyratify.testing.apiserver_objects import Place

    return Place(API, "executors", "", "e", "status")
