"""When a request is made again."""

from datetime import UTC, datetime

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.retry import RetryPolicy, retry_after
from pyratify.http.transport import Headers
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import BearerAuth, Fault, RegistrySimulator
from support.registries import USER, Credentials, executor, open_store

NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
POLICY = RetryPolicy(tries=4, first=1.0, longest=10.0, jitter=lambda: 0.5)


def _asking(text: str) -> Headers:
    return Headers((("retry-after", text),))


def test_the_wait_doubles() -> None:
    """One second, two, four, then no more."""
    assert [POLICY.delay(tried, 100.0) for tried in (1, 2, 3, 4)] == [1.0, 2.0, 4.0, None]


def test_jitter_spreads_the_wait() -> None:
    """From half to one and a half of it."""
    waits = [RetryPolicy(jitter=lambda value=value: value).delay(1, 10.0) for value in (0.0, 1.0)]
    assert waits == [pytest.approx(0.05), pytest.approx(0.15)]


def test_no_wait_passes_the_deadline() -> None:
    """A wait that would end after the deadline does not begin."""
    assert POLICY.delay(1, 0.9) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("Mon, 01 Jun 2026 12:00:30 GMT", 30.0),
        ("Mon, 01 Jun 2026 11:00:00 GMT", 0.0),
        ("-1", None),
        ("soon", None),
        ("", None),
        ("1e3", None),
        ("\uff11", None),
        ("9999999999999", None),
    ],
)
def test_retry_after_is_read(text: str, seconds: float | None) -> None:
    """Seconds or a date (RFC 9110, section 10.2.3); anything else says nothing."""
    assert retry_after(_asking(text), NOW) == seconds


@pytest.mark.parametrize(("asked", "wait"), [(5.0, 5.0), (0.0, 1.0), (50.0, 50.0), (200.0, None)])
def test_what_the_server_asks_for_is_waited_for_where_there_is_time(asked: float, wait: float | None) -> None:
    """Never less than our own wait, and as long as is asked, but never past the deadline."""
    assert POLICY.delay(1, 100.0, asked) == wait


NAMES = ["429 in seconds", "503 in seconds", "a date"]
LATER = [(429, "3600"), (503, "3600"), (429, "Mon, 01 Jun 2026 01:00:00 GMT")]


@pytest.mark.parametrize(("status", "header"), LATER, ids=NAMES)
@pytest.mark.parametrize("path", ["/manifests/", "/token"])
async def test_a_wait_that_is_too_long_fails_at_once_with_status_and_time(
    status: int, header: str, path: str
) -> None:
    """The registry and its token server are asked once; the message has the status and until when."""
    clock = FakeClock()
    auth = BearerAuth() if path == "/token" else None
    with RegistrySimulator(auth=auth) as registry:
        registry.repository("app").add_image("v1")
        registry.fault(Fault(path=path, status=status, headers={"Retry-After": header}))
        credentials = Credentials({registry.host: USER})
        async with open_store(clock=clock, credentials=credentials) as store:
            with pytest.raises(StoreError) as caught:
                await store.resolve(registry.reference("app", "v1"))
        assert len([hit for hit in registry.hits if path in hit.path]) == 1
    assert clock.slept == []
    assert caught.value.reason is Reason.REGISTRY_ERROR
    assert f"HTTP {status}" in caught.value.message
    assert "2026-06-01T01:00:00Z" in caught.value.message
    assert "2026-06-01T01:00:00Z" in caught.value.remedy


async def test_a_known_token_server_that_asks_for_a_long_wait_is_asked_once() -> None:
    """Not a second time by way of the registry's challenge."""
    clock = FakeClock()
    with RegistrySimulator(auth=BearerAuth()) as registry:
        registry.repository("app").add_image("v1")
        async with open_store(clock=clock, credentials=Credentials({registry.host: USER})) as store:
            await store.resolve(registry.reference("app", "v1"))
            clock.advance(4000)
            registry.reset()
            registry.fault(Fault(path="/token", status=429, headers={"Retry-After": "3600"}))
            with pytest.raises(StoreError):
                await store.resolve(registry.reference("app", "v1"))
        assert len(registry.hits) == 1


@pytest.mark.parametrize(("seconds", "waits"), [(3.0, False), (20.0, True)])
async def test_the_time_left_is_that_of_the_whole_answer(seconds: float, waits: bool) -> None:
    """A wait of ten seconds is none for an executor that has three, though the store would have thirty."""
    clock = FakeClock()
    with RegistrySimulator() as registry:
        registry.repository("app").add_image("v1")
        registry.fault(Fault(path="/manifests/", times=1, status=429, headers={"Retry-After": "10"}))
        async with open_store(clock=clock) as store:
            judge = executor(store, timeout=seconds, clock=clock)
            result = await judge.validate(registry.reference("app", "v1"))
    assert clock.slept == ([10.0] if waits else [])
    assert (result.error is None) is waits
    if result.error is not None:
        assert result.error.reason is Reason.REGISTRY_ERROR
        assert "HTTP 429" in result.error.message
