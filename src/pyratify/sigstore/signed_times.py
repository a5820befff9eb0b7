"""RFC 3161 timestamps by authorities of a trusted root: when a signature existed (client specification, 4.2.1)."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate
from pyratify.pki.chain import Purpose, check_leaf
from pyratify.pki.der import InvalidDer
from pyratify.pki.timestamp.cms import SignedData
from pyratify.pki.timestamp.cms_signature import signing_certificate, verify_signer
from pyratify.pki.timestamp.response import token_of
from pyratify.pki.timestamp.token import parse_token
from pyratify.pki.timestamp.tst_info import InvalidStatement
from pyratify.sigstore.trusted_material import TrustedAuthority, check_quality

# Clocks of authorities and of this machine differ; `timestamp/token.py` has the same allowance.
SKEW = timedelta(minutes=5)


def verify_signed_timestamp(
    response: bytes, signature: bytes, authorities: Iterable[TrustedAuthority], now: datetime
) -> tuple[datetime, str]:
    """Return when a trusted authority timestamped the signature, and which authority that was.

    Args:
        response: The authority's response in DER.
        signature: The signature that must have been timestamped.
        authorities: The trusted authorities.
        now: The current time; timestamps of the future are refused.

    Raises:
        VerificationError: `TIMESTAMP_INVALID`.
    """
    try:
        signed, info = parse_token(token_of(response))
        # Over the signature, not the artifact: client specification, 4.2.1.
        info.check(signature)
        if info.time > now + SKEW:
            raise InvalidStatement("its time is in the future")
        return info.time, _authority(signed, authorities, info.time)
    except (InvalidDer, InvalidStatement) as error:
        raise _invalid(str(error)) from None
    except VerificationError as error:
        raise _invalid(error.message) from None


def _authority(signed: SignedData, authorities: Iterable[TrustedAuthority], at: datetime) -> str:
    """Try one authority after the other; what the token itself brings counts only where the root names no leaf."""
    problem = VerificationError(Reason.TIMESTAMP_INVALID, "the trusted root names no timestamp authority")
    for authority in authorities:
        try:
            _check(signed, authority, at)
        except VerificationError as error:
            problem = error
        # Not raised at once: the token may be of the next authority.
        except InvalidDer as error:
            problem = VerificationError(Reason.TIMESTAMP_INVALID, str(error))
        else:
            return authority.witness
    raise problem


def _check(signed: SignedData, authority: TrustedAuthority, at: datetime) -> None:
    if len(signed.signers) != 1:  # RFC 3161, section 2.4.2
        raise InvalidDer(f"it has {len(signed.signers)} signatures, not exactly one")
    # Tokens may come without certificates (RFC 3161, section 2.4.1, certReq), where the root has the leaf.
    known = () if authority.leaf is None else (authority.leaf.der,)
    # The root's leaf first; `signing_certificate` takes equal ones as one.
    whole = replace(signed, certificates=(*known, *signed.certificates))
    certificate = signing_certificate(whole, signed.signers[0])
    if authority.leaf is None:
        _check_leaf(certificate, authority.chain[0])
    # Byte for byte: another certificate for the same name or key is not what the root names.
    elif certificate.der != authority.leaf.der:
        raise InvalidDer("it is signed with a certificate that the trusted root does not name")
    verify_signer(whole, signed.signers[0], certificate)
    # The hybrid model, with the stamped time as the present (client specification, 4.2.1).
    authority.check_time(certificate, at)


def _check_leaf(certificate: Certificate, issuer: Certificate) -> None:
    if not certificate.is_issued_by(issuer):
        raise InvalidDer("it is of a timestamp authority that is not trusted")
    check_quality(certificate)
    # Found in the token, so it must have every mark of a timestamp authority (RFC 3161, section 2.3).
    check_leaf(certificate, Purpose.TIMESTAMPING)


def _invalid(why: str) -> VerificationError:
    return VerificationError(Reason.TIMESTAMP_INVALID, f"the timestamp cannot be relied upon: {why}")
