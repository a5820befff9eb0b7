"""Attacks on the encoding of Notation's envelopes: lenient encodings, differing parsers, several envelopes."""

import json
from collections.abc import Callable
from typing import Any

import cbor2
import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.reason import Reason
from pyratify.testing.certificates import Issued
from pyratify.testing.memory import MemoryStore
from pyratify.testing.notation import Recipe, make_verifier, sign_cose, sign_jws
from pyratify.verifiers.notation.envelope import COSE_TYPE, JWS_TYPE
from pyratify.verifiers.notation.notation_verifier import ARTIFACT_TYPE
from support.notation_bench import FORMATS, LEAF, REFERENCE, ROOT, details, found, judge, reason
from support.notation_layouts import validate

LENIENT: dict[str, Callable[[str], str]] = {
    "newline": lambda text: text[:8] + "\n" + text[8:],
    "space": lambda text: text + " ",
    "junk": lambda text: text[:8] + "!" + text[8:],
    "padding": lambda text: text + "=",
    "other-alphabet": lambda text: "+" + text[1:],
    "left-over-bits": lambda text: text[:-1] + chr(ord(text[-1]) + 1),
}


@pytest.mark.parametrize("member", ["payload", "protected", "signature"])
@pytest.mark.parametrize("how", LENIENT)
async def test_atk_083_lenient_base64_in_a_jws_is_refused(member: str, how: str) -> None:
    """A second spelling of the same bytes is no envelope."""

    def edit(envelope: dict[str, str]) -> None:
        """Break it."""
        envelope[member] = LENIENT[how](envelope[member])

    assert await reason(Recipe(whole=edit)) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("how", ["newline", "space", "junk", "url-alphabet", "no-padding"])
async def test_atk_083_lenient_base64_of_a_certificate_is_refused(how: str) -> None:
    """Certificates in a JWS are standard base64 with padding, in one spelling."""
    edits = LENIENT | {
        "url-alphabet": lambda text: text.replace("+", "-", 1).replace("/", "_", 1),
        "no-padding": lambda text: text.rstrip("=") if text.endswith("=") else text + "=",
    }

    def edit(header: dict[str, Any]) -> None:
        """Break it."""
        header["x5c"][0] = edits[how](header["x5c"][0])

    assert await reason(Recipe(unprotected=edit)) is Reason.ENVELOPE_MALFORMED


def _protected(data: bytes) -> Callable[[Descriptor], bytes]:
    """Return how to sign a COSE envelope whose protected header is these bytes."""
    return lambda image: sign_cose(LEAF, image, Recipe(protected=lambda _: data))


def _whole(edit: Callable[[bytes], bytes]) -> Callable[[Descriptor], bytes]:
    return lambda image: edit(sign_cose(LEAF, image))


def _good_header() -> dict[Any, Any]:
    headers: list[dict[Any, Any]] = []
    sign_cose(LEAF, MemoryStore().add_image(), Recipe(protected=lambda header: headers.append(dict(header))))
    return headers[0]


GOOD = cbor2.dumps(_good_header())
COUNT = 0xA0 + len(_good_header())


def _with(entry: str) -> bytes:
    """Return the good header with one more entry in hexadecimal."""
    return bytes([COUNT + 1]) + GOOD[1:] + bytes.fromhex(entry)


VECTORS = {
    "duplicate alg": _protected(_with("0126")),
    "duplicate alg, longer integer": _protected(_with("180126")),
    "text label 1": _protected(_with("613126")),
    "true for label 1": _protected(_with("f526")),
    "float for label 1": _protected(_with("f93c0026")),
    "bytes for a label": _protected(_with("413126")),
    "indefinite map": _protected(b"\xbf" + GOOD[1:] + b"\xff"),
    "trailing bytes in the protected header": _protected(GOOD + b"\x00"),
    "shared reference": _protected(_with("6178d81c81d81d00")),
    "unknown tag": _protected(_with("6178d9010281 01".replace(" ", ""))),
    "bignum": _protected(_with("6178c2410f")),
    "deep nesting": _protected(_with("6178" + "81" * 500 + "00")),
    "header is a list": _protected(b"\x80"),
    "trailing bytes": _whole(lambda data: data + b"\x00"),
    "second envelope": _whole(lambda data: data + data),
    "cycle": lambda _: bytes.fromhex("d81c81d81d00"),
    "cut off": _whole(lambda data: data[:-1]),
    "empty": _whole(lambda _: b"\x00"),
}


