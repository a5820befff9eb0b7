"""What a bundle signs, and what comes with it: from a parsed bundle and the artifact it must be for."""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.dsse import DsseEnvelope
from pyratify.verifiers.cosign.bundle import Bundle, MessageSignature
from pyratify.verifiers.cosign.formats import HASHES, IN_TOTO
from pyratify.verifiers.cosign.keyed import check_certificate
from pyratify.verifiers.cosign.material import Material, Signed


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


def material_of(bundle: Bundle, signed: Signed) -> Material:
    """Return a bundle's signature with its proofs.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED` for what is no certificate, `CHAIN_UNTRUSTED` for a root beside it.
    """
    content = bundle.content
    signature = content.signatures[0].value if isinstance(content, DsseEnvelope) else content.signature
    for der in bundle.certificates:
        check_certificate(der)
    for der in bundle.certificates[1:]:
        _check_no_root(der)
    return Material(
        signed,
        signature,
        bundle.certificates[0] if bundle.certificates else None,
        bundle.log_entries,
        bundle.timestamps,
        bundle.need_proof,
        _hint(bundle),
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


def _hint(bundle: Bundle) -> str:
    content = bundle.content
    return bundle.hint or (content.signatures[0].keyid if isinstance(content, DsseEnvelope) else "")


def _check_no_root(der: bytes) -> None:
    from pyratify.pki.certificates import parse_certificate

    if parse_certificate(der).is_self_signed:
        raise VerificationError(
            Reason.CHAIN_UNTRUSTED,
            "the bundle brings a root certificate of its own, where only the configuration may name one",
        )
