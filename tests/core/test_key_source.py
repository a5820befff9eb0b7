"""Sources of keys that are read again."""

import asyncio

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial, SourceUnreachable, read_each
from pyratify.core.key_source import KeySource, any_changed, any_outdated, oldest
from pyratify.testing.fakes import FakeClock
from support.key_services import KeyService


async def _source(service: KeyService, clock: FakeClock) -> KeySource:
    return KeySource("rotating", 60, service.keys, clock, await service.keys())


async def test_it_is_read_again_when_it_is_due_and_not_before() -> None:
    """The interval bounds what a key service is asked."""
    clock, service = FakeClock(), KeyService({"1": b"a"})
    source = await _source(service, clock)
    clock.advance(59)
    assert not await source.changed()
    assert service.reads == 1
    clock.advance(1)
    assert not await source.changed()
    assert service.reads == 2


async def test_a_new_version_is_a_change() -> None:
    """Until the engine is built again, every look says so."""
    clock, service = FakeClock(), KeyService({"1": b"a"})
    source = await _source(service, clock)
    service.versions["2"] = b"b"
    clock.advance(60)
    assert await source.changed()
    assert any_outdated((source,))
    clock.advance(15)
    assert await source.changed()
    del service.versions["2"]
    clock.advance(15)
    assert not await source.changed()
    assert not any_outdated((source,))


@pytest.mark.parametrize(("fault", "seconds"), [("down", 60), ("disabled", 15)])
async def test_after_a_fault_it_is_read_again_within_seconds(fault: str, seconds: int) -> None:
    """However long its interval is; a good answer ends that."""
    clock, service = FakeClock(), KeyService({"1": b"a"})
    source = KeySource("rotating", 86400, service.keys, clock, await service.keys())
    setattr(service, fault, True)
    clock.advance(86400)
    assert await source.changed() is (fault == "disabled")
    clock.advance(seconds - 1)
    assert not await source.changed()
    assert service.reads == 2
    setattr(service, fault, False)
    clock.advance(1)
    assert not await source.changed()
    assert (service.reads, source.fault, source.outdated, source.age) == (3, "", False, 0)
    clock.advance(86399)
    assert not await source.changed()
    assert service.reads == 3


async def test_an_outage_takes_no_answer_back() -> None:
    """A key that was disabled stays so until its source says otherwise."""
    clock, service = FakeClock(), KeyService({"1": b"a"}, disabled=True)
    source = KeySource("rotating", 60, service.keys, clock, ())
    clock.advance(60)
    assert await source.changed()
    service.down = True
    clock.advance(60)
    assert not await source.changed()
    assert any_outdated((source,))


async def test_the_order_of_versions_is_no_change() -> None:
    """A service may list them in any order."""
    clock, service = FakeClock(), KeyService({"1": b"a", "2": b"b"})
    source = await _source(service, clock)
    service.versions = {"2": b"b", "1": b"a"}
    clock.advance(60)
    assert not await source.changed()


async def test_a_service_that_is_down_changes_nothing_and_the_age_grows() -> None:
    """The last keys that were read stay in use."""
    clock, service = FakeClock(), KeyService({"1": b"a"})
    source = await _source(service, clock)
    service.down = True
    clock.advance(300)
    assert not await source.changed()
    assert (source.age, "does not answer" in source.fault) == (300, True)
    service.down = False
    clock.advance(60)
    assert not await source.changed()
    assert (source.age, source.fault) == (0, "")


async def test_a_key_that_its_source_disabled_is_a_change() -> None:
    """An answer is no outage: the engine is built again, fails, and the fault is seen; it ends with a good answer."""
    clock, service = FakeClock(), KeyService({"1": b"a"})
    source = await _source(service, clock)
    service.disabled = True
    clock.advance(60)
    assert await source.changed()
    assert any_outdated((source,))
    service.disabled = False
    clock.advance(60)
    assert not await source.changed()
    assert not any_outdated((source,))


@pytest.mark.parametrize("fault", [RuntimeError("a defect"), TimeoutError()])
async def test_a_provider_that_fails_otherwise_says_nothing_of_its_keys(fault: Exception) -> None:
    """A defect or a time-out is no answer."""
    clock, service = FakeClock(), KeyService({"1": b"a"})
    source = await _source(service, clock)
    service.fault = fault
    clock.advance(60)
    assert not await source.changed()
    assert not source.outdated


async def test_every_source_that_is_due_is_read() -> None:
    """A change of the first one does not hide that of the second one."""
    clock, first, second = FakeClock(), KeyService({"1": b"a"}), KeyService({"1": b"a"})
    sources = (await _source(first, clock), await _source(second, clock))
    first.versions["2"] = b"b"
    second.down = True
    clock.advance(60)
    assert await any_changed(sources)
    assert (first.reads, second.reads) == (2, 2)
    assert oldest(sources) == pytest.approx(60)


async def test_many_sources_are_read_some_at_a_time() -> None:
    """Each may hold a connection and a document."""
    clock, busy, most = FakeClock(), 0, 0

    async def read() -> tuple[KeyMaterial, ...]:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0)
        busy -= 1
        return ()

    sources = tuple(KeySource(f"s{number}", 60, read, clock, ()) for number in range(40))
    clock.advance(60)
    assert not await any_changed(sources)
    assert most == 16
    assert oldest(sources) == 0


def test_without_sources_nothing_is_old() -> None:
    """Keys of files are watched as files."""
    assert oldest(()) == 0


@pytest.mark.parametrize(
    "order", [("down", "gone", "good"), ("gone", "down", "good"), ("good", "down", "gone")]
)
async def test_an_outage_of_one_key_hides_no_answer_about_another(order: tuple[str, ...]) -> None:
    """Of one source, in whatever order they are configured; without such an answer it is an outage."""
    services = {
        "down": KeyService({}, down=True),
        "gone": KeyService({}, disabled=True),
        "good": KeyService({"1": b"a"}),
    }

    async def read(name: str) -> tuple[KeyMaterial, ...]:
        return await services[name].keys()

    with pytest.raises(ConfigurationError, match="is disabled") as caught:
        await read_each(read, order)
    assert not isinstance(caught.value, SourceUnreachable)
    with pytest.raises(SourceUnreachable):
        await read_each(read, ("good", "down", "good"))
    assert [each.data for each in await read_each(read, ("good", "good"))] == [b"a", b"a"]
