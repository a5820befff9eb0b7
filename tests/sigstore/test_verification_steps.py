"""The steps of a keyless signature: each alone refuses what does not hold, with everything else right."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509

from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.pki.encoding import decode_base64
from pyratify.sigstore.identity import CertificateIdentity
from pyratify.testing.cosign import REPOSITORY, CosignKey, attach_bundle, image_bytes, statement
from pyratify.testing.sigstore import ISSUER, SIGNED_AT, SUBJECT, PrivateSigstore, Signing
from pyratify.testing.sigstore_log import hashedrekord, log_dsse, log_intoto
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.cosign_setting import ONE, Setting, passed

SIGSTORE, ELSEWHERE = PrivateSigstore(), PrivateSigstore("elsewhere")
Bundle = dict[str, Any]
Make = Callable[[bytes, bytes, bytes], bytes]


def sign(**how: Any) -> Bundle:
    """Return a bundle for the image of a setting; each setting has the same."""
    return SIGSTORE.sign_statement(statement(Setting().image.digest), Signing(**how))


def entries(bundle: Bundle) -> list[dict[str, Any]]:
    """Return a bundle's log entries."""
    found: list[dict[str, Any]] = bundle["verificationMaterial"]["tlogEntries"]
    return found


def parts(bundle: Bundle) -> dict[str, bytes]:
    """Return what an entry is about."""
    envelope, material = bundle["dsseEnvelope"], bundle["verificationMaterial"]
    return {
        "content": decode_base64(envelope["payload"]),
        "signature": decode_base64(envelope["signatures"][0]["sig"]),
        "certificate": decode_base64(material["certificate"]["rawBytes"]),
    }


async def validate(bundle: Bundle, **terms: Any) -> ValidationResult:
    """Ask for a signature by the one who is trusted, with this bundle attached."""
    setting = Setting()
    attach_bundle(setting.store, setting.image, bundle)
    trusted = {"identities": (SIGSTORE.identity,), "trusted_root": SIGSTORE.root} | terms
    executor = Executor(
        store=setting.store, verifiers=(CosignVerifier("cosign", [CosignTrustPolicy(**trusted)]),), policy=ONE
    )
    return await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))


async def refusal(bundle: Bundle, **terms: Any) -> tuple[Reason, str] | None:
    """Return why a bundle is refused; None where it is not."""
    result = await validate(bundle, **terms)
    if result.decision is Decision.ALLOW:
        return None
    (failure,) = [each.failure for report in result.artifacts for each in report.results if each.failure]
    return failure.reason, failure.message


def record(version: int) -> Make:
    """Return what makes a record of an envelope, which is over the bytes that are signed and not over the payload."""

    def make(content: bytes, signature: bytes, certificate: bytes) -> bytes:
        kind = b"application/vnd.in-toto+json"
        signed = b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(content), content)
        return hashedrekord(version, signed, signature, certificate)

    return make


KINDS: dict[str, tuple[int, Make]] = {
    "dsse": (1, log_dsse),
    "intoto": (1, log_intoto),
    "hashedrekord": (1, record(1)),
    "hashedrekord-2": (2, record(2)),
}


@pytest.mark.parametrize("take", ["", "content", "signature", "certificate"])
@pytest.mark.parametrize("kind", KINDS)
async def test_an_entry_is_about_this_content_signature_and_certificate(kind: str, take: str) -> None:
    """Really in the log, with one of the three of another signature by the same signer."""
    log, make = KINDS[kind]
    bundle, other = sign(log=log, stamp=True), SIGSTORE.sign_statement({"other": True}, Signing(log=log))
    logged = parts(bundle) | ({take: parts(other)[take]} if take else {})
    body = make(logged["content"], logged["signature"], logged["certificate"])
    entries(bundle)[:] = [SIGSTORE.logs[log].entry(body, SIGNED_AT if log == 1 else None)]
    found = await refusal(bundle)
    if not take:
        assert found is None
        return
    assert found is not None
    assert found[0] is Reason.TLOG_ENTRY_MISMATCH
    assert f"about another {take}" in found[1]


