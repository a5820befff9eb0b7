"""The revocation of chains: OCSP first, then lists and their delta lists; what is not known is never good."""

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.ocsp import OCSPCertStatus, OCSPResponseStatus

from pyratify.core.caching import ContentCache, MemoryCache
from pyratify.pki.asn1 import SEQUENCE, UTC_TIME, encode
from pyratify.pki.chain import validate_chain
from pyratify.pki.der import read_element, read_elements
from pyratify.pki.revocation import checker as checker_module
from pyratify.pki.revocation import crl
from pyratify.pki.revocation.certificate_status import (
    CertificateStatus,
    Finding,
    RevocationUnknown,
    Status,
    worst,
)
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.fetching import FetchFailed, FetchRequest
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.revocation import (
    NOW,
    FakeFetcher,
    Revoked,
    looked_up,
    make_answer,
    make_list,
    refusal,
    responder,
)

OCSP, LIST, DELTA, OTHER_LIST = (
    "http://ca.test/ocsp",
    "http://ca.test/root.crl",
    "http://ca.test/delta.crl",
    "http://ca.test/second.crl",
)
ROOT = authority()
STRANGER = authority("stranger")
BOTH = signer(ROOT, extensions=looked_up(OCSP, LIST))
BY_OCSP = signer(ROOT, extensions=looked_up(OCSP))
BY_LIST = signer(ROOT, extensions=looked_up(lists=LIST))
DAY = timedelta(days=1)
HOLD = x509.ReasonFlags.certificate_hold
COMPROMISE = x509.ReasonFlags.key_compromise
REMOVED = x509.ReasonFlags.remove_from_crl


def make_checker(
    fetcher: FakeFetcher,
    clock: FakeClock | None = None,
    answers: ContentCache | None = None,
    **options: float,
) -> RevocationChecker:
    """Return a checker over a network of a few places."""
    memory = RevocationMemory(clock or FakeClock(), RevocationOptions(**options), answers)
    return RevocationChecker(fetcher, memory)


async def look(leaf: Issued, places: dict, signed_at=None) -> CertificateStatus:
    """Return the status of a leaf."""
    (status,) = await make_checker(FakeFetcher(places)).check(validate_chain(leaf.chain), signed_at)
    return status


def revoked(leaf: Issued, **options) -> bytes:
    """Return a list with one entry."""
    return make_list(ROOT, [Revoked(leaf, **options)])


def says(leaf: Issued = BY_OCSP, **options) -> bytes:
    """Return an OCSP answer."""
    return make_answer(leaf, ROOT, **options)


def changed(data: bytes) -> bytes:
    """Return an answer whose signature ends in another bit."""
    return data[:-1] + bytes((data[-1] ^ 1,))


