"""What the verifier does with revocation and timestamps: bounds, memory, and the report."""

import asyncio

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.fetching import FetchRequest
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.testing.certificates import Issued, authority, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import make_verifier
from pyratify.testing.revocation import NOW, FakeFetcher, looked_up, make_list
from pyratify.testing.timestamps import make_token, timestamp_authority
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import short_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from pyratify.verifiers.notation.verified_cache import TimestampCache
from support.notation_bench import MIDDLE, ROOT, details, found, judge

LIST = "http://ca.test/crl"
LISTED = signer(MIDDLE, extensions=looked_up(lists=LIST))


class Never:
    """A network without servers."""

    async def fetch(self, request: FetchRequest) -> bytes:
        """Wait for ever."""
        await asyncio.Event().wait()
        raise AssertionError(request)


def checker(fetcher: object) -> RevocationChecker:
    """Return a checker over a network."""
    return RevocationChecker(fetcher, RevocationMemory(FakeClock(), RevocationOptions()))


async def test_revocation_takes_no_longer_than_a_signature_may() -> None:
    """The bound of the signature ends what the bound of the certificate would still allow."""
    verifier = make_verifier(ROOT, revocation=checker(Never()), revocation_seconds=0.01)
    failure = found(await judge(leaf=LISTED, verifier=verifier))
    assert failure.reason is Reason.REVOCATION_UNKNOWN
    assert "took too long" in failure.message


async def test_the_report_says_what_was_found_for_each_certificate() -> None:
    """Where it was looked up, or that it could not be."""
    verifier = make_verifier(ROOT, revocation=checker(FakeFetcher({LIST: make_list(MIDDLE)})))
    result = details(await judge(leaf=LISTED, verifier=verifier))
    assert result.data["revocation"] == "passed"
    assert [(entry["status"], entry["detail"]) for entry in result.data["revocationFindings"]] == [
        ("good", f"revocation list {LIST}"),
        ("good", "the certificate names no OCSP responder and no revocation list"),
    ]


async def test_a_verifier_of_its_own_needs_no_network_where_nothing_is_named() -> None:
    """Most test certificates, and many real ones, name no place."""
    result = details(await judge(verifier=make_verifier(ROOT)))
    assert result.data["checks"]["revocation"] == "passed"


TSA_ROOT = authority("tsa root")
TSA = timestamp_authority(TSA_ROOT)


@pytest.mark.parametrize(
    "anchor", [TSA, authority("tsa middle", issuer=TSA_ROOT), signer(None)], ids=["leaf", "middle", "signer"]
)
async def test_a_trust_store_for_timestamps_holds_roots(anchor: Issued) -> None:
    """Everything else is a fault of the configuration."""
    policy = short_trust_policy(identities=("*",), stores=["ca:test", "tsa:test"], level="strict")
    stores = {StoreName("ca", "test"): (ROOT.material,), StoreName("tsa", "test"): (anchor.material,)}
    verifier = NotationVerifier("notation", policy, stores, FakeClock())
    with pytest.raises(ConfigurationError, match="not a root certificate"):
        await verifier.prepare()


def test_a_verified_timestamp_is_remembered_and_the_oldest_forgotten() -> None:
    """By token, signature and roots together."""
    cache, roots = TimestampCache(size=2), (parse_certificate(TSA_ROOT.der),)
    tokens = {message: make_token(TSA, message) for message in (b"a", b"b", b"c")}

    def verify(message: bytes) -> object:
        return cache.verify(tokens[message], message, roots, NOW)

    first = verify(b"a")
    assert verify(b"a") is first
    verify(b"b")
    assert verify(b"a") is first
    third = verify(b"c")
    assert verify(b"a") is first
    verify(b"b")
    assert verify(b"a") is first
    assert verify(b"c") is not third
