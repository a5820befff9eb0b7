"""Entries of the shared cache: a verdict that is bound to its key and its time, and signed.

An entry is `PRV1`, the identifier of the secret, when it was written and when it ends (milliseconds since 1970), the HMAC-SHA256
over all of it and the key, and the verdict. Write access to the cache is not enough to forge, exchange or prolong an entry:
every fault is a miss.
"""

import hashlib
import hmac
import json
import struct
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec

from pyratify.caches.shared_secret import SharedSecret
from pyratify.core.digest import Digest
from pyratify.core.report import ValidationResult, flatten
from pyratify.core.shared_verdicts import SharedVerdict, VerdictKey

_HEADER = struct.Struct(">4s8sQQ")
_MAGIC = b"PRV1"
_MAC = 32
MAX_BYTES = 256 * 1024
MAX_SECONDS = 30 * 86400.0
"""The longest life of an entry, that of a node's last verdicts; others live less than a day (`verdicts.Lifetimes`)."""
MAX_ENTRY = _HEADER.size + _MAC + MAX_BYTES
SKEW = 2.0
"""How many seconds the clock of another process may be ahead of ours."""


def entry_name(secret: SharedSecret, key: VerdictKey) -> str:
    """Return what an entry is filed under; it reveals nothing about the key without the secret."""
    return f"pyratify:1:{hmac.new(secret.names, _bound(key), hashlib.sha256).hexdigest()}"


def seal(
    secret: SharedSecret, key: VerdictKey, result: ValidationResult, now: datetime, seconds: float
) -> bytes | None:
    """Return the entry of a verdict, or None where it cannot be carried.

    Args:
        secret: Signs it.
        key: What the verdict answers.
        result: The verdict.
        now: The time of writing.
        seconds: For how long it may be used.
    """
    value = encode_verdict(result)
    written = _milliseconds(now)
    if value is None or written < 0 or not 0 < seconds <= MAX_SECONDS:
        return None
    header = _HEADER.pack(_MAGIC, secret.identifier, written, written + int(seconds * 1000))
    return header + _mac(secret, key, header, value) + value


def unseal(secret: SharedSecret, key: VerdictKey, entry: bytes, now: datetime) -> SharedVerdict | None:
    """Return the verdict of an entry, if it is one for this key, signed with this secret, of this time."""
    # Bounds first: an entry may be anything.
    if not _HEADER.size + _MAC < len(entry) <= MAX_ENTRY:
        return None
    header, mac, value = _split(entry)
    magic, identifier, written, ends = _HEADER.unpack(header)
    if magic != _MAGIC or identifier != secret.identifier:
        return None
    # Before anything of the entry is used, in constant time.
    if not hmac.compare_digest(mac, _mac(secret, key, header, value)):
        return None
    moment = _milliseconds(now)
    # By our own clock no longer than it was given: a writer whose clock is ahead prolongs nothing.
    remaining = min(ends, moment + ends - written) - moment
    if remaining <= 0 or written > moment + SKEW * 1000:
        return None
    result = decode_verdict(value)
    # The MAC binds the key already; this binds the report to it, too.
    if result is None or result.reference != key.reference:
        return None
    return SharedVerdict(result, remaining / 1000)


def _split(entry: bytes) -> tuple[bytes, bytes, bytes]:
    start = _HEADER.size + _MAC
    return entry[: _HEADER.size], entry[_HEADER.size : start], entry[start:]


def _mac(secret: SharedSecret, key: VerdictKey, header: bytes, value: bytes) -> bytes:
    found = hmac.new(secret.entries, _bound(key), hashlib.sha256)
    found.update(header)
    found.update(value)
    return found.digest()


def _bound(key: VerdictKey) -> bytes:
    parts = (key.generation, key.namespace, str(key.reference), key.credentials)
    # With lengths: otherwise the end of one part could be moved to the beginning of the next.
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def encode_verdict(result: ValidationResult) -> bytes | None:
    """Return a verdict as bytes, in a form between processes of one version and no public format; None where it has something that cannot be carried, or more than 256 KiB."""
    try:
        for report in flatten(result.artifacts):
            for item in report.results:
                if item.details is not None:
                    # msgspec writes NaN as null and bytes as Base64: another report than was made.
                    json.dumps(dict(item.details.data), allow_nan=False, default=_plain).encode()
        data = _ENCODER.encode(result)
    except (TypeError, ValueError, RecursionError):
        return None
    return data if len(data) <= MAX_BYTES and decode_verdict(data) is not None else None


def decode_verdict(data: bytes) -> ValidationResult | None:
    """Return the verdict; None for bytes that `encode_verdict` would not have made."""
    if len(data) > MAX_BYTES:
        return None
    try:
        result = _DECODER.decode(data)
        # One form only: what does not encode to the same bytes was not written by this version.
        return result if _ENCODER.encode(result) == data else None
    except (TypeError, ValueError, RecursionError):  # msgspec.MsgspecError and InvalidDigest are ValueErrors
        return None


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Digest):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


def _special(wanted: type[Any], value: Any) -> Any:
    if wanted is Digest and isinstance(value, str):
        return Digest(value)
    raise TypeError(f"{wanted.__name__} is not expected here")


_ENCODER = msgspec.json.Encoder(enc_hook=_plain)
_DECODER = msgspec.json.Decoder(ValidationResult, dec_hook=_special)
