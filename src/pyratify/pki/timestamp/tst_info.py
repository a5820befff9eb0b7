"""The statement of a timestamp authority: a time for a hash (RFC 3161, section 2.4.2, TSTInfo)."""

import hashlib
import hmac
from datetime import datetime, timedelta

from pyratify.core.dataclass import dataclass
from pyratify.pki import asn1
from pyratify.pki.asn1 import Cursor, context
from pyratify.pki.der import Element, InvalidDer

HASHES = {
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
}
BASELINE_POLICY = "0.4.0.2023.1.1"  # ETSI TS 102 023, and RFC 3628, section 5.2
_BASELINE_ACCURACY = timedelta(seconds=1)


class InvalidStatement(ValueError):
    """A statement that is well formed and cannot be relied upon."""


@dataclass(frozen=True, slots=True)
class TimestampInfo:
    """The statement of a timestamp authority.

    Attributes:
        version: The version, 1.
        policy: The object identifier of the policy under which it was made.
        hash_algorithm: The object identifier of the hash algorithm.
        hashed: The hash of what was stamped.
        time: When that existed.
        accuracy: How far the time may be off, both ways.
    """

    version: int
    policy: str
    hash_algorithm: str
    hashed: bytes
    time: datetime
    accuracy: timedelta

    def check(self, message: bytes) -> None:
        """Refuse a statement of another version, or about anything but this message.

        Raises:
            InvalidStatement: The version, the hash algorithm or the hash is another.
        """
        if self.version != 1:
            raise InvalidStatement(f"its version is {self.version}, not 1")
        name = HASHES.get(self.hash_algorithm)
        # With SHA-1, one stamp could be made to fit two contents.
        if name is None:
            raise InvalidStatement("it uses a hash other than SHA-256, SHA-384 and SHA-512")
        if not hmac.compare_digest(hashlib.new(name, message).digest(), self.hashed):
            raise InvalidStatement("it was made for something else: the hash is another")

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The earliest and the latest possible time, by its accuracy.

        Raises:
            InvalidStatement: There is no such time.
        """
        try:
            return self.time - self.accuracy, self.time + self.accuracy
        except OverflowError:
            raise InvalidStatement("its time with its accuracy is no time at all") from None


def parse_info(data: bytes) -> TimestampInfo:
    """Parse a TSTInfo.

    Raises:
        InvalidDer: It is malformed, or has a critical extension.
    """
    cursor = asn1.open_sequence(data)
    version = asn1.integer(cursor.next(asn1.INTEGER))
    policy = asn1.object_identifier(cursor.next(asn1.OBJECT_IDENTIFIER))
    algorithm, hashed = _imprint(cursor.next(asn1.SEQUENCE))
    asn1.integer(cursor.next(asn1.INTEGER))
    time = asn1.time(cursor.next(asn1.GENERALIZED_TIME))
    accuracy = _accuracy(cursor.optional(asn1.SEQUENCE), policy)
    cursor.optional(asn1.BOOLEAN)
    cursor.optional(asn1.INTEGER)
    cursor.optional(context(0))
    _check_extensions(cursor.optional(context(1)))
    cursor.end()
    return TimestampInfo(version, policy, algorithm, hashed, time, accuracy)


def _imprint(element: Element) -> tuple[str, bytes]:
    cursor = Cursor(element.content)
    algorithm = asn1.algorithm(cursor.next(asn1.SEQUENCE))
    hashed = cursor.next(asn1.OCTET_STRING).content
    cursor.end()
    return algorithm, hashed


def _accuracy(element: Element | None, policy: str) -> timedelta:
    if element is None:
        # The policy itself promises one second; without it nothing is promised, and nothing added.
        return _BASELINE_ACCURACY if policy == BASELINE_POLICY else timedelta(0)
    cursor = Cursor(element.content)
    seconds = cursor.optional(asn1.INTEGER)
    millis = cursor.optional(context(0, constructed=False))
    micros = cursor.optional(context(1, constructed=False))
    cursor.end()
    values = [asn1.integer(part) if part else 0 for part in (seconds, millis, micros)]
    # RFC 3161, section 2.4.2: millis and micros are at most 999; a zero is harmless.
    if not (0 <= values[0] < 2**31 and all(0 <= value <= 999 for value in values[1:])):
        raise InvalidDer("the accuracy is out of range")
    return timedelta(seconds=values[0], milliseconds=values[1], microseconds=values[2])


def _check_extensions(element: Element | None) -> None:
    if element is None:
        return
    for extension in asn1.members(element.content, asn1.SEQUENCE):
        cursor = Cursor(extension.content)
        cursor.next(asn1.OBJECT_IDENTIFIER)
        critical = cursor.optional(asn1.BOOLEAN)
        # DER omits FALSE; where it is written, it is no more than a longer spelling.
        if critical is not None and critical.content != b"\x00":
            raise InvalidDer("it has a critical extension")
