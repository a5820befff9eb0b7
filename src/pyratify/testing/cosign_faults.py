"""Cosign signatures that are broken in one chosen way each, with the reason that a verifier must give."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.reason import Reason
from pyratify.pki.encoding import encode_base64
from pyratify.testing.cosign import (
    ClassicSignature,
    CosignKey,
    sign_classic,
    sign_statement,
    simple_signing,
    statement,
)
from pyratify.verifiers.cosign.formats import CERTIFICATE_ANNOTATION, SIGNATURE_ANNOTATION

Edit = Callable[[dict[str, Any]], Any]
_ELSEWHERE = Digest.of(b"elsewhere")


@dataclass(frozen=True, slots=True)
class ClassicFault:
    """One way in which a classic signature is broken.

    Attributes:
        reason: What a verifier must say.
        make: Makes the signature with a trusted key for a subject.
    """

    reason: Reason
    make: Callable[[CosignKey, Digest], ClassicSignature]


@dataclass(frozen=True, slots=True)
class BundleFault:
    """One way in which a bundle is broken.

    Attributes:
        reason: What a verifier must say.
        make: Makes the bundle with a trusted key for a subject.
    """

    reason: Reason
    make: Callable[[CosignKey, Digest], dict[str, Any] | bytes]


def _signed(edit: Edit) -> Callable[[CosignKey, Digest], ClassicSignature]:
    """Break the payload before it is signed."""

    def make(key: CosignKey, subject: Digest) -> ClassicSignature:
        payload = simple_signing(subject)
        edit(payload)
        return sign_classic(key, payload)

    return make


def _after(
    edit: Callable[[ClassicSignature], ClassicSignature],
) -> Callable[[CosignKey, Digest], ClassicSignature]:
    """Break the signature after it was made."""
    return lambda key, subject: edit(sign_classic(key, simple_signing(subject)))


def _annotated(name: str, value: str) -> Callable[[CosignKey, Digest], ClassicSignature]:
    return _after(lambda made: replace(made, annotations={**made.annotations, name: value}))


def _duplicate(key: CosignKey, subject: Digest) -> ClassicSignature:
    good = json.dumps(simple_signing(subject))
    # Parsers differ in which of two equal names wins (RFC 8259, section 4), so two of them see two claims.
    return sign_classic(key, good.replace('{"critical"', '{"optional": {}, "critical"', 1).encode())


def _key_as_certificate(key: CosignKey, subject: Digest) -> ClassicSignature:
    # A key that is trusted as a certificate would pass without an identity ever being checked.
    return _annotated(CERTIFICATE_ANNOTATION, key.pem.decode())(key, subject)


def _statement(edit: Edit) -> Callable[[CosignKey, Digest], dict[str, Any]]:
    """Break the statement before it is signed."""

    def make(key: CosignKey, subject: Digest) -> dict[str, Any]:
        payload = statement(subject)
        edit(payload)
        return sign_statement(key, payload)

    return make


def _bundle(edit: Edit) -> Callable[[CosignKey, Digest], dict[str, Any]]:
    """Break the bundle after it was made."""

    def make(key: CosignKey, subject: Digest) -> dict[str, Any]:
        bundle = sign_statement(key, statement(subject))
        edit(bundle)
        return bundle

    return make


def _raw(data: bytes) -> Callable[[CosignKey, Digest], bytes]:
    return lambda *_: data


def _set(*path: str | int, value: Any) -> Edit:
    """Return an edit that sets one member, however deep."""

    def edit(document: dict[str, Any]) -> None:
        target: Any = document
        for step in path[:-1]:
            target = target[step]
        target[path[-1]] = value

    return edit


def _two_signatures(bundle: dict[str, Any]) -> None:
    # The same good one twice: each verifies, only the number is wrong.
    bundle["dsseEnvelope"]["signatures"] *= 2


def _other_payload(bundle: dict[str, Any]) -> None:
    # `{}` in base64, well formed: only the signature can tell.
    bundle["dsseEnvelope"]["payload"] = "e30="


def _no_content(bundle: dict[str, Any]) -> None:
    del bundle["dsseEnvelope"]


def _key_in_certificate(key: CosignKey, subject: Digest) -> dict[str, Any]:
    bundle = sign_statement(key, statement(subject))
    bundle["verificationMaterial"] = {"certificate": {"rawBytes": encode_base64(key.der)}}
    return bundle


_MALFORMED, _TYPE = Reason.ENVELOPE_MALFORMED, Reason.PAYLOAD_TYPE
_MATERIAL = "verificationMaterial"
_MESSAGE = {"messageDigest": {"algorithm": "SHA2_256", "digest": "AA=="}, "signature": "AA=="}

CLASSIC_FAULTS: Mapping[str, ClassicFault] = {
    "other-subject": ClassicFault(
        Reason.PAYLOAD_SUBJECT_MISMATCH,
        _signed(_set("critical", "image", "docker-manifest-digest", value=str(_ELSEWHERE))),
    ),
    # The type of the GPG signatures that share this format (containers-signature(5)).
    "other-type": ClassicFault(_TYPE, _signed(_set("critical", "type", value="atomic container signature"))),
    "no-type": ClassicFault(_TYPE, _signed(lambda payload: payload["critical"].pop("type"))),
    "no-digest": ClassicFault(_TYPE, _signed(_set("critical", "image", value={}))),
    "extra-member": ClassicFault(_TYPE, _signed(_set("critical", "extra", value="x"))),
    # An array where an object belongs; null and absence are good.
    "optional-no-object": ClassicFault(_TYPE, _signed(_set("optional", value=[]))),
    "duplicate-member": ClassicFault(_TYPE, _duplicate),
    # A DSSE encoding signed by the same key: a signature of one format must not serve for another.
    "not-json": ClassicFault(_TYPE, lambda key, _: sign_classic(key, b"DSSEv1 1 x 1 x")),
    # A space more is the same JSON: what counts is bytes, not their meaning.
    "changed-payload": ClassicFault(
        Reason.SIG_INVALID, _after(lambda made: replace(made, payload=made.payload + b" "))
    ),
    "other-key": ClassicFault(
        Reason.SIG_INVALID,
        lambda key, subject: sign_classic(CosignKey.generate(key.kind), simple_signing(subject)),
    ),
    "no-signature": ClassicFault(_MALFORMED, _after(lambda made: replace(made, annotations={}))),
    "empty-signature": ClassicFault(_MALFORMED, _annotated(SIGNATURE_ANNOTATION, "")),
    # Many decoders skip white space, which would make several spellings of one signature.
    "lenient-base64": ClassicFault(
        _MALFORMED,
        _after(
            lambda made: replace(
                made, annotations={SIGNATURE_ANNOTATION: made.annotations[SIGNATURE_ANNOTATION] + " "}
            )
        ),
    ),
    "foreign-layer": ClassicFault(
        Reason.MEDIATYPE_MISMATCH, _after(lambda made: replace(made, media_type="application/json"))
    ),
    "key-as-certificate": ClassicFault(_MALFORMED, _key_as_certificate),
    "certificate-not-pem": ClassicFault(_MALFORMED, _annotated(CERTIFICATE_ANNOTATION, "x")),
}

BUNDLE_FAULTS: Mapping[str, BundleFault] = {
    "other-subject": BundleFault(
        Reason.PAYLOAD_SUBJECT_MISMATCH,
        _statement(_set("subject", 0, "digest", value={"sha256": _ELSEWHERE.hex})),
    ),
    "no-subject": BundleFault(Reason.PAYLOAD_SUBJECT_MISMATCH, _statement(_set("subject", value=[]))),
    "null-subject": BundleFault(_MALFORMED, _statement(_set("subject", 0, value=None))),
    "subject-without-digest": BundleFault(_MALFORMED, _statement(_set("subject", 0, "digest", value={}))),
    "no-statement": BundleFault(_TYPE, _statement(_set("_type", value="https://example.com/v1"))),
    "other-predicate": BundleFault(
        _TYPE, _statement(_set("predicateType", value="https://slsa.dev/provenance/v1"))
    ),
    "no-predicate-type": BundleFault(_MALFORMED, _statement(_set("predicateType", value=None))),
    "other-payload-type": BundleFault(
        _TYPE, lambda key, subject: sign_statement(key, statement(subject), payload_type="text/plain")
    ),
    "changed-payload": BundleFault(Reason.SIG_INVALID, _bundle(_other_payload)),
    "other-key": BundleFault(
        Reason.SIG_INVALID,
        lambda key, subject: sign_statement(CosignKey.generate(key.kind), statement(subject)),
    ),
    "unknown-version": BundleFault(
        _MALFORMED, _bundle(_set("mediaType", value="application/vnd.dev.sigstore.bundle.v9+json"))
    ),
    # An extension that is not understood could restrict what the rest claims.
    "unknown-member": BundleFault(_MALFORMED, _bundle(_set("extra", value=1))),
    # Protobuf's JSON readers take both spellings of a name: two members for one field.
    "snake-case": BundleFault(_MALFORMED, _bundle(_set("verification_material", value={}))),
    # A oneof in sigstore_bundle.proto: two readers could each verify another content.
    "both-contents": BundleFault(_MALFORMED, _bundle(_set("messageSignature", value=_MESSAGE))),
    "no-content": BundleFault(_MALFORMED, _bundle(_no_content)),
    # Also a oneof: a key would be checked, and a certificate's identity reported.
    "both-materials": BundleFault(
        _MALFORMED, _bundle(_set(_MATERIAL, "certificate", value={"rawBytes": "AA=="}))
    ),
    "no-material": BundleFault(_MALFORMED, _bundle(_set(_MATERIAL, value={}))),
    # sigstore_bundle.proto: envelopes in a bundle have exactly one signature.
    "two-signatures": BundleFault(_MALFORMED, _bundle(_two_signatures)),
    "no-signatures": BundleFault(_MALFORMED, _bundle(_set("dsseEnvelope", "signatures", value=[]))),
    # It contradicts the bundle's own hint, so at most one of the two names the signing key.
    "other-keyid": BundleFault(
        _MALFORMED, _bundle(_set("dsseEnvelope", "signatures", 0, "keyid", value="another"))
    ),
    # Bits that are left over are not zero (RFC 4648, section 3.5): a second spelling of the same bytes.
    "lenient-base64": BundleFault(
        _MALFORMED, _bundle(_set("dsseEnvelope", "signatures", 0, "sig", value="QR=="))
    ),
    "key-as-certificate": BundleFault(_MALFORMED, _key_in_certificate),
    "empty-chain": BundleFault(
        Reason.CHAIN_UNTRUSTED, _bundle(_set(_MATERIAL, value={"x509CertificateChain": {"certificates": []}}))
    ),
    # Far above every limit, yet small: these exhaust by the work for each entry, not by size.
    "many-log-entries": BundleFault(
        Reason.PARSE_LIMIT, _bundle(_set(_MATERIAL, "tlogEntries", value=[{}] * 10_000))
    ),
    "many-timestamps": BundleFault(
        Reason.PARSE_LIMIT,
        _bundle(_set(_MATERIAL, "timestampVerificationData", value={"rfc3161Timestamps": [{}] * 10_000})),
    ),
    "many-signatures": BundleFault(
        Reason.PARSE_LIMIT, _bundle(_set("dsseEnvelope", "signatures", value=[{"sig": "AA=="}] * 10_000))
    ),
    "many-subjects": BundleFault(
        Reason.PARSE_LIMIT,
        _statement(_set("subject", value=[{"digest": {"sha256": _ELSEWHERE.hex}}] * 10_000)),
    ),
    "not-json": BundleFault(Reason.JSON_INVALID, _raw(b'{"mediaType": "application/vnd')),
    "duplicate-member": BundleFault(Reason.JSON_DUPLICATE_KEY, _raw(b'{"mediaType": "a", "mediaType": "b"}')),
}
