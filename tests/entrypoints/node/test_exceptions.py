"""Exceptions of a node: an image that is admitted for a time though it must not be run."""

import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.config.check import check_document
from pyratify.config.schema import NodeConfig
from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.answer import NodeAnswer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore
from support.nodes import judge
from support.providers import BellClock, signed

UNTIL = "2026-06-02T00:00:00Z"  # a day after the clock of the tests


def exception(**members: Any) -> dict[str, Any]:
    """Return an exception for `example.com/app` as it is written."""
    given = {"name": "legacy", "images": ["example.com/app"], "until": UNTIL, "reason": "signed soon"}
    return {**given, "approvedBy": "sec@example.com", **members}


def node(*exceptions: dict[str, Any], **members: Any) -> NodeConfig:
    """Return the part of a configuration."""
    return msgspec.convert({"exceptions": list(exceptions), **members}, NodeConfig)


def bare() -> MemoryStore:
    """Return a store with an image without evidence."""
    store = MemoryStore()
    store.add_image()
    return store


async def answer(
    config: NodeConfig,
    store: MemoryStore | None = None,
    *,
    clock: FakeClock | None = None,
    namespace: str = "",
    name: str = "example.com/app:v1",
) -> NodeAnswer:
    """Return what a node answers for the store's image."""
    store = store or bare()
    digest = store.tags["v1"]
    one = judge(store, clock=clock or BellClock(), node=config)
    try:
        return await one.judge(Reference.parse(name).at(digest), 5.0, namespace)
    finally:
        await one.aclose()


async def test_an_exception_admits_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """The answer and the log name it, and why the image would be refused."""
    with caplog.at_level(logging.WARNING, "pyratify.node"):
        found = await answer(node(exception()))
    assert (found.exit, found.code) == (0, "NO_EVIDENCE")
    assert found.text.startswith("ratify: EXCEPTION legacy until 2026-06-02T00:00+00:00: admitted, and would")
    assert "DENIED example.com/app@" in found.text
    (record,) = [each for each in caplog.records if "exception" in each.getMessage()]
    assert (record.exception, record.approvedBy) == ("legacy", "sec@example.com")  # type: ignore[attr-defined]


async def test_an_image_that_is_allowed_needs_none() -> None:
    """Its verdict stands."""
    found = await answer(node(exception()), signed())
    assert (found.exit, found.code) == (0, "")
    assert found.text.startswith("ratify: ALLOWED")


@pytest.mark.parametrize(
    ("members", "admitted"),
    [
        ({"images": ["example.com/other"]}, False),
        ({"images": ["example.com/team/*"]}, False),
        ({"codes": ["NO_EVIDENCE"]}, True),
        ({"codes": ["NO_EVIDENCE", "SIG_INVALID"]}, True),
        ({"codes": ["SIG_INVALID"]}, False),
        ({"images": [f"example.com/app@sha256:{'a' * 64}"]}, False),
        ({"namespaces": ["team"]}, False),
    ],
)
async def test_it_covers_what_it_says_and_no_more(members: dict[str, Any], admitted: bool) -> None:
    """Images, reason codes, and namespaces where the runtime names them."""
    assert (await answer(node(exception(**members)))).allowed is admitted


@pytest.mark.parametrize(("namespace", "admitted"), [("team", True), ("other", False), ("", False)])
async def test_namespaces_are_those_that_the_runtime_names(namespace: str, admitted: bool) -> None:
    """NRI does; containerd's verifiers and Docker name none."""
    config = node(exception(namespaces=["team"]))
    assert (await answer(config, namespace=namespace)).allowed is admitted


async def test_one_digest_may_be_excepted() -> None:
    """Whatever tag stands beside it."""
    store = bare()
    pinned = exception(images=[f"example.com/app@{store.tags['v1']}"])
    assert (await answer(node(pinned), store)).allowed


async def test_its_end_is_its_end() -> None:
    """By the clock of the answer, without anything being read again."""
    clock = BellClock()
    clock.advance(86399)
    assert (await answer(node(exception()), clock=clock)).allowed
    clock.advance(1)
    assert not (await answer(node(exception()), clock=clock)).allowed


async def test_an_exception_stands_before_audit() -> None:
    """The more exact of two reasons to admit is told."""
    found = await answer(node(exception(), mode="audit"))
    assert "EXCEPTION legacy" in found.text


CONFIGURATION = """
executors:
- scopes: [example.com]
  verifiers: [{name: c, type: cosign, parameters: {trustPolicies: [
    {certificateIdentity: a@b.test, certificateOIDCIssuer: "https://b.test"}]}}]
node:
  exceptions: [WHAT]
"""
GOOD = '{name: a, images: [example.com/app], until: "UNTIL", reason: signed soon, approvedBy: sec}'


@pytest.mark.parametrize(
    ("what", "path"),
    [
        (GOOD.replace("UNTIL", "2027-06-03T00:00:00Z"), "node.exceptions[0].until"),
        (GOOD.replace("UNTIL", "2026-06-02T00:00:00"), "node.exceptions[0].until"),
        (GOOD.replace("example.com/app", "example.com"), "node.exceptions[0].images"),
        (f"{GOOD}, {GOOD}", "node.exceptions[1].name"),
        (GOOD.replace("reason: signed soon, ", ""), "node.exceptions[0]"),
    ],
    ids=["too long", "no time zone", "too broad", "a name twice", "no reason"],
)
async def test_one_that_is_wrong_is_an_error_of_the_configuration(
    what: str, path: str, tmp_path: Path
) -> None:
    """When it is read, with its path; the last configuration that is right stays."""
    file = tmp_path / "ratify.yaml"
    watched = WatchedConfig(file, FakeClock())
    file.write_text(CONFIGURATION.replace("WHAT", GOOD).replace("UNTIL", UNTIL))
    assert await watched.refresh()
    assert watched.current is not None
    assert [each.config.name for each in watched.current.exemptions] == ["a"]
    file.write_text(CONFIGURATION.replace("WHAT", what).replace("UNTIL", UNTIL))
    assert not await watched.refresh()
    assert watched.fault is not None
    assert watched.fault.path == path
    assert watched.current.exemptions
    await watched.aclose()


async def test_config_check_finds_it_too() -> None:
    """With its path."""
    late = (datetime.now(UTC) + timedelta(days=400)).isoformat()
    identity = {"certificateIdentity": "a@b.test", "certificateOIDCIssuer": "https://b.test"}
    verifier = {"name": "c", "type": "cosign", "parameters": {"trustPolicies": [identity]}}
    document = {
        "executors": [{"scopes": ["example.com"], "verifiers": [verifier]}],
        "node": {"exceptions": [exception(until=late)]},
    }
    (fault,) = await check_document(document, Path())
    assert (fault.path, fault.reason) == ("node.exceptions[0].until", Reason.CONFIG_INVALID)
