"""Attacks on revocation: what is revoked never passes, and what is not known never counts as good."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA224
from cryptography.x509.ocsp import OCSPCertStatus, load_der_ocsp_response

from pyratify.caches.sqlite_content import SqliteCache
from pyratify.core.caching import ContentCache, MemoryCache
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.pki.chain import validate_chain
from pyratify.pki.revocation.certificate_status import Status
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.fetch_http import HttpFetcher
from pyratify.pki.revocation.fetching import FetchFailed
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.testing.revocation import (
    NOW,
    FakeFetcher,
    RevocationServer,
    Revoked,
    as_http,
    looked_up,
    make_answer,
    make_list,
    refusal,
    responder,
)
from pyratify.testing.timestamps import stamped_jws, timestamp_authority
from pyratify.verifiers.notation.envelope import JWS_TYPE
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_bench import FORMATS, MIDDLE, ROOT, details, found, judge

OCSP, LIST = "http://ca.test/ocsp", "http://ca.test/crl"
BY_OCSP = signer(MIDDLE, extensions=looked_up(OCSP))
BY_LIST = signer(MIDDLE, extensions=looked_up(lists=LIST))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOLD = x509.ReasonFlags.certificate_hold
COMPROMISE = x509.ReasonFlags.key_compromise
REVOKED = OCSPCertStatus.REVOKED


def checker(fetcher: Any, answers: ContentCache | None = None, **options: float) -> RevocationChecker:
    """Return a checker over a network."""
    return RevocationChecker(fetcher, RevocationMemory(FakeClock(), RevocationOptions(**options), answers))


def trusting(places: dict[str, Any], level: str = "strict") -> NotationVerifier:
    """Return a verifier whose network has these places."""
    return make_verifier(ROOT, level=level, revocation=checker(FakeFetcher(places)))


def listed(*entries: Revoked, **options: Any) -> bytes:
    """Return a list of the issuer of all signers here."""
    return make_list(MIDDLE, entries, **options)


def says(leaf: Issued = BY_OCSP, **options: Any) -> bytes:
    """Return an OCSP answer of the issuer of all signers here."""
    return make_answer(leaf, MIDDLE, **options)


UNAVAILABLE = {
    "ocsp-500": (BY_OCSP, {OCSP: FetchFailed("the server answers 500")}),
    "ocsp-timeout": (BY_OCSP, {OCSP: TimeoutError()}),
    "ocsp-unknown": (BY_OCSP, {OCSP: says(status=OCSPCertStatus.UNKNOWN)}),
    "ocsp-try-later": (BY_OCSP, {OCSP: refusal()}),
    "ocsp-empty": (BY_OCSP, {OCSP: b""}),
    "list-404": (BY_LIST, {LIST: FetchFailed("the server answers 404")}),
    "list-expired": (BY_LIST, {LIST: listed(next_update=NOW - HOUR / 2)}),
    "list-wrong-signature": (BY_LIST, {LIST: listed(key=ROOT.key)}),
    "list-wrong-issuer": (BY_LIST, {LIST: make_list(ROOT)}),
}


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("case", UNAVAILABLE)
async def test_atk_163_an_unavailable_answer_is_never_good(case: str, media_type: str) -> None:
    """Where revocation is enforced the image is denied, with the answer's own fault in the message."""
    leaf, places = UNAVAILABLE[case]
    result = await judge(media_type=media_type, leaf=leaf, verifier=trusting(places))
    assert found(result).reason is Reason.REVOCATION_UNKNOWN
    assert "http://ca.test/" in found(result).message or "OCSP" in found(result).message or "list" in case


@pytest.mark.parametrize("level", ["permissive", "audit"])
@pytest.mark.parametrize("case", UNAVAILABLE)
async def test_atk_163_a_level_that_only_reports_warns(case: str, level: str) -> None:
    """The image passes, and the report says that revocation is not known."""
    leaf, places = UNAVAILABLE[case]
    result = details(await judge(leaf=leaf, verifier=trusting(places, level)))
    assert [warning.reason for warning in result.warnings] == [Reason.REVOCATION_UNKNOWN]
    assert result.data["checks"]["revocation"] == "failed"


