"""The engine's facade: text or references, resolving and discovering, and no answers once it is closed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from pyratify.core.engine import Engine
from pyratify.core.errors import InvalidReference, StoreError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.scope import ScopeMap
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore

TEXT = "example.com/app:v1"
ASKING = [Engine.validate, Engine.discover, Engine.resolve]


def engine(store: MemoryStore, **more: Any) -> Engine:
    """Return an engine over the store for `example.com`, where one signature is enough."""
    policy = ThresholdPolicy(Rule(rules=(Rule("fake"),)))
    executor = Executor(store=store, verifiers=(FakeVerifier("fake"),), policy=policy, **more)
    return Engine(ScopeMap([("example.com", executor)]))


@pytest.fixture
def store() -> MemoryStore:
    """A signed image."""
    found = MemoryStore()
    found.attach(found.add_image("v1"), "application/example.signature", ("text/plain", b"signed"))
    return found


async def test_a_text_is_as_good_as_a_reference(store: MemoryStore) -> None:
    """All three questions take both."""
    facade = engine(store)
    for reference in (TEXT, Reference.parse(TEXT)):
        assert (await facade.validate(reference)).succeeded
        assert len((await facade.discover(reference)).artifacts) == 1
        assert (await facade.resolve(reference)).digest == (await store.resolve(Reference.parse(TEXT))).digest


@pytest.mark.parametrize("ask", ASKING)
async def test_what_is_no_reference_is_refused(ask: Callable[..., Any], store: MemoryStore) -> None:
    """A text that is none, and what is no text at all."""
    with pytest.raises(InvalidReference):
        await ask(engine(store), "BAD//x")
    with pytest.raises(TypeError, match="bytes"):
        await ask(engine(store), b"example.com/app:v1")


@pytest.mark.parametrize("ask", ASKING)
async def test_a_closed_engine_refuses(ask: Callable[..., Any], store: MemoryStore) -> None:
    """Its stores are closed: nothing that it could say would be an answer."""
    facade = engine(store)
    facade.lifetime.close()
    with pytest.raises(RuntimeError, match="closed"):
        await ask(facade, TEXT)
    assert store.calls == []


async def test_to_discover_decides_nothing(store: MemoryStore) -> None:
    """Everything is found, no verifier runs, and the decision is none."""
    result = await engine(store).discover(TEXT)
    assert (result.decision, result.error, result.succeeded) == (Decision.NONE, None, False)
    assert [report.results for report in result.artifacts] == [()]
    assert result.subject == await store.resolve(Reference.parse(TEXT))


async def test_no_scope_is_no_answer(store: MemoryStore) -> None:
    """To validate denies, to discover and to resolve say why."""
    facade = engine(store)
    for result in (
        await facade.validate("other.example/app:v1"),
        await facade.discover("other.example/a:v1"),
    ):
        assert result.failure is not None
        assert (result.decision, result.failure.reason) == (Decision.DENY, Reason.SCOPE_NO_MATCH)
    with pytest.raises(StoreError) as caught:
        await facade.resolve("other.example/app:v1")
    assert caught.value.reason is Reason.SCOPE_NO_MATCH


async def test_what_is_missing_is_not_found(store: MemoryStore) -> None:
    """As an exception where a descriptor is wanted, and in the report where a report is."""
    with pytest.raises(StoreError) as caught:
        await engine(store).resolve("example.com/app:v2")
    assert caught.value.reason is Reason.NOT_FOUND
    found = await engine(store).discover("example.com/app:v2")
    assert found.error is not None
    assert found.error.reason is Reason.NOT_FOUND


async def test_a_store_that_fails_to_resolve_raises_nothing_of_its_own(store: MemoryStore) -> None:
    """A defect of a store is INTERNAL, and a slow one TIMEOUT."""
    store.faults["resolve"] = ZeroDivisionError("defect")
    with pytest.raises(StoreError) as caught:
        await engine(store).resolve(TEXT)
    assert caught.value.reason is Reason.INTERNAL

    class Slow(MemoryStore):
        async def resolve(self, reference: Reference) -> Any:
            await asyncio.Event().wait()

    with pytest.raises(StoreError) as caught:
        await engine(Slow(), timeout=0.001).resolve(TEXT)
    assert caught.value.reason is Reason.TIMEOUT
