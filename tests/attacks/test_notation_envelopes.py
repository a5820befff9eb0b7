"""Attacks on Notation's envelopes: algorithms, signatures, attributes, structure."""

from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding

from pyratify.core.descriptor import Descriptor
from pyratify.core.reason import Reason
from pyratify.pki.encoding import decode_base64url, encode_base64url
from pyratify.testing.certificates import make_key, signer
from pyratify.testing.notation import Recipe, algorithm_of, raw_signature, sign_cose, sign_jws
from pyratify.verifiers.notation.algorithms import ALGORITHMS, ES256, ES384, PS256, PS384, PS512, Algorithm
from pyratify.verifiers.notation.envelope import (
    AUTHENTIC_TIME,
    COSE_TYPE,
    EXPIRY,
    JWS_TYPE,
    PLUGIN,
    SCHEME,
    SIGNING_TIME,
)
from support.notation_bench import FORMATS, LEAF, MIDDLE, details, found, judge, reason

KINDS = ("rsa-2048", "rsa-3072", "rsa-4096", "p256", "p384", "p521")
ALG = {JWS_TYPE: "alg", COSE_TYPE: 1}
CRIT = {JWS_TYPE: "crit", COSE_TYPE: 2}
CTY = {JWS_TYPE: "cty", COSE_TYPE: 3}
Header = dict[Any, Any]


def setting(name: object, value: object) -> Callable[[Header], None]:
    """Return an edit that sets one attribute."""
    return lambda header: header.update({name: value})


def without(name: object) -> Callable[[Header], None]:
    """Return an edit that takes one attribute away."""

    def edit(header: Header) -> None:
        """Break it."""
        del header[name]

    return edit


@pytest.mark.parametrize("empty", [False, True], ids=["signed", "no-signature"])
@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", "", "HS256", "HS384", "HS512", None, 0, -7])
async def test_atk_127_jws_algorithms_that_prove_nothing_are_refused(alg: object, empty: bool) -> None:
    """`none` in every spelling and every keyed hash, with and without a signature."""
    recipe = Recipe(protected=setting("alg", alg), sign=(lambda _: b"") if empty else None)
    assert await reason(recipe) is Reason.ALG_NOT_ALLOWED


@pytest.mark.parametrize("alg", [0, 5, 6, 7, 4, -8, "ES256", None, 2**63])
async def test_atk_127_cose_algorithms_that_prove_nothing_are_refused(alg: object) -> None:
    """HMAC, EdDSA, a name in place of a number, and numbers that mean nothing."""
    assert await reason(Recipe(protected=setting(1, alg)), COSE_TYPE) is Reason.ALG_NOT_ALLOWED


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("algorithm", ALGORITHMS, ids=lambda algorithm: algorithm.name)
async def test_atk_128_only_the_key_s_own_algorithm_is_accepted(
    kind: str, algorithm: Algorithm, media_type: str
) -> None:
    """Of all keys and all algorithms only the diagonal passes, though each signature is the key's own."""
    leaf = signer(MIDDLE, kind=kind)
    value = algorithm.name if media_type == JWS_TYPE else algorithm.cose
    result = await judge(Recipe(protected=setting(ALG[media_type], value)), media_type, leaf=leaf)
    if algorithm == algorithm_of(leaf):
        details(result)
    else:
        assert found(result).reason is Reason.ALG_NOT_ALLOWED


@pytest.mark.parametrize("alg", ["RS256", "EdDSA", "ES256K", "ps256", "PS256 ", "RSA-OAEP"])
async def test_atk_128_other_algorithms_are_refused(alg: str) -> None:
    """PKCS #1 v1.5, Edwards curves, other curves and other spellings are not on the list."""
    assert await reason(Recipe(protected=setting("alg", alg))) is Reason.ALG_NOT_ALLOWED


@pytest.mark.parametrize(
    "scheme",
    [
        padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=20),
        padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=0),
        padding.PSS(padding.MGF1(hashes.SHA256()), salt_length=padding.PSS.MAX_LENGTH),
        padding.PSS(padding.MGF1(hashes.SHA1()), salt_length=32),
        padding.PKCS1v15(),
    ],
    ids=["salt-20", "salt-0", "salt-max", "mgf1-sha1", "pkcs1v15"],
)
@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_129_pss_parameters_are_fixed(scheme: Any, media_type: str) -> None:
    """The salt is as long as the hash, and the mask uses the same hash."""
    leaf = signer(MIDDLE, kind="rsa-2048")
    recipe = Recipe(sign=lambda data: leaf.key.sign(data, scheme, hashes.SHA256()))
    assert await reason(recipe, media_type, leaf=leaf) is Reason.SIG_INVALID


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