def weakly_signed() -> bytes:
    """Return a good answer by the issuer itself whose signature holds, over SHA-224."""
    good = says()
    answer = load_der_ocsp_response(good)
    signature = b""
    while len(signature) != len(answer.signature):  # that of ECDSA's DER differs from one to the next
        signature = MIDDLE.key.sign(answer.tbs_response_bytes, ECDSA(SHA224()))  # type: ignore[call-arg, arg-type]
    strong, weak = bytes.fromhex("2a8648ce3d040302"), bytes.fromhex("2a8648ce3d040301")
    assert good.count(strong) == good.count(answer.signature) == 1
    return good.replace(strong, weak).replace(answer.signature, signature)


def partly(**changes: Any) -> bytes:
    """Return a list that covers a part of what the issuer issues."""
    names = ("full_name", "relative_name", "only_contains_user_certs", "only_contains_ca_certs")
    given = dict.fromkeys(names[:2]) | dict.fromkeys(names[2:], False)
    given |= {
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    } | changes
    return listed(extra=((x509.IssuingDistributionPoint(**given), True),))


UNKNOWN_EXTENSION = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")
# What is served, and the words by which it is refused: another reason would prove nothing about this one.
FORGED: dict[str, tuple[bytes, str]] = {
    "other-serial": (says(BY_LIST), "about another certificate"),
    "a-year-old": (says(this_update=NOW - 365 * DAY, next_update=NOW - 358 * DAY), "ended at"),
    "a-year-old-without-end": (says(this_update=NOW - 365 * DAY, next_update=None), "older than a day"),
    "without-ocsp-signing": (says(by=BY_LIST), "signed by neither"),
    "ocsp-signing-of-another-authority": (says(by=responder(ROOT)), "signed by neither"),
    "weak-hash-only": (weakly_signed(), "weak hash"),
    "list-of-another-authority": (make_list(ROOT), "another issuer's"),
    "list-of-a-namesake": (make_list(authority("intermediate", which=9)), "signature is not the issuer's"),
    "indirect": (partly(indirect_crl=True), "indirect or covers some reasons only"),
    "delta-as-base": (listed(number=2, base=1), "only a delta list"),
    "some-reasons": (
        partly(only_some_reasons=frozenset([COMPROMISE])),
        "indirect or covers some reasons only",
    ),
    "unknown-critical-extension": (listed(extra=((UNKNOWN_EXTENSION, True),)), "critical extension"),
}
HONEST = {
    "ocsp": says(by=responder(MIDDLE)),
    "list": listed(),
    "list-extension": listed(extra=((UNKNOWN_EXTENSION, False),)),
}


def served(data: bytes, *, as_list: bool) -> tuple[Issued, dict[str, Any]]:
    """Return the signer to check, and a network that answers so."""
    return (BY_LIST, {LIST: data}) if as_list else (BY_OCSP, {OCSP: data})


@pytest.mark.parametrize("case", FORGED)
async def test_atk_164_a_forged_or_replayed_answer_says_nothing(case: str) -> None:
    """Each of them would say good, if it were believed, and each is refused for its own fault."""
    data, fault = FORGED[case]
    leaf, places = served(data, as_list=list(FORGED).index(case) >= 6)
    failure = found(await judge(leaf=leaf, verifier=trusting(places)))
    assert failure.reason is Reason.REVOCATION_UNKNOWN
    assert fault in failure.message


@pytest.mark.parametrize("case", HONEST)
async def test_atk_164_an_honest_answer_of_the_same_make_is_believed(case: str) -> None:
    """What the forged ones are made from: a delegate of the issuer, its list, and an extension that may be ignored."""
    leaf, places = served(HONEST[case], as_list=case != "ocsp")
    assert details(await judge(leaf=leaf, verifier=trusting(places))).data["checks"]["revocation"] == "passed"


