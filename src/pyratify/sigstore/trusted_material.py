"""Trusted certificate authorities, logs and timestamp authorities."""

from datetime import datetime

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.key import ALWAYS, Validity
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.public_keys import WeakKey, check_public_key
from pyratify.pki.times import format_time
from pyratify.pki.transparency.log import TrustedLog

# SHA-1 collisions would let one signature certify two certificates.
_HASHES = ("sha256", "sha384", "sha512")
_ED25519 = "1.3.101.112"


@dataclass(frozen=True, slots=True)
class TrustedAuthority:
    """A certificate or timestamp authority.

    Attributes:
        chain: From the issuer of leaves to the trust anchor, verified when it was loaded; at least one.
        validity: When the whole chain was in use.
        leaf: The only certificate that the authority signs with, where it is a timestamp authority's and known.
        uri: Its address, for messages.
        operator: The organisation that runs it; two authorities of one operator are not independent. Empty where unknown.
    """

    chain: tuple[Certificate, ...]
    validity: Validity = ALWAYS
    leaf: Certificate | None = None
    uri: str = ""
    operator: str = ""

    @property
    def witness(self) -> str:
        """What identifies an independent authority, where several are required."""
        # Without an operator, the key: one authority listed twice is still one witness.
        return self.operator or (self.leaf or self.chain[0]).spki

    def check_time(self, leaf: Certificate, at: datetime) -> None:
        """Refuse a moment at which not everything from leaf to anchor was valid (client specification, 4.3).

        Raises:
            VerificationError: `TIME_OUTSIDE_VALIDITY`.
        """
        # Inclusive at both ends (RFC 5280, section 4.1.2.5).
        for certificate in (leaf, *self.chain):
            if not certificate.not_before <= at <= certificate.not_after:
                raise _outside(
                    f"the certificate {certificate.subject or 'of the signer'!r} is not valid at {format_time(at)}"
                )
        # On top of the certificates' own periods: an authority may be retired before it expires.
        if not self.validity.covers(at):
            raise _outside(f"the authority {self.uri!r} is not trusted for {format_time(at)}")


@dataclass(frozen=True, slots=True)
class TrustedMaterial:
    """A trusted root.

    Attributes:
        authorities: Issue signing certificates (Fulcio).
        logs: Hold signatures (Rekor).
        certificate_logs: Hold certificates.
        timestamp_authorities: Timestamp signatures.
        origin: The file or instance it was read from, for messages.
        warnings: Entries that could not be used.
    """

    authorities: tuple[TrustedAuthority, ...] = ()
    logs: tuple[TrustedLog, ...] = ()
    certificate_logs: tuple[TrustedLog, ...] = ()
    timestamp_authorities: tuple[TrustedAuthority, ...] = ()
    origin: str = ""
    warnings: tuple[str, ...] = ()


def check_quality(certificate: Certificate) -> None:
    """Refuse weak keys and hashes; Ed25519 needs no separate hash.

    Raises:
        VerificationError: `CERT_WEAK`.
    """
    try:
        check_public_key(certificate.key)
    except WeakKey as error:
        raise VerificationError(Reason.CERT_WEAK, f"{certificate.subject!r} has {error}") from None
    ed25519 = certificate.parsed.signature_algorithm_oid.dotted_string == _ED25519
    # Ed25519 hashes internally (RFC 8032, section 5.1), so certificates name none.
    if certificate.signature_hash not in _HASHES and not ed25519:
        raise VerificationError(
            Reason.CERT_WEAK, f"{certificate.subject!r} is not signed with SHA-256, SHA-384 or SHA-512"
        )


def _outside(message: str) -> VerificationError:
    return VerificationError(Reason.TIME_OUTSIDE_VALIDITY, message)
