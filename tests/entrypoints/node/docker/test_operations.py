"""What requests to the Docker daemon would do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.docker.authz_request import parse_request
from pyratify.entrypoints.node.docker.operations import (
    Create,
    Pull,
    Rollback,
    Service,
    Start,
    Unjudged,
    Unverifiable,
    operation_of,
)
from support.docker import JSON, asked

DIGEST = "sha256:" + "b" * 64
EMPTY = {"Content-Type": "text/plain", "Content-Length": "0"}


def spec(image: str = "app", **more: Any) -> dict[str, Any]:
    """Return the specification of a service."""
    return {"Name": "s", "TaskTemplate": {"ContainerSpec": {"Image": image, **more}}}


def refused(uri: str, body: object = None, **rest: Any) -> RatifyError:
    """Return why a request is refused before anything is asked."""
    with pytest.raises(RatifyError) as caught:
        operation_of(asked(uri, body, **rest))
    return caught.value


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("/v1.41/images/load?quiet=1", "load"),
        ("/images/create?fromSrc=-&repo=x", "import"),
        ("/images/create?fromSrc=http://x/y.tar", "import"),
        ("/build?t=x", "build"),
        ("/v1.41/session", "build"),
        ("/grpc", "build"),
        ("/commit?container=x", "commit"),
        ("/plugins/create?name=x", "plugin"),
    ],
)
def test_what_makes_images_without_a_registry_is_recognised(uri: str, kind: str) -> None:
    """With BuildKit's own two paths."""
    assert operation_of(asked(uri)) == Unverifiable(kind)


@pytest.mark.parametrize(
    "uri",
    [
        "/_ping",
        "/images/app/tag?repo=x",
        "/containers/x/stop",
        "/build/prune",
        "/images/prune",
        "/containers/x/exec",
    ],
)
def test_what_concerns_no_image_is_not_judged(uri: str) -> None:
    """And neither is what only reads."""
    assert operation_of(asked(uri)) == Unjudged()
    assert operation_of(asked("/containers/create", method="GET")) == Unjudged()


@pytest.mark.parametrize("action", ["start", "restart"])
def test_a_start_and_a_restart_name_a_container(action: str) -> None:
    """A container that was only created is started by a restart."""
    assert operation_of(asked(f"/v1.41/containers/web/{action}?t=1")) == Start("web")


def test_a_create_names_its_image_and_those_it_mounts() -> None:
    """Mounts of the type image, in any case of the type."""
    mounts = [{"Type": "Image", "Source": "data"}, {"Type": "bind", "Source": "/x"}]
    body = {"Image": "app", "HostConfig": {"Mounts": mounts}}
    assert operation_of(asked("/containers/create", body)) == Create(("app", "data"))
    # Older daemons take the members of HostConfig at the top level, too.
    assert operation_of(asked("/containers/create", {"Image": "app", "Mounts": mounts})) == Create(
        ("app", "data")
    )


def test_the_images_of_a_request_are_counted() -> None:
    """Each is asked about once, and not thousands at the same time."""

    def create(*sources: str) -> dict[str, Any]:
        """Return a body that mounts these images."""
        return {
            "Image": "app",
            "HostConfig": {"Mounts": [{"Type": "image", "Source": each} for each in sources]},
        }

    assert operation_of(asked("/containers/create", create("a", "app", "a"))) == Create(("app", "a"))
    assert len(operation_of(asked("/containers/create", create(*map(str, range(15))))).names) == 16  # type: ignore[union-attr]
    assert "17 images" in refused("/containers/create", create(*map(str, range(16)))).message


@pytest.mark.parametrize(
    "body",
    [
        b'{"image": "x"}',
        b'{"Image": "signed", "image": "x"}',
        b'{"Image": "signed", "IMAGE": "x"}',
        b'{"Image": "signed", "Image": "x"}',
        b'{"Image": "signed", "image": null}',
        b'{"Image": ""}',
        b'{"Image": ["x"]}',
        b"{}",
        b'{"Image": "signed"} {"Image": "x"}',
        b"[]",
        b'{"Image": "a", "hostconfig": {"Mounts": [{"Type": "image", "Source": "x"}]}}',
        b'{"Image": "a", "HostConfig": {"mounts": [{"Type": "image", "Source": "x"}]}}',
        b'{"Image": "a", "HostConfig": {"Mounts": [{"type": "image", "Source": "x"}]}}',
        '{"Image": "a", "Ho\u017ftConfig": {}}'.encode(),
        b'{"Image": "a", "HostConfig": {"Mounts": {"Type": "image"}}}',
        b'{"Image": "a", "HostConfig": {"Mounts": [{"Type": "image"}]}}',
        b'{"Image": "a", "HostConfig": []}',
        None,
    ],
)
def test_a_create_that_go_could_read_in_another_way_is_refused(body: bytes | None) -> None:
    """Keys in other cases, twice, trailing documents, and a body that is not shown."""
    assert refused("/containers/create", body).reason in (
        Reason.BAD_REQUEST,
        Reason.JSON_DUPLICATE_KEY,
        Reason.JSON_INVALID,
    )