MIDDLE_LISTED = authority("intermediate", issuer=ROOT, extensions=looked_up(lists=LIST))
REVOKED_CASES = {
    "leaf-by-ocsp": (BY_OCSP, {OCSP: says(status=REVOKED, reason=COMPROMISE)}),
    "leaf-by-list": (BY_LIST, {LIST: listed(Revoked(BY_LIST, COMPROMISE))}),
    "leaf-on-hold": (BY_LIST, {LIST: listed(Revoked(BY_LIST, HOLD))}),
    "intermediate": (signer(MIDDLE_LISTED), {LIST: make_list(ROOT, [Revoked(MIDDLE_LISTED)])}),
}


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("case", REVOKED_CASES)
async def test_atk_165_a_revoked_certificate_is_denied(case: str, media_type: str) -> None:
    """Leaf and intermediate, by OCSP and by list, on hold too."""
    leaf, places = REVOKED_CASES[case]
    result = await judge(media_type=media_type, leaf=leaf, verifier=trusting(places))
    assert found(result).reason is Reason.CERT_REVOKED


@pytest.mark.parametrize("level", ["permissive", "audit"])
async def test_atk_165_a_level_that_only_reports_warns(level: str) -> None:
    """The policy's author decided so; the warning says that the certificate is revoked."""
    leaf, places = REVOKED_CASES["leaf-by-list"]
    result = details(await judge(leaf=leaf, verifier=trusting(places, level)))
    assert [warning.reason for warning in result.warnings] == [Reason.CERT_REVOKED]
    assert result.data["revocationFindings"][0]["status"] == "revoked"


TSA_ROOT = authority("tsa root")


def with_timestamps(places: dict[str, Any]) -> NotationVerifier:
    """Return a verifier that wants a timestamp."""
    policy = short_trust_policy(identities=("*",), stores=["ca:test", "tsa:test"], level="strict")
    stores = {StoreName("ca", "test"): (ROOT.material,), StoreName("tsa", "test"): (TSA_ROOT.material,)}
    return NotationVerifier("notation", policy, stores, FakeClock(), revocation=checker(FakeFetcher(places)))


@pytest.mark.parametrize(
    ("invalid_from", "reason"),
    [
        (NOW - DAY, None),
        (NOW - 365 * DAY, Reason.CERT_REVOKED),
        (None, Reason.CERT_REVOKED),
    ],
    ids=["key-bad-since-yesterday", "key-bad-before-the-timestamp", "no-invalidity-date"],
)
async def test_atk_165_a_timestamp_saves_only_what_was_signed_before_the_key_was_bad(
    invalid_from: Any, reason: Reason | None
) -> None:
    """The timestamp is of January; the same without an invalidity date saves nothing."""
    places = {LIST: listed(Revoked(BY_LIST, COMPROMISE, invalid_from))}
    recipe = Recipe(whole=stamped_jws(timestamp_authority(TSA_ROOT)))
    result = await judge(recipe, leaf=BY_LIST, verifier=with_timestamps(places))
    if reason is None:
        assert details(result).data["timestamp"] == "2026-01-01T00:00:05Z"
    else:
        assert found(result).reason is reason


async def test_atk_165_the_signers_own_time_saves_nothing() -> None:
    """Without a timestamp there is no proof of when it was signed."""
    places = {LIST: listed(Revoked(BY_LIST, COMPROMISE, NOW - DAY))}
    result = await judge(leaf=BY_LIST, verifier=trusting(places))
    assert found(result).reason is Reason.CERT_REVOKED


@pytest.mark.parametrize("invalid_from", [None, NOW - DAY])
async def test_atk_165_a_revoked_timestamp_authority_proves_no_time(invalid_from: Any) -> None:
    """Whenever its key went bad: a stolen key stamps any date."""
    tsa = timestamp_authority(TSA_ROOT, extensions=looked_up(lists=LIST))
    places = {LIST: make_list(TSA_ROOT, [Revoked(tsa, COMPROMISE, invalid_from)])}
    recipe = Recipe(whole=stamped_jws(tsa))
    result = await judge(recipe, verifier=with_timestamps(places))
    assert found(result).reason is Reason.CERT_REVOKED
    good = with_timestamps({LIST: make_list(TSA_ROOT)})
    details(await judge(recipe, verifier=good))


