"""Signatures of files as `cosign sign-blob` writes them without a sigstore bundle.

Either the signature alone in base64, or the JSON of `--bundle` before cosign 3: `base64Signature`, `cert` and `rekorBundle`, whose
certificate and log entry are those of classic signatures. `cosign attest-blob` has a whole DSSE envelope in the place of the signature.
"""

import json

from pyratify.core.errors import VerificationError
from pyratify.core.verifier import Details
from pyratify.sigstore import json_fields
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.classic_annotations import ENTRY_ANNOTATION, with_proofs
from pyratify.sigstore.statement_envelopes import CERTIFICATE
from pyratify.sigstore.statement_formats import MAX_ATTESTATION, MAX_TOKENS
from pyratify.sigstore.untrusted_certificate import read_certificate
from pyratify.sigstore.verification_material import Signed, VerificationMaterial

OLD_BUNDLE = b'"base64Signature"'
_OLD = ("base64Signature", "cert", "rekorBundle")
# Ed25519's size, and less than any other has: ECDSA on P-256 takes some 70 bytes, RSA 256.
_MIN_BYTES = 64


def is_detached(data: bytes) -> bool:
    """Return whether these bytes look like such a signature."""
    if data.lstrip()[:1] == b"{":
        return OLD_BUNDLE in data
    try:
        # Base64 that is long enough: other short texts, such as file names, are base64 by accident.
        return len(_bare(data)) >= _MIN_BYTES
    except VerificationError:
        return False


def verify_detached(data: bytes, artifact: Artifact, authenticator: Authenticator) -> Details:
    """Verify such a signature of an artifact.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` or a JSON code, or as `Authenticator.authenticate`.
    """
    # No algorithm: this form does not say which hash was used, so any that suits the key may be.
    digests = {artifact.digest.algorithm: bytes.fromhex(artifact.digest.hex)}
    signer = authenticator.authenticate(_material(data, Signed(artifact.data, digests)))
    return Details(
        f"1 trusted {authenticator.signer_kind} signed this artifact",
        (signer.name,),
        {"format": "detached", **signer.common, **signer.facts},
    )


def enclosed_envelope(data: bytes) -> tuple[bytes, dict[str, str]] | None:
    """Return the DSSE envelope in place of a signature, and its proofs as the annotations of a cosign tag; None for a signature.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` or a JSON code.
    """
    if data.lstrip()[:1] != b"{":
        return None
    signature, certificate, annotations = _old(data)
    # Signatures by Ed25519 and RSA keys may begin with this byte, too, and none is a text.
    if signature[:1] != b"{" or not signature.isascii():
        return None
    if certificate is not None:
        annotations[CERTIFICATE] = certificate.decode("utf-8", "replace")
    return signature, annotations


def _material(data: bytes, signed: Signed) -> VerificationMaterial:
    if data.lstrip()[:1] != b"{":
        return VerificationMaterial(signed, _bare(data))
    signature, pem, annotations = _old(data)
    certificate = None if pem is None else read_certificate(pem, "cert")
    return with_proofs(VerificationMaterial(signed, signature, certificate), annotations)


def _old(data: bytes) -> tuple[bytes, bytes | None, dict[str, str]]:
    document = json_fields.document(data, "the bundle", MAX_ATTESTATION, MAX_TOKENS)
    old = json_fields.members(document, "the bundle", _OLD)
    signature = json_fields.octets(old.get("base64Signature"), "base64Signature")
    # Before cosign 3 the certificate was PEM, in base64 once more.
    pem = json_fields.octets(old["cert"], "cert") if old.get("cert") else None
    entry = old.get("rekorBundle")
    # The entry has the form of the annotation, so one reader serves for both.
    return signature, pem, {} if entry is None else {ENTRY_ANNOTATION: json.dumps(entry)}


def _bare(data: bytes) -> bytes:
    try:
        return json_fields.octets(b"".join(data.split()).decode("ascii"), "the signature")
    except UnicodeDecodeError:
        json_fields.malformed("the signature is not base64")
