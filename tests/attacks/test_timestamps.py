"""Attacks on timestamps: only a verified token of a trusted authority says when something was signed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import cbor2
import pytest

from pyratify.core.reason import Reason
from pyratify.core.report import ValidationResult
from pyratify.pki.timestamp.attributes import SIGNING_CERTIFICATE_V2
from pyratify.testing.certificates import Issued, authority, make_key, signer
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.testing.timestamps import (
    GOOD_TOKEN,
    STAMPED_AT,
    TokenRecipe,
    certificate_id,
    stamped_cose,
    stamped_jws,
    timestamp_authority,
)
from pyratify.verifiers.notation.envelope import JWS_TYPE, TIMESTAMP
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.policy_document import read_trust_policy
from pyratify.verifiers.notation.trust_policy import StoreName
from support.notation_bench import FORMATS, LEAF, MIDDLE, ROOT, details, found, judge

NOW = datetime(2026, 6, 1, tzinfo=UTC)
TSA_ROOT = authority("tsa root")
TSA = timestamp_authority(TSA_ROOT)
SHORT = signer(MIDDLE, not_after=datetime(2026, 3, 1, tzinfo=UTC))


def with_timestamps(moment: str = "always", *anchors: Issued) -> NotationVerifier:
    """Return a verifier with a trust store for timestamp authorities."""
    statement = {
        "name": "x",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict", "verifyTimestamp": moment},
        "trustStores": ["ca:test", "tsa:test"],
        "trustedIdentities": ["*"],
    }
    document = read_trust_policy({"version": "1.0", "trustPolicies": [statement]})
    roots = tuple(anchor.material for anchor in anchors or (TSA_ROOT,))
    stores = {StoreName("ca", "test"): (ROOT.material,), StoreName("tsa", "test"): roots}
    return NotationVerifier("notation", document, stores, FakeClock())


def stamped(media_type: str, tsa: Issued = TSA, token: TokenRecipe = GOOD_TOKEN) -> Recipe:
    """Return a recipe for a signature with a timestamp."""
    stamp = stamped_jws if media_type == JWS_TYPE else stamped_cose
    return Recipe(whole=stamp(tsa, token))


async def stamp_and_judge(
    media_type: str,
    tsa: Issued = TSA,
    token: TokenRecipe = GOOD_TOKEN,
    leaf: Issued = LEAF,
    moment: str = "always",
) -> ValidationResult:
    """Judge an image whose signature has a timestamp."""
    verifier = with_timestamps(moment)
    return await judge(stamped(media_type, tsa, token), media_type, leaf=leaf, verifier=verifier)


def garbage(header: dict[Any, Any]) -> None:
    """Put something that is no token where the token is."""
    header[TIMESTAMP] = "QQ==" if "x5c" in header else b"A"


@pytest.mark.parametrize("media_type", FORMATS)
async def test_a_good_timestamp_is_the_time_of_the_signature(media_type: str) -> None:
    """Also when the certificate has expired since: that is what it is for."""
    for leaf in (LEAF, SHORT):
        result = details(await stamp_and_judge(media_type, leaf=leaf))
        assert result.data["timestamp"] == "2026-01-01T00:00:05Z"
        assert result.data["timestampAuthority"] == "CN=timestamps,O=Example TSA,C=US"
        assert result.data["checks"]["authenticTimestamp"] == "passed"


SPOOFED = timestamp_authority(authority("tsa root", which=9))
SIGNATURE_FAULTS = {
    "any-signature": TokenRecipe(signature=lambda s: s[:-1] + bytes((s[-1] ^ 1,))),
    "empty-signature": TokenRecipe(signature=lambda s: b""),
    "two-signers": TokenRecipe(copies=2),
    "no-signer": TokenRecipe(copies=0),
    "changed-statement": TokenRecipe(content=lambda c: c.replace(b"20260101", b"20260102")),
    "named-by-another-serial": TokenRecipe(serial=lambda n: n ^ 1),
    "certificate-id-of-another": TokenRecipe(
        attributes=lambda a: a | {SIGNING_CERTIFICATE_V2: certificate_id(SPOOFED.der)}
    ),
    "no-certificate-id": TokenRecipe(
        attributes=lambda a: {k: v for k, v in a.items() if k != SIGNING_CERTIFICATE_V2}
    ),
    "chain-of-another-signer": TokenRecipe(certificates=lambda bag: SPOOFED.chain),
}


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("fault", SIGNATURE_FAULTS)
async def test_atk_168_a_timestamp_is_as_good_as_its_signature(fault: str, media_type: str) -> None:
    """One signature, by the certificate that it names itself, over exactly this statement."""
    result = await stamp_and_judge(media_type, token=SIGNATURE_FAULTS[fault])
    assert found(result).reason is Reason.TIMESTAMP_INVALID


async def test_atk_168_a_certificate_added_to_the_bag_changes_nothing() -> None:
    """The signer is found by its identifier, never by its place; a namesake's certificate stays unused."""
    injected = TokenRecipe(certificates=lambda bag: (*SPOOFED.chain, *bag))
    result = details(await stamp_and_judge(JWS_TYPE, token=injected))
    assert result.data["timestampAuthority"] == "CN=timestamps,O=Example TSA,C=US"


