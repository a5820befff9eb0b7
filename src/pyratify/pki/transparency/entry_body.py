"""Bodies of log entries: the signature, signer and content that a log recorded (client specification, section 4.4)."""

from collections.abc import Callable, Mapping
from typing import Any

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.encoding import InvalidBase64, decode_base64
from pyratify.pki.pem import UNTRUSTED, InvalidPem, read_pem
from pyratify.pki.transparency.log_entry import LogEntry, check_kind

_HASHES = {
    "SHA2_256": "sha256",
    "SHA2_384": "sha384",
    "SHA2_512": "sha512",
    "sha256": "sha256",
    "sha384": "sha384",
    "sha512": "sha512",
}


@dataclass(frozen=True, slots=True)
class LoggedSignature:
    """The signature that an entry records.

    Attributes:
        of_payload: Whether the digest is of an envelope's payload; else of the signed bytes.
        algorithm: The digest's algorithm, as `sha256`.
        digest: The digest.
        signature: The signature.
        verifier: The signer's certificate or public key in DER.
    """

    of_payload: bool
    algorithm: str
    digest: bytes
    signature: bytes
    verifier: bytes


def read_body(entry: LogEntry) -> LoggedSignature:
    """Read an entry's body, which must be of the kind and version that the entry says.

    Raises:
        VerificationError: `TLOG_ENTRY_MISMATCH`: malformed, of another kind, or of one that is not understood.
    """
    check_kind(entry)
    try:
        document = strictjson.load_object(entry.body, what="log entry")
        kind, version = document.get("kind"), document.get("apiVersion")
        # The kind chooses the reader, and only the body's own is signed.
        if (kind, version) != (entry.kind, entry.version):
            raise _Malformed("it is of another kind or version than announced")
        return _READERS[entry.kind, entry.version](_object(document, "spec"))
    except (strictjson.InvalidJson, InvalidBase64, InvalidPem, _Malformed, ValueError) as error:
        raise VerificationError(
            Reason.TLOG_ENTRY_MISMATCH, f"the log entry is not acceptable: {error}"
        ) from None


class _Malformed(ValueError):
    """A body that lacks something."""


def _hashedrekord(spec: Mapping[str, Any]) -> LoggedSignature:
    digest = _object(_object(spec, "data"), "hash")
    signature = _object(spec, "signature")
    verifier = _text(_object(signature, "publicKey"), "content")
    return LoggedSignature(
        False,
        _algorithm(digest),
        bytes.fromhex(_text(digest, "value")),
        decode_base64(_text(signature, "content")),
        _pem(verifier),
    )


def _dsse(spec: Mapping[str, Any]) -> LoggedSignature:
    # payloadHash, not envelopeHash: the envelope's JSON is not canonical and may be written anew.
    digest, signature = _object(spec, "payloadHash"), _only(spec, "signatures")
    return LoggedSignature(
        True,
        _algorithm(digest),
        bytes.fromhex(_text(digest, "value")),
        decode_base64(_text(signature, "signature")),
        _pem(_text(signature, "verifier")),
    )


def _intoto(spec: Mapping[str, Any]) -> LoggedSignature:
    content = _object(spec, "content")
    # One signature: with several, the entry could be another signer's.
    digest, signature = _object(content, "payloadHash"), _only(_object(content, "envelope"), "signatures")
    encoded = _ascii(decode_base64(_text(signature, "sig")))  # this kind encodes it twice
    return LoggedSignature(
        True,
        _algorithm(digest),
        bytes.fromhex(_text(digest, "value")),
        decode_base64(encoded),
        _pem(_text(signature, "publicKey")),
    )


def _hashedrekord_v2(spec: Mapping[str, Any]) -> LoggedSignature:
    record = _object(spec, "hashedRekordV002")
    digest, signature = _object(record, "data"), _object(record, "signature")
    verifier = _object(signature, "verifier")
    # One of the two (verifier.proto, `oneof`): a certificate and a key could be of different signers.
    forms = [verifier[name] for name in ("x509Certificate", "publicKey") if name in verifier]
    if len(forms) != 1 or not isinstance(forms[0], dict):
        raise _Malformed("it names not exactly one certificate or key")
    return LoggedSignature(
        False,
        _algorithm(digest),
        decode_base64(_text(digest, "digest")),
        decode_base64(_text(signature, "content")),
        decode_base64(_text(forms[0], "rawBytes")),
    )


_READERS: Mapping[tuple[str, str], Callable[[Mapping[str, Any]], LoggedSignature]] = {
    ("hashedrekord", "0.0.1"): _hashedrekord,
    ("dsse", "0.0.1"): _dsse,
    ("intoto", "0.0.2"): _intoto,
    ("hashedrekord", "0.0.2"): _hashedrekord_v2,
}


def _algorithm(digest: Mapping[str, Any]) -> str:
    name = _HASHES.get(_text(digest, "algorithm"))
    if name is None:
        raise _Malformed("its digest is of an unknown algorithm")
    return name


def _object(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    member = value.get(name)
    if not isinstance(member, dict):
        raise _Malformed(f"it has no {name}")
    return member


def _only(value: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    members = value.get(name)
    if not isinstance(members, list) or len(members) != 1 or not isinstance(members[0], dict):
        raise _Malformed(f"it has not exactly one of {name}")
    member: Mapping[str, Any] = members[0]
    return member


def _text(value: Mapping[str, Any], name: str) -> str:
    member = value.get(name)
    if not isinstance(member, str) or not member:
        raise _Malformed(f"it has no {name}")
    return member


def _ascii(value: bytes) -> str:
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        raise _Malformed("its signature is not encoded as entries of its kind have it") from None


def _pem(encoded: str) -> bytes:
    blocks = read_pem(decode_base64(encoded), UNTRUSTED)
    # What follows a first block would be ignored by one reader and taken by another.
    if len(blocks) != 1 or blocks[0].label not in ("CERTIFICATE", "PUBLIC KEY"):
        raise _Malformed("it names not exactly one certificate or key")
    return blocks[0].data
