"""Proofs of classic signatures: the log entry and timestamp in annotations (cosign SIGNATURE_SPEC, "Properties")."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pyratify.pki.encoding import encode_base64
from pyratify.sigstore import json_fields
from pyratify.sigstore.verification_material import VerificationMaterial

ENTRY_ANNOTATION = "dev.sigstore.cosign/bundle"
TIMESTAMP_ANNOTATION = "dev.sigstore.cosign/rfc3161timestamp"
_PAYLOAD = ("body", "integratedTime", "logIndex", "logID")


def with_proofs(material: VerificationMaterial, annotations: Mapping[str, str]) -> VerificationMaterial:
    """Return a classic signature's material with the proofs from its annotations.

    The chain that cosign writes beside the certificate is not read: the trusted root alone says which issuers count.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` or a JSON code.
    """
    entry, timestamp = annotations.get(ENTRY_ANNOTATION), annotations.get(TIMESTAMP_ANNOTATION)
    return replace(
        material,
        entries=() if entry is None else (_entry(entry),),
        timestamps=() if timestamp is None else (_timestamp(timestamp),),
        # Classic signatures carry the log's promise and no proof of inclusion (Rekor v1, 9.5).
        need_proof=False,
    )


def _entry(text: str) -> Mapping[str, Any]:
    """Convert Rekor's own form of an entry to that of bundles; the signed bytes stay as they are."""
    document = json_fields.document(text.encode(), ENTRY_ANNOTATION)
    bundle = json_fields.members(document, "the bundle annotation", ("SignedEntryTimestamp", "Payload"))
    payload = json_fields.members(bundle.get("Payload"), "Payload", _PAYLOAD)
    # Kind and version stand in the body alone, which is compared with them again later.
    body = json_fields.document(json_fields.octets(payload.get("body"), "body"), "the log entry")
    return {
        "logIndex": payload.get("logIndex"),
        # Rekor writes the identifier in hexadecimal, bundles in base64.
        "logId": {"keyId": encode_base64(_hexadecimal(payload.get("logID")))},
        "kindVersion": {"kind": body.get("kind"), "version": body.get("apiVersion")},
        "integratedTime": payload.get("integratedTime"),
        "inclusionPromise": {"signedEntryTimestamp": bundle.get("SignedEntryTimestamp")},
        # Not encoded again: the promise is made over these bytes.
        "canonicalizedBody": payload["body"],
    }


def _timestamp(text: str) -> bytes:
    name = "SignedRFC3161Timestamp"
    document = json_fields.members(json_fields.document(text.encode(), TIMESTAMP_ANNOTATION), name, (name,))
    return json_fields.octets(document.get(name), name)


def _hexadecimal(value: Any) -> bytes:
    try:
        return bytes.fromhex(json_fields.text(value, "logID"))
    except ValueError:
        json_fields.malformed("logID is not hexadecimal")
