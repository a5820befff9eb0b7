"""Certificate chains: in order, complete, of the required quality, and anchored by whole certificates.

Notary Project, signature-specification.md, "Certificate Requirements". No path is built: the chain is the one
in the envelope, from the leaf to the root.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import Enum

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.public_keys import MAX_RSA_BITS, WeakKey, check_public_key
from pyratify.pki.times import format_time

MAX_CHAIN = 10  # each certificate costs a signature, and their number is not trusted
# signature-specification.md, "Other requirements": no SHA-1.
_STRONG_HASHES = ("sha256", "sha384", "sha512")
# Leaf Certificates, "Key Usage": these bits MUST NOT be set.
_LEAF_FORBIDDEN = frozenset(
    {
        "keyEncipherment",
        "dataEncipherment",
        "keyAgreement",
        "keyCertSign",
        "cRLSign",
        "encipherOnly",
        "decipherOnly",
    }
)
TIMESTAMPING = "1.3.6.1.5.5.7.3.8"
# Leaf Certificates, "Extended Key Usage"; OCSPSigning is added here.
_NOT_FOR_CODE = {
    "2.5.29.37.0": "anyExtendedKeyUsage",
    "1.3.6.1.5.5.7.3.1": "serverAuth",
    "1.3.6.1.5.5.7.3.2": "clientAuth",
    "1.3.6.1.5.5.7.3.4": "emailProtection",
    TIMESTAMPING: "timeStamping",
    "1.3.6.1.5.5.7.3.9": "OCSPSigning",
}


class Purpose(Enum):
    """What a chain's leaf signs."""

    CODE_SIGNING = "code signing"
    TIMESTAMPING = "timestamping"


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that meets all requirements that do not depend on time or trust.

    Attributes:
        certificates: From the leaf to the self-signed root, at least one.
    """

    certificates: tuple[Certificate, ...]

    @property
    def leaf(self) -> Certificate:
        """The certificate of the signing key."""
        return self.certificates[0]

    @property
    def unevaluated(self) -> tuple[str, ...]:
        """Object identifiers of critical extensions that the specification leaves unread."""
        # Notary fails open on all other extensions (Other requirements), so they are only reported.
        found = (oid for certificate in self.certificates for oid in certificate.other_critical)
        return tuple(dict.fromkeys(found))

    def check_validity(self, at: datetime) -> None:
        """Refuse the chain unless every certificate is valid at that time; nesting is not required.

        Raises:
            VerificationError: `CERT_EXPIRED`.
        """
        # Nesting MUST NOT be enforced (Other requirements): a leaf may outlive its issuer.
        for certificate in self.certificates:
            if not certificate.not_before <= at <= certificate.not_after:
                raise VerificationError(
                    Reason.CERT_EXPIRED,
                    f"the certificate {certificate.subject!r} is valid from {format_time(certificate.not_before)} "
                    f"to {format_time(certificate.not_after)}, not at {format_time(at)}",
                )

    def is_anchored(self, anchors: Iterable[bytes]) -> bool:
        """Return whether one of the certificates is, byte for byte, one of the anchors."""
        # Byte for byte: a certificate with the same name or key is another one.
        trusted = frozenset(anchors)
        return any(certificate.der in trusted for certificate in self.certificates)


def validate_chain(documents: Sequence[bytes], purpose: Purpose = Purpose.CODE_SIGNING) -> Chain:
    """Parse a chain and check everything that depends neither on time nor on trust.

    Args:
        documents: The certificates in DER, from the leaf to the root.
        purpose: What the leaf signs.

    Raises:
        VerificationError: `CHAIN_INVALID`, `CERT_WEAK` or `CERT_KEY_USAGE`.
    """
    if not 0 < len(documents) <= MAX_CHAIN:
        raise _invalid(f"a certificate chain has 1 to {MAX_CHAIN} certificates, not {len(documents)}")
    certificates = tuple(parse_certificate(document) for document in documents)
    for certificate in certificates:
        check_strength(certificate)
    _check_links(certificates)
    # The root of a chain of one is a leaf and no authority (Other requirements).
    for below, certificate in enumerate(certificates[1:]):
        check_authority(certificate, below, purpose)
    check_leaf(certificates[0], purpose)
    return Chain(certificates)


def check_strength(certificate: Certificate) -> None:
    """Refuse weak keys and hashes, in every certificate of a chain.

    Raises:
        VerificationError: `CERT_WEAK`; `CHAIN_INVALID` for a key so large that it only costs time.
    """
    # Checked on its own: such a key is meant to cost time, and is no question of strength.
    if getattr(certificate.key, "key_size", 0) > MAX_RSA_BITS:
        raise _invalid(f"the key of {certificate.subject!r} is larger than {MAX_RSA_BITS} bits")
    try:
        key = check_public_key(certificate.key)
    except WeakKey as error:
        raise VerificationError(Reason.CERT_WEAK, f"{certificate.subject!r} has {error}") from None
    # Ed25519 has no key_size; Notary allows RSA and ECDSA alone (Algorithm Selection).
    if not hasattr(key, "key_size"):
        raise VerificationError(
            Reason.CERT_WEAK, f"{certificate.subject!r} has a key that is neither RSA nor ECDSA"
        )
    if certificate.signature_hash not in _STRONG_HASHES:
        raise VerificationError(
            Reason.CERT_WEAK,
            f"{certificate.subject!r} is signed with {certificate.signature_hash or 'no hash'}, not SHA-256, 384 or 512",
        )


def check_authority(certificate: Certificate, below: int, purpose: Purpose = Purpose.CODE_SIGNING) -> None:
    """Check the requirements for root and intermediate certificates.

    Args:
        certificate: The certificate.
        below: How many certificate authorities stand between it and the leaf.
        purpose: What the leaf signs; above a timestamp authority keyUsage need not be critical.

    Raises:
        VerificationError: `CHAIN_INVALID`.
    """
    name, constraints, usage = (
        repr(certificate.subject),
        certificate.basic_constraints,
        certificate.key_usage,
    )
    if constraints is None or not constraints.critical or not constraints.ca:
        raise _invalid(f"{name} is no authority: basicConstraints must be critical, with cA true")
    # RFC 5280, section 4.2.1.9; without this, a subordinate authority could make further ones.
    if constraints.path_length is not None and constraints.path_length < below:
        raise _invalid(f"{name} allows {constraints.path_length} authorities below it, and there are {below}")
    # "SHOULD be marked critical" above timestamping leaves, "MUST" above code signing.
    critical = usage is not None and (usage.critical or purpose is Purpose.TIMESTAMPING)
    if usage is None or not critical or "keyCertSign" not in usage.usages:
        raise _invalid(f"{name} is no authority: keyUsage must be critical, with keyCertSign")


def check_leaf(certificate: Certificate, purpose: Purpose) -> None:
    """Check the requirements for leaf certificates.

    Raises:
        VerificationError: `CHAIN_INVALID` for an authority, else `CERT_KEY_USAGE`.
    """
    # An authority's key that signs artifacts could also make certificates for other signers.
    if certificate.is_ca:
        raise _invalid(f"the signing certificate {certificate.subject!r} is an authority (cA is true)")
    _check_leaf_usage(certificate, purpose)
    if purpose is Purpose.TIMESTAMPING:
        _check_timestamping(certificate)
        return
    extended = certificate.extended_key_usage
    for purpose_id in sorted(extended.purposes if extended else ()):
        if purpose_id in _NOT_FOR_CODE:
            raise _usage(certificate, f"extKeyUsage must not have {_NOT_FOR_CODE[purpose_id]}")


def _check_leaf_usage(certificate: Certificate, purpose: Purpose) -> None:
    usage = certificate.key_usage
    if usage is None or (purpose is Purpose.CODE_SIGNING and not usage.critical):
        raise _usage(certificate, "keyUsage must be there and critical")
    if "digitalSignature" not in usage.usages:
        raise _usage(certificate, "keyUsage must have digitalSignature")
    forbidden = sorted(usage.usages & _LEAF_FORBIDDEN)
    if forbidden:
        raise _usage(certificate, f"keyUsage must not have {', '.join(forbidden)}")


def _check_timestamping(certificate: Certificate) -> None:
    extended = certificate.extended_key_usage
    # RFC 3161, section 2.3: critical, and this purpose alone.
    if extended is None or not extended.critical or extended.purposes != {TIMESTAMPING}:
        raise _usage(certificate, "extKeyUsage must be critical, with timeStamping and nothing else")


def _check_links(certificates: tuple[Certificate, ...]) -> None:
    *others, root = certificates
    # A root in the middle would start a second chain: the order is from leaf to root.
    for certificate in others:
        if certificate.is_self_issued and certificate.is_issued_by(certificate):
            raise _invalid(f"{certificate.subject!r} is self-signed and not the last of the chain")
    # Order is required, so no path is searched: searching costs time, and finds what was not meant.
    for child, issuer in zip(others, certificates[1:], strict=True):
        if not child.is_issued_by(issuer):
            raise _invalid(f"{child.subject!r} is not issued by {issuer.subject!r}, which follows it")
    # "MUST contain a root certificate" (Other requirements).
    if not root.is_self_signed:
        raise _invalid(f"the chain does not end with a self-signed root but with {root.subject!r}")


def _invalid(message: str) -> VerificationError:
    return VerificationError(Reason.CHAIN_INVALID, message)


def _usage(certificate: Certificate, why: str) -> VerificationError:
    return VerificationError(Reason.CERT_KEY_USAGE, f"the signing certificate {certificate.subject!r}: {why}")
