"""Attacks of section I on timestamps: until they can be verified, no timestamp is believed.

Revocation and the attacks on tokens themselves (163 to 169) belong to the verification of both, which is not there yet.
"""

from datetime import UTC, datetime
from typing import Any

import pytest

from notation_bench import FORMATS, ROOT, details, judge, reason
from pyratify.core.reason import Reason
from pyratify.testing.fakes import FakeClock
from pyratify.testing.notation import Recipe, make_verifier
from pyratify.verifiers.notation.envelope import TIMESTAMP
from pyratify.verifiers.notation.policy import StoreName
from pyratify.verifiers.notation.policyfile import read_trust_policy
from pyratify.verifiers.notation.verifier import NotationVerifier

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _with_timestamps(moment: str, *, leaf_ok: bool = True) -> NotationVerifier:
    statement = {
        "name": "x",
        "registryScopes": ["*"],
        "signatureVerification": {"level": "strict", "verifyTimestamp": moment},
        "trustStores": ["ca:test", "tsa:test"],
        "trustedIdentities": ["*"],
    }
    document = read_trust_policy({"version": "1.0", "trustPolicies": [statement]})
    stores = {StoreName(kind, "test"): (ROOT.material,) for kind in ("ca", "tsa")}
    clock = FakeClock(time=NOW if leaf_ok else datetime(2057, 1, 1, tzinfo=UTC))
    return NotationVerifier("notation", document, stores, clock)


def _token(header: dict[Any, Any]) -> None:
    header[TIMESTAMP] = "QQ==" if "x5c" in header else b"A"


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_170_a_policy_that_asks_for_timestamps_is_not_satisfied_without_one(
    media_type: str,
) -> None:
    """Timestamps are not verified yet, so none is believed: missing and unverified ones are refused."""
    verifier = _with_timestamps("always")
    assert await reason(Recipe(), media_type, verifier=verifier) is Reason.TIME_SOURCE_MISSING
    code = await reason(Recipe(unprotected=_token), media_type, verifier=verifier)
    assert code is Reason.TIMESTAMP_INVALID


async def test_atk_170_a_timestamp_is_not_asked_for_before_a_certificate_expires() -> None:
    """With `afterCertExpiry` and valid certificates the present time decides."""
    details(await judge(verifier=_with_timestamps("afterCertExpiry")))
    late = _with_timestamps("afterCertExpiry", leaf_ok=False)
    assert await reason(Recipe(unprotected=_token), verifier=late) is Reason.TIMESTAMP_INVALID


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_171_without_a_trust_store_for_timestamps_a_token_is_no_time_source(
    media_type: str,
) -> None:
    """An expired certificate stays expired, whatever token is there."""
    late = make_verifier(ROOT, clock=FakeClock(time=datetime(2057, 1, 1, tzinfo=UTC)))
    code = await reason(Recipe(unprotected=_token), media_type, verifier=late)
    assert code is Reason.CERT_EXPIRED
