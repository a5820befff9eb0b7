"""What every entry point that serves asks."""

import pytest

from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.engine import Engine
from pyratify.core.errors import StoreError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import failures
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence
from pyratify.serving.verdict_source import Answers, Undecided
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.providers import Held, Here, signed
from support.scenes import ONE

APP = Reference.parse("example.com/app:v1")


def answers(store: MemoryStore, scope: str = "*", verifier: FakeVerifier | None = None) -> Answers:
    """Return answers of an engine over a store."""
    executor = Executor(store=store, verifiers=(verifier or FakeVerifier(),), policy=ONE)
    return Answers(
        Here(Held(Engine(ScopeMap([(scope, executor)]), "one"))),
        Verdicts(FakeClock(), Lifetimes(allowed=60)),
    )


async def test_a_verdict_says_how_long_it_stays() -> None:
    """A digest's for as long as it is remembered; what a tag names may be another image at any time."""
    store = signed()
    one = answers(store)
    by_tag = await one.verdict(APP)
    by_digest = await one.verdict(APP.at(store.tags["v1"]))
    assert (by_tag.result.succeeded, by_tag.seconds) == (True, 0)
    assert (by_digest.result.succeeded, by_digest.seconds, by_digest.generation) == (True, 60, "one")


@pytest.mark.parametrize("ask", ["verdict", "pinned"])
async def test_without_a_configuration_nothing_is_answered(ask: str) -> None:
    """The reason says that there is no executor."""
    with pytest.raises(Undecided) as caught:
        await getattr(Answers(Here(None), Verdicts(FakeClock())), ask)(APP)
    assert caught.value.reason is Reason.NO_EXECUTOR


@pytest.mark.parametrize("ask", ["verdict", "pinned"])
async def test_what_no_scope_covers_is_not_decided(ask: str) -> None:
    """The registry is not asked."""
    with pytest.raises(Undecided) as caught:
        await getattr(answers(signed(), "other.example"), ask)(APP)
    assert caught.value.reason is Reason.SCOPE_NO_MATCH


async def test_a_digest_stays_the_digest_it_is() -> None:
    """No registry is asked what it names."""
    pinned = APP.at(signed().tags["v1"])
    assert await answers(MemoryStore()).pinned(pinned) == pinned


async def test_a_tag_that_is_not_there_cannot_be_pinned() -> None:
    """The store's error says so."""
    with pytest.raises(StoreError) as caught:
        await answers(MemoryStore()).pinned(APP)
    assert caught.value.reason is Reason.NOT_FOUND


async def test_evidence_that_cannot_be_written_down_decides_nothing() -> None:
    """The report and the decision are one."""

    async def odd(evidence: Evidence) -> Details:
        return Details("odd", data={"value": object()})

    with pytest.raises(Undecided) as caught:
        await answers(signed(), verifier=FakeVerifier(does=odd)).verdict(APP)
    assert caught.value.reason is Reason.INTERNAL


SECRET = "/home/operator/.docker/config.json"


async def test_a_report_for_clients_does_not_say_where_credentials_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Neither the path of the file nor its other keys; the log has the whole message."""
    store = signed()
    image = await store.resolve(APP)
    (referrer,) = store.listings[image.digest]
    store.attach(image, "application/test", ("text/plain", b"a second one, which can be read"))
    message = f"of {SECRET} 'other.example' is not for example.com"
    store.faults[str(referrer.descriptor.digest)] = StoreError(Reason.REGISTRY_AUTH, message)
    found = (await answers(store).verdict(APP)).result
    failed = [failure for _, failure in failures(found.artifacts)]
    assert [failure.reason for failure in failed] == [Reason.REGISTRY_AUTH]
    assert SECRET not in found.to_json()
    assert "other.example" not in found.to_json()
    assert any(SECRET in getattr(record, "error", "") for record in caplog.records)
