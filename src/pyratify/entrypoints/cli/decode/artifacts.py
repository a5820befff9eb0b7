"""Decoding of signatures, keys and certificates, unverified."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from pyratify.core.errors import RatifyError
from pyratify.core.key import KeyMaterial
from pyratify.core.limits import MIB
from pyratify.entrypoints.cli.decode.certificate_facts import Facts, certificate_facts, decode_certificate
from pyratify.entrypoints.cli.decode.statement_lines import has_lines, lines_facts
from pyratify.pki.der import SEQUENCE, InvalidDer, read_elements
from pyratify.verifiers.attached_documents import plain_type
from pyratify.verifiers.sbom.sbom_formats import SBOM_TYPES
from pyratify.verifiers.vulnerability.report_formats import MAX_REPORT, MAX_TOKENS, REPORT_TYPES

_JWS = "application/jose+json"
_COSE = "application/cose"
_LINES = "in-toto bundle"
_SIGNED = ("sigstore bundle", "DSSE envelope", "in-toto statement")
_MAX_TEXT = 4096
_MAX_BYTES, _MAX_TOKENS = 16 * MIB, 1_000_000  # of payloads, which may hold SBOMs


def decode_artifact(
    data: bytes, media_type: str = "", annotations: Mapping[str, str] | None = None
) -> Facts | None:
    """Decode a document by its media type, or by its content where there is none.

    Args:
        data: The bytes.
        media_type: What they are said to be.
        annotations: The annotations of the layer that holds them.

    Returns:
        What it says, with `kind` first and `error` where it is not as it should be; None for an unknown kind.
    """
    # A given type is not second-guessed: the content of an attached artifact is the attacker's.
    kind = _by_type(media_type) if media_type else _by_look(data)
    if kind in (None, *_SIGNED) and has_lines(data):
        kind = _LINES
    if kind is None:
        return None
    try:
        return {"kind": kind, **_READERS[kind](data, annotations or {})}
    # inspect shows what is there: a malformed signature is a fact beside the others, not the end of the run.
    except (RatifyError, ValueError, TypeError, KeyError) as error:
        message = error.message if isinstance(error, RatifyError) else f"{type(error).__name__}: {error}"
        return {"kind": kind, "bytes": len(data), "error": message}


def _by_type(media_type: str) -> str | None:
    media_type = plain_type(media_type)
    if media_type.startswith("application/vnd.dev.sigstore.bundle"):
        return "sigstore bundle"
    if media_type in REPORT_TYPES:
        return "vulnerability report"
    if media_type in SBOM_TYPES:
        return "SBOM"
    return {
        "application/vnd.openvex+json": "VEX document",
        "application/openvex+json": "VEX document",
        _JWS: "notation signature (JWS)",
        _COSE: "notation signature (COSE)",
        "application/vnd.dev.cosign.simplesigning.v1+json": "cosign signature (simple signing)",
        "application/vnd.dsse.envelope.v1+json": "DSSE envelope",
        "application/vnd.in-toto+json": "in-toto statement",
        "application/vnd.in-toto.bundle": _LINES,
        "slsa/attestation": _LINES,
    }.get(media_type, "DSSE envelope" if media_type.endswith("+dsse") else None)


def _by_look(data: bytes) -> str | None:
    # Certificates first: a file of certificates and keys is read as a chain.
    if b"-----BEGIN CERTIFICATE" in data or _is_der(data, 3):
        return "certificates"
    if b"-----BEGIN" in data or _is_der(data, 2):
        return "public keys"
    # CBOR tag 18 (COSE_Sign1_Tagged, RFC 9052, section 4.2), or its array of four without the tag.
    if data[:1] in {b"\xd2", b"\x84"}:
        return "notation signature (COSE)"
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):  # nested brackets exhaust json's stack
        return None
    members = set(document) if isinstance(document, dict) else set()
    return next((kind for name, kind in _LOOKS if name in members), None)


def _is_der(data: bytes, parts: int) -> bool:
    """Return whether it is a sequence of that many parts: three in a certificate, two in a key of either form."""
    try:
        # A Certificate (RFC 5280, section 4.1) has three parts, a SubjectPublicKeyInfo (4.1.2.7) two.
        first = next(read_elements(data), None)
        return (
            first is not None and first.tag == SEQUENCE and len(tuple(read_elements(first.content))) == parts
        )
    except InvalidDer:
        return False


# A member of the top level that its kind requires; a bundle has its envelope one level below.
_LOOKS = (
    ("verificationMaterial", "sigstore bundle"),
    ("protected", "notation signature (JWS)"),
    ("payloadType", "DSSE envelope"),
    ("critical", "cosign signature (simple signing)"),
    ("predicateType", "in-toto statement"),
    ("runs", "vulnerability report"),
    ("SchemaVersion", "vulnerability report"),
    ("matches", "vulnerability report"),
    ("scanner", "vulnerability report"),
    ("statements", "VEX document"),
    ("spdxVersion", "SBOM"),
    ("bomFormat", "SBOM"),
)


def _notation(media_type: str) -> Callable[[bytes, Mapping[str, str]], Facts]:
    def read(data: bytes, annotations: Mapping[str, str]) -> Facts:
        from pyratify.entrypoints.cli.decode.notation_signature import envelope_facts
        from pyratify.verifiers.notation.envelope import parse_envelope

        del annotations
        envelope = parse_envelope(data, media_type)
        payload = _json(envelope.payload)
        return envelope_facts(envelope, payload, [decode_certificate(der) for der in envelope.chain])

    return read


def _bundle(data: bytes, annotations: Mapping[str, str]) -> Facts:
    from pyratify.pki.dsse import DsseEnvelope
    from pyratify.sigstore.bundle import parse_bundle
    from pyratify.sigstore.mismatch import named_key
    from pyratify.sigstore.statement_formats import MAX_ATTESTATION

    del annotations
    bundle = parse_bundle(data, MAX_ATTESTATION)
    content = bundle.content
    if isinstance(content, DsseEnvelope):
        signed: Facts = {"envelope": _envelope(content)}
    else:
        signed = {"messageDigest": f"{content.algorithm}:{content.digest.hex()}"}
    return {
        "keyHint": bundle.hint,
        "key": named_key(bundle.hint or "") or None,
        "transparencyLogEntries": bundle.log_entries,
        "timestamps": bundle.timestamps,
        **signed,
        "certificates": [decode_certificate(der) for der in bundle.certificates],
    }


def _dsse(data: bytes, annotations: Mapping[str, str]) -> Facts:
    from pyratify.pki.dsse import load_dsse

    del annotations
    return _envelope(load_dsse(data))


def _envelope(envelope: Any) -> Facts:
    payload = _json(envelope.payload)
    return {
        "payloadType": envelope.payload_type,
        **_statement_of(payload),
        "payload": payload,
        "signatures": [
            {"keyid": each.keyid or None, "bytes": len(each.value)} for each in envelope.signatures
        ],
    }


def _simple_signing(data: bytes, annotations: Mapping[str, str]) -> Facts:
    from pyratify.core.strictjson import load_object

    return {
        "payload": load_object(data, what="payload"),
        # cosign's SIGNATURE_SPEC keeps the signature in the layer's annotations, beside the payload.
        "signature": annotations.get("dev.cosignproject.cosign/signature"),
        "certificate": _pem(annotations.get("dev.sigstore.cosign/certificate")),
        "bundle": "dev.sigstore.cosign/bundle" in annotations,
    }


def _statement(data: bytes, annotations: Mapping[str, str]) -> Facts:
    del annotations
    payload = _json(data)
    return {**_statement_of(payload), "payload": payload}


def _statement_of(payload: Any) -> Facts:
    """Return what a statement says for people, beside the whole payload."""
    from pyratify.entrypoints.cli.decode.statement_facts import statement_facts

    found = statement_facts(payload)
    return {"statement": found} if found else {}


def _document(read: str) -> Callable[[bytes, Mapping[str, str]], Facts]:
    def facts(data: bytes, annotations: Mapping[str, str]) -> Facts:
        from pyratify.core.strictjson import loads
        from pyratify.entrypoints.cli.decode import reports

        del annotations
        document = loads(data, what="document", max_bytes=MAX_REPORT, max_tokens=MAX_TOKENS)
        found: Facts = getattr(reports, read)(document)
        return found

    return facts


def _sbom(data: bytes, annotations: Mapping[str, str]) -> Facts:
    from pyratify.entrypoints.cli.decode.sbom_contents import sbom_facts
    from pyratify.evidence.sbom.read_sbom import parse_sbom

    del annotations
    return sbom_facts(parse_sbom(data))


def _certificates(data: bytes, annotations: Mapping[str, str]) -> Facts:
    from pyratify.pki.certificates import load_certificates

    del annotations
    return {
        "certificates": [certificate_facts(each) for each in load_certificates(KeyMaterial(data, "file"))]
    }


def _keys(data: bytes, annotations: Mapping[str, str]) -> Facts:
    from pyratify.pki.public_keys import load_public_keys, spki_fingerprint

    del annotations
    return {
        "keys": [
            {"fingerprint": spki_fingerprint(each.key), "type": type(each.key).__name__.lstrip("_")}
            for each in load_public_keys(KeyMaterial(data, "file"))
        ]
    }


def _pem(text: str | None) -> list[Facts] | None:
    from pyratify.pki.certificates import load_certificates

    if not text:
        return None
    try:
        return [
            certificate_facts(each) for each in load_certificates(KeyMaterial(text.encode(), "annotation"))
        ]
    except RatifyError as error:
        return [{"error": error.message}]


def _json(data: bytes) -> Any:
    """Return what a payload says where it is JSON, else its beginning."""
    from pyratify.core.strictjson import InvalidJson, loads
    from pyratify.entrypoints.cli.decode.predicates import shown_statement

    try:
        return shown_statement(loads(data, what="payload", max_bytes=_MAX_BYTES, max_tokens=_MAX_TOKENS))
    except InvalidJson as error:
        # Escapes for bytes that are no UTF-8: a terminal must not interpret them.
        text = data[:_MAX_TEXT].decode("utf-8", "backslashreplace")
        return {"bytes": len(data), "text": text, "error": error.message}


def _lines(data: bytes, annotations: Mapping[str, str]) -> Facts:
    del annotations
    return lines_facts(data, decode_artifact)


_READERS: dict[str, Callable[[bytes, Mapping[str, str]], Facts]] = {
    "notation signature (JWS)": _notation(_JWS),
    "notation signature (COSE)": _notation(_COSE),
    "sigstore bundle": _bundle,
    "DSSE envelope": _dsse,
    "in-toto statement": _statement,
    _LINES: _lines,
    "SBOM": _sbom,
    "cosign signature (simple signing)": _simple_signing,
    "vulnerability report": _document("report_facts"),
    "VEX document": _document("vex_facts"),
    "certificates": _certificates,
    "public keys": _keys,
}


def kinds() -> Iterator[str]:
    """Iterate over the kinds of documents that can be taken apart."""
    yield from _READERS