def weakened(data: bytes) -> bytes:
    """Return an answer that says it is signed with SHA-224."""
    return data.replace(bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040301"))


DELEGATE = responder(ROOT)


@pytest.mark.parametrize(
    ("leaf", "places"),
    [
        (BY_OCSP, {OCSP: says()}),
        (BY_OCSP, {OCSP: says(by=DELEGATE)}),
        (BY_OCSP, {OCSP: says(next_update=None)}),
        (BY_LIST, {LIST: make_list(ROOT)}),
        (BY_LIST, {LIST: make_list(ROOT, [Revoked(BOTH)])}),
        (BOTH, {OCSP: says(BOTH), LIST: revoked(BOTH)}),
        (BOTH, {LIST: make_list(ROOT)}),
        (BOTH, {OCSP: b"garbage", LIST: make_list(ROOT)}),
        (BOTH, {OCSP: says(BOTH, status=OCSPCertStatus.UNKNOWN), LIST: make_list(ROOT)}),
        (signer(ROOT), {}),
        (signer(ROOT, extensions=looked_up(lists=(OTHER_LIST, LIST))), {LIST: make_list(ROOT)}),
    ],
    ids=[
        "ocsp",
        "ocsp-by-a-delegate",
        "ocsp-without-end",
        "list",
        "list-of-others",
        "ocsp-before-list",
        "list-when-ocsp-is-dead",
        "list-when-ocsp-is-garbage",
        "list-when-ocsp-does-not-know",
        "nothing-to-ask",
        "second-place",
    ],
)
async def test_a_good_certificate_is_good(leaf: Issued, places: dict) -> None:
    """Each road to an answer."""
    assert (await look(leaf, places)).status is Status.GOOD


@pytest.mark.parametrize(
    ("leaf", "places"),
    [
        (BY_OCSP, {OCSP: says(status=OCSPCertStatus.REVOKED, reason=COMPROMISE)}),
        (BY_OCSP, {OCSP: says(status=OCSPCertStatus.REVOKED)}),
        (BOTH, {OCSP: says(BOTH, status=OCSPCertStatus.REVOKED), LIST: make_list(ROOT)}),
        (BOTH, {LIST: revoked(BOTH)}),
        (BY_LIST, {LIST: revoked(BY_LIST, reason=COMPROMISE)}),
        (BY_LIST, {LIST: revoked(BY_LIST, reason=HOLD)}),
        (BY_LIST, {LIST: make_list(ROOT, [Revoked(BY_LIST)], next_update=NOW - timedelta(minutes=1))}),
    ],
    ids=[
        "ocsp-with-reason",
        "ocsp-without-reason",
        "ocsp-against-list",
        "list-when-ocsp-is-dead",
        "list",
        "list-on-hold",
        "list-that-has-ended",
    ],
)
async def test_a_revoked_certificate_is_revoked(leaf: Issued, places: dict) -> None:
    """Each road to an answer, and a list that ended still revokes."""
    found = await look(leaf, places)
    assert found.status is Status.REVOKED
    assert "revoked at 2026-05-31T00:00:00Z" in found.detail


INDIRECT = x509.DistributionPoint(
    [x509.UniformResourceIdentifier(LIST)], None, None, [x509.DirectoryName(x509.Name([]))]
)
NO_SIGNING = authority("no lists", usages=("keyCertSign",))
UNSAID = {
    "ocsp-no-server": (BY_OCSP, {}, "no such server"),
    "ocsp-garbage": (BY_OCSP, {OCSP: b"garbage"}, "malformed"),
    "ocsp-empty": (BY_OCSP, {OCSP: b""}, "malformed"),
    "ocsp-try-later": (BY_OCSP, {OCSP: refusal()}, "try_later"),
    "ocsp-error": (BY_OCSP, {OCSP: refusal(OCSPResponseStatus.INTERNAL_ERROR)}, "internal_error"),
    "ocsp-unauthorized": (BY_OCSP, {OCSP: refusal(OCSPResponseStatus.UNAUTHORIZED)}, "unauthorized"),
    "ocsp-unknown": (BY_OCSP, {OCSP: says(status=OCSPCertStatus.UNKNOWN)}, "does not know"),
    "ocsp-other-serial": (BY_OCSP, {OCSP: says(BOTH)}, "another certificate"),
    "ocsp-other-issuer": (
        BY_OCSP,
        {OCSP: make_answer(BY_OCSP, STRANGER, by=DELEGATE)},
        "another certificate",
    ),
    "ocsp-ended": (
        BY_OCSP,
        {OCSP: says(this_update=NOW - 2 * DAY, next_update=NOW - timedelta(minutes=1))},
        "ended at",
    ),
    "ocsp-old": (BY_OCSP, {OCSP: says(this_update=NOW - 365 * DAY, next_update=None)}, "older than a day"),
    "ocsp-future": (
        BY_OCSP,
        {OCSP: says(this_update=NOW + DAY, next_update=NOW + 2 * DAY)},
        "from the future",
    ),
    "ocsp-other-key": (BY_OCSP, {OCSP: changed(says())}, "signature is not"),
    "ocsp-by-a-stranger": (
        BY_OCSP,
        {OCSP: says(by=responder(STRANGER))},
        "neither the issuer nor a responder",
    ),
    "ocsp-by-a-signer": (BY_OCSP, {OCSP: says(by=BOTH)}, "neither the issuer nor a responder"),
    "ocsp-by-itself": (BY_OCSP, {OCSP: says(by=BY_OCSP)}, "neither the issuer nor a responder"),
    "ocsp-delegate-not-shown": (
        BY_OCSP,
        {OCSP: says(by=DELEGATE, bag=())},
        "neither the issuer nor a responder",
    ),
    "ocsp-delegate-expired": (
        BY_OCSP,
        {OCSP: says(by=responder(ROOT, not_after=NOW - DAY))},
        "not valid now",
    ),
    "ocsp-sha1": (BY_OCSP, {OCSP: weakened(says())}, "weak hash"),
    "list-no-server": (BY_LIST, {}, "no such server"),
    "list-garbage": (BY_LIST, {LIST: b"garbage"}, "malformed"),
    "list-cut-off": (BY_LIST, {LIST: make_list(ROOT)[:-1]}, "malformed"),
    "list-ended": (
        BY_LIST,
        {LIST: make_list(ROOT, next_update=NOW - timedelta(minutes=1))},
        "to be replaced",
    ),
    "list-ended-on-hold": (
        BY_LIST,
        {LIST: make_list(ROOT, [Revoked(BY_LIST, HOLD)], next_update=NOW - timedelta(minutes=1))},
        "to be replaced",
    ),
    "list-future": (
        BY_LIST,
        {LIST: make_list(ROOT, this_update=NOW + DAY, next_update=NOW + 2 * DAY)},
        "from the future",
    ),
    "no-usable-place": (
        signer(ROOT, extensions=((x509.CRLDistributionPoints([INDIRECT]), False),)),
        {},
        "no revocation list that can be used",
    ),
    "list-other-issuer": (BY_LIST, {LIST: make_list(STRANGER)}, "another issuer's"),
    "list-other-key": (BY_LIST, {LIST: make_list(ROOT, key=STRANGER.key)}, "signature is not"),
    "list-weak": (BY_LIST, {LIST: weakened(make_list(ROOT))}, "weak hash"),
    "list-issuer-must-not-sign": (
        signer(NO_SIGNING, extensions=looked_up(lists=LIST)),
        {LIST: make_list(NO_SIGNING)},
        "must not sign",
    ),
    "list-is-a-delta": (BY_LIST, {LIST: make_list(ROOT, number=5, base=4)}, "is only a delta list"),
    "list-unknown-extension": (
        BY_LIST,
        {
            LIST: make_list(
                ROOT,
                extra=((x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True),),
            )
        },
        "critical extension",
    ),
    "entry-unknown-extension": (
        BY_LIST,
        {
            LIST: make_list(
                ROOT,
                [
                    Revoked(
                        BY_LIST,
                        extra=(
                            (
                                x509.CertificateIssuer([x509.DNSName("elsewhere.test")]),
                                True,
                            ),
                        ),
                    )
                ],
            )
        },
        "critical extension",
    ),
    "not-http": (
        signer(ROOT, extensions=looked_up(lists="ldap://ca.test/root")),
        {},
        "no such server",
    ),
}


@pytest.mark.parametrize("case", UNSAID)
async def test_what_is_not_known_is_never_good(case: str) -> None:
    """Every answer that cannot be relied upon is no answer, and the reason is said."""
    leaf, places, why = UNSAID[case]
    found = await look(leaf, places)
    assert found.status is Status.UNKNOWN
    assert why in found.detail


def point(**options) -> tuple:
    """Return an issuing distribution point as an extension of a list."""
    settings = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return ((x509.IssuingDistributionPoint(**(settings | options)), True),)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"only_contains_user_certs": True}, Status.GOOD),
        ({"full_name": [x509.UniformResourceIdentifier(LIST)]}, Status.GOOD),
        ({"full_name": [x509.UniformResourceIdentifier(OTHER_LIST)]}, Status.UNKNOWN),
        ({"only_contains_ca_certs": True}, Status.UNKNOWN),
        ({"only_contains_attribute_certs": True}, Status.UNKNOWN),
        ({"indirect_crl": True}, Status.UNKNOWN),
        ({"only_some_reasons": frozenset([COMPROMISE])}, Status.UNKNOWN),
    ],
)
async def test_a_list_counts_for_what_it_covers(options: dict, status: Status) -> None:
    """The issuing distribution point says which certificates and reasons a list is complete for."""
    assert (await look(BY_LIST, {LIST: make_list(ROOT, extra=point(**options))})).status is status