async def test_every_entry_is_about_this_signature() -> None:
    """One that is not, beside one that is; of a log that is not trusted it does not count and is not looked at."""
    bundle, other = sign(), SIGSTORE.sign_statement({"other": True}, Signing(log=2))
    entries(bundle).extend(entries(other))
    found = await refusal(bundle)
    assert found is not None
    assert found[0] is Reason.TLOG_ENTRY_MISMATCH
    bundle = sign()
    entries(bundle).extend(entries(ELSEWHERE.sign_statement({"other": True})))
    assert await refusal(bundle) is None


async def test_an_entry_for_an_envelope_is_about_no_message() -> None:
    """A payload's digest that happens to be that of the artifact proves nothing of a signature over its bytes."""
    setting = Setting()
    message = image_bytes(setting.store, setting.image)
    bundle = SIGSTORE.sign_message(message)
    assert await refusal(bundle) is None
    signature = decode_base64(bundle["messageSignature"]["signature"])
    certificate = decode_base64(bundle["verificationMaterial"]["certificate"]["rawBytes"])
    body = log_dsse(message, signature, certificate)
    entries(bundle)[:] = [SIGSTORE.logs[1].entry(body, SIGNED_AT)]
    found = await refusal(bundle)
    assert found is not None
    assert found[0] is Reason.TLOG_ENTRY_MISMATCH


async def test_the_signature_is_the_certificate_s_over_this_content() -> None:
    """Another certificate of the same signer, with an entry that says so."""
    bundle, other = sign(), sign()
    bundle["verificationMaterial"]["certificate"] = other["verificationMaterial"]["certificate"]
    mine = parts(bundle)
    body = log_dsse(mine["content"], mine["signature"], mine["certificate"])
    entries(bundle)[:] = [SIGSTORE.logs[1].entry(body, SIGNED_AT)]
    found = await refusal(bundle)
    assert found is not None
    assert found[0] is Reason.SIG_INVALID


@pytest.mark.parametrize(
    ("how", "terms", "reason"),
    [
        ({"log": 0, "stamp": True}, {}, Reason.TLOG_PROOF_INVALID),
        ({"log": 0, "stamp": True}, {"logs": 0}, None),
        ({"log": 2, "stamp": False}, {}, Reason.TIME_SOURCE_MISSING),
        ({"log": 1, "promise": False, "stamp": False}, {}, Reason.TIME_SOURCE_MISSING),
        ({}, {"logs": 2}, Reason.TLOG_THRESHOLD),
        ({"stamp": True}, {"timestamps": 1}, None),
        ({"stamp": True}, {"timestamps": 2}, Reason.TIME_SOURCE_MISSING),
        ({"stamp": False}, {"timestamps": 1}, Reason.TIME_SOURCE_MISSING),
        ({"log": 2, "stamp": True}, {"use_timestamps": False}, Reason.TIME_SOURCE_MISSING),
        ({"sct": "none"}, {}, Reason.SCT_INVALID),
        ({"sct": "none"}, {"certificate_logs": 0}, None),
        ({}, {"certificate_logs": 2}, Reason.SCT_INVALID),
        ({"life": timedelta(seconds=4)}, {}, Reason.TIME_OUTSIDE_VALIDITY),
        ({"life": timedelta(seconds=5)}, {}, None),
    ],
)
async def test_each_proof_is_there_as_often_as_the_policy_asks(
    how: dict[str, Any], terms: dict[str, Any], reason: Reason | None
) -> None:
    """Logs, certificate logs and timestamps are counted; a time is needed whatever is asked for."""
    found = await refusal(sign(**how), **terms)
    assert (found and found[0]) is reason


async def test_the_log_s_key_was_in_use_at_every_time() -> None:
    """A timestamp outside of the period of a log that says no time itself."""
    bundle = sign(log=2)
    key = SIGSTORE.logs[2].trusted()["publicKey"]
    for end, reason in (
        ("2026-01-01T12:00:05Z", None),
        ("2026-01-01T12:00:04Z", Reason.TIME_OUTSIDE_VALIDITY),
    ):
        period = {"start": "2020-01-01T00:00:00Z", "end": end}
        log = SIGSTORE.logs[2].trusted(publicKey=key | {"validFor": period})
        found = await refusal(bundle, trusted_root=SIGSTORE.root_with(tlogs=[log]))
        assert (found and found[0]) is reason


