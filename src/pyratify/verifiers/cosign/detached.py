"""Signatures of files as `cosign sign-blob` writes them without a sigstore bundle.

Either the signature alone in base64, or the JSON of `--bundle` before cosign 3: `base64Signature`, `cert` and `rekorBundle`, whose
certificate and log entry are those of classic signatures.
"""

import json

from pyratify.core.errors import VerificationError
from pyratify.pki.pem import InvalidPem, read_pem
from pyratify.sigstore import json_fields
from pyratify.sigstore.check_certificate import check_certificate
from pyratify.sigstore.verification_material import Signed, VerificationMaterial
from pyratify.verifiers.cosign.annotations import ENTRY_ANNOTATION, with_proofs

OLD_BUNDLE = b'"base64Signature"'
_OLD = ("base64Signature", "cert", "rekorBundle")
_MIN_BYTES = 64


def is_detached(data: bytes) -> bool:
    """Tell whether these bytes are such a signature, by what they begin with."""
    if data.lstrip()[:1] == b"{":
        return OLD_BUNDLE in data
    try:
        return len(_bare(data)) >= _MIN_BYTES
    except VerificationError:
        return False


def detached_material(data: bytes, signed: Signed) -> VerificationMaterial:
    """Return the signature with its proofs.

    Args:
        data: What cosign wrote.
        signed: What it must be made over.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` or a JSON code.
    """
    if data.lstrip()[:1] != b"{":
        return VerificationMaterial(signed, _bare(data))
    old = json_fields.members(json_fields.document(data, "the bundle"), "the bundle", _OLD)
    signature = json_fields.octets(old.get("base64Signature"), "base64Signature")
    certificate = _certificate(json_fields.octets(old["cert"], "cert")) if old.get("cert") else None
    entry = old.get("rekorBundle")
    annotations = {} if entry is None else {ENTRY_ANNOTATION: json.dumps(entry)}
    return with_proofs(VerificationMaterial(signed, signature), certificate, annotations)


def _bare(data: bytes) -> bytes:
    try:
        return json_fields.octets(b"".join(data.split()).decode("ascii"), "the signature")
    except UnicodeDecodeError:
        json_fields.malformed("the signature is not base64")


def _certificate(pem: bytes) -> bytes:
    try:
        blocks = read_pem(pem)
    except InvalidPem:
        json_fields.malformed("cert is not PEM")
    if [block.label for block in blocks] != ["CERTIFICATE"]:
        json_fields.malformed("cert holds something else than one certificate")
    check_certificate(blocks[0].data)
    return blocks[0].data