@pytest.mark.parametrize(
    "sign",
    [
        pytest.param(lambda data: LEAF.key.sign(data, ec.ECDSA(hashes.SHA256())), id="der"),
        pytest.param(lambda _: bytes(64), id="zeros"),
        pytest.param(lambda _: b"", id="empty"),
        pytest.param(lambda _: ORDER.to_bytes(32, "big") * 2, id="order"),
        pytest.param(lambda _: b"\xff" * 64, id="larger-than-order"),
        pytest.param(lambda _: bytes(31) + b"\x01" + bytes(31) + b"\x01", id="ones"),
    ],
)
@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_130_ecdsa_signatures_are_two_numbers_in_full_width(
    sign: Callable[[bytes], bytes], media_type: str
) -> None:
    """DER, zeros and numbers out of range prove nothing."""
    assert await reason(Recipe(sign=sign), media_type) is Reason.SIG_INVALID


@pytest.mark.parametrize("change", [lambda s: s[:-1], lambda s: s + b"\x00", lambda s: b"\x00" + s])
async def test_atk_130_ecdsa_signatures_have_one_length(change: Callable[[bytes], bytes]) -> None:
    """63 and 65 bytes are no P-256 signature, even where the numbers are right."""

    def edit(envelope: Header) -> None:
        """Break it."""
        envelope["signature"] = encode_base64url(change(decode_base64url(envelope["signature"])))

    assert await reason(Recipe(whole=edit)) is Reason.SIG_INVALID


def _critical(media_type: str, *names: object) -> Callable[[Header], None]:
    return setting(CRIT[media_type], list(names))


CRITICAL: dict[str, Callable[[str], Callable[[Header], Any]]] = {
    "unknown name": lambda kind: lambda h: h.update({"x": 1, CRIT[kind]: [SCHEME, "x"]}),
    "absent": lambda kind: without(CRIT[kind]),
    "without the scheme": lambda kind: lambda h: h.update({EXPIRY: h[SIGNING_TIME], CRIT[kind]: [EXPIRY]}),
    "names what is not there": lambda kind: _critical(kind, SCHEME, EXPIRY),
    "twice": lambda kind: _critical(kind, SCHEME, SCHEME),
    "empty": _critical,
    "not a list": lambda kind: setting(CRIT[kind], SCHEME),
    "no text": lambda kind: _critical(kind, SCHEME, 5),
    "registered name": lambda kind: _critical(kind, SCHEME, ALG[kind]),
    "signing time": lambda kind: _critical(kind, SCHEME, SIGNING_TIME),
    "expiry not listed": lambda _: lambda h: h.update({EXPIRY: h[SIGNING_TIME]}),
    "plugin not listed": lambda _: setting(PLUGIN, "com.example"),
}


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", CRITICAL)
async def test_atk_131_critical_attributes_are_understood_there_and_listed(
    name: str, media_type: str
) -> None:
    """Every fault of the list of critical attributes is enough."""
    recipe = Recipe(protected=CRITICAL[name](media_type))
    assert await reason(recipe, media_type) is Reason.CRIT_UNKNOWN


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_131_a_list_of_critical_attributes_must_be_protected(media_type: str) -> None:
    """A list in the unprotected header does not stand in for the one in the protected header."""
    recipe = Recipe(
        protected=without(CRIT[media_type]), unprotected=setting(CRIT[media_type], [SCHEME, EXPIRY])
    )
    assert await reason(recipe, media_type) is Reason.CRIT_UNKNOWN


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("name", [EXPIRY, SCHEME, SIGNING_TIME, AUTHENTIC_TIME, PLUGIN, "crit", "cty"])
async def test_atk_132_trust_attributes_in_the_unprotected_header_are_refused(
    name: str, media_type: str
) -> None:
    """What can be changed after signing says nothing about trust."""
    recipe = Recipe(unprotected=setting(name, "2020-01-01T00:00:00Z"))
    assert await reason(recipe, media_type) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize("value", ["text", 1, None, {"a": [1]}])
async def test_an_unknown_unsigned_header_is_ignored(value: object, media_type: str) -> None:
    """It says nothing, whatever is in it (RFC 7515, section 4), unless the signed list calls it critical."""
    recipe = Recipe(unprotected=setting("com.example.note", value))
    details(await judge(recipe, media_type))
    critical = Recipe(
        unprotected=setting("com.example.note", value),
        protected=lambda header: header[CRIT[media_type]].append("com.example.note"),
    )
    assert await reason(critical, media_type) is Reason.CRIT_UNKNOWN
    both = Recipe(unprotected=setting("x", value), protected=setting("x", value))
    assert await reason(both, media_type) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("name", ["jwk", "jku", "kid", "x5u", "x5t", "x5t#S256", "b64", "zip", "enc", "typ"])
