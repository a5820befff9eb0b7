"""Bundles that lie beside their artifact as files, without a registry (`cosign verify-blob`, `ratify verify-bundle`)."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.verifier import Details
from pyratify.pki.dsse import DsseEnvelope
from pyratify.pki.keys import PublicKey
from pyratify.verifiers.cosign.bundle import Bundle, MessageSignature, parse_bundle
from pyratify.verifiers.cosign.formats import HASHES, IN_TOTO
from pyratify.verifiers.cosign.material import Material, Signed
from pyratify.verifiers.cosign.payload import read_statement
from pyratify.verifiers.cosign.signature import is_signed
from pyratify.verifiers.cosign.trusting import Trusting


@dataclass(frozen=True, slots=True)
class Artifact:
    """What must have been signed.

    Attributes:
        data: Its bytes; None where only its digest is known.
        digest: Its digest with SHA-256.
    """

    data: bytes | None = field(repr=False)
    digest: Digest

    @classmethod
    def of(cls, data: bytes) -> "Artifact":
        """Return the artifact with these bytes."""
        return cls(data, Digest.of(data))


def verify_blob(data: bytes, artifact: Artifact, trusting: Trusting, keys: tuple[PublicKey, ...]) -> Details:
    """Verify a bundle for an artifact.

    Args:
        data: The bundle's bytes.
        artifact: What must have been signed.
        trusting: The policy with its trusted root.
        keys: The policy's keys; none where it trusts identities.

    Raises:
        VerificationError: The bundle is no evidence for the artifact.
    """
    bundle = parse_bundle(data)
    material = material_of(bundle, signed_of(bundle, artifact))
    if isinstance(bundle.content, DsseEnvelope):
        read_statement(bundle.content.payload, artifact.digest)
    if keys:
        signer, facts = _verify_key(material, trusting, keys)
    else:
        signer, facts = trusting.identify(material)
    what = "key" if keys else "identity"
    return Details(
        f"cosign: 1 trusted {what} signed this artifact", (signer,), {"format": "sigstore-bundle", **facts}
    )


def material_of(bundle: Bundle, signed: Signed) -> Material:
    """Return a bundle's signature with its proofs.

    Raises:
        VerificationError: `CHAIN_UNTRUSTED`: a root comes with the certificate, which must not be.
    """
    content = bundle.content
    signature = content.signatures[0].value if isinstance(content, DsseEnvelope) else content.signature
    for der in bundle.certificates[1:]:
        _check_no_root(der)
    return Material(
        signed,
        signature,
        bundle.certificates[0] if bundle.certificates else None,
        bundle.log_entries,
        bundle.timestamps,
        bundle.need_proof,
    )


def signed_of(bundle: Bundle, artifact: Artifact) -> Signed:
    """Return what a bundle's signature must be made over, if it is for this artifact.

    Raises:
        VerificationError: `SIG_INVALID`, or `PAYLOAD_TYPE` for an envelope of something else than a statement.
    """
    content = bundle.content
    if isinstance(content, DsseEnvelope):
        if content.payload_type != IN_TOTO:
            raise VerificationError(
                Reason.PAYLOAD_TYPE, f"the envelope holds {content.payload_type[:120]!r}, not {IN_TOTO}"
            )
        return Signed(content.signed, payload=content.payload)
    return _signed_message(content, artifact)


def _signed_message(message: MessageSignature, artifact: Artifact) -> Signed:
    algorithm = HASHES.get(message.algorithm)
    if algorithm is None:
        raise VerificationError(
            Reason.SIG_INVALID, f"the message digest is of an unknown algorithm: {message.algorithm[:80]!r}"
        )
    known: Mapping[str, bytes] = {artifact.digest.algorithm: bytes.fromhex(artifact.digest.hex)}
    actual = known.get(algorithm) if artifact.data is None else hashlib.new(algorithm, artifact.data).digest()
    if actual is None or not hmac.compare_digest(actual, message.digest):
        raise VerificationError(Reason.SIG_INVALID, f"the message digest is not that of {artifact.digest}")
    return Signed(artifact.data, known, algorithm=algorithm)


def _check_no_root(der: bytes) -> None:
    from pyratify.pki.certificates import parse_certificate

    if parse_certificate(der).is_self_signed:
        raise VerificationError(
            Reason.CHAIN_UNTRUSTED,
            "the bundle brings a root certificate of its own, where only the configuration may name one",
        )


def _verify_key(
    material: Material, trusting: Trusting, keys: tuple[PublicKey, ...]
) -> tuple[str, Mapping[str, Any]]:
    key = next((each for each in keys if is_signed(each, material.signed, material.signature)), None)
    if material.certificate is not None or key is None:
        raise VerificationError(Reason.SIG_INVALID, "the signature was not made with a configured key")
    return key.fingerprint, trusting.prove(material, key) if trusting.policy.has_trust else {}