@pytest.mark.parametrize("name", VECTORS)
async def test_atk_089_cbor_that_readers_understand_differently_is_refused(name: str) -> None:
    """Everything is signed correctly; only the encoding is not the one that is allowed."""
    failure = found(await judge(media_type=COSE_TYPE, raw=VECTORS[name]))
    assert failure.reason is Reason.ENVELOPE_MALFORMED


async def test_atk_089_the_header_that_the_vectors_start_from_is_good() -> None:
    """Without an additional entry the same bytes are accepted."""
    details(await judge(media_type=COSE_TYPE, raw=_protected(GOOD)))


def _der(edit: Callable[[bytes], bytes]) -> Issued:
    return Issued(edit(LEAF.der), LEAF.key, LEAF.above)


DER = {
    "trailing bytes": _der(lambda der: der + b"\x00"),
    "indefinite length": _der(lambda der: b"\x30\x80" + der[4:] + b"\x00\x00"),
    "long length": _der(lambda der: b"\x30\x83\x00" + der[2:]),
    "cut off": _der(lambda der: der[:-1]),
    "huge object identifier": _der(lambda der: der.replace(b"\x06\x03\x55\x04\x03", b"\x06\x83\x01\x86\xa0" + b"\x81" * 100_000)),
    "REAL instead of a serial number": _der(lambda der: der.replace(b"\xa0\x03\x02\x01\x02\x02", b"\xa0\x03\x02\x01\x02\x09", 1)),
    "not DER": _der(lambda _: b"hello"),
    "empty": _der(lambda _: b""),
}  # fmt: skip


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", DER)
async def test_atk_091_certificates_that_are_not_der_are_refused(name: str, media_type: str) -> None:
    """The catalogue says that the envelope is malformed; the narrower code for its chain is given here."""
    assert await reason(media_type=media_type, leaf=DER[name]) is Reason.CHAIN_INVALID


@pytest.mark.parametrize("count", [0, 2])
async def test_atk_072_a_signature_has_exactly_one_envelope(count: int) -> None:
    """None or two envelopes are refused, even where both are good."""
    store = MemoryStore()
    image = store.add_image()
    layers = [(JWS_TYPE, sign_jws(LEAF, image)), (COSE_TYPE, sign_cose(LEAF, image))][:count]
    store.attach(image, ARTIFACT_TYPE, *layers)
    result = await validate(store, REFERENCE, make_verifier(ROOT))
    assert found(result).reason is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("what", ["payload", "protected", "envelope"])
async def test_atk_075_duplicate_keys_in_a_signature_are_refused(what: str) -> None:
    """Two readers could see two artifacts, two algorithms or two payloads."""

    def twice(value: dict[str, Any]) -> bytes:
        """Write the first member twice."""
        name = next(iter(value))
        text = json.dumps(value)
        return f'{{"{name}": {json.dumps(value[name])}, {text[1:]}'.encode()

    recipe = Recipe(**{{"payload": "payload", "protected": "protected", "envelope": "whole"}[what]: twice})
    assert await reason(recipe) is Reason.JSON_DUPLICATE_KEY


@pytest.mark.parametrize("data", [b"", b"null", b"[]", b'""', b"{}", b"{", b"\xff", b'{"payload":null}'])
@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_095_null_and_empty_envelopes_are_refused(media_type: str, data: bytes) -> None:
    """Nothing that is missing or of the wrong type crashes the reader or passes it."""
    failure = found(await judge(media_type=media_type, raw=lambda _: data))
    assert failure.reason is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("chain", [[], None, "text", [None], {}])
async def test_atk_095_empty_certificate_lists_are_refused(media_type: str, chain: object) -> None:
    """A signature without a certificate proves nothing."""

    def edit(header: dict[Any, Any]) -> None:
        """Break it."""
        header["x5c" if media_type == JWS_TYPE else 33] = chain

    assert await reason(Recipe(unprotected=edit), media_type) is Reason.ENVELOPE_MALFORMED