async def test_atk_168_a_token_by_a_namesake_of_the_trusted_root_is_refused() -> None:
    """Same names, other keys."""
    result = await stamp_and_judge(JWS_TYPE, SPOOFED)
    assert found(result).reason is Reason.TIMESTAMP_INVALID


def flip(digest: bytes) -> bytes:
    """Return another digest."""
    return bytes((digest[0] ^ 1,)) + digest[1:]


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize(
    "token",
    [
        TokenRecipe(hash="sha1"),
        TokenRecipe(imprint=flip),
        TokenRecipe(imprint=lambda digest: digest + b"\x00"),
        TokenRecipe(imprint=lambda digest: digest[:20]),
        TokenRecipe(imprint=lambda digest: b""),
        TokenRecipe(hash="sha512", imprint=lambda digest: digest[:32]),
        TokenRecipe(accuracy=40 * 366 * 86400),
        TokenRecipe(time=datetime(2019, 1, 1, tzinfo=UTC)),
        TokenRecipe(time=datetime(2056, 6, 1, tzinfo=UTC)),
        TokenRecipe(time=NOW + timedelta(days=1)),
        TokenRecipe(digest="sha1"),
    ],
    ids=[
        "sha1-imprint",
        "another-signature",
        "long-imprint",
        "imprint-as-long-as-sha1",
        "empty-imprint",
        "imprint-of-another-hash",
        "accuracy-beyond-validity",
        "before-validity",
        "after-validity",
        "in-the-future",
        "sha1-signature",
    ],
)
async def test_atk_169_a_timestamp_is_of_this_signature_and_of_a_possible_time(
    token: TokenRecipe, media_type: str
) -> None:
    """Imprint, hash and time are what they must be."""
    result = await stamp_and_judge(media_type, token=token)
    assert found(result).reason is Reason.TIMESTAMP_INVALID


@pytest.mark.parametrize(
    "changes",
    [
        {"extended_critical": False},
        {"extended": ("1.3.6.1.5.5.7.3.8", "1.3.6.1.5.5.7.3.1")},
        {"extended": ("2.5.29.37.0",)},
        {"extended": ("1.3.6.1.5.5.7.3.3",)},
        {"extended": None},
        {"not_after": STAMPED_AT - timedelta(seconds=1)},
        {"not_before": STAMPED_AT + timedelta(seconds=1)},
    ],
)
async def test_atk_169_a_timestamp_is_made_by_a_timestamp_authority(changes: dict[str, Any]) -> None:
    """With the one critical purpose, and valid at the time it states."""
    result = await stamp_and_judge(JWS_TYPE, timestamp_authority(TSA_ROOT, **changes))
    assert found(result).reason is Reason.TIMESTAMP_INVALID


