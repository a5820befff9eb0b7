"""Timestamp tokens, verified (RFC 3161, section 2.4.2; Notary Project, trust-store-trust-policy.md, step 6).

The steps, in order: one signature, by a certificate of the token, over the statement; the statement is about this
message; the certificate is a timestamp authority's and leads to a trusted root; all were valid at that time.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.chain import Chain, Purpose, validate_chain
from pyratify.pki.der import InvalidDer
from pyratify.pki.timestamp.cms import SignedData, parse_signed_data
from pyratify.pki.timestamp.cms_signature import signing_certificate, verify_signer
from pyratify.pki.timestamp.signer_path import find_path
from pyratify.pki.timestamp.tst_info import InvalidStatement, TimestampInfo, parse_info

MAX_TOKEN = 256 * 1024
# Clocks differ by minutes at most; a stamp of tomorrow would prolong a key's life.
SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Timestamp:
    """A verified timestamp.

    Attributes:
        time: The time that was stamped.
        earliest: That time less its accuracy.
        latest: That time and its accuracy.
        policy: The object identifier of the authority's policy.
        chain: From the authority's certificate to the trusted root; its revocation is not checked here.
    """

    time: datetime
    earliest: datetime
    latest: datetime
    policy: str
    chain: Chain


def verify_timestamp(
    token: bytes, message: bytes, anchors: Sequence[Certificate], now: datetime
) -> Timestamp:
    """Verify a timestamp token made for a message.

    Args:
        token: A ContentInfo in DER.
        message: What must have been stamped, not yet hashed.
        anchors: Roots of timestamp authorities that are trusted.
        now: The current time; timestamps of the future are refused.

    Raises:
        VerificationError: `TIMESTAMP_INVALID`; the message says which of the requirements is not met.
    """
    try:
        signed, info = parse_token(token)
        # The signature first: nothing of an unsigned statement is compared.
        leaf = check_signature(signed)
        info.check(message)
        chain = authority_chain(leaf, signed, anchors)
        return _timed(info, chain, now)
    except (InvalidDer, InvalidStatement) as error:
        raise _invalid(str(error)) from None
    except VerificationError as error:
        # One reason for all: a certificate of the authority must not be mistaken for the signer's.
        if error.reason is Reason.TIMESTAMP_INVALID:
            raise
        raise _invalid(error.message) from None


def parse_token(token: bytes) -> tuple[SignedData, TimestampInfo]:
    """Parse a token and the statement inside; nothing of it is verified yet.

    Raises:
        InvalidDer: It is malformed or too large.
    """
    if len(token) > MAX_TOKEN:
        raise InvalidDer(f"it has more than {MAX_TOKEN} bytes")
    signed = parse_signed_data(token)
    return signed, parse_info(signed.content)


def check_signature(signed: SignedData) -> Certificate:
    """Verify the one signature of a token and return the certificate it was made with.

    Raises:
        InvalidDer: There is not exactly one signature (RFC 3161, section 2.4.2), or it does not verify.
        VerificationError: A certificate is malformed.
    """
    if len(signed.signers) != 1:
        raise InvalidDer(f"it has {len(signed.signers)} signatures, not exactly one")
    certificate = signing_certificate(signed, signed.signers[0])
    verify_signer(signed, signed.signers[0], certificate)
    return certificate


def authority_chain(leaf: Certificate, signed: SignedData, anchors: Sequence[Certificate]) -> Chain:
    """Return the chain from the authority's certificate to a trusted root, checked for its purpose.

    Raises:
        VerificationError: `CHAIN_UNTRUSTED`, or why the chain is not one of a timestamp authority.
    """
    bag = tuple(parse_certificate(der) for der in signed.certificates)
    # Path building here alone: a CMS bag has no order, unlike the chain of a signature.
    path = find_path(leaf, bag, anchors)
    return validate_chain(tuple(certificate.der for certificate in path), Purpose.TIMESTAMPING)


def _timed(info: TimestampInfo, chain: Chain, now: datetime) -> Timestamp:
    earliest, latest = info.window
    if info.time > now + SKEW:
        raise _invalid("its time is in the future")
    # With its accuracy: the authority must have been valid at each possible time.
    for time in (info.time, earliest, latest):
        chain.check_validity(time)
    return Timestamp(info.time, earliest, latest, info.policy, chain)


def _invalid(why: str) -> VerificationError:
    return VerificationError(Reason.TIMESTAMP_INVALID, f"the timestamp cannot be relied upon: {why}")