async def test_a_certificate_of_another_authority_is_refused() -> None:
    """With everything else of the right instance."""
    root = ELSEWHERE.root_document()
    other = SIGSTORE.root_with(certificateAuthorities=root["certificateAuthorities"])
    found = await refusal(sign(), trusted_root=other)
    assert found is not None
    assert found[0] is Reason.CHAIN_UNTRUSTED
    both = root["certificateAuthorities"] + SIGSTORE.root_document()["certificateAuthorities"]
    assert await refusal(sign(), trusted_root=SIGSTORE.root_with(certificateAuthorities=both)) is None


async def test_the_report_says_who_signed_and_what_vouches_for_it() -> None:
    """Identity, issuer, and each proof with its place and time."""
    data = passed(await validate(sign(stamp=True))).data
    (entry,) = data["verifiedSignatures"]
    assert (data["signer"], data["issuer"], data["createdAt"]) == (SUBJECT, ISSUER, "2026-01-01T12:00:05Z")
    assert (entry["certificateIdentity"], entry["certificateOIDCIssuer"]) == (SUBJECT, ISSUER)
    assert entry["certificateExtensions"]["1.3.6.1.4.1.57264.1.8"] == ISSUER
    assert (entry["certificateLogs"], entry["signedTimestamps"]) == (1, 1)
    assert entry["logEntries"] == [{"log": "rekor.sigstore.test", "logIndex": 1}]
    assert entry["times"] == ["2026-01-01T12:00:05Z"] * 2


async def test_a_key_s_proofs_are_about_its_signature() -> None:
    """With a configured key and a trusted root: the entry has to name that key."""
    key, setting = CosignKey.generate(), Setting()
    bundle = SIGSTORE.sign_statement(statement(setting.image.digest), Signing(key=key))
    terms = {"identities": (), "keys": (key.material,)}
    assert await refusal(bundle, **terms) is None
    (entry,) = entries(bundle)
    payload = decode_base64(bundle["dsseEnvelope"]["payload"])
    signature = decode_base64(bundle["dsseEnvelope"]["signatures"][0]["sig"])
    for named, content in ((CosignKey.generate().der, payload), (key.der, payload + b" ")):
        body = log_dsse(content, signature, named, bare=True)
        entries(bundle)[:] = [SIGSTORE.logs[1].entry(body, SIGNED_AT)]
        found = await refusal(bundle, **terms)
        assert found is not None
        assert found[0] is Reason.TLOG_ENTRY_MISMATCH
    entries(bundle)[:] = [entry]
    assert await refusal(bundle, **terms) is None
    entries(bundle).clear()
    found = await refusal(bundle, **terms)
    assert found is not None
    assert found[0] is Reason.TLOG_PROOF_INVALID


NAMES = [
    (x509.UniformResourceIdentifier("https://signer.test/a"), "https://signer.test/a"),
    (x509.RFC822Name("signer@example.com"), "signer@example.com"),
    (x509.DNSName("signer.test"), "signer.test"),
]


@pytest.mark.parametrize(("name", "text"), NAMES)
async def test_a_name_counts_as_the_kind_that_it_is(name: x509.GeneralName, text: str) -> None:
    """An address is no name of a host, and a URI no address, though the text be the same."""
    assert (
        await refusal(sign(names=(name,)), identities=(CertificateIdentity(subject=text, issuer=ISSUER),))
        is None
    )
    for kind in (x509.UniformResourceIdentifier, x509.RFC822Name, x509.DNSName):
        if kind is type(name):
            continue
        found = await refusal(
            sign(names=(kind(text),)), identities=(CertificateIdentity(subject=text, issuer=ISSUER),)
        )
        assert found is not None
        assert found[0] is Reason.IDENTITY_MISMATCH
