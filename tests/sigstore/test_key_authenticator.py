"""Public keys with periods of validity: the proved time of the signature decides, and the present where nothing is proved."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.key import KeyMaterial, Validity
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.testing.cosign import (
    KINDS,
    REPOSITORY,
    CosignKey,
    attach_bundle,
    attach_classic,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import SIGNED_AT, PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.cosign_setting import KEY, ONE, OTHER, Setting, is_denied, passed

SIGSTORE = PrivateSigstore()
NOW = FakeClock().now()
DAY = timedelta(days=1)
THEN = Validity(SIGNED_AT - DAY, SIGNED_AT + DAY)
TODAY = Validity(NOW - DAY, NOW + DAY)
CURRENT = (Validity(), TODAY, Validity(None, NOW), Validity(NOW, None))
OVER = (Validity(None, NOW - DAY), Validity(NOW + DAY, None), THEN)


async def validate(
    setting: Setting, *periods: Validity, key: CosignKey = KEY, **terms: Any
) -> ValidationResult:
    """Ask for a signature by the key, whose document is given once for each period."""
    materials = tuple(replace(key.material, validity=period) for period in periods)
    policy = CosignTrustPolicy(keys=materials, **terms)
    verifier = CosignVerifier("cosign", [policy], FakeClock())
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    return await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))


def logged(setting: Setting, **how: Any) -> None:
    """Attach a bundle by the key with proofs of the private instance."""
    signing = Signing(**{"key": KEY, **how})
    attach_bundle(
        setting.store, setting.image, SIGSTORE.sign_statement(statement(setting.image.digest), signing)
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_key_alone_counts_while_it_is_in_use(kind: str) -> None:
    """Of every kind of key; both ends belong to the period."""
    setting, key = Setting(), CosignKey.generate(kind)
    attach_bundle(setting.store, setting.image, sign_statement(key, statement(setting.image.digest)))
    for period in CURRENT:
        assert passed(await validate(setting, period, key=key)).signers == (key.fingerprint,)
    for period in OVER:
        assert is_denied(await validate(setting, period, key=key), Reason.TIME_OUTSIDE_VALIDITY)


async def test_an_answer_holds_until_the_period_ends() -> None:
    """So that no cache keeps it for longer."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_statement(KEY, statement(setting.image.digest)))
    assert passed(await validate(setting, TODAY)).valid_until == NOW + DAY
    assert passed(await validate(setting, Validity())).valid_until is None


@pytest.mark.parametrize("how", [{}, {"log": 2}, {"promise": False}, {"log": 2, "stamp": True}])
async def test_a_proved_time_decides_and_not_the_present(how: dict[str, Any]) -> None:
    """The log's or a timestamp: an old signature by an old key is still good, a new key cannot have made it."""
    setting = Setting()
    logged(setting, **how)
    trust = {"trusted_root": SIGSTORE.root}
    assert passed(await validate(setting, THEN, **trust)).valid_until is None
    assert is_denied(await validate(setting, TODAY, **trust), Reason.TIME_OUTSIDE_VALIDITY)


async def test_a_log_that_proves_no_time_leaves_the_present() -> None:
    """An entry in a log of the second version without a timestamp says nothing of when."""
    setting = Setting()
    logged(setting, log=2, stamp=False)
    trust = {"trusted_root": SIGSTORE.root}
    assert passed(await validate(setting, TODAY, **trust))
    assert is_denied(await validate(setting, THEN, **trust), Reason.TIME_OUTSIDE_VALIDITY)


async def test_without_a_trusted_root_proofs_prove_nothing() -> None:
    """The key's period is then held against the present, whatever the bundle brings."""
    setting = Setting()
    logged(setting)
    assert is_denied(await validate(setting, THEN), Reason.TIME_OUTSIDE_VALIDITY)


async def test_proved_times_of_classic_signatures_count_too() -> None:
    """The entry stands in an annotation there."""
    setting = Setting()
    signed = SIGSTORE.sign_classic(simple_signing(setting.image.digest), Signing(key=KEY))
    attach_classic(setting.store, setting.image, signed)
    trust = {"trusted_root": SIGSTORE.root}
    assert passed(await validate(setting, THEN, **trust))
    assert is_denied(await validate(setting, TODAY, **trust), Reason.TIME_OUTSIDE_VALIDITY)


async def test_every_proved_time_lies_in_the_period() -> None:
    """A timestamp long after the log's time, when the key was withdrawn."""
    setting = Setting()
    bundle = SIGSTORE.sign_statement(statement(setting.image.digest), Signing(key=KEY, stamp=True))
    from pyratify.pki.encoding import decode_base64, encode_base64

    signature = decode_base64(bundle["dsseEnvelope"]["signatures"][0]["sig"])
    late = SIGSTORE.stamp(signature, SIGNED_AT + 2 * DAY)
    stamps = bundle["verificationMaterial"]["timestampVerificationData"]["rfc3161Timestamps"]
    stamps.append({"signedTimestamp": encode_base64(late)})
    attach_bundle(setting.store, setting.image, bundle)
    result = await validate(setting, THEN, trusted_root=SIGSTORE.root)
    assert is_denied(result, Reason.TIME_OUTSIDE_VALIDITY)


async def test_one_key_has_one_period() -> None:
    """Named twice with different ones it is a mistake, whichever was meant."""
    verifier = CosignVerifier(
        "cosign",
        [
            CosignTrustPolicy(
                keys=(KEY.material, replace(KEY.material, validity=TODAY), OTHER.material),
            )
        ],
    )
    with pytest.raises(ConfigurationError, match="different periods"):
        await verifier.prepare()


async def test_each_key_of_a_document_has_the_document_s_period() -> None:
    """Two keys in one file: both end with it."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, sign_statement(OTHER, statement(setting.image.digest)))
    both = KeyMaterial(KEY.pem + OTHER.pem, "both", Validity(None, datetime(2026, 1, 1, tzinfo=UTC)))
    verifier = CosignVerifier("cosign", [CosignTrustPolicy(keys=(both,))], FakeClock())
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    result = await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))
    assert is_denied(result, Reason.TIME_OUTSIDE_VALIDITY)
    assert result.decision is Decision.DENY
