"""Whatever is signed or attached: a reader of cosign's documents answers or refuses, and never breaks."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reference import Reference
from pyratify.sigstore.bundle import Bundle, parse_bundle
from pyratify.sigstore.claim import Claim
from pyratify.sigstore.in_toto import read_statement
from pyratify.testing.cosign import sign_message, sign_statement, simple_signing, statement
from pyratify.verifiers.cosign.check_claim import check_claim
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.simple_signing_payload import read_simple_signing
from support.cosign_setting import KEY

SUBJECT = Digest.of(b"image")
POLICY = CosignTrustPolicy(keys=(KEY.material,), annotations={"team": "blue"}, require_docker_reference=True)
BUNDLES = (sign_statement(KEY, statement(SUBJECT)), sign_message(KEY, b"image"))
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a document."""
    steps: list[Any] = []
    if isinstance(value, dict):
        steps = list(value)
    elif isinstance(value, list):
        steps = list(range(len(value)))
    return [path, *(place for step in steps for place in places(value[step], (*path, step)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The document with something else in one place."""
    if not path:
        return new
    if isinstance(value, dict):
        return value | {path[0]: changed(value[path[0]], path[1:], new)}
    return [changed(each, path[1:], new) if at == path[0] else each for at, each in enumerate(value)]


@st.composite
def mutants(draw: st.DrawFn, document: Any) -> bytes:
    """A good document with anything in one place."""
    path = draw(st.sampled_from(places(document)))
    return json.dumps(changed(document, path, draw(ANYTHING))).encode()


@given(st.sampled_from(BUNDLES).flatmap(mutants) | st.binary(max_size=64))
def test_any_bundle_is_read_or_refused(data: bytes) -> None:
    """No other exception, and nothing half read."""
    try:
        bundle = parse_bundle(data)
    except VerificationError:
        return
    assert isinstance(bundle, Bundle)
    assert (bundle.hint is None) is bool(bundle.certificates)


@given(mutants(statement(SUBJECT, annotations={"team": "blue"})) | st.binary(max_size=64))
def test_any_statement_is_read_or_refused(data: bytes) -> None:
    """A claim is about the subject or there is none."""
    try:
        claim = read_statement(data, SUBJECT)
    except VerificationError:
        return
    assert SUBJECT.hex.encode() in data
    _hold(claim)


@given(mutants(simple_signing(SUBJECT, optional={"team": "blue"})) | st.binary(max_size=64))
def test_any_payload_is_read_or_refused(data: bytes) -> None:
    """A claim is about the subject or there is none."""
    try:
        claim = read_simple_signing(data, SUBJECT)
    except VerificationError:
        return
    assert str(SUBJECT).encode() in data
    _hold(claim)


def _hold(claim: Claim) -> None:
    try:
        check_claim(claim, POLICY, Reference.parse("example.com/app"))
    except VerificationError:
        return
    assert claim.docker_reference == "example.com/app"
    assert any(found["team"] == "blue" for found in claim.annotations)