async def test_atk_169_the_whole_window_must_lie_in_the_signers_validity() -> None:
    """The stamped time itself is inside; with its accuracy it begins too early."""
    leaf = signer(MIDDLE, not_before=STAMPED_AT - timedelta(seconds=5))
    details(await stamp_and_judge(JWS_TYPE, token=TokenRecipe(accuracy=5), leaf=leaf))
    result = await stamp_and_judge(JWS_TYPE, token=TokenRecipe(accuracy=6), leaf=leaf)
    assert found(result).reason is Reason.TIMESTAMP_INVALID


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_169_a_timestamp_of_another_signature_is_refused(media_type: str) -> None:
    """Good in itself, taken from elsewhere."""
    tokens: list[Any] = []

    def keep(whole: Any) -> None:
        header = whole["header"] if isinstance(whole, dict) else whole.value[1]
        tokens.append(header[TIMESTAMP])

    def then(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def both(whole: Any) -> Any:
            whole = first(whole) or whole
            return second(whole) or whole

        return both

    recipe = stamped(media_type)
    await judge(Recipe(whole=then(recipe.whole, keep)), media_type, verifier=with_timestamps())

    def replay(header: dict[Any, Any]) -> None:
        header[TIMESTAMP] = tokens[0]

    result = await judge(Recipe(unprotected=replay, signed_at=NOW), media_type, verifier=with_timestamps())
    assert found(result).reason is Reason.TIMESTAMP_INVALID


@pytest.mark.parametrize("moment", ["always", "afterCertExpiry"])
@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_170_an_invalid_timestamp_does_not_fall_back_to_the_present(
    media_type: str, moment: str
) -> None:
    """The combinations of a valid and an expired certificate with no, a bad and a good timestamp."""
    none, bad = Recipe(), Recipe(unprotected=garbage)
    after = moment == "afterCertExpiry"
    expected = {
        (LEAF, none): None if after else Reason.TIME_SOURCE_MISSING,
        (LEAF, bad): None if after else Reason.TIMESTAMP_INVALID,
        (SHORT, none): Reason.CERT_EXPIRED,
        (SHORT, bad): Reason.CERT_EXPIRED,
        (SHORT, stamped(media_type, token=SIGNATURE_FAULTS["any-signature"])): Reason.CERT_EXPIRED,
        (SHORT, stamped(media_type, token=TokenRecipe(time=NOW))): Reason.CERT_EXPIRED,
        (SHORT, stamped(media_type)): None,
    }
    for (leaf, recipe), reason in expected.items():
        result = await judge(recipe, media_type, leaf=leaf, verifier=with_timestamps(moment))
        if reason is None:
            details(result)
        else:
            assert found(result).reason is reason


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_171_without_a_trust_store_for_timestamps_a_token_is_no_time_source(
    media_type: str,
) -> None:
    """An expired certificate stays expired, whatever token is there, also one of the signers' own authority."""
    for tsa in (TSA, timestamp_authority(ROOT)):
        result = await judge(stamped(media_type, tsa), media_type, leaf=SHORT, verifier=make_verifier(ROOT))
        assert found(result).reason is Reason.CERT_EXPIRED


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_171_an_authority_for_signers_is_none_for_timestamps(media_type: str) -> None:
    """The token's chain leads to the trust store of type ca, and to a root that is only in the token."""
    for tsa in (timestamp_authority(ROOT), timestamp_authority(authority("elsewhere"))):
        result = await stamp_and_judge(media_type, tsa, leaf=SHORT)
        assert found(result).reason is Reason.CERT_EXPIRED
        assert "no certificate of the trust stores of type tsa" in found(result).message


async def test_atk_150_the_signers_own_time_never_replaces_a_timestamp() -> None:
    """A backdated signing time with an expired certificate, with and without a policy that asks for timestamps."""
    recipe = Recipe(signed_at=datetime(2026, 1, 1, tzinfo=UTC))
    for verifier in (make_verifier(ROOT), with_timestamps("afterCertExpiry")):
        assert found(await judge(recipe, leaf=SHORT, verifier=verifier)).reason is Reason.CERT_EXPIRED


async def test_a_timestamp_that_is_no_byte_string_is_malformed() -> None:
    """In both formats it has one type."""
    for media_type, value in zip(FORMATS, (7, cbor2.CBORTag(1, 7)), strict=True):
        recipe = Recipe(unprotected=lambda header, value=value: header.update({TIMESTAMP: value}))
        result = await judge(recipe, media_type, verifier=with_timestamps())
        assert found(result).reason is Reason.ENVELOPE_MALFORMED


async def test_atk_157_a_weak_timestamp_authority_is_refused() -> None:
    """Keys that are too small, in the authority's own certificate and above it."""
    weak = authority("tsa root", kind="rsa-1024")
    for tsa, anchor in (
        (timestamp_authority(TSA_ROOT, kind="rsa-1024"), TSA_ROOT),
        (timestamp_authority(weak), weak),
    ):
        verifier = with_timestamps("always", anchor)
        result = await judge(stamped(JWS_TYPE, tsa), verifier=verifier)
        assert found(result).reason is Reason.TIMESTAMP_INVALID
    assert make_key("rsa-1024").key_size == 1024
