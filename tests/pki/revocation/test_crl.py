"""Revocation lists and delta lists: how long what they say counts, and when they say nothing."""

from datetime import datetime, timedelta

import pytest
from cryptography import x509

from pyratify.pki.certificates import parse_certificate
from pyratify.pki.chain import validate_chain
from pyratify.pki.revocation.certificate_status import Finding, RevocationUnknown, Status
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.crl import SKEW, RevocationList, is_final, look_up, read_list
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.testing.certificates import authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.revocation import NOW, FakeFetcher, Revoked, looked_up, make_list

LIST, DELTA = "http://ca.test/root.crl", "http://ca.test/delta.crl"
ROOT = authority()
LEAF = signer(ROOT, extensions=looked_up(lists=LIST, deltas=DELTA))
CERTIFICATE, ISSUER = parse_certificate(LEAF.der), parse_certificate(ROOT.der)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MOMENT = timedelta(seconds=1)
HOLD, REMOVED = x509.ReasonFlags.certificate_hold, x509.ReasonFlags.remove_from_crl


def read(data: bytes) -> RevocationList:
    """Read a list that covers the leaf."""
    return read_list(data, CERTIFICATE, ISSUER)


def base(*revoked: Revoked, end: datetime = NOW + 2 * DAY, number: int | None = 4) -> RevocationList:
    """Return a whole list."""
    return read(make_list(ROOT, revoked, number=number, next_update=end))


def delta(
    *revoked: Revoked,
    end: datetime = NOW + HOUR,
    made: datetime = NOW - HOUR,
    number: int | None = 6,
    adds_to: int | None = 4,
) -> RevocationList:
    """Return a delta list."""
    return read(make_list(ROOT, revoked, number=number, base=adds_to, next_update=end, this_update=made))


def found(whole: RevocationList, more: RevocationList | None, now: datetime = NOW) -> Finding:
    """Return what they say of the leaf."""
    return look_up(CERTIFICATE, whole, more, now, LIST)


@pytest.mark.parametrize(("days", "hours"), [(2, 1), (2, 71), (1, 24), (1, 25)])
def test_a_finding_counts_until_the_first_of_both_lists_ends(days: int, hours: int) -> None:
    """What is remembered beyond the end of a delta list would miss the next one, in which the certificate may stand."""
    whole, more = base(end=NOW + days * DAY), delta(end=NOW + hours * HOUR)
    assert found(whole, more).until == min(NOW + days * DAY, NOW + hours * HOUR)
    assert found(whole, None).until == NOW + days * DAY


def test_a_delta_list_that_ended_says_nothing() -> None:
    """At its very end it still counts, a moment later it does not; and neither does the whole list alone."""
    more = delta(end=NOW + HOUR)
    assert found(base(), more, NOW + HOUR).revoked_at is None
    with pytest.raises(RevocationUnknown, match="delta list was to be replaced"):
        found(base(), more, NOW + HOUR + MOMENT)


def test_a_whole_list_that_ended_says_nothing_good() -> None:
    """Though its delta list be current."""
    more = delta(end=NOW + 3 * DAY)
    with pytest.raises(RevocationUnknown, match="revocation list was to be replaced"):
        found(base(), more, NOW + 2 * DAY + MOMENT)


def test_a_delta_list_of_the_future_says_nothing() -> None:
    """Beyond what clocks differ; and neither does one that ends before it begins."""
    assert found(base(), delta(made=NOW + SKEW)).revoked_at is None
    with pytest.raises(RevocationUnknown, match="from the future"):
        found(base(), delta(made=NOW + SKEW + MOMENT))
    with pytest.raises(RevocationUnknown, match="ends before it begins"):
        found(base(), delta(made=NOW - HOUR, end=NOW - 2 * HOUR))


@pytest.mark.parametrize(
    ("number", "adds_to", "fits"),
    [
        (6, 4, True),
        (4, 4, True),
        (6, 3, True),
        (6, 5, False),
        (3, 3, False),
        (None, 4, False),
        (6, None, False),
    ],
)
def test_a_delta_list_fits_the_list_that_it_adds_to(
    number: int | None, adds_to: int | None, fits: bool
) -> None:
    """By their numbers (RFC 5280, section 5.2.4): one that begins later has a gap before it, an older one is out of date."""
    more = delta(number=number, adds_to=adds_to)
    if fits:
        assert found(base(), more).revoked_at is None
        return
    with pytest.raises(RevocationUnknown):
        found(base(), more)


def test_a_list_without_a_number_has_no_delta_list() -> None:
    """Nothing says that the two belong together."""
    with pytest.raises(RevocationUnknown, match="no numbers"):
        found(base(number=None), delta())


@pytest.mark.parametrize(
    ("before", "after", "revoked"),
    [
        (None, None, False),
        (None, Revoked(LEAF), True),
        (Revoked(LEAF, HOLD), None, True),
        (Revoked(LEAF, HOLD), Revoked(LEAF, REMOVED), False),
        (Revoked(LEAF, HOLD), Revoked(LEAF), True),
        (Revoked(LEAF), Revoked(LEAF, REMOVED), True),
    ],
    ids=["never", "since", "held", "released", "held-then-revoked", "revoked-for-good"],
)
def test_a_delta_list_changes_what_the_list_says(
    before: Revoked | None, after: Revoked | None, revoked: bool
) -> None:
    """It adds, and releases what was on hold; what was revoked for good stays revoked."""
    whole = base(*([before] if before else []))
    finding = found(whole, delta(*([after] if after else [])))
    assert (finding.revoked_at is not None) is revoked
    assert is_final(CERTIFICATE, whole) is (before is not None and before.reason is not HOLD)


async def test_what_a_delta_list_said_is_asked_again_when_it_ends() -> None:
    """Through the checker: revoked in the next delta list, while the whole list is good for a day more."""
    clock = FakeClock()
    fetcher = FakeFetcher(
        {
            LIST: make_list(ROOT, number=4, next_update=NOW + 2 * DAY),
            DELTA: make_list(ROOT, number=5, base=4, next_update=NOW + HOUR),
        }
    )
    checker = RevocationChecker(fetcher, RevocationMemory(clock, RevocationOptions(), None))

    async def status() -> Status:
        (one,) = await checker.check(validate_chain(LEAF.chain), None)
        return one.status

    assert await status() is Status.GOOD
    fetcher.places[DELTA] = make_list(  # type: ignore[index]
        ROOT, [Revoked(LEAF)], number=6, base=4, this_update=NOW + HOUR, next_update=NOW + 3 * HOUR
    )
    clock.advance(3601)
    assert await status() is Status.REVOKED