WITH_DELTA = signer(ROOT, extensions=looked_up(lists=LIST, deltas=DELTA))
FRESHEST = (
    (
        x509.FreshestCRL([x509.DistributionPoint([x509.UniformResourceIdentifier(DELTA)], None, None, None)]),
        False,
    ),
)


@pytest.mark.parametrize(
    ("base", "delta", "status"),
    [
        ({}, {"number": 6, "base": 5}, Status.GOOD),
        ({}, {"number": 5, "base": 3}, Status.GOOD),
        ({}, {"number": 6, "base": 5, "revoked": [Revoked(WITH_DELTA)]}, Status.REVOKED),
        ({"revoked": [Revoked(WITH_DELTA, HOLD)]}, {"number": 6, "base": 5}, Status.REVOKED),
        (
            {"revoked": [Revoked(WITH_DELTA, HOLD)]},
            {"number": 6, "base": 5, "revoked": [Revoked(WITH_DELTA, REMOVED)]},
            Status.GOOD,
        ),
        (
            {"revoked": [Revoked(WITH_DELTA, COMPROMISE)]},
            {"number": 6, "base": 5, "revoked": [Revoked(WITH_DELTA, REMOVED)]},
            Status.REVOKED,
        ),
        ({}, None, Status.UNKNOWN),
        ({"revoked": [Revoked(WITH_DELTA, COMPROMISE)]}, None, Status.REVOKED),
        ({}, {"number": 7, "base": 6}, Status.UNKNOWN),
        ({}, {"number": 4, "base": 3}, Status.UNKNOWN),
        ({}, {"number": 6}, Status.UNKNOWN),
        ({"number": None}, {"number": 6, "base": 5}, Status.UNKNOWN),
        ({}, {"number": 6, "base": 5, "next_update": NOW - timedelta(minutes=1)}, Status.UNKNOWN),
    ],
    ids=[
        "good",
        "same-number",
        "revoked-since",
        "still-on-hold",
        "released",
        "not-released",
        "missing",
        "missing-and-not-needed",
        "for-a-later-list",
        "older",
        "no-delta",
        "no-numbers",
        "ended",
    ],
)
@pytest.mark.parametrize("named_by", ["certificate", "list"])
async def test_a_delta_list_changes_what_its_base_says(named_by: str, base, delta, status: Status) -> None:
    """Delta lists add to exactly the list they fit, named by the certificate or by the list (RFC 5280, section 5.2.4)."""
    extra = FRESHEST if named_by == "list" else ()
    leaf = WITH_DELTA
    places = {LIST: make_list(ROOT, extra=extra, **({"number": 5} | base))}
    if delta is not None:
        places[DELTA] = make_list(ROOT, **delta)
    assert (await look(leaf, places)).status is status


