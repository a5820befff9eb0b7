"""Attacks with certificates, envelopes and log entries that ask more of their reader than they may."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.clock import SystemClock
from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, failures
from pyratify.core.verifier import Details
from pyratify.pki.certificates import parse_certificate
from pyratify.pki.encoding import decode_base64, encode_base64
from pyratify.sigstore.authenticator import load_authenticator
from pyratify.sigstore.blob_verification import verify_blob
from pyratify.sigstore.signed_content import Artifact
from pyratify.testing.certificates import authority, forge, pem, signer
from pyratify.testing.cosign import statement
from pyratify.testing.notation import make_verifier
from pyratify.testing.sigstore import SIGNED_AT, PrivateSigstore, Signing
from pyratify.testing.sigstore_log import body
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from support.notation_bench import ROOT, judge
from verifiers.notation.test_plugin_verification import asking, calls, install

SIGSTORE = PrivateSigstore()
MESSAGE = b"an artifact"
ORGANISATION, COUNTRY = bytes.fromhex("060355040a"), bytes.fromhex("0603550406")
VERSION_3, VERSION_9 = bytes.fromhex("a003020102"), bytes.fromhex("a003020108")


def judged(bundle: dict[str, Any]) -> Details:
    """Verify a bundle for the message."""
    policy = CosignTrustPolicy(identities=(SIGSTORE.identity,), trusted_root=SIGSTORE.root)
    trusted = load_authenticator(policy, SystemClock())
    return verify_blob(json.dumps(bundle).encode(), Artifact.of(MESSAGE), trusted)


def refusal(bundle: dict[str, Any]) -> VerificationError:
    """Return why a bundle is no evidence for the message."""
    with pytest.raises(VerificationError) as caught:
        judged(bundle)
    return caught.value


def certificate_of(bundle: dict[str, Any]) -> dict[str, str]:
    """Return the member that holds the bundle's certificate."""
    found: dict[str, str] = bundle["verificationMaterial"]["certificate"]
    return found


def version_9(der: bytes) -> bytes:
    """Return a certificate that says that it is of version 9."""
    assert VERSION_3 in der
    return der.replace(VERSION_3, VERSION_9, 1)


def test_atk_296_a_certificate_of_an_unknown_version_makes_a_bundle_malformed() -> None:
    """The library raises a class of its own for it, which is no ValueError; that is no defect of ours."""
    bundle = SIGSTORE.sign_message(MESSAGE)
    member = certificate_of(bundle)
    member["rawBytes"] = encode_base64(version_9(decode_base64(member["rawBytes"])))
    error = refusal(bundle)
    assert error.reason is Reason.ENVELOPE_MALFORMED
    assert "unknown version" in error.message


def test_atk_296_a_certificate_of_an_unknown_version_is_refused_wherever_one_is_parsed() -> None:
    """Signed by its issuer all the same."""
    good = signer(ROOT)
    for broken in (version_9(good.der), forge(good, ROOT, version_9).der):
        with pytest.raises(VerificationError) as caught:
            parse_certificate(broken)
        assert caught.value.reason is Reason.CHAIN_INVALID
        assert "unknown version" in caught.value.message


ODD = """
import sys
from pathlib import Path
from pyratify.core.key import KeyMaterial
from pyratify.pki.certificates import load_certificates
(found,) = load_certificates(KeyMaterial(Path(sys.argv[1]).read_bytes(), "odd"))
print(found.is_self_signed, found.subject_der.hex())
"""


def long_country(der: bytes) -> bytes:
    """Return a certificate whose organisation stands where the two letters of a country belong."""
    return der.replace(ORGANISATION, COUNTRY)


