"""Attacks on remembered verdicts: tags, errors, tenants, generations, floods and clocks."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.engine import Engine
from pyratify.core.errors import VerificationError
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Details, Evidence
from pyratify.testing.fakes import FakeClock, FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import ONE, codes, returning, signed_by_annotation

APP = Reference.parse("example.com/app:v1")
LONG = Lifetimes(allowed=60, denied=60, tags=60)


def engine(store: MemoryStore, verifier: FakeVerifier | None = None, generation: str = "one") -> Engine:
    """Return an engine over a store."""
    executor = Executor(store=store, verifiers=(verifier or FakeVerifier(),), policy=ONE)
    return Engine(ScopeMap([("example.com", executor)]), generation)


def signed() -> MemoryStore:
    """Return a store with a signed image."""
    store = MemoryStore()
    store.attach(store.add_image(), "application/test", annotations={"signers": "alice"})
    return store


async def test_atk_247_a_tag_that_moves_within_the_lifetime_is_evaluated_anew() -> None:
    """The verdict belongs to the digest; what the tag names now has no evidence."""
    store, verdicts = signed(), Verdicts(FakeClock(), LONG)
    assert (await verdicts.validate(engine(store), APP)).succeeded
    await verdicts.resolve(engine(store), APP)
    evil = store.add_image(content=b"evil")
    result = await verdicts.validate(engine(store), APP)
    assert (result.decision, result.subject) == (Decision.DENY, evil)


async def test_atk_248_a_denial_is_remembered_for_its_own_short_time() -> None:
    """An image that is signed after it was denied is allowed when the short time is over."""
    store, clock = MemoryStore(), FakeClock()
    image = store.add_image()
    verdicts = Verdicts(clock, Lifetimes(allowed=60, denied=2))
    assert not (await verdicts.validate(engine(store), APP)).succeeded
    store.attach(image, "application/test")
    clock.advance(2)
    assert (await verdicts.validate(engine(store), APP)).succeeded


async def test_atk_249_an_allow_does_not_outlive_what_it_depends_on() -> None:
    """A certificate that ends in two seconds ends the remembered verdict, whose lifetime is a minute."""
    store, clock = signed(), FakeClock()
    end = clock.now() + timedelta(seconds=2)

    async def does(evidence: Evidence) -> Details:
        if clock.now() >= end:
            raise VerificationError(Reason.CERT_EXPIRED, "the certificate has ended")
        return Details("good", valid_until=end)

    one, verdicts = engine(store, FakeVerifier(does=does)), Verdicts(clock, LONG)
    assert (await verdicts.validate(one, APP)).succeeded
    clock.advance(1.9)
    assert (await verdicts.validate(one, APP)).succeeded
    assert verdicts.hits == 1
    clock.advance(0.1)
    result = await verdicts.validate(one, APP)
    assert result.decision is Decision.DENY
    assert Reason.CERT_EXPIRED in codes(result)


@pytest.mark.parametrize("when", ["soon", datetime(2026, 1, 1)])  # noqa: DTZ001 - a time without a zone
async def test_atk_249_an_end_that_is_no_moment_is_no_evidence(when: Any) -> None:
    """A verifier that answers so has a defect."""
    verifier = FakeVerifier(does=returning(Details("good", valid_until=when)))
    assert not (await Verdicts(FakeClock(), LONG).validate(engine(signed(), verifier), APP)).succeeded


@pytest.mark.parametrize(("generation", "namespace"), [("two", ""), ("one", "team-b")])
async def test_atk_250_tenants_and_generations_share_no_verdict(generation: str, namespace: str) -> None:
    """An allow for one tells the other nothing."""
    store, verdicts = signed(), Verdicts(FakeClock(), LONG)
    assert (await verdicts.validate(engine(store), APP, "")).succeeded
    stricter = engine(store, FakeVerifier("other"), generation)
    assert not (await verdicts.validate(stricter, APP, namespace)).succeeded


async def test_atk_252_a_remembered_report_is_the_whole_report() -> None:
    """Three times the same verdict with the same evidence."""
    store, verdicts = signed(), Verdicts(FakeClock(), LONG)
    one = engine(store, signed_by_annotation())
    first, second, third = [await verdicts.validate(one, APP) for _ in range(3)]
    assert first == second == third
    details = third.artifacts[0].results[0].details
    assert details is not None
    assert details.signers == ("alice",)


async def test_atk_253_many_digests_do_not_fill_the_memory() -> None:
    """However many are asked for, no more are remembered than allowed."""
    store, verdicts = MemoryStore(), Verdicts(FakeClock(), LONG, max_weight=64 * 1024)
    for number in range(50):
        store.add_image(f"t{number}", content=str(number).encode())
        await verdicts.validate(engine(store), APP.tagged(f"t{number}"))
        await verdicts.resolve(engine(store), APP.tagged(f"t{number}"))
    asked = len(store.calls)
    for number in range(50):
        await verdicts.resolve(engine(store), APP.tagged(f"t{number}"))
    assert len(store.calls) > asked, "the first tags are forgotten, and asked for again"
    assert 8 < len(verdicts) < 50
    assert 32 * 1024 < verdicts.weight <= 64 * 1024


async def test_atk_254_a_wall_clock_that_is_set_back_prolongs_nothing() -> None:
    """Lifetimes are counted in monotonic time."""
    store, clock = signed(), FakeClock()
    verdicts = Verdicts(clock, Lifetimes(allowed=5))
    await verdicts.validate(engine(store), APP)
    clock.time -= timedelta(hours=1)
    clock.elapsed += 5
    store.listings.clear()
    assert not (await verdicts.validate(engine(store), APP)).succeeded
