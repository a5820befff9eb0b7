"""Distinguished names: trusted identities of policies, and subjects of certificates.

Notary Project, trust-store-trust-policy.md, "Trusted Identities Constraints"; RFC 4514, section 2. What could be read in
two ways is refused on both sides: multi-valued components, attributes given twice, `#` hexadecimal values, values in quotes
(RFC 2253 and notation read them differently), and TeletexStrings beyond ASCII. Texts are compared by their characters,
whatever their string type.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import lru_cache
from types import MappingProxyType

from pyratify.core.dataclass import dataclass
from pyratify.pki.asn1 import object_identifier
from pyratify.pki.certificates import Certificate
from pyratify.pki.der import OBJECT_IDENTIFIER, SEQUENCE, SET, InvalidDer, read_element, read_elements

PREFIX = "x509.subject"
# trust-store-trust-policy.md: "MUST contain" these; less would match many subjects.
MANDATORY = ("C", "ST", "O")
MAX_VALUE = 1024
_OIDS = {
    "CN": "2.5.4.3",
    "SERIALNUMBER": "2.5.4.5",
    "C": "2.5.4.6",
    "L": "2.5.4.7",
    "ST": "2.5.4.8",
    "STREET": "2.5.4.9",
    "O": "2.5.4.10",
    "OU": "2.5.4.11",
    "POSTALCODE": "2.5.4.17",
    "DC": "0.9.2342.19200300.100.1.25",
    "UID": "0.9.2342.19200300.100.1.1",
    "EMAILADDRESS": "1.2.840.113549.1.9.1",
}
# The specification allows S for ST; E is a common short form of emailAddress.
_ALIASES = {"S": "ST", "E": "EMAILADDRESS"}
_NAMES = {oid: name for name, oid in _OIDS.items()}
# Codecs of the string types (X.680, section 41). TeletexString has many character sets, which agree on ASCII alone.
_STRINGS = {
    0x0C: "utf-8",
    0x12: "ascii",
    0x13: "ascii",
    0x14: "ascii",
    0x16: "ascii",
    0x1A: "ascii",
    0x1C: "utf-32-be",
    0x1E: "utf-16-be",
}
_TYPE = re.compile(r" *([A-Za-z]+) *=", re.ASCII)
_OTHER = re.compile(r"[A-Za-z][A-Za-z0-9._-]{0,63}", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)" *(?=,|\Z)')
_ESCAPED = re.compile(r'([,;+"\\<>]|^[# ]| $)')
_PIECE = re.compile(r'\\([,;+"\\<>=# ])|((?:\\[0-9a-fA-F]{2})+)|([^\\,;+"\x00-\x1f\x7f])')


class InvalidName(ValueError):
    """A distinguished name that cannot be compared safely."""


@dataclass(frozen=True, slots=True)
class SubjectIdentity:
    """A trusted identity.

    Attributes:
        text: As it is written in the policy.
        attributes: Values by object identifier, all of which a subject must have.
    """

    text: str
    attributes: Mapping[str, str] = field(hash=False)

    def matches(self, subject: Mapping[str, str]) -> bool:
        """Return whether the subject has every attribute with exactly this value."""
        # Exactly: no case folding, which differs between languages and libraries.
        return all(subject.get(oid) == value for oid, value in self.attributes.items())

    def overlaps(self, other: "SubjectIdentity") -> bool:
        """Return whether one of the two matches every subject that the other matches."""
        # "MUST NOT have overlapping values" (Trusted Identities Constraints).
        return self.matches(other.attributes) or other.matches(self.attributes)


def parse_identity(text: str) -> SubjectIdentity:
    """Parse `x509.subject: C=US, ST=WA, O=example`.

    Raises:
        InvalidName: Another prefix, no country, state or organisation, or a name that could be read in two ways.
    """
    prefix, colon, name = text.partition(":")
    if not colon:
        raise InvalidName(f"{text[:200]!r} is missing the separator ':' after its prefix")
    if prefix.strip() != PREFIX:
        raise InvalidName(f"{text[:200]!r} does not begin with {PREFIX!r}")
    attributes = parse_name(name)
    for mandatory in MANDATORY:
        if _OIDS[mandatory] not in attributes:
            raise InvalidName(f'{text[:200]!r} has no mandatory RDN attribute for "{mandatory}"')
    return SubjectIdentity(text, attributes)


def has_other_prefix(text: str) -> bool:
    """Return whether an identity is of another kind than `x509.subject`, which a plugin may understand, as `did:key:z6Mk`.

    A prefix that begins with `x509` is none: it is a misspelling of `x509.subject`.
    """
    prefix, _, value = text.partition(":")
    # Taken for another kind, a misspelling would be left to a plugin that does not exist.
    return bool(_OTHER.fullmatch(prefix) and value.strip()) and not prefix.lower().startswith("x509")


def parse_name(text: str) -> Mapping[str, str]:
    """Parse comma-separated attributes into values by object identifier.

    Raises:
        InvalidName: Unknown or repeated attributes, empty values, or characters that must be escaped.
    """
    attributes: dict[str, str] = {}
    for name, value in _components(text):
        oid = _OIDS.get(_ALIASES.get(name.upper(), name.upper()))
        if oid is None and name.lower() == "subject":
            raise InvalidName(
                "'subject=', which openssl prints before a name, is no part of it; leave it out"
            )
        if oid is None:
            raise InvalidName(f"{name[:40]!r} is no attribute that can be compared")
        if oid in attributes:
            raise InvalidName(f"{name!r} is given twice")
        if not value:
            raise InvalidName(f"the value of {name!r} is empty")
        if len(value) > MAX_VALUE:
            raise InvalidName(f"the value of {name!r} has more than {MAX_VALUE} characters")
        attributes[oid] = value
    return attributes


def subject_of(certificate: Certificate) -> Mapping[str, str]:
    """Return the certificate's subject as values by object identifier.

    Raises:
        InvalidName: A subject that could be read in two ways.
    """
    try:
        return _read(certificate.subject_der)
    except (InvalidDer, UnicodeDecodeError):
        raise InvalidName("the certificate's subject cannot be read") from None


def _components(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while True:
        match = _TYPE.match(text, position)
        if match is None:
            raise InvalidName(_no_attribute(text, position))
        _check_form(match[1], text[match.end() :].lstrip(" "))
        value, position = _value(text, match.end())
        # Anything but a comma: `+` joins several values into one component, which is refused.
        if text[position : position + 1] not in ("", ","):
            raise InvalidName(f"the character {text[position]!r} must be escaped: {text[:200]!r}")
        yield match[1], value
        if position == len(text):
            return
        position += 1


def _no_attribute(text: str, position: int) -> str:
    rest = text[position:].strip()[:200]
    if position and rest:
        return f"{rest!r} is no attribute as C=US; a comma that belongs to a value is written \\,"
    if rest.startswith("/"):
        return f"attributes are separated by commas, not by slashes (C=US, ST=WA, O=example): {rest!r}"
    return f"not attributes as C=US, separated by commas: {text[:200]!r}"


def _check_form(name: str, value: str) -> None:
    """Refuse values in hexadecimal (RFC 4514, section 2.4) and in quotes."""
    # RFC 4514, 2.4: encoded BER, whose meaning a text comparison cannot see.
    if value.startswith("#"):
        raise InvalidName(
            f"the value of {name!r} begins with '#', which stands for hexadecimal; write \\# for the character"
        )
    if quoted := _QUOTED.match(value):
        meant = _ESCAPED.sub(r"\\\1", re.sub(r"\\(.)", r"\1", quoted[1]))
        raise InvalidName(
            f"the value of {name!r} stands in quotes, as openssl prints it; write {name}={meant[:200]}"
        )


def _value(text: str, position: int) -> tuple[str, int]:
    pieces: list[str] = []
    kept = 0  # up to here escaped or not blank, so not trimmed
    while match := _PIECE.match(text, position):
        piece = match[1] or match[3] or _unescape(match[2])
        # RFC 4514, 2.4: blanks at both ends are no part of the value, unless they are escaped.
        if pieces or match[1] or match[2] or piece != " ":
            pieces.append(piece)
            kept = kept if match[3] == " " else len(pieces)
        position = match.end()
    return "".join(pieces[:kept]), position


def _unescape(text: str) -> str:
    try:
        return bytes.fromhex(text.replace("\\", "")).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidName("an escaped value is not UTF-8") from None


# The same signer's certificate comes with every artifact; the mapping is read-only for that.
@lru_cache(maxsize=256)
def _read(der: bytes) -> Mapping[str, str]:
    attributes: dict[str, str] = {}
    for relative in read_elements(read_element(der, SEQUENCE).content):
        values = tuple(read_elements(relative.content))
        # A SET of several pairs has no order, and a text comparison needs one.
        if relative.tag != SET or len(values) != 1 or values[0].tag != SEQUENCE:
            raise InvalidName("the certificate's subject has a component with several values")
        kind, value = _pair(values[0].content)
        if kind in attributes:
            raise InvalidName("the certificate's subject has the same attribute twice")
        attributes[kind] = value
    return MappingProxyType(attributes)


def _pair(content: bytes) -> tuple[str, str]:
    elements = tuple(read_elements(content))
    if len(elements) != 2 or elements[0].tag != OBJECT_IDENTIFIER:
        raise InvalidName("the certificate's subject is malformed")
    kind, value = object_identifier(elements[0]), elements[1]
    if len(value.content) > 4 * MAX_VALUE:
        raise InvalidName(f"the certificate's subject has a text of more than {4 * MAX_VALUE} octets")
    try:
        # Strict: a replaced character would make two names equal.
        return kind, value.content.decode(_STRINGS[value.tag])
    except (KeyError, UnicodeDecodeError):
        what = "is no text" if value.tag not in _STRINGS else f"is no {_STRINGS[value.tag]} text"
        raise InvalidName(
            f"the certificate's subject cannot be compared: its {_NAMES.get(kind, kind)!r} (type {value.tag:#04x}) {what}"
        ) from None
