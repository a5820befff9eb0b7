"""Readers of envelopes: any bytes are read or refused."""

import json
from collections.abc import Callable

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.cose import parse_cose
from pyratify.pki.encoding import encode_base64url
from pyratify.pki.jws import parse_jws
from pyratify.testing.certificates import make_key
from pyratify.verifiers.notation.algorithms import ES256, algorithm_for, cose_algorithm, jws_algorithm

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda s: st.lists(s) | st.dictionaries(st.text(), s),
)
_CBOR = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(),
    lambda s: st.lists(s) | st.dictionaries(st.integers() | st.text(), s),
    max_leaves=10,
)
CODES = {None, Reason.ENVELOPE_MALFORMED, Reason.JSON_DUPLICATE_KEY, Reason.PARSE_LIMIT}


def refusal(read: Callable[[bytes], object], data: bytes) -> Reason | None:
    """Return why the reader refuses the data, or None if it reads it."""
    try:
        read(data)
    except VerificationError as error:
        return error.reason
    return None


@given(st.binary(max_size=200) | _JSON.map(lambda value: json.dumps(value).encode()))
def test_any_bytes_are_a_jws_or_refused(data: bytes) -> None:
    """Law: nothing but the one error, with one of its codes."""
    assert refusal(parse_jws, data) in CODES


@given(st.dictionaries(st.sampled_from(["payload", "protected", "header", "signature"]), _JSON, min_size=4))
def test_any_four_members_are_a_jws_or_refused(document: dict[str, object]) -> None:
    """Law: whatever the types of the members."""
    assert refusal(parse_jws, json.dumps(document).encode()) in CODES


@given(st.binary(max_size=200) | _CBOR.map(lambda value: cbor2.dumps(cbor2.CBORTag(18, value))))
def test_any_bytes_are_a_cose_sign1_or_refused(data: bytes) -> None:
    """Law: nothing but the one error, with its one code."""
    assert refusal(parse_cose, data) in (None, Reason.ENVELOPE_MALFORMED)


@given(_CBOR, _CBOR)
def test_any_headers_are_a_cose_sign1_or_refused(protected: object, unprotected: object) -> None:
    """Law: whatever stands in the headers."""
    data = cbor2.dumps(cbor2.CBORTag(18, [cbor2.dumps(protected), unprotected, b"p", b"s"]))
    try:
        parsed = parse_cose(data)
    except VerificationError:
        return
    assert all(type(name) in (int, str) for name in (*parsed.protected, *parsed.unprotected))


def test_a_jws_is_taken_apart() -> None:
    """The bytes that are signed are those of the envelope itself."""
    protected, payload = encode_base64url(b'{"alg":"x"}'), encode_base64url(b"data")
    envelope = {"payload": payload, "protected": protected, "header": {"a": 1}, "signature": "QQ"}
    parsed = parse_jws(json.dumps(envelope).encode())
    assert (parsed.protected, parsed.header) == ({"alg": "x"}, {"a": 1})
    assert (parsed.payload, parsed.signature) == (b"data", b"A")
    assert parsed.signed == f"{protected}.{payload}".encode()


def test_a_cose_sign1_is_taken_apart() -> None:
    """The bytes that are signed are the structure of RFC 9052, section 4.4."""
    header = cbor2.dumps({1: -7, "t": cbor2.CBORTag(1, 0)})
    parsed = parse_cose(cbor2.dumps(cbor2.CBORTag(18, [header, {"a": 1}, b"data", b"A"])))
    assert parsed.protected[1] == -7
    assert parsed.protected["t"].year == 1970
    assert parsed.unprotected == {"a": 1}
    assert cbor2.loads(parsed.signed) == ["Signature1", header, b"", b"data"]


def test_algorithms_are_found_by_name_number_and_key() -> None:
    """And a key without an algorithm has none."""
    assert jws_algorithm("ES256") is cose_algorithm(-7) is ES256
    assert algorithm_for(make_key("p256").public_key()) is ES256
    with pytest.raises(VerificationError) as error:
        algorithm_for(make_key("ed25519").public_key())
    assert error.value.reason is Reason.ALG_NOT_ALLOWED
