"""Errors for signatures of an untrusted key or another kind of signer: what was required, and what the signature names."""

import base64
import binascii

from pyratify.core.errors import VerificationError
from pyratify.core.reason import CHANGED, Reason
from pyratify.sigstore.verification_material import VerificationMaterial

_SHOWN = 3
_SHA256_BYTES = 32


def unsigned(material: VerificationMaterial, keys: tuple[str, ...]) -> VerificationError:
    """Return the error for a signature that none of the trusted keys made.

    Args:
        material: The signature.
        keys: The fingerprints of the trusted keys, as `spki:sha256:<hex>`.
    """
    if material.certificate is not None:
        return keyless()
    tried = f"the configured key {keys[0]}" if len(keys) == 1 else _several(keys)
    message = f"the signature was not made with {tried}"
    # A hint is not signed: it explains a refusal, and never selects a key.
    named = named_key(material.hint)
    # The signer's key is right, so the content or signature was changed: another remedy than a wrong key.
    if named in keys:
        return VerificationError(
            Reason.SIG_INVALID,
            f"the signature names the configured key {named}, and does not fit that key and the content",
            remedy=CHANGED,
        )
    if named:
        return VerificationError(
            Reason.SIG_INVALID,
            f"{message}; it says that {named} made it",
            remedy="If the holder of that key is to be trusted, give that key; if not, do not run it.",
        )
    return VerificationError(Reason.SIG_INVALID, message)


def keyed(material: VerificationMaterial) -> VerificationError:
    """Return the error for a signature made with a key, where identities in certificates are trusted."""
    named = named_key(material.hint)
    which = f"the key {named}" if named else "a key"
    return VerificationError(
        Reason.SIGNER_KIND,
        f"the signature was made with {which}, and this policy trusts identities in certificates only",
        remedy="If its signer is to be trusted, give the public key (--key, or keys in a trust policy) in place of the identity.",
    )


def keyless() -> VerificationError:
    """Return the error for a signature made with a certificate, where keys are trusted: no key fits it."""
    return VerificationError(
        Reason.SIG_INVALID,
        "the signature was made with a certificate (keyless), and this policy trusts keys only",
        remedy="If its signer is to be trusted, give --certificate-identity and --certificate-oidc-issuer "
        "(or identities in a trust policy) in place of the key; `ratify inspect` shows both.",
    )


def named_key(hint: str) -> str:
    """Return the fingerprint that a hint stands for, as cosign writes it: base64 of the SHA-256 of the key in DER; else empty."""
    try:
        # Other tools write any text as a hint; only what cosign writes can be shown as a fingerprint.
        digest = base64.b64decode(hint, validate=True)
    except (ValueError, binascii.Error):
        return ""
    return f"spki:sha256:{digest.hex()}" if len(digest) == _SHA256_BYTES else ""


def _several(keys: tuple[str, ...]) -> str:
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return f"any of the {len(keys)} configured keys {', '.join(keys[:_SHOWN])}{more}"