@pytest.mark.parametrize(
    ("invalid", "signed", "status"),
    [
        (-DAY, -2 * DAY, Status.GOOD),
        (-DAY, -DAY, Status.REVOKED),
        (-2 * DAY, -DAY, Status.REVOKED),
        (-DAY, None, Status.REVOKED),
        (None, -2 * DAY, Status.REVOKED),
    ],
    ids=["signed-before", "signed-then", "signed-after", "no-authentic-time", "no-invalidity-date"],
)
async def test_only_an_authentic_time_before_the_invalidity_date_saves(
    invalid, signed, status: Status
) -> None:
    """A key that became invalid after the signature does not undo it; a revocation without a date does."""
    entry = Revoked(BY_LIST, COMPROMISE, NOW + invalid if invalid else None)
    found = await look(BY_LIST, {LIST: make_list(ROOT, [entry])}, NOW + signed if signed else None)
    assert found.status is status


@pytest.mark.parametrize(
    ("lists", "status"),
    [(make_list(ROOT), Status.GOOD), (None, Status.UNKNOWN), ("revoked", Status.UNKNOWN)],
)
async def test_a_delegate_without_no_check_is_looked_up_itself(lists, status: Status) -> None:
    """The responder's own certificate must not be revoked, by its lists."""
    delegate = responder(ROOT, no_check=False, extensions=looked_up(lists=LIST))
    places = {OCSP: says(by=delegate)}
    if lists:
        places[LIST] = revoked(delegate) if lists == "revoked" else lists
    assert (await look(BY_OCSP, places)).status is status


async def test_every_certificate_but_the_root_is_looked_up() -> None:
    """A revoked intermediate decides for the chain; the leaf's own status is still told."""
    middle = authority("middle", issuer=ROOT, extensions=looked_up(lists=LIST))
    leaf = signer(middle, extensions=looked_up(lists=OTHER_LIST))
    fetcher = FakeFetcher({LIST: revoked(middle), OTHER_LIST: make_list(middle)})
    statuses = await make_checker(fetcher).check(validate_chain(leaf.chain))
    assert [entry.status for entry in statuses] == [Status.GOOD, Status.REVOKED]
    assert worst(statuses) is statuses[1]


