"""The fakes of the test kit: a clock that stands still and a store in memory."""

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.testing.fakes import FakeClock
from pyratify.testing.memory import MemoryStore
from support.scenes import REFERENCE


async def test_a_fake_clock_moves_by_advance_and_sleep() -> None:
    """Sleeping takes no time and lets time pass; both of its times agree."""
    clock = FakeClock()
    before = clock.now()
    await clock.sleep(30)
    clock.advance(60)
    assert (clock.now() - before).total_seconds() == clock.monotonic() == 90
    assert clock.slept == [30]
    assert clock.now().tzinfo is not None


@pytest.mark.parametrize(
    ("method", "reason"), [("fetch_manifest", Reason.NOT_FOUND), ("fetch_blob", Reason.BLOB_NOT_FOUND)]
)
async def test_a_store_in_memory_has_what_was_put_there(method: str, reason: Reason) -> None:
    """What was not put there is not found, with the reason that a registry would give."""
    store = MemoryStore()
    descriptor = Descriptor("text/plain", Digest.of(b"x"), 1)
    with pytest.raises(StoreError) as caught:
        await getattr(store, method)(REFERENCE, descriptor, 1)
    assert caught.value.reason is reason
