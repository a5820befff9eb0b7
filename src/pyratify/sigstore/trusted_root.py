"""Trusted roots, as Sigstore distributes them (sigstore_trustroot.proto, protobuf's JSON mapping).

An entry of an unknown kind, such as a key of a newer algorithm, is left out with a warning; a malformed entry makes the whole
root unusable.
"""

from collections.abc import Callable
from datetime import datetime
from itertools import pairwise
from typing import Any, NoReturn, TypeVar

from pyratify.core import strictjson
from pyratify.core.errors import ConfigurationError, RatifyError
from pyratify.core.key import ALWAYS, KeyMaterial, Validity
from pyratify.core.reason import Reason
from pyratify.pki.certificates import Certificate, parse_certificate
from pyratify.pki.chain import TIMESTAMPING, check_authority
from pyratify.pki.encoding import decode_member
from pyratify.pki.public_keys import PublicKey, WeakKey, check_public_key, spki_fingerprint
from pyratify.pki.times import InvalidTime, parse_rfc3339
from pyratify.pki.transparency.log import TrustedLog
from pyratify.sigstore.trusted_material import TrustedAuthority, TrustedMaterial, check_quality

T = TypeVar("T")
MEDIA_TYPES = (
    "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    "application/vnd.dev.sigstore.trustedroot+json;version=0.2",
    "application/vnd.dev.sigstore.trustedroot.v0.1+json",
    "application/vnd.dev.sigstore.trustedroot.v0.2+json",
)
MAX_ENTRIES = 100  # Sigstore's instances have fewer than ten of each kind
MAX_CHAIN = 10  # Fulcio has two or three certificates; Notary chains have the same limit


class _Unknown(Exception):
    """An entry of a kind that is not known here."""


def load_trusted_root(material: KeyMaterial) -> TrustedMaterial:
    """Load a `trusted_root.json`.

    Raises:
        ConfigurationError: `TRUST_ROOT`: it is malformed, or names neither authority nor log.
    """
    try:
        return _load(strictjson.load_object(material.data, what="trusted root"), material.origin)
    except (RatifyError, ValueError) as error:
        what = error.message if isinstance(error, RatifyError) else str(error)
        raise ConfigurationError(
            f"not a usable trusted root: {material.origin}: {what}", reason=Reason.TRUST_ROOT
        ) from None


def make_authority(
    certificates: tuple[Certificate, ...],
    validity: Validity = ALWAYS,
    uri: str = "",
    operator: str = "",
    *,
    timestamps: bool = False,
) -> TrustedAuthority:
    """Make an authority of a chain, which is verified here, once.

    Args:
        certificates: From the leaf-most certificate to the trust anchor.
        validity: When it was in use.
        uri: Its address.
        operator: The organisation that runs it.
        timestamps: Whether it is a timestamp authority; then the first certificate may be the one it signs with.

    Raises:
        VerificationError: The chain is not one of an authority.
        ValueError: It is empty.
    """
    leaf = None
    # A leaf in the root pins the authority's signing certificate; without one, any it issued may sign.
    if timestamps and certificates and not certificates[0].is_ca:
        leaf, *rest = certificates
        certificates = tuple(rest)
    if not certificates:
        raise ValueError("an authority has no certificate")
    # From the leaf's issuer up, so the index is what pathLenConstraint limits (RFC 5280, section 4.2.1.9).
    for below, certificate in enumerate(certificates):
        check_quality(certificate)
        check_authority(certificate, below)
    every = certificates if leaf is None else (leaf, *certificates)
    # The last may be an intermediate: an anchor need not be self-signed (RFC 5280, section 6.1.1).
    if any(not child.is_issued_by(issuer) for child, issuer in pairwise(every)):
        raise ValueError(f"the chain of {uri or certificates[-1].subject!r} does not hold together")
    if leaf is not None:
        _check_timestamping(leaf)
    return TrustedAuthority(certificates, validity, leaf, uri, operator)


def make_log(
    der: bytes, log_id: bytes, validity: Validity, *, name: str = "", operator: str = "", check: bytes = b""
) -> TrustedLog:
    """Make a trusted log of its public key in DER.

    Raises:
        ValueError: The key is malformed, or of a kind that must not be trusted.
    """
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    key = check_public_key(_rsa(der) or load_der_public_key(der))
    public = PublicKey(key, spki_fingerprint(key), name)
    return TrustedLog(public, log_id, validity, name, operator, check)


def _check_timestamping(leaf: Certificate) -> None:
    """Check a certificate that the root itself names; its purpose need not be critical then."""
    check_quality(leaf)
    extended = leaf.extended_key_usage
    if extended is None or extended.purposes != {TIMESTAMPING}:
        raise ValueError(f"the certificate {leaf.subject!r} is not one of a timestamp authority")