async def test_atk_132_other_headers_of_jose_are_refused_where_nothing_signs_them(name: str) -> None:
    """Each means something to some reader, and none has a place in a Notary Project signature."""
    assert await reason(Recipe(unprotected=setting(name, "x"))) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("label", [4, 5, 15, 32, 34, 35, -1])
async def test_atk_132_registered_labels_of_cose_are_refused_where_nothing_signs_them(label: int) -> None:
    """As the headers of JOSE."""
    assert await reason(Recipe(unprotected=setting(label, b"x")), COSE_TYPE) is Reason.ENVELOPE_MALFORMED


async def test_atk_132_a_jws_algorithm_in_both_headers_is_refused() -> None:
    """Two values, of which readers could take either."""
    assert await reason(Recipe(unprotected=setting("alg", "ES256"))) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_132_the_agent_in_both_headers_is_refused(media_type: str) -> None:
    """Even an attribute without meaning for trust stands in one header only."""
    name = "io.cncf.notary.signingAgent"
    assert await reason(Recipe(protected=setting(name, "a")), media_type) is Reason.ENVELOPE_MALFORMED


def _general(envelope: dict[str, str]) -> dict[str, Any]:
    one = {name: envelope[name] for name in ("protected", "header", "signature")}
    return {"payload": envelope["payload"], "signatures": [one, one]}


@pytest.mark.parametrize(
    "whole",
    [
        pytest.param(_general, id="general"),
        pytest.param(lambda e: f"{e['protected']}.{e['payload']}.{e['signature']}".encode(), id="compact"),
        pytest.param(lambda e: e | {"signatures": []}, id="both"),
        pytest.param(lambda e: e | {"x": 1}, id="additional-member"),
        pytest.param(lambda e: {k: v for k, v in e.items() if k != "header"}, id="no-header"),
        pytest.param(lambda e: e | {"header": []}, id="header-list"),
    ],
)
async def test_atk_133_a_jws_that_is_not_flattened_is_refused(whole: Callable[[Any], Any]) -> None:
    """One signature in exactly four members."""
    assert await reason(Recipe(whole=whole)) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("jwk", {"kty": "EC"}),
        ("jku", "file:///etc/passwd"),
        ("x5u", "http://127.0.0.1:1/"),
        ("kid", "k"),
        ("b64", False),
        ("x5c", []),
        ("typ", "JWT"),
        ("zip", "DEF"),
    ],
)
async def test_atk_134_headers_that_bring_their_own_keys_are_refused(name: str, value: object) -> None:
    """No key, no address of a key and no other encoding; nothing is opened or fetched."""
    assert await reason(Recipe(protected=setting(name, value))) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("payload", [None, ...])
async def test_atk_134_a_detached_payload_is_refused(payload: object) -> None:
    """The payload stands in the envelope, as text."""

    def edit(envelope: Header) -> None:
        """Break it."""
        del envelope["payload"]
        if payload is None:
            envelope["payload"] = None

    assert await reason(Recipe(whole=edit)) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("label", [4, 5, 7, 34, 35, -1])
async def test_atk_134_unexpected_cose_parameters_are_refused(label: int) -> None:
    """Key identifiers, initial vectors, countersignatures and addresses of certificates."""
    recipe = Recipe(protected=setting(label, b"x"))
    assert await reason(recipe, COSE_TYPE) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize("media_type", FORMATS)
@pytest.mark.parametrize(
    "cty", [None, "", "application/json", 0, "application/vnd.cncf.notary.payload.v2+json", ["x"]]
)
async def test_atk_135_another_content_type_is_refused(cty: object, media_type: str) -> None:
    """Missing, other or no text: the payload is not what it would be read as."""
    edit = without(CTY[media_type]) if cty is None else setting(CTY[media_type], cty)
    assert await reason(Recipe(protected=edit), media_type) is Reason.PAYLOAD_TYPE


@pytest.mark.parametrize(
    ("media_type", "sign"), [(COSE_TYPE, sign_jws), (JWS_TYPE, sign_cose), ("application/json", sign_jws)]
)
async def test_atk_136_the_layer_s_media_type_alone_chooses_the_parser(media_type: str, sign: Any) -> None:
    """A good envelope of the other format is no envelope, and neither is one of an unknown type."""
    failure = found(await judge(media_type=media_type, raw=lambda image: sign(LEAF, image)))
    assert failure.reason is Reason.ENVELOPE_MALFORMED


