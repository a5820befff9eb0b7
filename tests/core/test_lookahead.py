"""A listing is closed by the task that iterates over it, whatever ends it."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import suppress

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.lookahead import ReferrerLookahead
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Referrer
from pyratify.core.verifier import Details, Evidence
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, validate


class Nested(MemoryStore):
    """A store whose listing goes through an inner one, as those of stores over stores do."""

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[str] = []

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """List as the inner one does."""
        self.opened.append("outer")
        inner = self._inner(reference)
        try:
            async for referrer in inner:
                yield referrer
        finally:
            await inner.aclose()
            self.opened.remove("outer")

    async def _inner(self, reference: Reference) -> AsyncGenerator[Referrer, None]:
        self.opened.append("inner")
        try:
            async for referrer in super().referrers(reference):
                yield referrer
        finally:
            await asyncio.sleep(0)
            self.opened.remove("inner")


async def _lingers(evidence: Evidence) -> Details:
    """Never answer, and take a few turns of the event loop to end."""
    try:
        await asyncio.Event().wait()
    finally:
        for _ in range(5):
            await asyncio.sleep(0)
    raise AssertionError


@pytest.mark.parametrize("turns", range(8))
async def test_a_validation_that_is_cancelled_twice_leaves_no_listing_open(turns: int) -> None:
    """As by a deadline and then by the end of the process: Python finds no generator to close when the loop ends."""
    loop, said = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: said.append(context["message"]))
    store, asked = Nested(), asyncio.Event()
    subject = store.add_image()
    for number in range(3):
        store.attach(subject, KIND, annotations={"number": str(number)})

    async def does(evidence: Evidence) -> Details:
        asked.set()
        return await _lingers(evidence)

    task = asyncio.ensure_future(validate(store, FakeVerifier(does=does), concurrency=1))
    await asked.wait()
    task.cancel()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await loop.shutdown_asyncgens()
    assert said == []
    assert store.opened == []


def failing(error: StoreError) -> Callable[[], AsyncIterator[Referrer]]:
    """Return a listing that fails when it is closed."""

    class Source:
        def __aiter__(self) -> "Source":
            return self

        async def __anext__(self) -> Referrer:
            """Wait."""
            await asyncio.Event().wait()
            raise StopAsyncIteration

        async def aclose(self) -> None:
            """Fail."""
            raise error

    return Source


async def test_an_error_while_closing_is_the_stores() -> None:
    """It is raised once, by whatever closes the listing."""
    listing = ReferrerLookahead(failing(StoreError(Reason.REGISTRY_ERROR, "no end")), 5)
    listing.request()
    await asyncio.sleep(0)
    with pytest.raises(StoreError, match="no end"):
        await listing.aclose()


async def test_a_listing_that_was_never_asked_begins_nothing() -> None:
    """Closing it is nothing either."""
    await ReferrerLookahead(failing(StoreError(Reason.REGISTRY_ERROR, "no end")), 5).aclose()