@given(st.text("iImMaAgGeE", min_size=5, max_size=5), st.text("abc", min_size=1))
def test_only_one_spelling_of_image_is_read(key: str, name: str) -> None:
    """Every other one that Go would take for it is refused."""
    request = asked("/containers/create", {key: name})
    if key == "Image":
        assert operation_of(request) == Create((name,))
    elif key.lower() == "image":
        with pytest.raises(RatifyError):
            operation_of(request)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("fromImage=app&tag=v1", "app:v1"),
        ("fromImage=app:v1", "app:v1"),
        (f"fromImage=app&tag={DIGEST}", f"app@{DIGEST}"),
        (f"fromImage=r.io%3A5000%2Fapp%40{DIGEST}&fromSrc=-", f"r.io:5000/app@{DIGEST}"),
    ],
)
def test_a_pull_names_what_is_pulled(query: str, wanted: str) -> None:
    """A tag may be a digest, and an image makes a pull of what could be an import."""
    request = asked(f"/v1.41/images/create?{query}", headers=EMPTY)
    assert operation_of(request) == Pull(Reference.parse(wanted))


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("fromImage=app", Reason.TAG_NOT_PINNED),
        ("fromImage=app:v1&tag=v2", Reason.BAD_REQUEST),
        (f"fromImage=app@{DIGEST}&tag=v2", Reason.BAD_REQUEST),
        ("fromImage=signed&tag=1&fromImage=x", Reason.BAD_REQUEST),
        ("fromImage=app:&tag=", Reason.REF_INVALID),
        ("fromImage=App&tag=1", Reason.REF_INVALID),
    ],
)
def test_a_pull_of_more_than_one_thing_is_refused(query: str, reason: Reason) -> None:
    """Every tag at once, and names that contradict one another."""
    assert refused(f"/images/create?{query}", headers=EMPTY).reason is reason


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "20"},
        {"Content-Type": "application/x-www-form-urlencoded", "Content-Length": "0"},
        {"Content-Type": "text/plain", "Content-Length": "20"},
        {"content-type": "text/plain"},
        JSON,
    ],
)
@pytest.mark.parametrize("uri", ["/images/create?fromImage=signed&tag=1", "/plugins/pull?remote=signed"])
def test_parameters_could_stand_in_a_body_that_is_not_shown(uri: str, headers: dict[str, str]) -> None:
    """Go reads a form before the query, and of two Content-Type fields the first, where the plugin is shown the last."""
    assert refused(uri, headers=headers).reason is Reason.BAD_REQUEST


def test_a_plugin_is_judged_as_what_is_pulled() -> None:
    """Its privileges are a body that is shown; an upgrade is a pull as well."""
    wanted = Pull(Reference.parse("r.io/plugin:v1"))
    assert operation_of(asked("/plugins/pull?remote=r.io/plugin:v1", [])) == wanted
    assert operation_of(asked("/v1.41/plugins/a/b/upgrade?remote=r.io/plugin:v1", [])) == wanted
    assert refused("/plugins/pull", []).reason is Reason.REF_INVALID


def test_a_service_names_the_images_of_its_tasks() -> None:
    """When it is made and when it is changed, mounted ones too."""
    mounts = [{"Type": "image", "Source": "data"}]
    assert operation_of(asked("/services/create", spec(Mounts=mounts))) == Service(("app", "data"))
    assert operation_of(asked("/v1.41/services/x/update?version=3", spec())) == Service(("app",))
    assert operation_of(asked("/services/x/update?rollback=previous", spec())) == Rollback("x")


def test_an_update_without_a_rollback_is_judged_by_its_body() -> None:
    """`none` is the daemon's other word for no rollback; every further one it refuses, and so does the plugin."""
    for none in ("", "?rollback=", "?rollback=none"):
        assert operation_of(asked(f"/services/x/update{none}", spec())) == Service(("app",))
    for unknown in ("None", "Previous", "1"):
        assert refused(f"/services/x/update?rollback={unknown}", spec()).reason is Reason.BAD_REQUEST


@pytest.mark.parametrize(
    "body",
    [
        {"TaskTemplate": {"ContainerSpec": {"image": "x"}}},
        {"TaskTemplate": {"ContainerSpec": {"Image": "a"}, "containerspec": {"Image": "x"}}},
        {"TaskTemplate": {"ContainerSpec": {"Image": "a"}, "Container\u017fpec": {"Image": "x"}}},
        {
            "TaskTemplate": {"ContainerSpec": {"Image": "a"}},
            "Tas\u212aTemplate": {"ContainerSpec": {"Image": "x"}},
        },
        {"TaskTemplate": {}},
        {
            "TaskTemplate": {
                "Runtime": "plugin",
                "PluginSpec": {"Remote": "x"},
                "ContainerSpec": {"Image": "a"},
            }
        },
        {},
        None,
    ],
)
def test_a_service_that_go_could_read_in_another_way_is_refused(body: object) -> None:
    """At every level, with the two letters that Go folds beyond ASCII; and services that are no containers."""
    assert refused("/services/create", body).reason in (Reason.BAD_REQUEST, Reason.OPERATION_REFUSED)


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b'{"RequestMethod": "POST"}',
        b'{"RequestMethod": "POST", "RequestUri": 1}',
        b'{"RequestMethod": "POST", "RequestUri": "/", "RequestUri": "/x"}',
        b'{"RequestMethod": "POST", "RequestUri": "/", "RequestBody": "%%%"}',
        b'{"RequestMethod": "POST", "RequestUri": "/", "RequestHeaders": ["a"]}',
    ],
)
def test_what_the_daemon_does_not_ask_is_refused(document: bytes) -> None:
    """Bodies of the plugin's own protocol are read strictly, too."""
    with pytest.raises(RatifyError):
        parse_request(document)
