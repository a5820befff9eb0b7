"""Entries of the shared cache: a verdict that is bound to its question and its time, and signed.

An entry is `PRV1`, the identifier of the secret, when it was written and when it ends (milliseconds since 1970), the HMAC-SHA256
over all of it and the question, and the verdict. Whoever can write entries, exchange them or put old ones back, cannot make
one that counts: every fault is a miss.
"""

import hashlib
import hmac
import struct
from datetime import datetime

from pyratify.caches.codec import MAX_BYTES, decode, encode
from pyratify.caches.shared_secret import SharedSecret
from pyratify.core.report import ValidationResult
from pyratify.core.shared_verdicts import SharedVerdict, VerdictKey

_HEADER = struct.Struct(">4s8sQQ")
_MAGIC = b"PRV1"
_MAC = 32
MAX_ENTRY = _HEADER.size + _MAC + MAX_BYTES
SKEW = 2.0
"""How many seconds the clock of another process may be ahead of ours."""


def entry_name(secret: SharedSecret, question: VerdictKey) -> str:
    """Return what an entry is filed under; it says nothing about the question to who has no secret."""
    return f"pyratify:1:{hmac.new(secret.names, _bound(question), hashlib.sha256).hexdigest()}"


def seal(
    secret: SharedSecret, question: VerdictKey, result: ValidationResult, now: datetime, seconds: float
) -> bytes | None:
    """Return the entry of a verdict, or None where it cannot be carried.

    Args:
        secret: Signs it.
        question: What the verdict answers.
        result: The verdict.
        now: The time of writing.
        seconds: For how long it may be used.
    """
    value = encode(result)
    written = _milliseconds(now)
    if value is None or written < 0 or not 0 < seconds < 86400:
        return None
    header = _HEADER.pack(_MAGIC, secret.identifier, written, written + int(seconds * 1000))
    return header + _mac(secret, question, header, value) + value


def unseal(secret: SharedSecret, question: VerdictKey, entry: bytes, now: datetime) -> SharedVerdict | None:
    """Return the verdict of an entry, if it is one for this question, signed with this secret, of this time."""
    if not _HEADER.size + _MAC < len(entry) <= MAX_ENTRY:
        return None
    header, mac, value = _split(entry)
    magic, identifier, written, ends = _HEADER.unpack(header)
    if magic != _MAGIC or identifier != secret.identifier:
        return None
    if not hmac.compare_digest(mac, _mac(secret, question, header, value)):
        return None
    moment = _milliseconds(now)
    remaining = min(ends, moment + ends - written) - moment
    if remaining <= 0 or written > moment + SKEW * 1000:
        return None
    result = decode(value)
    if result is None or result.reference != question.reference:
        return None
    return SharedVerdict(result, remaining / 1000)


def _split(entry: bytes) -> tuple[bytes, bytes, bytes]:
    start = _HEADER.size + _MAC
    return entry[: _HEADER.size], entry[_HEADER.size : start], entry[start:]


def _mac(secret: SharedSecret, question: VerdictKey, header: bytes, value: bytes) -> bytes:
    found = hmac.new(secret.entries, _bound(question), hashlib.sha256)
    found.update(header)
    found.update(value)
    return found.digest()


def _bound(question: VerdictKey) -> bytes:
    parts = (question.generation, question.namespace, str(question.reference))
    return b"".join(len(part.encode()).to_bytes(4, "big") + part.encode() for part in parts)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
