"""Tokens and answers of other people's timestamp servers, judged as the Notary Project's own client judges them."""

import json
from datetime import UTC, datetime

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.pki.certificates import load_certificates, parse_certificate
from pyratify.pki.der import InvalidDer
from pyratify.pki.timestamp.attributes import (
    check_content,
    check_signing_certificate,
    parse_attributes,
    signing_time,
)
from pyratify.pki.timestamp.cms import parse_signed_data
from pyratify.pki.timestamp.cms_signature import signing_certificate, verify_signer
from pyratify.pki.timestamp.response import token_of
from pyratify.pki.timestamp.token import authority_chain, check_signature, verify_timestamp
from pyratify.pki.timestamp.tst_info import InvalidStatement, parse_info

NOW = datetime(2026, 6, 1, tzinfo=UTC)
REFUSED = (InvalidDer, InvalidStatement, VerificationError)

# RFC 3161, section 2.4.2: no signature but the authority's. Upstream takes one valid signature among several.
STRICTER = ("TimeStampTokenWithValidAndInvalidSignerInfos", "TimeStampTokenWithAnInvalidAndAValidSignerInfo")

WHY = {
    ("verify", "TimeStampTokenWithoutCertificate"): "signing certificate is in the token 0 times",
    ("verify", "TimeStampTokenWithInvalidSignature"): "signature is not the certificate's",
    ("parse", "TimeStampTokenWithInvalideContentType"): "not a TSTInfo",
    ("tstinfo", "TimeStampTokenWithInvalidTSTInfo"): "element with the tag 0x18 is missing",
    (
        "signing-certificate",
        "TimeStampTokenWithoutSigningCertificate",
    ): "attribute signing-certificate-v2 is missing",
    (
        "signing-certificate",
        "TimeStampTokenWithWrongSigningCertificateV2IssuerChoiceTag",
    ): "not one directory name",
    ("signing-certificate", "TimeStampTokenWithSHA1CertHash"): "hash other than",
    ("signing-certificate", "TimeStampTokenWithMismatchCertHash"): "names another certificate",
    ("signing-certificate", "TimeStampTokenWithInvalidSigningCertificateV2"): "tag 0x30 is missing",
    ("signing-certificate", "TimeStampTokenWithSigningCertificateV2NoCert"): "names no certificate",
    (
        "signing-certificate",
        "TimeStampTokenWithSigningCertificateV1",
    ): "attribute signing-certificate-v2 is missing",
    ("tstinfo-validate", "TimeStampTokenWithTSTInfoVersion2"): "version is 2, not 1",
    ("tstinfo-validate", "SHA1TimeStampToken"): "a hash other than",
    ("tstinfo-validate", "TimeStampToken"): "made for something else",
    ("response", "rejection"): "refuses, with the status 2",
    ("response", "malformed"): "cut off",
    ("cms-verify", "TimeStampTokenWithoutCertificate"): "signing certificate is in the token 0 times",
    ("cms-verify", "TimeStampTokenWithoutSigner"): "0 signatures",
    ("cms-verify", "TimeStampTokenWithSignerVersion2"): "not of version 1",
    ("cms-verify", "TimeStampTokenWithUnknownSignerIssuer"): "signing certificate is in the token 0 times",
    ("cms-verify", "Sha1SignedData"): "not a TSTInfo",
    ("cms-verify", "TimeStampTokenWithInvalidSignature"): "signature is not the certificate's",
    ("cms-verify", "SignedDataWithoutSignedAttributes"): "not a TSTInfo",
    ("cms-verify", "TimeStampTokenWithInvalidContentType"): "not a TSTInfo",
    ("cms-parse", "TimeStampTokenWithInvalidCertificates"): "certificate is malformed",
    (
        "cms-signed-attributes",
        "TimeStampTokenWithoutSignedAttributeContentType",
    ): "content-type is missing",
    (
        "cms-signed-attributes",
        "TimeStampTokenInvalidSignedAttributeContentType",
    ): "not that of a TSTInfo",
    (
        "cms-signed-attributes",
        "TimeStampTokenWithoutSignedAttributeDigest",
    ): "message-digest is missing",
    ("cms-signed-attributes", "TimeStampTokenWithSignedAttributeSHA1"): "digest is not SHA-256",
    ("cms-signed-attributes", "TimeStampTokenWithInvalidSigningTime"): "tag 0x31 is missing",
    (
        "cms-signed-attributes",
        "TimeStampTokenWithSigningTimeBeforeExpected",
    ): "outside of the certificate's validity",
    ("cms-signed-attributes", "TimeStampTokenWithoutSignedAttributes"): "content-type is missing",
}


def roots(shared, row):
    """Return the trusted root of a row."""
    data = (shared / "tspclient-go/testdata/GlobalSignRootCA.crt").read_bytes()
    return load_certificates(KeyMaterial(data, row.get("root", "")))


