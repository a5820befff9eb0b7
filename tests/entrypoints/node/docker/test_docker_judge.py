"""Whether the Docker daemon may do what it was asked for."""

import asyncio
import json
from typing import Any

import pytest

from pyratify.config.schema import DockerConfig, NodeConfig
from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.docker.daemon import LocalImage
from pyratify.entrypoints.node.docker.docker_judge import DockerJudge
from pyratify.entrypoints.node.docker.docker_site import docker_site
from pyratify.serving.http.routes import Rejection, Request
from pyratify.testing.memory import MemoryStore
from support.docker import IDENTIFIER, FakeInventory, asked, question
from support.nodes import judge
from support.providers import BellClock

SIGNED, BARE = Reference.parse("example.com/app:v1"), Reference.parse("example.com/bare:v2")
EMPTY = {"Content-Type": "text/plain", "Content-Length": "0"}


class Daemon:
    """A judge of requests, over a daemon that has images and a registry in which one of two has evidence."""

    def __init__(self, **settings: Any) -> None:
        self.store, self.has, self.clock = MemoryStore(), FakeInventory(), BellClock()
        signed, bare = self.store.add_image("v1"), self.store.add_image("v2", b"bare")
        self.store.attach(signed, "application/test")
        self.signed, self.bare = SIGNED.at(signed.digest), BARE.at(bare.digest)
        node = NodeConfig(docker=DockerConfig(**settings))
        self.judge = DockerJudge(judge=judge(self.store, clock=self.clock, node=node), inventory=self.has)

    async def code(self, uri: str, body: object = None, **rest: Any) -> str:
        """Return the reason code of a refusal; empty for what is allowed."""
        answer = await self.judge.decide(asked(uri, body, **rest))
        return "" if answer is None else answer.code

    async def create(self, image: str) -> str:
        """Return the reason code for a container of an image."""
        return await self.code("/v1.41/containers/create", {"Image": image})


async def test_an_image_is_judged_by_what_the_daemon_would_run() -> None:
    """Whatever name leads to it: a local tag, an identifier, or its own."""
    daemon = Daemon()
    for name, reference in (("nice", daemon.signed), (IDENTIFIER, daemon.signed)):
        daemon.has.has(name, reference)
        assert await daemon.create(name) == ""
    # The signed image's name, given to another image: `docker tag unsigned example.com/app:v1`.
    daemon.has.has("example.com/app:v1", daemon.bare)
    assert await daemon.create("example.com/app:v1") == "NO_EVIDENCE"
    assert await daemon.create(IDENTIFIER) == "NO_EVIDENCE"


async def test_one_of_several_repositories_is_enough() -> None:
    """All of them have the same content; without any that is allowed, a denial is shown."""
    daemon = Daemon()
    daemon.has.has("app", daemon.bare, daemon.signed)
    assert await daemon.create("app") == ""
    daemon.has.has("app", daemon.bare, BARE.at(daemon.bare.digest))  # type: ignore[arg-type]
    assert await daemon.create("app") == "NO_EVIDENCE"


async def test_an_image_without_a_repository_is_refused_unless_the_configuration_allows_it() -> None:
    """Built or loaded here: there is no signature to look for."""
    for settings, code in (({}, "DIGEST_UNKNOWN"), ({"images_without_digest": "allow"}, "")):
        daemon = Daemon(**settings)
        daemon.has.has("built")
        daemon.has.containers["web"] = IDENTIFIER
        assert await daemon.create("built") == code
        assert await daemon.code("/containers/web/start") == code


async def test_what_the_daemon_does_not_have_it_answers_itself() -> None:
    """With 404, after which the client pulls the image."""
    daemon = Daemon()
    assert await daemon.create("absent") == ""
    assert await daemon.code("/containers/absent/start") == ""
    assert await daemon.code("/services/absent/update?rollback=previous", {}) == ""


async def test_a_mounted_image_is_judged_as_well() -> None:
    """Its files are in the container."""
    daemon = Daemon()
    daemon.has.has("app", daemon.signed)
    daemon.has.images["data"] = LocalImage("sha256:d", (daemon.bare,))
    mounts = {"Mounts": [{"Type": "image", "Source": "data"}]}
    assert await daemon.code("/containers/create", {"Image": "app", "HostConfig": mounts}) == "NO_EVIDENCE"


@pytest.mark.parametrize("action", ["start", "restart"])
async def test_a_start_judges_the_image_again(action: str) -> None:
    """By the identifier that the container has, not by a name that may have moved."""
    daemon = Daemon()
    daemon.has.containers["web"] = IDENTIFIER
    daemon.has.has("app", daemon.signed)
    assert await daemon.code(f"/containers/web/{action}") == ""
    daemon.has.has("app", daemon.bare)
    assert await daemon.code(f"/containers/web/{action}") == "NO_EVIDENCE"
    daemon.has.images.clear()  # removed by force, and the container still has its files
    assert await daemon.code(f"/containers/web/{action}") == "DIGEST_UNKNOWN"