async def test_revoked_decides_before_unknown() -> None:
    """Of two bad answers the worse one is told."""
    middle = authority("middle", issuer=ROOT, extensions=looked_up(lists=LIST))
    leaf = signer(middle, extensions=looked_up(lists=OTHER_LIST))
    statuses = await make_checker(FakeFetcher({LIST: revoked(middle)})).check(validate_chain(leaf.chain))
    assert [entry.status for entry in statuses] == [Status.UNKNOWN, Status.REVOKED]
    assert worst(statuses) is statuses[1]


async def test_a_finding_is_asked_for_again_when_its_source_says_so() -> None:
    """Until the next update no server is asked; after it, once."""
    clock, fetcher = FakeClock(), FakeFetcher({LIST: make_list(ROOT, next_update=NOW + timedelta(hours=2))})
    checker = make_checker(fetcher, clock, MemoryCache())
    chain = validate_chain(BY_LIST.chain)
    for _ in range(3):
        assert (await checker.check(chain))[0].status is Status.GOOD
    assert fetcher.asked == [LIST]
    clock.advance(2 * 3600 + 1)
    assert (await checker.check(chain))[0].status is Status.UNKNOWN
    assert fetcher.asked == [LIST, LIST]


async def test_an_answer_without_an_end_is_asked_for_each_time() -> None:
    """Newer information is always to be had (RFC 6960, section 4.2.2.1)."""
    fetcher = FakeFetcher({OCSP: says(next_update=None)})
    checker = make_checker(fetcher, answers=MemoryCache())
    for _ in range(3):
        assert (await checker.check(validate_chain(BY_OCSP.chain)))[0].status is Status.GOOD
    assert fetcher.asked == [OCSP] * 3


async def test_an_ocsp_answer_is_kept_for_later_programs() -> None:
    """Another checker over the same cache sends no request."""
    answers = MemoryCache()
    for fetcher in (FakeFetcher({OCSP: says()}), FakeFetcher({})):
        (found,) = await make_checker(fetcher, answers=answers).check(validate_chain(BY_OCSP.chain))
        assert found.status is Status.GOOD
    assert fetcher.asked == []


async def test_an_answer_that_never_ends_is_asked_for_again_after_a_day() -> None:
    """A list that is good for a century is still read anew."""
    clock, fetcher = FakeClock(), FakeFetcher({LIST: make_list(ROOT, next_update=NOW + 36500 * DAY)})
    checker = make_checker(fetcher, clock, MemoryCache())
    await checker.check(validate_chain(BY_LIST.chain))
    clock.advance(24 * 3600 + 1)
    fetcher.places = {LIST: make_list(ROOT, [Revoked(BY_LIST)], next_update=NOW + 36500 * DAY)}
    assert (await checker.check(validate_chain(BY_LIST.chain)))[0].status is Status.REVOKED


async def test_a_dead_responder_costs_its_budget_once_and_is_asked_again_later() -> None:
    """Ten chains below one authority, one question; a minute later another one."""
    clock, fetcher = FakeClock(), FakeFetcher({OCSP: FetchFailed("dead")})
    checker = make_checker(fetcher, clock)
    chains = [validate_chain(signer(ROOT, which=n, extensions=looked_up(OCSP)).chain) for n in range(3)]
    for _ in range(3):
        for chain in chains:
            assert (await checker.check(chain))[0].status is Status.UNKNOWN
    assert fetcher.asked == [OCSP]
    clock.advance(61)
    await checker.check(chains[0])
    assert fetcher.asked == [OCSP, OCSP]


async def test_what_is_not_known_is_not_asked_for_again_at_once() -> None:
    """An answer that says nothing is remembered for a moment, by certificate."""
    clock, fetcher = FakeClock(), FakeFetcher({OCSP: b"garbage"})
    checker = make_checker(fetcher, clock)
    for _ in range(3):
        await checker.check(validate_chain(BY_OCSP.chain))
    assert fetcher.asked == [OCSP]
    clock.advance(61)
    fetcher.places = {OCSP: lambda _: make_answer(BY_OCSP, ROOT)}
    assert (await checker.check(validate_chain(BY_OCSP.chain)))[0].status is Status.GOOD


class Never:
    """A network in which no server answers."""

    def __init__(self) -> None:
        self.asked = 0

    async def fetch(self, request: FetchRequest) -> bytes:
        """Wait for ever."""
        del request
        self.asked += 1
        await asyncio.Event().wait()
        raise AssertionError


