"""Notary Project signature envelopes: JWS and COSE read into one model, with every rule about their attributes.

Notary Project, signature-specification.md, "Signed Attributes" and "Unsigned Attributes"; signature-envelope-{jws,cose}.md.
The parser is chosen by the layer's media type and by nothing else.
"""

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.cose import parse_cose
from pyratify.pki.encoding import InvalidBase64, decode_member
from pyratify.pki.jws import parse_jws
from pyratify.pki.times import InvalidTime, parse_rfc3339
from pyratify.verifiers.notation.algorithms import Algorithm, cose_algorithm, jws_algorithm

JWS_TYPE = "application/jose+json"
COSE_TYPE = "application/cose"
PAYLOAD_TYPE = "application/vnd.cncf.notary.payload.v1+json"
X509 = "notary.x509"
SIGNING_AUTHORITY = "notary.x509.signingAuthority"
SCHEME = "io.cncf.notary.signingScheme"
SIGNING_TIME = "io.cncf.notary.signingTime"
AUTHENTIC_TIME = "io.cncf.notary.authenticSigningTime"
EXPIRY = "io.cncf.notary.expiry"
PLUGIN = "io.cncf.notary.verificationPlugin"
PLUGIN_VERSION = "io.cncf.notary.verificationPluginMinVersion"
TIMESTAMP = "io.cncf.notary.timestampSignature"
AGENT = "io.cncf.notary.signingAgent"
# What `crit` may list without a plugin; nothing else in it is understood here (RFC 7515, section 4.1.11)
_CRITICAL = (SCHEME, AUTHENTIC_TIME, EXPIRY, PLUGIN, PLUGIN_VERSION)
_SIGNED = (*_CRITICAL, SIGNING_TIME)
_MAX_CRITICAL = 32
# Header parameters of JOSE that this envelope does not use (RFC 7515, section 4.1; RFC 7797; RFC 7516)
_JOSE = ("jku", "jwk", "kid", "x5u", "x5c", "x5t", "x5t#S256", "typ", "b64", "zip", "enc")

