"""Which containers may be made, and what is said of those that are there."""

import asyncio
import logging

import pytest

from pyratify.core.protobuf import encode, integer
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.answer import NodeAnswer
from pyratify.entrypoints.node.nri.plugin import NriPlugin
from pyratify.entrypoints.node.nri.ttrpc import Call, result_of
from pyratify.testing.memory import MemoryStore
from support.nodes import judge
from support.nri import call, container, create, payload_of, refusal, synchronize
from support.providers import BellClock

NAME = "example.com/app:v1"


class Node:
    """A plugin over a registry in which one of two images has evidence."""

    def __init__(self) -> None:
        store = MemoryStore()
        signed, bare = store.add_image("v1"), store.add_image("v2", b"bare")
        store.attach(signed, "application/test")
        self.signed, self.bare = str(signed.digest), str(bare.digest)
        self.clock = BellClock()
        self.plugin = NriPlugin(judge=judge(store, clock=self.clock))


async def test_a_container_is_judged_by_the_digest_of_its_image() -> None:
    """The tag beside it says nothing."""
    node = Node()
    assert await refusal(node.plugin, create(container(NAME, node.signed))) == ""
    said = await refusal(node.plugin, create(container(NAME, node.bare)))
    assert said.startswith(f"ratify: DENIED example.com/app@{node.bare}")
    assert "[NO_EVIDENCE]" in said


@pytest.mark.parametrize("key", ["io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"])
async def test_older_runtimes_say_the_image_in_an_annotation(key: str) -> None:
    """Only a name with its digest counts: no registry is asked what a tag names."""
    node = Node()

    async def said(name: str) -> str:
        return await refusal(node.plugin, create(container(annotations={key: name})))

    assert await said(f"example.com/app@{node.signed}") == ""
    assert "[NO_EVIDENCE]" in await said(f"example.com/app@{node.bare}")
    assert "[DIGEST_UNKNOWN]" in await said(NAME)


async def test_an_annotation_does_not_replace_what_the_runtime_says() -> None:
    """Annotations may come from the author of the Pod."""
    node = Node()
    notes = {"io.kubernetes.cri.image-name": f"example.com/app@{node.signed}"}
    for image, digest in ((NAME, node.bare), (NAME, ""), ("", node.bare)):
        assert await refusal(node.plugin, create(container(image, digest, annotations=notes)))


@pytest.mark.parametrize(
    ("image", "digest", "code"),
    [
        ("", "", "DIGEST_UNKNOWN"),
        (NAME, "", "DIGEST_UNKNOWN"),
        (NAME, "sha256:1", "DIGEST_INVALID"),
        ("a" * 64, "sha256:" + "a" * 64, "REF_AMBIGUOUS"),
        ("No Reference", "sha256:" + "a" * 64, "REF_INVALID"),
    ],
)
async def test_an_image_that_is_not_known_by_its_digest_is_refused(
    image: str, digest: str, code: str
) -> None:
    """Without a look at any registry."""
    assert f"[{code}]" in await refusal(Node().plugin, create(container(image, digest)))


async def test_the_namespace_of_the_pod_is_the_tenant() -> None:
    """Each has its own verdicts and, in a cluster, its own configuration."""
    node, asked = Node(), list[str]()
    source = node.plugin.judge.source
    acquire = source.acquire

    def noted(namespace: str) -> object:
        asked.append(namespace)
        return acquire(namespace)

    source.acquire = noted  # type: ignore[method-assign,assignment]
    await refusal(node.plugin, create(container(NAME, node.signed), "team-a"))
    assert set(asked) == {"team-a"}


async def test_an_answer_leaves_before_the_runtime_gives_up() -> None:
    """A late plugin is dropped and the container made, so the refusal comes earlier, by the runtime's own timeout."""
    node = Node()
    configured = await node.plugin.answer(call("Configure", encode(_2="containerd", _5=4000)))
    assert integer(payload_of(configured), 2) == 8  # only CREATE_CONTAINER
    assert node.plugin.seconds == 4

    class Slow(MemoryStore):
        async def referrers(self, *_: object, **__: object):  # type: ignore[no-untyped-def,override]
            await asyncio.Future()
            yield

    node.plugin.judge = judge(Slow(), clock=node.clock)
    waiting = asyncio.create_task(refusal(node.plugin, create(container(NAME, node.signed))))
    await asyncio.sleep(0)
    node.clock.bell.set()
    assert "[TIMEOUT]" in await waiting
    assert max(node.clock.slept) < 4


async def test_containers_that_are_there_are_reported(caplog: pytest.LogCaptureFixture) -> None:
    """Those that run and would be refused; in as many messages as the runtime needs."""
    node = Node()
    good, bad, gone = (
        container(NAME, node.signed, state=3),
        container(NAME, node.bare, state=3),
        container(NAME, node.bare, state=4),
    )
    first = await node.plugin.answer(synchronize(good, more=True))
    assert integer(payload_of(first), 2) == 1
    assert not node.plugin.waiting
    last = await node.plugin.answer(synchronize(bad, gone))
    assert integer(payload_of(last), 2) == 0
    assert len(node.plugin.waiting) == 2
    with caplog.at_level(logging.WARNING, "pyratify.node"):
        assert await node.plugin.report() == 1
    (record,) = [each for each in caplog.records if "would be refused" in each.message]
    assert (record.__dict__["pod"], record.__dict__["code"]) == ("web", Reason.NO_EVIDENCE)
    assert await node.plugin.report() == 0


async def test_what_is_not_known_is_refused() -> None:
    """Other services and methods, and messages that are none; an end is acknowledged."""
    plugin = Node().plugin
    for asked in (
        call("Other"),
        Call("x", "CreateContainer", b""),
        call("CreateContainer", b"\xff"),
        call("Synchronize", b"\x0b"),
    ):
        assert result_of(await plugin.answer(asked)).startswith("ratify: ")
    assert "[DIGEST_UNKNOWN]" in await refusal(plugin, call("CreateContainer"))
    assert await refusal(plugin, call("Shutdown")) == ""
    assert Reference.parse(NAME).digest is None


async def test_without_a_configuration_nothing_is_made() -> None:
    """And what fails in the judge refuses as well."""
    digest = Node().signed
    assert "[NO_EXECUTOR]" in await refusal(NriPlugin(judge=judge(None)), create(container(NAME, digest)))
    assert "[INTERNAL]" in await refusal(NriPlugin(judge=None), create(container(NAME, digest)))  # type: ignore[arg-type]


async def test_a_defect_beside_the_judge_is_answered_as_well(caplog: pytest.LogCaptureFixture) -> None:
    """Without a response the runtime would drop the plugin and make the container."""

    class Broken:
        async def judge(self, *_: object) -> NodeAnswer:
            return NodeAnswer(1, "X", "\ud800")  # no protocol can carry it

    plugin = NriPlugin(judge=Broken())  # type: ignore[arg-type]
    said = await refusal(plugin, create(container(NAME, Node().signed)))
    assert said == "ratify: CreateContainer: unexpected UnicodeEncodeError"
    assert "a call was not answered" in caplog.text