def attributes_step(data):
    """Check the signed attributes alone."""
    signed = parse_signed_data(data)
    signer = signed.signers[0]
    attributes = parse_attributes(signer.attributes)
    check_content(attributes, signed.content, signer.digest)
    certificate = signing_certificate(signed, signer)
    stated = signing_time(attributes)
    if stated is not None and not certificate.not_before <= stated <= certificate.not_after:
        raise InvalidDer("outside of the certificate's validity")


def signing_certificate_step(data):
    """Check the attribute that names the certificate alone."""
    signed = parse_signed_data(data)
    signer = signed.signers[0]
    check_signing_certificate(parse_attributes(signer.attributes), signing_certificate(signed, signer))


def judge(step, data, message, anchors):
    """Do what a row is about."""
    if step == "verify":
        verify_timestamp(data, message, anchors, NOW)
    elif step == "response":
        token_of(data)
    elif step == "signing-certificate":
        signing_certificate_step(data)
    elif step == "cms-signed-attributes":
        attributes_step(data)
    elif step == "cms-verify":
        signed = parse_signed_data(data)
        authority_chain(check_signature(signed), signed, (parse_certificate(signed.certificates[-1]),))
    elif step == "cms-parse":
        tuple(parse_certificate(der) for der in parse_signed_data(data).certificates)
    elif step == "tstinfo-validate":
        parse_info(parse_signed_data(data).content).check(message)
    else:
        parse_info(parse_signed_data(data).content)


def any_signature(data):
    """Return whether one of several signatures verifies by itself."""
    signed = parse_signed_data(data)
    return any(_verifies(signed, signer) for signer in signed.signers)


def _verifies(signed, signer):
    try:
        verify_signer(signed, signer, signing_certificate(signed, signer))
    except REFUSED:
        return False
    return True


@pytest.mark.parametrize("index", range(39))
def test_a_token_is_judged_as_upstream_judges_it(shared, index):
    """Each row agrees, for its own reason; two tokens with a second, invalid signature are refused on purpose."""
    row = json.loads((shared / "expected/tspclient-go.json").read_text())["cases"][index]
    data = (shared / row["token"]).read_bytes()
    name = row["token"].rpartition("/")[2].partition(".")[0]
    message = b"invalid" if "invalid" in row.get("message_hashed", "") else b"notation"
    if name in STRICTER:
        assert any_signature(data) is row["ok"] is True
        with pytest.raises(REFUSED, match="2 signatures, not exactly one"):
            judge(row["step"], data, message, roots(shared, row))
    elif row["ok"]:
        judge(row["step"], data, message, roots(shared, row))
    else:
        with pytest.raises(REFUSED, match=WHY[row["step"], name]):
            judge(row["step"], data, message, roots(shared, row))


@pytest.mark.parametrize("index", range(39))
def test_what_upstream_refuses_is_refused_as_a_whole_with_its_reason_code(shared, index):
    """No refused row passes the complete verification, and the reason code is always TIMESTAMP_INVALID."""
    row = json.loads((shared / "expected/tspclient-go.json").read_text())["cases"][index]
    if row["ok"]:
        return
    data = (shared / row["token"]).read_bytes()
    message = b"invalid" if "invalid" in row.get("message_hashed", "") else b"notation"
    with pytest.raises(VerificationError) as caught:
        verify_timestamp(data, message, roots(shared, row), NOW)
    assert caught.value.reason is Reason.TIMESTAMP_INVALID


def test_the_table_has_all_its_rows(shared):
    """The parametrisation covers the whole table."""
    assert len(json.loads((shared / "expected/tspclient-go.json").read_text())["cases"]) == 39


def test_time_and_accuracy_are_the_authoritys(shared):
    """The accepted token says its time, to a second, as upstream reads it."""
    data = (shared / "tspclient-go/testdata/TimeStampToken.p7s").read_bytes()
    found = verify_timestamp(data, b"notation", roots(shared, {}), NOW)
    assert found.time == datetime(2021, 9, 17, 14, 9, 10, tzinfo=UTC)
    assert (found.latest - found.time).total_seconds() == (found.time - found.earliest).total_seconds() == 1


def test_another_projects_token_with_a_broken_signature_is_refused(shared):
    """The signature is verified, not only the chain."""
    folder = shared / "notation-core-go/internal-timestamp"
    data = (folder / "TimeStampTokenWithInvalidSignature.p7s").read_bytes()
    anchors = load_certificates(KeyMaterial((folder / "tsaRootCert.cer").read_bytes(), "root"))
    with pytest.raises(VerificationError, match="signature is not the certificate's"):
        verify_timestamp(data, b"notation", anchors, NOW)
