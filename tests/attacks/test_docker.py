"""Attacks on the Docker daemon's plugin: images under other names, bodies read in two ways, and many requests at once."""

import asyncio

import pytest

from pyratify.core.reference import Reference
from pyratify.entrypoints.node.docker.docker_judge import DockerJudge
from pyratify.testing.memory import MemoryStore
from support.docker import IDENTIFIER, FakeInventory, asked
from support.nodes import judge

SIGNED, BARE = Reference.parse("example.com/app:v1"), Reference.parse("example.com/app:v2")
CREATE = "/v1.41/containers/create"


def daemon() -> DockerJudge:
    """Return the judge of a daemon that has a signed image by its name, and an unsigned one by many."""
    store, has = MemoryStore(), FakeInventory()
    signed, bare = store.add_image("v1"), store.add_image("v2", b"bare")
    store.attach(signed, "application/test")
    has.has(str(SIGNED), SIGNED.at(signed.digest))
    for name in (str(BARE), "tag", "aaaa"):
        has.has(name, BARE.at(bare.digest))
    has.containers["web"] = IDENTIFIER
    return DockerJudge(judge=judge(store), inventory=has)


NAIVE = {
    "an identifier": (CREATE, {"Image": IDENTIFIER}),
    "a short identifier": (CREATE, {"Image": "aaaa"}),
    "a local tag": (CREATE, {"Image": "tag"}),
    "another case": (CREATE, {"image": str(BARE)}),
    "two cases": (CREATE, {"Image": str(SIGNED), "image": str(BARE)}),
    "a key twice": (CREATE, f'{{"Image": "{SIGNED}", "Image": "{BARE}"}}'.encode()),
    "no body": (CREATE, None),
    "no version": ("/containers/create", {"Image": str(BARE)}),
    "slashes": ("//v1.41//containers//create", {"Image": str(BARE)}),
    "encoded": ("/v1.41/containers/%63reate", {"Image": str(BARE)}),
    "absolute": ("http://x/v1.41/containers/create", {"Image": str(BARE)}),
    "a start": ("/containers/web/start", None),
    "a restart": ("/containers/web/restart", None),
}


@pytest.mark.parametrize("way", NAIVE)
async def test_atk_276_what_a_naive_plugin_lets_through_is_refused(way: str) -> None:
    """Each leads to the unsigned image, or could."""
    assert await daemon().decide(asked(*NAIVE[way])) is not None


async def test_atk_277_a_name_is_no_identity() -> None:
    """The name of the signed image may be given to another one: what counts is the image that the daemon has by it."""
    one = daemon()
    create = asked(CREATE, {"Image": str(SIGNED)})
    assert await one.decide(create) is None
    one.inventory.images[str(SIGNED)] = one.inventory.images["tag"]  # type: ignore[attr-defined]
    assert await one.decide(create) is not None


async def test_atk_276_a_thousand_requests_at_once_are_not_mixed_up() -> None:
    """Every second one is refused, and reading requests are answered meanwhile."""
    one = daemon()
    names = (str(SIGNED), str(BARE)) * 500
    answers = await asyncio.gather(*(one.decide(asked(CREATE, {"Image": name})) for name in names))
    assert [answer is None for answer in answers] == [True, False] * 500
    assert await one.decide(asked("/images/tag/json", method="GET")) is None