@pytest.mark.parametrize("level", ["strict", "permissive", "audit"])
async def test_atk_166_an_untrusted_chain_causes_no_question(level: str) -> None:
    """A pushed signature cannot make this machine connect anywhere."""
    stranger = authority("stranger")
    leaf = signer(stranger, extensions=looked_up(OCSP, LIST))
    fetcher = FakeFetcher({})
    verifier = make_verifier(ROOT, level=level, revocation=checker(fetcher))
    result = await judge(leaf=leaf, verifier=verifier)
    if level != "audit":
        assert found(result).reason is Reason.CHAIN_UNTRUSTED
    else:
        reasons = {warning.reason for warning in details(result).warnings}
        assert reasons == {Reason.CHAIN_UNTRUSTED, Reason.REVOCATION_UNKNOWN}
    assert fetcher.asked == []


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://127.0.0.1:1/crl",
        "http://[::ffff:10.0.0.1]/crl",
        "http://2130706433/crl",
        "file:///etc/passwd",
        "ldap://10.0.0.1/cn=crl",
        "https://ca.test/crl",
        "gopher://ca.test/",
    ],
)
async def test_atk_166_a_place_that_must_not_be_asked_is_not(url: str) -> None:
    """A trusted authority names it, and still only public addresses over http are asked."""

    def resolve(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1" if host == "2130706433" else host,)

    leaf = signer(MIDDLE, extensions=looked_up(lists=url))
    verifier = make_verifier(ROOT, revocation=checker(HttpFetcher(resolve=resolve)))
    result = await judge(leaf=leaf, verifier=verifier)
    assert found(result).reason is Reason.REVOCATION_UNKNOWN
    assert "not public" in found(result).message or "only http" in found(result).message


async def test_atk_166_a_redirect_to_an_address_inside_is_not_followed() -> None:
    """The first server is allowed by name, the second is not."""
    async with RevocationServer() as inner, RevocationServer() as outer:
        secret = f"http://localhost:{inner.origin.rpartition(':')[2]}/"
        outer.places["/crl"] = as_http(b"", f"Location: {secret}", status="302 Found")
        leaf = signer(MIDDLE, extensions=looked_up(lists=f"{outer.origin}/crl"))
        network = HttpFetcher(frozenset({"127.0.0.1"}))
        result = await judge(leaf=leaf, verifier=make_verifier(ROOT, revocation=checker(network)))
    assert found(result).reason is Reason.REVOCATION_UNKNOWN
    assert (outer.asked, inner.asked) == (["/crl"], [])


async def test_atk_166_a_list_of_ten_gibibytes_is_not_read() -> None:
    """The announced length is enough to leave."""
    async with RevocationServer({"/crl": as_http(b"", length=10 * 1024**3)}) as server:
        leaf = signer(MIDDLE, extensions=looked_up(lists=f"{server.origin}/crl"))
        network = HttpFetcher(frozenset({"127.0.0.1"}))
        result = await judge(leaf=leaf, verifier=make_verifier(ROOT, revocation=checker(network)))
    assert "10737418240 bytes" in found(result).message


async def test_atk_166_a_server_that_never_answers_costs_its_budget_once() -> None:
    """Three images, one question; the rest is remembered."""
    async with RevocationServer({"/ocsp": None}) as server:
        network = checker(HttpFetcher(frozenset({"127.0.0.1"})), ocsp_seconds=0.2)
        for which in range(3):
            leaf = signer(MIDDLE, which=which, extensions=looked_up(f"{server.origin}/ocsp"))
            result = await judge(leaf=leaf, verifier=make_verifier(ROOT, revocation=network))
            assert "did not answer within 0.2 seconds" in found(result).message
        assert server.asked == ["/ocsp"]


async def status(network: RevocationChecker, leaf: Issued) -> Status:
    """Return the status of a leaf."""
    return (await network.check(validate_chain(leaf.chain)))[0].status


class Broken:
    """A cache that keeps nothing, as one in a folder that cannot be written."""

    def get(self, key: str) -> bytes | None:
        """Miss."""
        del key
        return None

    def put(self, key: str, data: bytes) -> None:
        """Keep nothing."""
        del key, data


async def test_atk_167_a_cache_that_cannot_be_written_is_a_miss(tmp_path: Path) -> None:
    """In a place that is a file, and as a cache that drops everything: verification goes on."""
    (tmp_path / "file").write_bytes(b"")
    for answers in (SqliteCache(tmp_path / "file" / "cache.sqlite"), Broken()):
        network = checker(FakeFetcher({LIST: listed()}), answers)
        assert await status(network, BY_LIST) is Status.GOOD


async def test_atk_167_two_authorities_that_name_one_place_share_no_entry() -> None:
    """What one of them says there is not believed for the other, and does not stand in its way."""
    other = authority("other", issuer=ROOT)
    leaf = signer(other, extensions=looked_up(lists=LIST))
    answers = MemoryCache()
    assert await status(checker(FakeFetcher({LIST: listed()}), answers), BY_LIST) is Status.GOOD
    revoking = FakeFetcher({LIST: make_list(other, [Revoked(leaf)])})
    assert await status(checker(revoking, answers), leaf) is Status.REVOKED
    assert await status(checker(FakeFetcher({}), answers), BY_LIST) is Status.GOOD


@dataclass
class Kept:
    """A `ContentCache` that anything on the machine can write."""

    entries: dict[str, bytes] = field(default_factory=dict)

    def get(self, key: str) -> bytes | None:
        """Return the bytes, or None."""
        return self.entries.get(key)

    def put(self, key: str, data: bytes) -> None:
        """Keep the bytes."""
        self.entries[key] = data


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-10],
        lambda data: data[:20],
        lambda data: b"",
        lambda data: data[:21] + make_list(ROOT),
        lambda data: data[:-1] + bytes((data[-1] ^ 1,)),
        lambda data: b"2027" + data[4:],
        lambda data: b"\xff" + data[1:],
    ],
    ids=["cut-off", "no-answer", "empty", "another-list", "wrong-signature", "of-the-future", "no-time"],
)
async def test_atk_167_what_a_cache_holds_is_verified_again(spoil: Any) -> None:
    """A spoiled entry is a miss: the list is fetched again, and the certificate is revoked after all."""
    answers = Kept()
    await status(checker(FakeFetcher({LIST: listed()}), answers), BY_LIST)
    (key,) = answers.entries
    answers.entries[key] = spoil(answers.entries[key])
    fetcher = FakeFetcher({LIST: listed(Revoked(BY_LIST))})
    assert await status(checker(fetcher, answers), BY_LIST) is Status.REVOKED
    assert fetcher.asked == [LIST]


async def test_atk_167_what_a_cache_holds_ends_with_its_own_next_update() -> None:
    """A kept list that has ended is fetched again."""
    answers = MemoryCache()
    await status(checker(FakeFetcher({LIST: listed(next_update=NOW + HOUR)}), answers), BY_LIST)
    fetcher = FakeFetcher({LIST: listed(Revoked(BY_LIST), next_update=NOW + DAY)})
    later = checker(fetcher, answers)
    later.memory.clock.advance(2 * 3600)
    assert await status(later, BY_LIST) is Status.REVOKED


async def test_atk_097_revocation_that_fails_in_any_way_allows_nothing() -> None:
    """A network that raises what it likes, and a cache that does."""

    class Mad(MemoryCache):
        def get(self, key: str) -> bytes | None:
            raise RuntimeError(key)

    for network in (
        checker(FakeFetcher({LIST: RuntimeError("boom")})),
        checker(FakeFetcher({LIST: listed()}), Mad()),
    ):
        result = await judge(
            media_type=JWS_TYPE, leaf=BY_LIST, verifier=make_verifier(ROOT, revocation=network)
        )
        assert result.decision is Decision.DENY
