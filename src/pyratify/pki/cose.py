"""COSE_Sign1 (RFC 9052, section 4.2), parsed strictly.

Refused: duplicate keys, trailing bytes, indefinite lengths, deep nesting, keys that are neither integers nor texts, and
every tag but 18 around the whole and 1 around times, shared references (28 and 29) among them.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.times import from_epoch

SIGN1_TAG = 18
_EPOCH_TAG = 1
_MAX_DEPTH = 8
MAX_ITEMS = 10_000
_SIZES = {24: 1, 25: 2, 26: 4, 27: 8}  # of the argument that follows an initial byte
_STRINGS = (2, 3)
_CONTEXT = "Signature1"

Label = int | str
Header = Mapping[Label, Any]


@dataclass(frozen=True, slots=True)
class CoseSign1:
    """A parsed COSE_Sign1; its signature is not verified.

    Attributes:
        protected: The protected header; times are aware datetimes.
        unprotected: The unprotected header.
        payload: The payload's bytes.
        signature: The signature's bytes.
        signed: The bytes that the signature is made over: the Sig_structure without external data (section 4.4).
    """

    protected: Header
    unprotected: Header
    payload: bytes
    signature: bytes
    signed: bytes


@dataclass(frozen=True, slots=True)
class _Sign1:
    """The content of tag 18."""

    value: Any


def parse_cose(data: bytes) -> CoseSign1:
    """Read a tagged COSE_Sign1.

    Raises:
        VerificationError: `ENVELOPE_MALFORMED`, or `PARSE_LIMIT` for more than `MAX_ITEMS` items.
    """
    outer = _decode(data, {SIGN1_TAG: _Sign1})
    if not isinstance(outer, _Sign1):
        _refuse("it does not have the tag 18")
    if type(outer.value) not in (list, tuple) or len(outer.value) != 4:
        _refuse("it does not have four parts")
    protected, unprotected, payload, signature = outer.value
    if type(protected) is not bytes or not protected:
        # Empty would be allowed by COSE, but the algorithm and `crit` of Notary are protected.
        _refuse("its protected header is not a byte string, or empty")
    if type(payload) is not bytes or type(signature) is not bytes:
        _refuse("its payload or signature is not a byte string")
    # Decoded from the very bytes that are signed; times are the only tag inside.
    header = _header(_decode(protected, {_EPOCH_TAG: from_epoch}), "protected")
    return CoseSign1(
        header, _header(unprotected, "unprotected"), payload, signature, sig_structure(protected, payload)
    )


def sig_structure(protected: bytes, payload: bytes) -> bytes:
    """Return the bytes that a COSE_Sign1 signature is made over (RFC 9052, section 4.4), with empty external data."""
    import cbor2

    # One context and no external data, so a signature made for another structure does not fit.
    return cbor2.dumps([_CONTEXT, protected, b"", payload])


class _Tags(dict[int, Callable[[Any, bool], Any]]):
    """Decoders by tag; a tag without one is refused, even if the library has a decoder for it."""

    def __missing__(self, tag: int) -> Callable[[Any, bool], Any]:
        def refuse(value: Any, immutable: bool) -> NoReturn:
            del value, immutable
            raise ValueError(f"tag {tag}")

        return refuse


def _check_item_count(data: bytes) -> None:
    """Count the items before anything is decoded (RFC 8949, section 3); what is malformed is left to the decoder."""
    # The decoder builds everything before it returns, so limits on the result come too late.
    position = items = 0
    while position < len(data):
        items += 1
        if items > MAX_ITEMS:
            raise VerificationError(
                Reason.PARSE_LIMIT, f"the COSE envelope has more than the {MAX_ITEMS} CBOR items allowed"
            )
        kind, value = data[position] >> 5, data[position] & 0x1F
        position += 1
        if (size := _SIZES.get(value, 0)) > 0:
            value = int.from_bytes(data[position : position + size], "big")
            position += size
        if kind in _STRINGS:
            position += value


def _decode(data: bytes, tags: Mapping[int, Callable[[Any], Any]]) -> Any:
    import cbor2

    _check_item_count(data)
    decoders = _Tags({tag: _ignoring(decoder) for tag, decoder in tags.items()})
    source = io.BytesIO(data)
    # Two readers of one envelope must see the same headers; each option closes one difference.
    decoder = cbor2.CBORDecoder(
        source,
        semantic_decoders=decoders,
        max_depth=_MAX_DEPTH,
        allow_indefinite=False,
        allow_duplicate_keys=False,
    )
    try:
        value = decoder.decode()
    except (cbor2.CBORDecodeError, ValueError, RecursionError, OverflowError, TypeError):
        _refuse("not CBOR, or CBOR that readers could understand in different ways")
    # Bytes after it are not signed, and other readers may take them for a second envelope.
    if source.tell() != len(data):
        _refuse("there are bytes after it")
    return value


def _ignoring(decoder: Callable[[Any], Any]) -> Callable[[Any, bool], Any]:
    def decode(value: Any, immutable: bool) -> Any:
        del immutable
        return decoder(value)

    return decode


def _header(value: Any, what: str) -> Header:
    """Check a header map; `true` and 1.0 would be found under 1, and "1" reads like 1."""
    if type(value) is not dict:
        _refuse(f"its {what} header is not a map")
    for key in value:
        # The label 1 and the text "1" differ in CBOR, and look alike in a message or a copy in JSON.
        if type(key) not in (int, str) or (type(key) is str and key.strip("-").isdigit()):
            _refuse(f"its {what} header has a key that is neither an integer nor a name")
    return value


def _refuse(why: str) -> NoReturn:
    raise VerificationError(Reason.ENVELOPE_MALFORMED, f"not a COSE_Sign1: {why}")
