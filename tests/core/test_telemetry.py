"""Observers: which events they get, how spans end, and which request they belong to."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from pyratify.caches.verdicts import Verdicts
from pyratify.core.engine import Engine
from pyratify.core.errors import StoreError
from pyratify.core.executor import Executor
from pyratify.core.instrumented import instrument_engine
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.core.telemetry import (
    NULL_OBSERVER,
    Attribute,
    begin_trace,
    code_of,
    combine_observers,
    end_trace,
    for_namespace,
    namespace,
    trace,
)
from pyratify.testing.fakes import FakeVerifier
from support.scenes import KIND, image, threshold

APP = Reference.parse("example.com/app:v1")


@dataclass
class Seen:
    """One thing that was watched."""

    name: str
    facts: dict[str, Attribute]
    trace: str = ""
    tenant: str = ""

    def set_attributes(self, **facts: Attribute) -> None:
        """Learn something."""
        self.facts |= facts


@dataclass
class Watcher:
    """Remembers what it sees, in the order of its ends."""

    trace: str = ""
    seen: list[Seen] = field(default_factory=list)

    @contextmanager
    def span(self, name: str, *, parent: str = "", steps: bool = False, **facts: Attribute) -> Iterator[Seen]:
        """Watch."""
        seen = Seen(name, facts, self.trace, namespace())
        error = None
        try:
            yield seen
        except BaseException as caught:
            error = caught
            raise
        finally:
            if code := code_of(error, "ODD"):
                seen.set_attributes(code=code)
            self.seen.append(seen)


def engine(*verifiers: FakeVerifier) -> Engine:
    """Return an engine over an image with two artifacts."""
    store, _ = image(KIND, KIND + "2")
    executor = Executor(store=store, verifiers=verifiers or (FakeVerifier(),), policy=threshold("fake"))
    return Engine(ScopeMap([("*", executor)]), "one")


async def test_an_engine_that_is_watched_answers_as_before() -> None:
    """And everything it does is seen, in the name of the tenant that asks."""
    plain, watcher = engine(), Watcher()
    verdicts = Verdicts(observer=watcher)
    found = await verdicts.validate(instrument_engine(plain, watcher), APP, "team")
    assert found == await plain.validate(APP)
    assert {one.name for one in watcher.seen} == {"verdict", "resolve", "referrers", "verify"}
    assert {one.tenant for one in watcher.seen} == {"team"}
    assert not any("code" in one.facts for one in watcher.seen)
    assert watcher.seen[-1].facts["decision"] == "ALLOW"


async def test_a_store_that_fails_is_seen_to_fail() -> None:
    """With its code; and the verdict is that there is none."""
    watcher, one = Watcher(), engine()
    verdicts = Verdicts(observer=watcher)
    await verdicts.validate(instrument_engine(one, watcher), Reference.parse("example.com/app:missing"))
    codes = {seen.name: seen.facts.get("code") for seen in watcher.seen}
    assert codes["resolve"] == Reason.NOT_FOUND
    assert watcher.seen[-1].facts == {
        "repository": "example.com/app",
        "error": "NOT_FOUND",
        "decision": "UNDECIDED",
    }


def test_several_watch_together() -> None:
    """Each sees all; the first that has a trace names it; without observers there is the null observer."""
    one, two = Watcher(), Watcher("ab" * 16)
    with combine_observers(one, None, two).span("verdict", repository="x") as span:
        span.set_attributes(decision="ALLOW")
        assert span.trace == "ab" * 16
    assert one.seen[0].facts == two.seen[0].facts == {"repository": "x", "decision": "ALLOW"}
    assert combine_observers(one, None) is one
    assert combine_observers(None) is NULL_OBSERVER
    with NULL_OBSERVER.span("verdict") as nothing:
        nothing.set_attributes(decision="ALLOW")
        assert nothing.trace == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (None, ""),
        (GeneratorExit(), ""),
        (asyncio.CancelledError(), "CANCELLED"),
        (StoreError(Reason.NOT_FOUND, "x"), "NOT_FOUND"),
        (ValueError("secret"), "ODD"),
    ],
)
def test_an_end_has_a_code(error: BaseException | None, code: str) -> None:
    """And never a text."""
    assert code_of(error, "ODD") == code


async def test_who_asks_belongs_to_the_task() -> None:
    """Neither the trace nor the tenant of one request is seen by another."""

    async def asks(name: str) -> tuple[str, str]:
        token = begin_trace(name)
        try:
            with for_namespace(f"team-{name}"):
                await asyncio.sleep(0)
                return trace(), namespace()
        finally:
            end_trace(token)

    assert await asyncio.gather(asks("a"), asks("b")) == [("a", "team-a"), ("b", "team-b")]
    assert (trace(), namespace()) == ("", "")
