"""Sigstore bundles, parsed strictly (sigstore_bundle.proto, sigstore_common.proto; protobuf's JSON mapping)."""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.dsse import DsseEnvelope, read_dsse
from pyratify.sigstore import json_fields
from pyratify.sigstore.media_types import BUNDLE_TYPES, MAX_BUNDLE

# sigstore-go has the same bounds for entries and timestamps.
MAX_LOG_ENTRIES = 32
MAX_TIMESTAMPS = 32
MAX_CERTIFICATES = 32
MAX_SIGNATURES = 32

_BUNDLE = ("mediaType", "verificationMaterial", "messageSignature", "dsseEnvelope")
_SINGLE = BUNDLE_TYPES.index("application/vnd.dev.sigstore.bundle+json;version=0.3")
_CONTENT = ("messageSignature", "dsseEnvelope")
_ENVELOPE = ("payload", "payloadType", "signatures")
_SIGNATURE = ("sig", "keyid")
_KEY_FORMS = ("publicKey", "x509CertificateChain", "certificate")
_MATERIAL = (*_KEY_FORMS, "tlogEntries", "timestampVerificationData")
_LOG_ENTRY = (
    "logIndex",
    "logId",
    "kindVersion",
    "integratedTime",
    "inclusionPromise",
    "inclusionProof",
    "canonicalizedBody",
)


@dataclass(frozen=True, slots=True)
class MessageSignature:
    """A signature over the artifact's own bytes.

    Attributes:
        algorithm: The hash of the artifact's digest, as `SHA2_256`.
        digest: The artifact's digest.
        signature: The signature.
    """

    algorithm: str
    digest: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """A sigstore bundle.

    Attributes:
        content: What is signed.
        hint: The signer's hint which key it is; None where there are certificates instead.
        certificates: The signer's certificate and its issuers in DER, not parsed; empty where there is a key.
        log_entries: Entries of transparency logs, of which only the members' names were checked.
        timestamps: Responses of timestamp authorities in DER, not parsed.
        need_proof: Whether its version requires proofs of inclusion (0.2 and later).
    """

    content: DsseEnvelope | MessageSignature
    hint: str | None
    certificates: tuple[bytes, ...]
    log_entries: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    timestamps: tuple[bytes, ...] = ()
    need_proof: bool = True


def parse_bundle(data: bytes, max_bytes: int = MAX_BUNDLE) -> Bundle:
    """Parse a bundle of version 0.1, 0.2 or 0.3.

    The requirements of each version hold even where the policy ignores log entries and certificates, as in cosign: the log's
    promise in version 0.1, a proof of inclusion since 0.2, a single certificate since 0.3.

    Args:
        data: The bundle.
        max_bytes: The most bytes that it may have.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`, `PARSE_LIMIT`, `CHAIN_UNTRUSTED` for an empty chain, or any in version 0.3,
            `TLOG_PROOF_INVALID` for an entry without promise or proof, `SIG_INVALID` for an empty digest, or a JSON code.
    """
    # Unknown members are refused: another reader might give them a meaning.
    document = json_fields.members(json_fields.document(data, "bundle", max_bytes), "bundle", _BUNDLE)
    if document.get("mediaType") not in BUNDLE_TYPES:
        json_fields.malformed(f"not a bundle of a known version: {str(document.get('mediaType'))[:120]!r}")
    where = "verificationMaterial"
    material = json_fields.members(document.get(where), where, _MATERIAL)
    version = BUNDLE_TYPES.index(document["mediaType"])
    hint, certificates = _key(material, single=version >= _SINGLE)
    content = _content(document)
    # The envelope's keyid is a hint too; two that differ name two keys.
    if isinstance(content, DsseEnvelope) and hint and content.signatures[0].keyid not in ("", hint):
        json_fields.malformed("the bundle and its envelope name different keys")
    # The promise is required in 0.1, the proof since 0.2 (sigstore_rekor.proto).
    entries = _log_entries(material, "inclusionProof" if version else "inclusionPromise")
    return Bundle(content, hint, certificates, entries, _timestamps(material), need_proof=bool(version))


