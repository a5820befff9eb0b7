"""Signatures of files as `cosign sign-blob` writes them without a sigstore bundle.

Either the signature alone in base64, or the JSON of `--bundle` before cosign 3: `base64Signature`, `cert` and `rekorBundle`, whose
certificate and log entry are those of classic signatures.
"""

import json

from pyratify.core.errors import VerificationError
from pyratify.core.verifier import Details
from pyratify.sigstore import json_fields
from pyratify.sigstore.artifact import Artifact
from pyratify.sigstore.authenticator import Authenticator
from pyratify.sigstore.untrusted_certificate import read_certificate
from pyratify.sigstore.verification_material import Signed, VerificationMaterial
from pyratify.verifiers.cosign.annotations import ENTRY_ANNOTATION, with_proofs

OLD_BUNDLE = b'"base64Signature"'
_OLD = ("base64Signature", "cert", "rekorBundle")
_MIN_BYTES = 64


def is_detached(data: bytes) -> bool:
    """Return whether these bytes look like such a signature."""
    if data.lstrip()[:1] == b"{":
        return OLD_BUNDLE in data
    try:
        return len(_bare(data)) >= _MIN_BYTES
    except VerificationError:
        return False


def verify_detached(data: bytes, artifact: Artifact, authenticator: Authenticator) -> Details:
    """Verify such a signature of an artifact.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` or a JSON code, or as `Authenticator.authenticate`.
    """
    digests = {artifact.digest.algorithm: bytes.fromhex(artifact.digest.hex)}
    signer = authenticator.authenticate(_material(data, Signed(artifact.data, digests)))
    return Details(
        f"1 trusted {authenticator.signer_kind} signed this artifact",
        (signer.name,),
        {"format": "detached", **signer.facts},
    )


def _material(data: bytes, signed: Signed) -> VerificationMaterial:
    if data.lstrip()[:1] != b"{":
        return VerificationMaterial(signed, _bare(data))
    old = json_fields.members(json_fields.document(data, "the bundle"), "the bundle", _OLD)
    signature = json_fields.octets(old.get("base64Signature"), "base64Signature")
    pem = json_fields.octets(old["cert"], "cert") if old.get("cert") else None
    certificate = None if pem is None else read_certificate(pem, "cert")
    entry = old.get("rekorBundle")
    annotations = {} if entry is None else {ENTRY_ANNOTATION: json.dumps(entry)}
    return with_proofs(VerificationMaterial(signed, signature, certificate), annotations)


def _bare(data: bytes) -> bytes:
    try:
        return json_fields.octets(b"".join(data.split()).decode("ascii"), "the signature")
    except UnicodeDecodeError:
        json_fields.malformed("the signature is not base64")
