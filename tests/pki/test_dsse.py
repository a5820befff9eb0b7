"""DSSE envelopes are read strictly."""

import json
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.pki.dsse import DsseSignature, load_dsse, pre_authentication_encoding


def envelope(**changes: Any) -> bytes:
    """Return an envelope with some members changed; None removes one."""
    document = {"payload": "aGVsbG8=", "payloadType": "text/x", "signatures": [{"sig": "QQ==", "keyid": "k"}]}
    document.update(changes)
    return json.dumps({name: value for name, value in document.items() if value is not None}).encode()


def test_an_envelope_is_taken_apart() -> None:
    """Payload, type and signatures come out decoded, with the bytes that are signed."""
    result = load_dsse(envelope())
    assert (result.payload, result.payload_type) == (b"hello", "text/x")
    assert result.signatures == (DsseSignature(b"A", "k"),)
    assert result.signed == b"DSSEv1 6 text/x 5 hello"


def test_lengths_are_counted_in_bytes() -> None:
    """The example of the specification, and one whose type is not ASCII."""
    assert (
        pre_authentication_encoding("http://example.com/HelloWorld", b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert pre_authentication_encoding("ł", b"") == "DSSEv1 2 ł 0 ".encode()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"payload": None}, id="no-payload"),
        pytest.param({"payload": "aGVsbG8"}, id="no-padding"),
        pytest.param({"payload": "aGVsbG9="}, id="left-over-bits"),
        pytest.param({"payload": 1}, id="payload-number"),
        pytest.param({"payloadType": ""}, id="empty-type"),
        pytest.param({"payloadType": "te\u0178t"}, id="type-not-ascii"),
        pytest.param({"payloadType": 7}, id="type-number"),
        pytest.param({"signatures": []}, id="no-signatures"),
        pytest.param({"signatures": [{"sig": "QQ=="}] * 17}, id="too-many"),
        pytest.param({"signatures": {"sig": "QQ=="}}, id="signatures-object"),
        pytest.param({"signatures": [{"keyid": "k"}]}, id="no-sig"),
        pytest.param({"signatures": [{"sig": "QQ=="}, None]}, id="null-signature"),
        pytest.param({"signatures": [{"sig": ""}]}, id="empty-sig"),
        pytest.param({"signatures": [{"sig": "QQ==", "keyid": 1}]}, id="keyid-number"),
        pytest.param({"payload": "Pj4_/w=="}, id="both-alphabets"),
        pytest.param({"payload": "Pj4__w"}, id="url-safe-without-padding"),
        pytest.param({"signatures": [{"sig": "_-=="}]}, id="url-safe-left-over-bits"),
    ],
)
def test_a_malformed_envelope_is_refused(changes: dict[str, Any]) -> None:
    """Each single fault is enough."""
    with pytest.raises(VerificationError) as error:
        load_dsse(envelope(**changes))
    assert error.value.reason is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("text", ["Pj4//w==", "Pj4__w=="])
def test_either_alphabet_of_base64_is_read(text: str) -> None:
    """Signers may use either, and verifiers must accept either (protocol.md)."""
    found = load_dsse(envelope(payload=text, signatures=[{"sig": text}]))
    assert (found.payload, found.signatures[0].value) == (b">>?\xff", b">>?\xff")


def test_members_that_are_not_known_are_ignored() -> None:
    """As envelope.md has it: some tools add certificates to a signature; a keyid that is null is unset."""
    found = load_dsse(envelope(extra=1, signatures=[{"sig": "QQ==", "keyid": None, "cert": "x"}]))
    assert found.signatures == (DsseSignature(b"A"),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"payload":"","payload":"","payloadType":"t","signatures":[]}', Reason.JSON_DUPLICATE_KEY),
        (b"[]", Reason.ENVELOPE_MALFORMED),
        (b"{", Reason.JSON_INVALID),
    ],
)
def test_what_is_not_one_json_object_is_refused(data: bytes, reason: Reason) -> None:
    """The strict reader's own codes come through."""
    with pytest.raises(VerificationError) as error:
        load_dsse(data)
    assert error.value.reason is reason
