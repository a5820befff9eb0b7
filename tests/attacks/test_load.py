"""Attacks by load: slow registries, hostile keys and large bodies may cost no more than their share."""

import asyncio
from collections.abc import AsyncIterator

from pyratify.core.descriptor import Descriptor
from pyratify.core.reference import Reference
from pyratify.core.store import Referrer
from pyratify.testing.memory import MemoryStore
from support.providers import BellClock, items, provider

SLOW, GOOD = "slow.example/app", "example.com/app"


class Slow(MemoryStore):
    """A store that does not answer about one registry until a test releases it."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.asked = 0

    async def resolve(self, reference: Reference) -> Descriptor:
        """Resolve, or wait."""
        if reference.registry == "slow.example":
            self.asked += 1
            await self.gate.wait()
        return await super().resolve(reference)

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """List, or wait."""
        if reference.registry == "slow.example":
            await self.gate.wait()
        async for referrer in super().referrers(reference, artifact_type):
            yield referrer


def slow() -> tuple[Slow, str]:
    """Return a store with an image that has evidence, and the image's digest."""
    store = Slow()
    store.attach(store.add_image(), "application/test")
    return store, str(store.tags["v1"])


async def busy(store: Slow) -> None:
    """Wait until the registry has all that it may have."""
    while store.asked < 128:  # noqa: ASYNC110 - it has no event for this
        await asyncio.sleep(0)


async def test_atk_289_a_slow_registry_starves_no_other() -> None:
    """It holds its own share, another registry is answered, and what cannot be answered in time is refused at once."""
    store, digest = slow()
    clock = BellClock()
    one = provider(store, clock=clock)
    waits = [
        asyncio.ensure_future(items(one, *(f"{SLOW}{row}-{n}@{digest}" for n in range(64))))
        for row in range(4)
    ]
    await busy(store)
    (good,) = await items(one, f"{GOOD}@{digest}")
    assert good["value"]["succeeded"] is True
    assert store.asked == 128

    clock.advance(4.8)  # as long as the oldest of them has been waiting
    (late,) = await items(one, f"{SLOW}x@{digest}")
    assert late["error"].startswith(
        "REGISTRY_BUSY: 128 images of slow.example are being worked on and 128 wait;"
    )
    assert "--max-evaluations-per-registry" in late["error"]
    store.gate.set()
    found = [item for answers in await asyncio.gather(*waits) for item in answers]
    assert all(item["value"]["succeeded"] for item in found)
    assert len(found) == 256


async def test_atk_286_what_needs_no_work_is_answered_beside_slow_work() -> None:
    """What is remembered, malformed or out of every scope, while all that may be worked on waits."""
    store, digest = slow()
    one = provider(store, clock=BellClock(), scope="*.example")
    remembered = f"good.example/app@{digest}"
    await items(one, remembered)
    waits = [
        asyncio.ensure_future(items(one, *(f"{SLOW}{row}-{n}@{digest}" for n in range(64))))
        for row in range(16)
    ]
    await busy(store)
    found = await items(one, remembered, "[x", "UPPER/x", "elsewhere.com/app:v1")
    assert found[0]["value"]["succeeded"] is True
    assert [item["error"].partition(":")[0] for item in found[1:]] == [
        "REF_INVALID",
        "REF_INVALID",
        "SCOPE_NO_MATCH",
    ]
    store.gate.set()
    done = [item for answers in await asyncio.gather(*waits) for item in answers]
    assert sum("value" in item for item in done) == 128 + 256  # those under way, and those that may wait
    assert {item["error"].partition(":")[0] for item in done if "error" in item} == {"REGISTRY_BUSY"}
