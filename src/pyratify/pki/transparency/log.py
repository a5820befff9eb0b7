"""Trusted logs: keys, names and periods of validity."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.key import ALWAYS, Validity
from pyratify.core.reason import Reason
from pyratify.pki.public_keys import PublicKey
from pyratify.pki.transparency.note import Checkpoint, NoteSignature

_HINT = 4  # a note's signature line begins with four octets of the key's identifier
_ECDSA = ECDSA(SHA256())
_CURVES = {"secp384r1": ECDSA(SHA384()), "secp521r1": ECDSA(SHA512())}


@dataclass(frozen=True, slots=True)
class TrustedLog:
    """A log of signatures or of certificates.

    Attributes:
        key: Its public key.
        log_id: The identifier that entries, checkpoints and certificate timestamps name it by.
        validity: When its key was in use.
        name: Its host and path without a scheme; empty where that is not known.
        operator: The organisation that runs it; two logs of one operator are not independent. Empty where unknown.
        checkpoint_id: The identifier in its checkpoints, where that differs.
    """

    key: PublicKey
    log_id: bytes
    validity: Validity = ALWAYS
    name: str = ""
    operator: str = ""
    checkpoint_id: bytes = b""

    @property
    def witness(self) -> str:
        """What identifies an independent log, where several are required."""
        return self.operator or self.log_id.hex()

    @property
    def origins(self) -> tuple[str, ...]:
        """The origins that its checkpoints may have: its name, or its host alone, as clients of Rekor v2 expect."""
        host = self.name.partition("/")[0]
        # Rekor v2 signs as its host, whatever port or path a client reaches it by.
        return self.name, host if host.endswith("]") else host.partition(":")[0]

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Return whether the log signed the message."""
        return verifies(self.key, message, signature)


def check_checkpoint(checkpoint: Checkpoint, log: TrustedLog, *, named: bool) -> None:
    """Refuse a checkpoint that the log did not sign; signatures of witnesses neither help nor harm.

    Args:
        checkpoint: The checkpoint.
        log: The log that the entry names.
        named: Whether the origin must be the name that the log is trusted by, as in Rekor v2.

    Raises:
        VerificationError: `TLOG_CHECKPOINT_INVALID`.
    """
    # Rekor v1 appends its tree's number: "rekor.sigstore.dev - 1193050959916656506".
    host = checkpoint.origin.partition(" - ")[0]
    # Only v2: the origins of v1 are not the address, and its keys are told by the log's identifier.
    if named and log.name and checkpoint.origin not in log.origins:
        raise _refused(f"its origin {checkpoint.origin[:120]!r} is not the trusted log {log.name!r}")
    # Witnesses sign the same text (C2SP tlog-witness); only lines that name the log are tried.
    claimed = [each for each in checkpoint.signatures if each.name == host and _names(each, log)]
    if not claimed:
        raise _refused("no signature names the log's key")
    if not any(log.verify(checkpoint.signed, each.value) for each in claimed):
        raise _refused("the log's signature does not fit")


def verifies(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Return whether the key made the signature: ECDSA with the curve's own hash, RSA PKCS#1 v1.5, Ed25519."""
    try:
        # The kind of the trusted key decides; the entry has no say in the algorithm.
        if isinstance(key.key, EllipticCurvePublicKey):
            key.key.verify(signature, message, _CURVES.get(key.key.curve.name, _ECDSA))
        elif isinstance(key.key, RSAPublicKey):
            key.key.verify(signature, message, PKCS1v15(), SHA256())
        else:
            key.key.verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _names(signature: NoteSignature, log: TrustedLog) -> bool:
    # Four octets choose a line and prove nothing; the signature does.
    return signature.hint in {log.log_id[:_HINT], log.checkpoint_id[:_HINT]}


def _refused(why: str) -> VerificationError:
    return VerificationError(Reason.TLOG_CHECKPOINT_INVALID, f"the log's checkpoint is not acceptable: {why}")