def test_atk_296_what_a_library_thinks_of_a_certificate_never_reaches_standard_error(tmp_path: Path) -> None:
    """A country of more than two letters is read, and read again, without a warning."""
    root = authority()
    odd = forge(root, root, long_country)
    assert odd.der != root.der
    (tmp_path / "odd.pem").write_bytes(pem(odd.der))
    ran = subprocess.run(
        [sys.executable, "-W", "default", "-c", ODD, str(tmp_path / "odd.pem")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.startswith("True ")
    assert ran.stderr == ""


WARNING = """
import sys, warnings
from pyratify.entrypoints.cli import main
sys.argv = ["ratify", "--version"]
main()
warnings.warn("a library's opinion", UserWarning)
"""


def test_atk_296_a_warning_of_any_library_never_reaches_standard_error() -> None:
    """Unless Python runs with an option that shows warnings."""
    for options, shown in (((), False), (("-W", "always"), True)):
        ran = subprocess.run(
            [sys.executable, *options, "-c", WARNING], capture_output=True, text=True, check=True
        )
        assert ran.stdout
        assert ("opinion" in ran.stderr) is shown


async def test_atk_297_an_envelope_that_is_not_authentic_starts_no_program(tmp_path: Path) -> None:
    """Not even to learn what the plugin does; whatever the level, and whatever else is said of it."""
    plugins = install(tmp_path)
    for level in ("strict", "permissive", "audit"):
        verifier = make_verifier(authority("other"), plugins=plugins, level=level)
        result = await judge(asking(), verifier=verifier)
        if level != "audit":
            assert result.decision is Decision.DENY
            assert [f.reason for _, f in failures(result.artifacts)] == [Reason.CHAIN_UNTRUSTED]
    assert calls(plugins) == []


async def test_atk_297_an_authentic_envelope_starts_its_plugin(tmp_path: Path) -> None:
    """Else the refusal above would say nothing."""
    plugins = install(tmp_path)
    result = await judge(asking(), verifier=make_verifier(ROOT, plugins=plugins))
    assert result.decision is Decision.ALLOW
    assert [arguments for arguments, *_ in calls(plugins)] == [["get-plugin-metadata"], ["verify-signature"]]


def dsse_v2(payload: bytes, signature: bytes, certificate: bytes) -> bytes:
    """Return the body of an entry of the kind that Rekor v2 does not have."""
    digest = {"algorithm": "SHA2_256", "digest": encode_base64(bytes.fromhex(Digest.of(payload).hex))}
    verifier = {
        "keyDetails": "PKIX_ECDSA_P256_SHA_256",
        "x509Certificate": {"rawBytes": encode_base64(certificate)},
    }
    signed = [{"content": encode_base64(signature), "verifier": verifier}]
    return body("dsse", "0.0.2", {"dsseV002": {"payloadHash": digest, "signatures": signed}})


def test_atk_298_a_dsse_entry_of_a_rekor_v2_log_is_not_accepted() -> None:
    """That log has entries of one kind, hashedrekord (client specification, section 4.4)."""
    bundle = SIGSTORE.sign_statement(statement(Digest.of(MESSAGE)), Signing(log=2, stamp=True))
    envelope = bundle["dsseEnvelope"]
    logged = dsse_v2(
        decode_base64(envelope["payload"]),
        decode_base64(envelope["signatures"][0]["sig"]),
        decode_base64(certificate_of(bundle)["rawBytes"]),
    )
    assert judged(bundle).signers
    bundle["verificationMaterial"]["tlogEntries"] = [SIGSTORE.logs[2].entry(logged, None)]
    error = refusal(bundle)
    assert error.reason is Reason.TLOG_ENTRY_MISMATCH
    assert "'dsse' in version '0.0.2'" in error.message
    assert "hashedrekord 0.0.2" in error.message


def test_atk_298_an_entry_of_a_kind_that_is_not_understood_is_refused_for_that() -> None:
    """And not for the log's promise, which is there and good."""
    bundle = SIGSTORE.sign_message(MESSAGE)
    logged = body("intoto", "0.0.1", {"content": {}})
    bundle["verificationMaterial"]["tlogEntries"] = [SIGSTORE.logs[1].entry(logged, SIGNED_AT)]
    error = refusal(bundle)
    assert error.reason is Reason.TLOG_ENTRY_MISMATCH
    assert "'intoto' in version '0.0.1'" in error.message
    assert "promise" not in error.message