Header = Mapping[Any, Any]


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope whose attributes follow the specification; its signature is not verified yet.

    Attributes:
        media_type: `application/jose+json` or `application/cose`.
        payload: The payload's bytes, exactly as signed.
        algorithm: The algorithm that the protected header names.
        signed: The bytes that the signature is made over.
        signature: The signature's bytes.
        chain: The certificates in DER, as they stand in the envelope.
        scheme: `notary.x509` or `notary.x509.signingAuthority`.
        signing_time: When it was signed; unverified under `notary.x509`.
        expiry: When the signature expires; None for never.
        plugin: The verification plugin that the signature asks for.
        plugin_version: The lowest version of it that will do.
        agent: The program that signed; unsigned text.
        timestamp: The RFC 3161 token, not verified; None where there is none.
        extended: Signed attributes that the specification does not define and that are not critical; for display only.
        delegated: Critical ones that the specification does not define: texts that the plugin has to process.
    """

    media_type: str
    payload: bytes
    algorithm: Algorithm
    signed: bytes
    signature: bytes
    chain: tuple[bytes, ...]
    scheme: str
    signing_time: datetime
    expiry: datetime | None
    plugin: str | None
    plugin_version: str | None
    agent: str | None
    timestamp: bytes | None
    extended: Header = field(hash=False)
    delegated: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class _Format:
    """Names and encodings of the attributes that both envelope formats have."""

    algorithm: str | int
    critical: str | int
    content_type: str | int
    chain: str | int
    named: Callable[[Any], Algorithm]
    time: Callable[[Any], datetime]
    octets: Callable[[Any], bytes]


def parse_envelope(data: bytes, media_type: str) -> Envelope:
    """Read an envelope of the format that its media type names.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`, `ALG_NOT_ALLOWED`, `CRIT_UNKNOWN`, `PAYLOAD_TYPE` or a JSON code.
    """
    if media_type == JWS_TYPE:
        jws = parse_jws(data)
        return _read(_JWS, media_type, jws.protected, jws.header, (jws.payload, jws.signed, jws.signature))
    if media_type != COSE_TYPE:
        _refuse(f"its media type is neither {JWS_TYPE} nor {COSE_TYPE}: {media_type[:120]!r}")
    cose = parse_cose(data)
    signed = (cose.payload, cose.signed, cose.signature)
    return _read(_COSE, media_type, cose.protected, cose.unprotected, signed)


def _read(
    form: _Format, media_type: str, protected: Header, unprotected: Header, parts: tuple[bytes, bytes, bytes]
) -> Envelope:
    algorithm = form.named(protected.get(form.algorithm))
    # Before all others: an unknown critical attribute may change what they mean.
    delegated = _check_critical(form, protected)
    _check_names(form, protected)
    if protected.get(form.content_type) != PAYLOAD_TYPE:
        raise VerificationError(
            Reason.PAYLOAD_TYPE, f"the content type in the protected header is not {PAYLOAD_TYPE}"
        )
    scheme, signing_time, expiry = _times(form, protected)
    _check_unprotected(form, protected, unprotected)
    payload, signed, signature = parts
    return Envelope(
        media_type,
        payload,
        algorithm,
        signed,
        signature,
        # COSE allows both headers (RFC 9360, section 2); `_check_names` refuses a protected x5c of JWS.
        _chain(form, unprotected if form.chain in unprotected else protected),
        scheme,
        signing_time,
        expiry,
        _plugin(protected),
        _text(protected, PLUGIN_VERSION),
        _text(unprotected, AGENT),
        form.octets(unprotected[TIMESTAMP]) if TIMESTAMP in unprotected else None,
        {
            name: value
            for name, value in protected.items()
            if name not in (*_own(form), SIGNING_TIME, *_CRITICAL, *delegated)
        },
        delegated,
    )


def _own(form: _Format) -> tuple[str | int | None, ...]:
    return (form.algorithm, form.critical, form.content_type, form.chain if form is _COSE else None)


def _check_critical(form: _Format, protected: Header) -> Mapping[str, str]:
    """Check `crit`: what it lists is understood and there, and what must be listed is (RFC 7515, section 4.1.11).

    Returns:
        What only the plugin understands that the signature names (signature-specification.md, "Extended Signed Attributes").
    """
    critical = protected.get(form.critical)
    if not isinstance(critical, list | tuple) or not critical:
        _refuse_critical("there is no list of critical attributes in the protected header")
    if len(critical) > _MAX_CRITICAL or not all(isinstance(name, str) for name in critical):
        _refuse_critical("it lists an attribute that this version does not understand")
    if len(set(critical)) != len(critical):  # RFC 7515, section 4.1.11
        _refuse_critical("it lists an attribute twice")
    for name in _CRITICAL:
        # Unlisted, an expiry or a plugin would be ignored by readers that do not know it.
        if (name in protected) != (name in critical):
            where = "listed and not there" if name in critical else "there and not listed"
            _refuse_critical(f"{name} is {where}")
    if SCHEME not in critical:
        _refuse_critical(f"{SCHEME} is missing")
    return _delegated(form, protected, [name for name in critical if name not in _CRITICAL])


def _delegated(form: _Format, protected: Header, names: list[str]) -> Mapping[str, str]:
    reserved = {*_SIGNED, *_JOSE, *_reserved(form), TIMESTAMP, AGENT}
    # Only what is there, has no other meaning and is a text can be handed to a plugin, and only where one is named.
    unknown = [
        name
        for name in names
        if PLUGIN not in protected or name in reserved or not isinstance(protected.get(name), str)
    ]
    if unknown:
        _refuse_critical("it lists an attribute that this version does not understand")
    return {name: protected[name] for name in names}


def _check_names(form: _Format, protected: Header) -> None:
    for name in protected:
        # Integers are COSE's own labels: other readers act on them, and extended attributes are texts.
        if name not in _own(form) and (isinstance(name, int) or name in _JOSE):
            _refuse(f"the protected header must not have {name!r}")


def _check_unprotected(form: _Format, protected: Header, unprotected: Header) -> None:
    if form is _COSE and form.algorithm in unprotected:
        raise VerificationError(
            Reason.ALG_NOT_ALLOWED, "the signature algorithm stands in the unprotected header"
        )
    for name in unprotected:
        # Outside the signature, an expiry or a scheme could be changed without the key.
        if name in _SIGNED or (name in _reserved(form) and name != form.chain):
            _refuse(f"the unprotected header must not have {str(name)[:120]!r}")
        # Which value counts would depend on the reader (RFC 7515, section 7.2.1; RFC 9052, section 3).
        if name in protected:
            _refuse(f"{str(name)[:120]!r} stands in both headers")


def _reserved(form: _Format) -> tuple[str | int, ...]:
    """Return the names that other readers of the format act on (RFC 7515, section 4; RFC 9052, section 3.1)."""
    if form is _JWS:
        return ("alg", "crit", "cty", *_JOSE)
    return ("alg", "crit", "cty", *range(-256, 257))  # registered labels are numbers


def _times(form: _Format, protected: Header) -> tuple[str, datetime, datetime | None]:
    """Return scheme, signing time and expiry; each scheme has exactly its own signing time (signing-scheme.md)."""
    own, other = {
        X509: (SIGNING_TIME, AUTHENTIC_TIME),
        SIGNING_AUTHORITY: (AUTHENTIC_TIME, SIGNING_TIME),
    }.get(_text(protected, SCHEME) or "", ("", ""))
    if not own:
        _refuse("its signing scheme is unknown")
    if own not in protected or other in protected:
        _refuse(f"with this signing scheme it must have {own} and not {other}")
    signing_time = form.time(protected[own])
    expiry = form.time(protected[EXPIRY]) if EXPIRY in protected else None
    if expiry is not None and expiry <= signing_time:
        _refuse("it expires before it was made")
    return protected[SCHEME], signing_time, expiry


def _plugin(protected: Header) -> str | None:
    plugin = _text(protected, PLUGIN)
    if _text(protected, PLUGIN_VERSION) is not None and plugin is None:
        _refuse("it asks for a version of a plugin and names none")
    if plugin is not None and not plugin.strip():
        _refuse("it names a plugin that has no name")
    return plugin


def _chain(form: _Format, header: Header) -> tuple[bytes, ...]:
    chain = header.get(form.chain)
    if not isinstance(chain, list | tuple) or not chain:
        _refuse("it has no certificate chain")
    return tuple(form.octets(certificate) for certificate in chain)


def _text(header: Header, name: str) -> str | None:
    if name not in header:
        return None
    value = header[name]
    if not isinstance(value, str):
        _refuse(f"{name} is not a text")
    return value


def _jws_time(value: Any) -> datetime:
    if not isinstance(value, str):
        _refuse("a time is not a text")
    try:
        return parse_rfc3339(value)
    except InvalidTime as error:
        _refuse(str(error))


def _cose_time(value: Any) -> datetime:
    if not isinstance(value, datetime):  # the CBOR reader makes them of tag 1 alone
        _refuse("a time does not have the tag 1")
    return value


def _jws_octets(value: Any) -> bytes:
    try:
        return decode_member(value, "a certificate or timestamp")
    except InvalidBase64 as error:
        _refuse(str(error))


def _cose_octets(value: Any) -> bytes:
    if type(value) is not bytes:
        _refuse("a certificate or timestamp is not a byte string")
    return value


def _refuse(why: str) -> NoReturn:
    raise VerificationError(Reason.ENVELOPE_MALFORMED, f"not a Notary Project signature: {why}")


def _refuse_critical(why: str) -> NoReturn:
    raise VerificationError(Reason.CRIT_UNKNOWN, f"the critical attributes are not acceptable: {why}")


_JWS = _Format("alg", "crit", "cty", "x5c", jws_algorithm, _jws_time, _jws_octets)
# The labels: alg, crit and content type (RFC 9052, section 3.1), x5chain (RFC 9360, section 2)
_COSE = _Format(1, 2, 3, 33, cose_algorithm, _cose_time, _cose_octets)
