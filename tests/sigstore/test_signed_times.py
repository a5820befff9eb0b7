"""Timestamps, held against authorities that a trusted root names with the certificate they sign with, or without it."""

from datetime import UTC, datetime, timedelta

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import parse_certificate
from pyratify.sigstore.signed_times import SKEW, verify_signed_timestamp
from pyratify.sigstore.trusted_material import TrustedAuthority
from pyratify.sigstore.trusted_root import make_authority
from pyratify.testing.certificates import CODE_SIGNING, Issued, authority
from pyratify.testing.timestamps import TokenRecipe, make_response, make_token, timestamp_authority

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROOT, OTHER = authority("stamps"), authority("other stamps")
TSA = timestamp_authority(ROOT)
MESSAGE = b"signature"


def trusted(*chain: bytes) -> TrustedAuthority:
    """Return an authority as a trusted root names it."""
    return make_authority(tuple(map(parse_certificate, chain)), timestamps=True)


KNOWN, ISSUER = trusted(*TSA.chain), trusted(ROOT.der)


def refusal(tsa: Issued, *authorities: TrustedAuthority, **changes: object) -> str:
    """Return why a token is refused; empty where it is not, and it says when it was made."""
    recipe = TokenRecipe(**({"time": NOW} | changes))  # type: ignore[arg-type]
    try:
        at, witness = verify_signed_timestamp(
            make_response(make_token(tsa, MESSAGE, recipe)), MESSAGE, authorities, NOW
        )
    except VerificationError as error:
        return f"{error.reason}: {error.message}"
    assert at == recipe.time
    assert witness in {each.witness for each in authorities}
    return ""


@pytest.mark.parametrize("named", [KNOWN, ISSUER], ids=["leaf", "issuer"])
def test_a_token_of_an_authority_counts_whether_its_certificate_is_named_or_brought(
    named: TrustedAuthority,
) -> None:
    """Another authority beside it changes nothing."""
    assert not refusal(TSA, named)
    assert not refusal(TSA, trusted(OTHER.der), named)


@pytest.mark.parametrize("named", [KNOWN, ISSUER], ids=["leaf", "issuer"])
def test_a_certificate_that_is_not_in_the_token_is_known_only_where_the_root_names_it(
    named: TrustedAuthority,
) -> None:
    """Nothing else says whose signature it is."""
    assert bool(refusal(TSA, named, certificates=lambda _: None)) is (named is ISSUER)


@pytest.mark.parametrize(
    ("tsa", "why"),
    [
        (timestamp_authority(OTHER), "not trusted"),
        (timestamp_authority(ROOT, extended=(CODE_SIGNING,)), ""),
        (timestamp_authority(ROOT, extended_critical=False), ""),
        (timestamp_authority(ROOT, kind="k256"), "secp256k1"),
    ],
    ids=["other-issuer", "other-purpose", "not-critical", "other-curve"],
)
def test_a_certificate_that_the_token_brings_must_be_one_for_timestamps(tsa: Issued, why: str) -> None:
    """Of the issuer that is trusted, strong, and for nothing else."""
    found = refusal(tsa, ISSUER)
    assert found.startswith(f"{Reason.TIMESTAMP_INVALID}: ")
    assert why in found


def test_another_certificate_of_the_same_issuer_is_not_the_one_that_is_named() -> None:
    """Where the root names one."""
    second = timestamp_authority(ROOT, kind="p384")
    assert not refusal(second, ISSUER)
    assert "does not name" in refusal(second, KNOWN)


def test_a_token_has_one_signature() -> None:
    """Two would be two signers, of which one could be any (RFC 3161, section 2.4.2)."""
    assert "2 signatures" in refusal(TSA, KNOWN, copies=2)


def test_a_timestamp_of_the_future_is_none() -> None:
    """Beyond what clocks differ."""
    assert not refusal(TSA, KNOWN, time=NOW + SKEW)
    assert "future" in refusal(TSA, KNOWN, time=NOW + SKEW + timedelta(seconds=1))


def test_without_an_authority_nothing_counts() -> None:
    """A trusted root without any proves no time."""
    assert "names no timestamp authority" in refusal(TSA)


@pytest.mark.parametrize("issuer", [KNOWN, ISSUER], ids=["leaf", "issuer"])
def test_a_timestamp_is_of_the_signature_it_was_made_for(issuer: TrustedAuthority) -> None:
    """A good one, of a trusted authority, for other bytes, is none."""
    response = make_response(make_token(TSA, MESSAGE))
    assert verify_signed_timestamp(response, MESSAGE, (issuer,), NOW)
    for other in (b"another signature", b"", b"signature\0"):
        with pytest.raises(VerificationError, match="made for something else") as caught:
            verify_signed_timestamp(response, other, (issuer,), NOW)
        assert caught.value.reason is Reason.TIMESTAMP_INVALID
