"""Signing certificates: who issued them, and whether they may be used at a time (client specification, section 4.3)."""

from collections.abc import Iterable

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.chain import Purpose, check_leaf
from pyratify.sigstore.trusted_material import TrustedAuthority, check_quality

CODE_SIGNING = "1.3.6.1.5.5.7.3.3"
# The subject stands there, as the name itself is empty; its critical form is therefore understood.
_UNDERSTOOD = frozenset({"2.5.29.17"})


def read_leaf(der: bytes) -> Certificate:
    """Parse a signing certificate and check what depends neither on time nor on trust.

    Raises:
        VerificationError: `CHAIN_INVALID`, `CERT_WEAK`, `CERT_KEY_USAGE` or `CERT_CRITICAL_EXT`.
    """
    leaf = parse_certificate(der)
    # Fulcio issues Ed25519 too, so this is not the Notary check of RSA and ECDSA alone.
    check_quality(leaf)
    check_leaf(leaf, Purpose.CODE_SIGNING)
    # Mandatory here, optional for Notary: Fulcio specification, 7.3; client specification, 4.3.
    extended = leaf.extended_key_usage
    if extended is None or CODE_SIGNING not in extended.purposes:
        raise VerificationError(
            Reason.CERT_KEY_USAGE, "the signing certificate is not for code signing (extKeyUsage)"
        )
    # RFC 5280, section 4.2: a critical extension that is not understood means rejection.
    unknown = [oid for oid in leaf.other_critical if oid not in _UNDERSTOOD]
    if unknown:
        raise VerificationError(
            Reason.CERT_CRITICAL_EXT,
            f"the signing certificate has an unknown critical extension {unknown[0]}",
        )
    return leaf


def find_issuers(leaf: Certificate, authorities: Iterable[TrustedAuthority]) -> tuple[TrustedAuthority, ...]:
    """Return the authorities that issued a certificate, at least one; nothing else is taken as an issuer.

    Raises:
        VerificationError: `CHAIN_UNTRUSTED`.
    """
    # All of them: one CA key may be listed twice, with different periods, and the time decides later.
    # Issuers from the bundle never help: client specification, 4.6, "Out-of-band intermediate CAs".
    found = tuple(authority for authority in authorities if leaf.is_issued_by(authority.chain[0]))
    if not found:
        raise VerificationError(
            Reason.CHAIN_UNTRUSTED,
            "the signing certificate is of no certificate authority that the trusted root names",
        )
    return found
