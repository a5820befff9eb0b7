"""The payload of simple signing, read from the verified bytes only (cosign SIGNATURE_SPEC, "Simple Signing")."""

from typing import Any

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.sigstore import json_fields
from pyratify.sigstore.claim import Claim

SIGNATURE_TYPE = "cosign container image signature"


def read_simple_signing(payload: bytes, subject: Digest) -> Claim:
    """Read a payload of simple signing (cosign SIGNATURE_SPEC, "Simple Signing").

    Raises:
        VerificationError: `PAYLOAD_TYPE` for anything else, `PAYLOAD_SUBJECT_MISMATCH` for another subject.
    """
    try:
        claim, digest = _simple_signing(json_fields.document(payload, "the signed payload"))
    except VerificationError as error:
        # The signature is good by now; what is wrong is what was signed.
        raise VerificationError(Reason.PAYLOAD_TYPE, f"not simple signing: {error.message}") from None
    # Not the registry's subject field: only the signed digest says what is meant.
    if digest != subject:
        raise VerificationError(
            Reason.PAYLOAD_SUBJECT_MISMATCH, f"the signature is for {digest[:150]}, not for {subject}"
        )
    return claim


def _simple_signing(document: dict[str, Any]) -> tuple[Claim, str]:
    payload = json_fields.members(document, "the payload", ("critical", "optional"))
    # Unknown critical members must not be ignored (containers-signature(5), "critical").
    critical = json_fields.members(payload.get("critical"), "critical", ("identity", "image", "type"))
    # A payload of another system, such as "atomic container signature", was signed for another use.
    if critical.get("type") != SIGNATURE_TYPE:
        json_fields.malformed(f"its type is {str(critical.get('type'))[:80]!r}, not {SIGNATURE_TYPE!r}")
    identity = json_fields.members(critical.get("identity"), "identity", ("docker-reference",))
    image = json_fields.members(critical.get("image"), "image", ("docker-manifest-digest",))
    name = identity.get("docker-reference", "")
    optional = payload.get("optional", {})
    if not isinstance(name, str) or not isinstance(optional, dict):
        json_fields.malformed("its docker-reference is not a text, or its optional part not an object")
    digest = json_fields.text(image.get("docker-manifest-digest"), "docker-manifest-digest")
    return Claim((optional,), name), digest