async def test_what_is_called_like_a_version_is_judged() -> None:
    """Also without the API's version before it, which would be taken off first."""
    daemon = Daemon()
    daemon.has.containers["v1"] = IDENTIFIER
    daemon.has.has("app", daemon.bare)
    assert await daemon.code("/containers/v1/start") == "NO_EVIDENCE"
    service = {"TaskTemplate": {"ContainerSpec": {"Image": str(daemon.bare)}}}
    assert await daemon.code("/services/v2/update?version=1", service) == "NO_EVIDENCE"


async def test_a_pull_is_judged_by_the_digest_of_its_tag() -> None:
    """And a plugin is pulled in the same way."""
    daemon = Daemon()
    for reference, code in ((SIGNED, ""), (BARE, "NO_EVIDENCE")):
        pull = f"/images/create?fromImage={reference.name}&tag={reference.tag}"
        assert await daemon.code(pull, headers=EMPTY) == code
        assert await daemon.code(f"/plugins/pull?remote={reference}", headers=EMPTY) == code


async def test_a_service_names_a_digest() -> None:
    """Its tasks are made by other nodes, which resolve a tag by themselves."""
    daemon = Daemon()

    def service(image: object) -> dict[str, Any]:
        return {"TaskTemplate": {"ContainerSpec": {"Image": str(image)}}}

    for image, code in ((daemon.signed, ""), (daemon.bare, "NO_EVIDENCE"), (SIGNED, "TAG_NOT_PINNED")):
        assert await daemon.code("/services/create", service(image)) == code
        assert await daemon.code("/v1.41/services/x/update?version=1", service(image)) == code
    daemon.has.services["x"] = (str(daemon.signed),)
    assert await daemon.code("/services/x/update?rollback=none", service(daemon.bare)) == "NO_EVIDENCE"
    daemon.has.services["x"] = (str(daemon.bare),)
    assert await daemon.code("/services/x/update?rollback=previous", service(daemon.signed)) == "NO_EVIDENCE"


@pytest.mark.parametrize(
    ("kind", "uri"),
    [
        ("build", "/build"),
        ("commit", "/commit"),
        ("import", "/images/create?fromSrc=-"),
        ("load", "/images/load"),
        ("plugin", "/plugins/create"),
    ],
)
async def test_images_without_a_registry_are_made_where_the_configuration_says_so(
    kind: str, uri: str
) -> None:
    """Each kind by its own word."""
    assert await Daemon().code(uri) == "OPERATION_REFUSED"
    assert await Daemon(allow=(kind,)).code(uri) == ""
    others = tuple({"build", "commit", "import", "load", "plugin"} - {kind})
    assert await Daemon(allow=others).code(uri) == "OPERATION_REFUSED"


async def test_without_a_configuration_nothing_runs() -> None:
    """And a daemon that cannot be asked refuses as well."""
    has = FakeInventory()
    has.has("app", SIGNED.at(Daemon().signed.digest))  # type: ignore[arg-type]
    answer = await DockerJudge(judge=judge(None), inventory=has).decide(
        asked("/containers/create", {"Image": "app"})
    )
    assert answer is not None
    assert answer.code == Reason.NO_EXECUTOR

    class Failing(FakeInventory):
        async def image(self, name: str) -> LocalImage | None:
            raise error

    errors = {
        RatifyError(Reason.RUNTIME_UNREACHABLE, "down"): "RUNTIME_UNREACHABLE",
        ValueError("x"): "INTERNAL",
    }
    for error, code in errors.items():  # noqa: B007 - the class reads it
        found = await DockerJudge(judge=judge(MemoryStore()), inventory=Failing()).decide(
            asked("/containers/create", {"Image": "app"})
        )
        assert found is not None
        assert found.code == code


async def test_what_takes_too_long_is_refused() -> None:
    """The Docker daemon waits for its plugin, and so do all its clients."""
    daemon = Daemon()

    class Slow(FakeInventory):
        async def image(self, name: str) -> LocalImage | None:
            return await asyncio.Future()

    daemon.judge.inventory = Slow()
    waiting = asyncio.create_task(daemon.create("app"))
    await asyncio.sleep(0)
    daemon.clock.bell.set()
    assert await waiting == "TIMEOUT"


async def test_the_daemon_is_answered_in_its_own_protocol() -> None:
    """Activation, a permission, a refusal with its text, and what is no question."""
    daemon = Daemon()
    site = docker_site(daemon.judge)

    async def answer(path: str, body: bytes = b"{}") -> dict[str, Any]:
        reply = await site.routes["POST", path](Request(body=body))
        assert reply.status == 200
        found: dict[str, Any] = json.loads(reply.body)
        return found

    assert await answer("/Plugin.Activate") == {"Implements": ["authz"]}
    assert (await answer("/AuthZPlugin.AuthZRes"))["Allow"] is True
    assert (await answer("/AuthZPlugin.AuthZReq", question("/_ping", method="HEAD")))["Allow"] is True
    refused = await answer("/AuthZPlugin.AuthZReq", question("/images/load"))
    assert refused["Allow"] is False
    assert refused["Msg"].splitlines()[0] == (
        "ratify: DENIED: an image loaded from a tar archive has no registry that its signatures could come from [OPERATION_REFUSED]"
    )
    assert (await answer("/AuthZPlugin.AuthZReq", b"no question"))["Allow"] is False
    assert json.loads(site.otherwise(Rejection(413, "REQUEST_TOO_LARGE", "x")).body)["Err"]