async def test_one_who_never_answers_is_left_when_the_time_is_over() -> None:
    """The budget ends the question, and every later one of the same server."""
    never = Never()
    memory = RevocationMemory(FakeClock(), RevocationOptions(ocsp_seconds=0.01, list_seconds=0.01))
    checker = RevocationChecker(never, memory)
    for leaf in (BOTH, BOTH, BY_OCSP, BY_LIST):
        (found,) = await checker.check(validate_chain(leaf.chain))
        assert found.status is Status.UNKNOWN
        assert "did not answer within 0.01 seconds" in found.detail
    assert never.asked == 2


async def test_the_time_for_one_certificate_is_shared_by_all_its_places() -> None:
    """When it is used up no further server is asked."""
    clock = FakeClock()

    def slowly(request: FetchRequest) -> bytes:
        del request
        clock.advance(8)
        raise FetchFailed("too late")

    fetcher = FakeFetcher({OCSP: slowly, LIST: make_list(ROOT)})
    (found,) = await make_checker(fetcher, clock).check(validate_chain(BOTH.chain))
    assert found.status is Status.UNKNOWN
    assert "time for this certificate is used up" in found.detail
    assert fetcher.asked == [OCSP]


async def test_a_large_list_is_read_beside_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parsing it, checking its signature and searching it would delay every other verification."""
    threads: list[tuple[str, bool]] = []

    def record(function: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object) -> object:
            threads.append((function.__name__, threading.current_thread() is threading.main_thread()))
            return function(*args)

        return call

    for function in (crl.read_list, crl.is_final, crl.look_up):
        monkeypatch.setattr(checker_module, function.__name__, record(function))
    padding = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"x" * 65_536)
    large = make_list(ROOT, [Revoked(BY_LIST)], extra=((padding, False),))
    for data, on_the_loop in ((large, False), (make_list(ROOT, [Revoked(BY_LIST)]), True)):
        threads.clear()
        found = await make_checker(FakeFetcher({LIST: data})).check(validate_chain(BY_LIST.chain))
        assert found[0].status is Status.REVOKED
        assert threads == [(name, on_the_loop) for name in ("read_list", "is_final", "look_up")]


async def test_questions_at_the_same_time_are_asked_once() -> None:
    """Twenty verifications that begin together share one download."""
    fetcher = FakeFetcher({LIST: make_list(ROOT)})
    checker, chain = make_checker(fetcher), validate_chain(BY_LIST.chain)
    results = await asyncio.gather(*(checker.check(chain) for _ in range(20)))
    assert {status.status for (status,) in results} == {Status.GOOD}
    assert fetcher.asked == [LIST]


def ending(answer: bytes, new: bytes) -> bytes:
    """Return a list signed again with another end, or none."""
    content, algorithm, _ = read_elements(read_element(answer, SEQUENCE).content)
    end = encode(UTC_TIME, f"{NOW + DAY:%y%m%d%H%M%SZ}".encode())
    body = encode(SEQUENCE, content.content.replace(end, new))
    signature = encode(0x03, b"\x00" + ROOT.key.sign(body, ECDSA(SHA256())))
    return encode(SEQUENCE, body + encode(SEQUENCE, algorithm.content) + signature)


@pytest.mark.parametrize(
    ("new", "why"),
    [(b"", "does not say when it ends"), (encode(UTC_TIME, b"250101000000Z"), "ends before it begins")],
)
async def test_a_list_says_when_it_ends(new: bytes, why: str) -> None:
    """Rightly signed, and still of no use."""
    found = await look(BY_LIST, {LIST: ending(make_list(ROOT), new)})
    assert found.status is Status.UNKNOWN
    assert why in found.detail


def test_a_chain_of_good_certificates_has_no_worst() -> None:
    """Nothing decides against it."""
    assert worst((CertificateStatus("x", Status.GOOD, ""),)) is None
    assert not Finding("here", NOW).is_revoked(None)


async def test_memory_is_bounded() -> None:
    """More than four thousand findings and dead servers push out the oldest."""
    memory = RevocationMemory(FakeClock(), RevocationOptions())
    finding = Finding("here", NOW + DAY)
    for number in range(4100):
        memory.keep(str(number), finding)
        memory.bury(str(number), "dead")
    assert memory.finding("0") is None
    assert memory.finding("4099") is finding
    memory.check_alive("0")
    with pytest.raises(RevocationUnknown, match="dead"):
        memory.check_alive("4099")