def _load(document: dict[str, Any], origin: str) -> TrustedMaterial:
    # Unknown versions may have members whose meaning changes that of others, so all of them are refused.
    if document.get("mediaType") not in MEDIA_TYPES:
        _refuse(f"not a trusted root of a known version: {str(document.get('mediaType'))[:80]!r}")
    warnings: list[str] = []

    # Tolerant of new kinds only: an old client must survive a root with a log of a newer algorithm.
    def several(name: str, read: Callable[[dict[str, Any]], T]) -> tuple[T, ...]:
        found = []
        for index, each in enumerate(_list(document, name, MAX_ENTRIES)):
            try:
                found.append(read(each))
            except _Unknown as unknown:
                warnings.append(f"{name}[{index}] is not used: {unknown}")
        return tuple(found)

    trust = TrustedMaterial(
        several("certificateAuthorities", _certificate_authority),
        several("tlogs", _log),
        several("ctlogs", _log),
        several("timestampAuthorities", _timestamp_authority),
        origin,
    )
    if not (trust.authorities or trust.logs or trust.timestamp_authorities):
        _refuse("it names neither a certificate authority, a log nor a timestamp authority")
    return TrustedMaterial(
        trust.authorities,
        trust.logs,
        trust.certificate_logs,
        trust.timestamp_authorities,
        origin,
        tuple(warnings),
    )


def _certificate_authority(entry: dict[str, Any]) -> TrustedAuthority:
    return make_authority(*_authority(entry))


def _timestamp_authority(entry: dict[str, Any]) -> TrustedAuthority:
    return make_authority(*_authority(entry), timestamps=True)


def _authority(entry: dict[str, Any]) -> tuple[tuple[Certificate, ...], Validity, str, str]:
    chain = _list(_dict(entry, "certChain"), "certificates", MAX_CHAIN)
    certificates = tuple(parse_certificate(_bytes(each, "rawBytes")) for each in chain)
    # Optional for authorities, whose certificates have periods themselves.
    validity = _validity(entry.get("validFor"), required=False)
    return certificates, validity, _str(entry, "uri"), _str(entry, "operator")


def _log(entry: dict[str, Any]) -> TrustedLog:
    # Inclusion is verified with SHA-256 alone (`merkle.py`).
    if entry.get("hashAlgorithm", "SHA2_256") != "SHA2_256":
        raise _Unknown("its hash is not SHA-256")
    key = _dict(entry, "publicKey")
    # Keys of logs have no period of their own; the start may be the only bound.
    validity = _validity(key.get("validFor"), required=True)
    check = _identifier(entry, "checkpointKeyId")
    # log_id will be dropped in favour of checkpoint_key_id (sigstore_trustroot.proto).
    log_id = _identifier(entry, "logId") or check
    if not log_id:
        _refuse("a log has no identifier")
    # The origin of checkpoints is the address without its scheme (sigstore_trustroot.proto).
    name = _str(entry, "baseUrl").partition("://")[2].rstrip("/")
    try:
        operator = _str(entry, "operator")
        return make_log(_bytes(key, "rawBytes"), log_id, validity, name=name, operator=operator, check=check)
    # A log whose key must not be trusted does not make the others unusable.
    except WeakKey as error:
        raise _Unknown(f"it has {error}") from None
    except Exception as error:
        if type(error).__name__ != "UnsupportedAlgorithm":
            raise
        raise _Unknown("its key is of an unknown kind") from None


def _rsa(der: bytes) -> Any:
    """Return an RSA key in its older form (PKCS#1), which trusted roots may hold; else None."""
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    from pyratify.pki import asn1
    from pyratify.pki.der import InvalidDer

    try:
        cursor = asn1.open_sequence(der)
        modulus, exponent = (asn1.integer(cursor.next(asn1.INTEGER)) for _ in range(2))
        cursor.end()
        return RSAPublicNumbers(exponent, modulus).public_key()
    except InvalidDer:
        return None


def _identifier(entry: dict[str, Any], name: str) -> bytes:
    return _bytes(_dict(entry, name), "keyId") if entry.get(name) is not None else b""


def _validity(value: Any, *, required: bool) -> Validity:
    # Left out and null are the same in protobuf's JSON mapping.
    if value is None and not required:
        return ALWAYS
    if not isinstance(value, dict) or value.get("start") is None:
        _refuse("a period of validity has no start")
    return Validity(_time(value["start"]), _time(value["end"]) if value.get("end") is not None else None)


def _time(value: Any) -> datetime:
    try:
        return parse_rfc3339(value if isinstance(value, str) else "")
    except InvalidTime as error:
        _refuse(str(error))


def _list(value: dict[str, Any], name: str, limit: int) -> list[dict[str, Any]]:
    found = value.get(name) or []
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        _refuse(f"{name} is not a list of objects")
    if len(found) > limit:
        _refuse(f"{name} has more than {limit} entries")
    return found


def _dict(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name)
    if not isinstance(found, dict):
        _refuse(f"{name} is missing or not an object")
    return found


def _str(value: dict[str, Any], name: str) -> str:
    found = value.get(name) or ""
    if not isinstance(found, str):
        _refuse(f"{name} is not a text")
    return found


def _bytes(value: dict[str, Any], name: str) -> bytes:
    return decode_member(value.get(name) or "", name) or _refuse(f"{name} is missing")


def _refuse(why: str) -> NoReturn:
    raise ConfigurationError(why, reason=Reason.TRUST_ROOT)