def _content(document: dict[str, Any]) -> DsseEnvelope | MessageSignature:
    kind = json_fields.only(document, "bundle", _CONTENT)
    if kind == "dsseEnvelope":
        return _envelope(document[kind])
    return _message_signature(document[kind])


def _envelope(value: Any) -> DsseEnvelope:
    listed = value.get("signatures") if isinstance(value, dict) else None
    signatures = json_fields.items(listed, "signatures", MAX_SIGNATURES)
    # Several are out of scope, since the log commits to one (client specification, 4.4).
    if len(signatures) != 1:
        json_fields.malformed(f"the envelope has {len(signatures)} signatures, not exactly one")
    # Stricter than DSSE by itself, as protobuf's JSON mapping is: an unknown member is an error.
    json_fields.members(value, "dsseEnvelope", _ENVELOPE)
    json_fields.members(signatures[0], "signatures[0]", _SIGNATURE)
    return read_dsse(value)


def _message_signature(value: Any) -> MessageSignature:
    signature = json_fields.members(value, "messageSignature", ("messageDigest", "signature"))
    digest = json_fields.members(signature.get("messageDigest", {}), "messageDigest", ("algorithm", "digest"))
    # This algorithm is the only hash that may have been signed (`signed_content.py`).
    if not digest.get("algorithm") or not digest.get("digest"):
        raise VerificationError(
            Reason.SIG_INVALID, "the bundle does not say which digest of which algorithm it signs"
        )
    return MessageSignature(
        json_fields.text(digest["algorithm"], "algorithm"),
        json_fields.octets(digest["digest"], "digest"),
        json_fields.octets(signature.get("signature"), "signature"),
    )


def _key(material: dict[str, Any], *, single: bool) -> tuple[str | None, tuple[bytes, ...]]:
    kind = json_fields.only(material, "verificationMaterial", _KEY_FORMS)
    value = material[kind]
    if kind == "publicKey":
        hint = json_fields.members(value, kind, ("hint",)).get("hint", "")
        if not isinstance(hint, str):
            json_fields.malformed("hint is not a text")
        return hint, ()
    if kind == "certificate":
        return None, (_certificate(value, kind),)
    if single:
        raise VerificationError(
            Reason.CHAIN_UNTRUSTED,
            "the bundle brings a certificate chain, where its version has one certificate",
        )
    chain = json_fields.members(value, kind, ("certificates",))
    entries = json_fields.items(chain.get("certificates"), "certificates", MAX_CERTIFICATES)
    if not entries:
        # An empty chain would read as "no certificate", so as a signature by a key.
        raise VerificationError(Reason.CHAIN_UNTRUSTED, "the bundle's certificate chain is empty")
    return None, tuple(_certificate(entry, "certificates") for entry in entries)


def _certificate(value: Any, where: str) -> bytes:
    return json_fields.octets(json_fields.members(value, where, ("rawBytes",)).get("rawBytes"), "rawBytes")


def _log_entries(material: dict[str, Any], needed: str) -> tuple[Mapping[str, Any], ...]:
    listed = json_fields.items(material.get("tlogEntries"), "tlogEntries", MAX_LOG_ENTRIES)
    entries = tuple(json_fields.members(entry, "tlogEntries", _LOG_ENTRY) for entry in listed)
    if any(needed not in entry for entry in entries):
        raise VerificationError(
            Reason.TLOG_PROOF_INVALID,
            f"an entry of a log comes without the {needed} that bundles of this version have",
        )
    return entries


def _timestamps(material: dict[str, Any]) -> tuple[bytes, ...]:
    where = "timestampVerificationData"
    value = json_fields.members(material.get(where, {}), where, ("rfc3161Timestamps",))
    # Counted before anything is decoded: each stamp may be 256 KiB.
    entries = json_fields.items(value.get("rfc3161Timestamps"), "rfc3161Timestamps", MAX_TIMESTAMPS)
    return tuple(_timestamp(entry, where) for entry in entries)


def _timestamp(entry: Any, where: str) -> bytes:
    name = "signedTimestamp"
    encoded = json_fields.text(json_fields.members(entry, where, (name,)).get(name), name)
    # Long, and often pasted in lines as programs print it; its bytes are signed, so this opens nothing.
    return json_fields.octets(encoded.replace("\n", ""), name)
