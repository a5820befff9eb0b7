"""Proofs that belong to something else: timestamps of another signature, and certificates beside a certificate."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult
from pyratify.pki.encoding import decode_base64, encode_base64
from pyratify.sigstore.classic_annotations import TIMESTAMP_ANNOTATION
from pyratify.testing.certificates import pem
from pyratify.testing.cosign import (
    REPOSITORY,
    attach_bundle,
    attach_classic,
    sign_classic,
    simple_signing,
    statement,
)
from pyratify.testing.sigstore import PrivateSigstore, Signing
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.cosign.formats import CERTIFICATE_ANNOTATION
from support.cosign_setting import KEY, ONE, Setting, is_denied, passed

SIGSTORE = PrivateSigstore()


async def keyless(setting: Setting, **terms: Any) -> ValidationResult:
    """Ask for a signature by the one who is trusted."""
    policy = CosignTrustPolicy(identities=(SIGSTORE.identity,), trusted_root=SIGSTORE.root, **terms)
    executor = Executor(store=setting.store, verifiers=(CosignVerifier("cosign", [policy]),), policy=ONE)
    return await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))


def stamps_of(bundle: dict[str, Any]) -> list[dict[str, str]]:
    """Return a bundle's timestamps."""
    found: list[dict[str, str]] = bundle["verificationMaterial"]["timestampVerificationData"][
        "rfc3161Timestamps"
    ]
    return found


async def test_a_bundle_is_not_dated_by_a_timestamp_of_another_signature() -> None:
    """Of the same image by the same signer, at a time when the certificate of this one was valid."""
    setting = Setting()
    bundle, other = (
        SIGSTORE.sign_statement(statement(setting.image.digest), Signing(log=2)) for _ in range(2)
    )
    stamps_of(bundle)[:] = stamps_of(other)
    attach_bundle(setting.store, setting.image, bundle)
    assert is_denied(await keyless(setting), Reason.TIMESTAMP_INVALID)
    attach_bundle(setting.store, setting.image, other)
    assert (await keyless(setting)).succeeded


async def test_a_timestamp_of_another_signature_adds_no_second_witness() -> None:
    """Beside a good one: where two are asked for there is one, and where one is enough it changes nothing."""
    setting = Setting()
    bundle, other = (
        SIGSTORE.sign_statement(statement(setting.image.digest), Signing(log=2)) for _ in range(2)
    )
    stamps_of(bundle).extend(stamps_of(other))
    attach_bundle(setting.store, setting.image, bundle)
    assert passed(await keyless(setting)).data["verifiedSignatures"][0]["signedTimestamps"] == 1
    assert is_denied(await keyless(setting, timestamps=2), Reason.TIMESTAMP_INVALID)


async def test_a_classic_signature_is_not_dated_by_another_s_timestamp() -> None:
    """Exchanged annotations."""
    setting, how = Setting(), Signing(log=0, stamp=True)
    signed, other = (SIGSTORE.sign_classic(simple_signing(setting.image.digest), how) for _ in range(2))
    stolen = {**signed.annotations, TIMESTAMP_ANNOTATION: other.annotations[TIMESTAMP_ANNOTATION]}
    attach_classic(setting.store, setting.image, replace(signed, annotations=stolen), as_referrer=True)
    assert is_denied(await keyless(setting, logs=0), Reason.TIMESTAMP_INVALID)
    attach_classic(setting.store, setting.image, signed, as_referrer=True)
    assert (await keyless(setting, logs=0)).succeeded


LEAF = SIGSTORE.signer().der
BLOCKS: dict[str, Callable[[bytes], bytes]] = {
    "itself-twice": lambda own: pem(own, own),
    "another-before": lambda own: pem(LEAF, own),
    "another-after": lambda own: pem(own, LEAF),
    "with-its-chain": lambda own: pem(own, *SIGSTORE.intermediate.chain),
    "key-after": lambda own: pem(own) + KEY.pem,
    "key-before": lambda own: KEY.pem + pem(own),
    "none": lambda own: b"",
}


@pytest.mark.parametrize("edit", BLOCKS.values(), ids=BLOCKS)
async def test_a_certificate_annotation_holds_one_certificate(edit: Callable[[bytes], bytes]) -> None:
    """Of several, one reader takes the first and another the last; which key signed would be theirs to say."""
    setting = Setting()
    signed = SIGSTORE.sign_classic(simple_signing(setting.image.digest))
    own = decode_base64("".join(signed.annotations[CERTIFICATE_ANNOTATION].split("-----")[2].split()))
    several = {**signed.annotations, CERTIFICATE_ANNOTATION: edit(own).decode()}
    attach_classic(setting.store, setting.image, replace(signed, annotations=several), as_referrer=True)
    assert is_denied(await keyless(setting), Reason.ENVELOPE_MALFORMED)
    attach_classic(setting.store, setting.image, signed, as_referrer=True)
    assert (await keyless(setting)).succeeded


async def test_a_key_s_signature_with_several_certificates_is_refused_too() -> None:
    """Though nothing would be read from them."""
    signed = sign_classic(KEY, simple_signing(Setting().image.digest))
    for blocks, allowed in ((pem(LEAF), True), (pem(LEAF, LEAF), False)):
        beside = {**signed.annotations, CERTIFICATE_ANNOTATION: blocks.decode()}
        found = Setting()
        attach_classic(found.store, found.image, replace(signed, annotations=beside), as_referrer=True)
        result = await found.validate()
        assert result.succeeded is allowed
        assert allowed or is_denied(result, Reason.ENVELOPE_MALFORMED)


async def test_a_bundle_has_one_certificate_too() -> None:
    """Since version 0.3 there is no chain, and the bytes are one certificate and nothing after it."""
    setting = Setting()
    bundle = SIGSTORE.sign_statement(statement(setting.image.digest))
    certificate = bundle["verificationMaterial"]["certificate"]
    certificate["rawBytes"] = encode_base64(decode_base64(certificate["rawBytes"]) + LEAF)
    attach_bundle(setting.store, setting.image, bundle)
    assert not (await keyless(setting)).succeeded