def _parts(edit: Callable[[list[Any]], Any]) -> Callable[[cbor2.CBORTag], Any]:
    def whole(tagged: cbor2.CBORTag) -> Any:
        return cbor2.CBORTag(18, edit(list(tagged.value)))

    return whole


STRUCTURES: dict[str, Callable[[cbor2.CBORTag], Any]] = {
    "untagged": lambda tagged: list(tagged.value),
    "tag 98": lambda tagged: cbor2.CBORTag(98, tagged.value),
    "tag 17": lambda tagged: cbor2.CBORTag(17, tagged.value),
    "tag 61 around": lambda tagged: cbor2.CBORTag(61, tagged),
    "tag 55799 around": lambda tagged: cbor2.CBORTag(55799, tagged),
    "tagged twice": lambda tagged: cbor2.CBORTag(18, tagged),
    "payload nil": _parts(lambda p: [p[0], p[1], None, p[3]]),
    "payload text": _parts(lambda p: [p[0], p[1], "x", p[3]]),
    "protected map": _parts(lambda p: [cbor2.loads(p[0]), *p[1:]]),
    "protected empty": _parts(lambda p: [b"", *p[1:]]),
    "unprotected list": _parts(lambda p: [p[0], [], *p[2:]]),
    "three parts": _parts(lambda p: p[:3]),
    "five parts": _parts(lambda p: [*p, b""]),
    "signature text": _parts(lambda p: [*p[:3], "x"]),
    "map": lambda tagged: cbor2.CBORTag(18, dict(enumerate(tagged.value))),
}


@pytest.mark.parametrize("name", STRUCTURES)
async def test_atk_137_another_structure_than_a_tagged_cose_sign1_is_refused(name: str) -> None:
    """Tag 18 around four parts of the right types, and nothing else."""
    assert await reason(Recipe(whole=STRUCTURES[name]), COSE_TYPE) is Reason.ENVELOPE_MALFORMED


@pytest.mark.parametrize(
    "recipe",
    [
        pytest.param(Recipe(protected=lambda _: {}, unprotected=setting(1, -37)), id="only-unprotected"),
        pytest.param(Recipe(protected=without(1), unprotected=setting(1, -7)), id="rest-protected"),
        pytest.param(Recipe(unprotected=setting(1, -7)), id="both"),
    ],
)
async def test_atk_138_a_cose_algorithm_in_the_unprotected_header_is_refused(recipe: Recipe) -> None:
    """An unsigned attribute can be changed without breaking the signature."""
    assert await reason(recipe, COSE_TYPE) is Reason.ALG_NOT_ALLOWED


@pytest.mark.parametrize(("context", "external"), [("Signature", b""), ("Signature1", b"x"), ("", b"")])
async def test_atk_139_the_signed_structure_has_one_context_and_no_external_data(
    context: str, external: bytes
) -> None:
    """A signature made for another purpose does not count for this one."""

    def raw(image: Descriptor) -> bytes:
        """Sign the other structure."""

        def sign(data: bytes) -> bytes:
            _, protected, _, payload = cbor2.loads(data)
            signed.append(cbor2.dumps([context, protected, external, payload]))
            return b"?"

        signed: list[bytes] = []
        sign_cose(LEAF, image, Recipe(sign=sign))
        return sign_cose(LEAF, image, Recipe(sign=lambda _: raw_signature(LEAF.key, ES256, signed[0])))

    failure = found(await judge(media_type=COSE_TYPE, raw=raw))
    assert failure.reason is Reason.SIG_INVALID


@pytest.mark.parametrize("media_type", FORMATS)
async def test_atk_128_a_signature_by_another_key_is_refused(media_type: str) -> None:
    """The signing key must be the first certificate's."""
    other = make_key("p256", "other")
    recipe = Recipe(sign=lambda data: raw_signature(other, ES256, data))
    assert await reason(recipe, media_type) is Reason.SIG_INVALID


def test_the_table_of_algorithms_is_the_specification_s() -> None:
    """Names, numbers, hashes and keys, written out once more."""
    table = {(a.name, a.cose, a.hash, a.bits) for a in ALGORITHMS}
    assert table == {
        ("PS256", -37, "sha256", 2048),
        ("PS384", -38, "sha384", 3072),
        ("PS512", -39, "sha512", 4096),
        ("ES256", -7, "sha256", 256),
        ("ES384", -35, "sha384", 384),
        ("ES512", -36, "sha512", 521),
    }
    assert [a.elliptic for a in (PS256, PS384, PS512, ES256, ES384)] == [False, False, False, True, True]
