"""Laws of references, scopes, digests, JSON and the walk."""

import asyncio
import json
from contextlib import suppress
from typing import Any
from zlib import crc32

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.errors import ConfigurationError, InvalidReference, VerificationError
from pyratify.core.limits import Limits
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference, canonical_registry, is_registry
from pyratify.core.report import ValidationResult
from pyratify.core.scope import ScopeMap, check_scope
from pyratify.core.strictjson import MAX_DEPTH, InvalidJson, loads
from pyratify.core.verifier import Details, Evidence
from pyratify.policies.threshold import Rule
from pyratify.testing.fakes import FakeVerifier
from pyratify.testing.memory import MemoryStore
from support.scenes import KIND, threshold, validate

LABEL = st.sampled_from(["a", "b", "io", "GHCR", "docker", "localhost", "127", "0", "1", "index", "x-y"])
HOST = st.lists(LABEL, min_size=1, max_size=4).map(".".join)
PORT = st.sampled_from(["", ":443", ":5000", ":80", ":0443"])
REGISTRY = st.builds(lambda host, dot, port: host + dot + port, HOST, st.sampled_from(["", "."]), PORT)
PATH = st.lists(
    st.sampled_from(["app", "team", "library", "nginx", "a.b", "c__d", "X"]), min_size=1, max_size=4
).map("/".join)
VERSION = st.sampled_from(["", ":v1", ":latest", f"@sha256:{'0' * 64}", f":v1@sha512:{'a' * 128}"])
TEXT = st.one_of(
    st.builds(lambda r, p, v: f"{r}/{p}{v}", REGISTRY, PATH, VERSION),
    st.builds(lambda p, v: p + v, PATH, VERSION),
    st.text(alphabet="aA0./:@[]-_%", max_size=30),
    st.text(max_size=20),
)


def _parse(text: str) -> Reference | None:
    try:
        return Reference.parse(text)
    except InvalidReference:
        return None


@given(TEXT)
@example("OCI/x")
@example("foo:443/x")
@example("a" * 64 + ":v1")
def test_what_a_reference_prints_is_read_as_the_same_reference(text: str) -> None:
    """No parser downstream can understand the canonical form in another way; none becomes a layout."""
    reference = _parse(text)
    if reference is not None:
        assert _parse(str(reference)) == reference
        assert not reference.is_layout
        pinned = reference.at(Digest.of(b""))
        assert _parse(str(pinned)) == pinned


@given(REGISTRY)
def test_a_registry_has_one_canonical_form(registry: str) -> None:
    """Canonical is canonical again."""
    if is_registry(registry):
        once = canonical_registry(registry)
        assert canonical_registry(once) == once
        assert is_registry(once)


@given(TEXT, st.lists(TEXT.map(lambda text: text.partition("@")[0]), max_size=4))
def test_a_reference_is_covered_by_its_own_name_registry_and_everything(text: str, others: list[str]) -> None:
    """In that order, whatever else is configured; and a scope that is accepted can match something."""
    reference = _parse(text)
    if reference is None:
        return
    entries = {scope: scope for scope in others if _is_scope(scope)}
    for scope in ("*", reference.registry, reference.name):
        entries[scope] = scope
        assert ScopeMap(entries.items()).match(reference) in {scope, *entries}
    assert ScopeMap(entries.items()).match(reference) == reference.name


def _is_scope(scope: str) -> bool:
    try:
        check_scope(scope)
    except ConfigurationError:
        return False
    return True


@given(
    TEXT, st.lists(st.sampled_from(["*", "a.io", "*.io", "a.io/team/*", "docker.io", "b.io"]), unique=True)
)
def test_the_order_of_scopes_makes_no_difference(text: str, scopes: list[str]) -> None:
    """Specificity decides and nothing else."""
    reference = _parse(text)
    if reference is not None:
        one = ScopeMap((scope, scope) for scope in scopes)
        other = ScopeMap((scope, scope) for scope in reversed(scopes))
        assert one.match(reference) == other.match(reference)


@given(st.binary(max_size=50), st.sampled_from(["sha256", "sha384", "sha512"]), st.data())
def test_a_digest_with_any_character_changed_is_another_or_none(
    data: bytes, algorithm: str, draw: st.DataObject
) -> None:
    """No prefix, suffix or other case of a digest matches."""
    digest = Digest.of(data, algorithm)
    position = draw.draw(st.integers(0, len(digest) - 1))
    other = draw.draw(st.characters(codec="ascii").filter(lambda char: char != digest[position]))
    for text in (digest[:position] + other + digest[position + 1 :], digest[:position], digest + other):
        with suppress(InvalidDigest):
            assert not Digest(text).matches(data)


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@given(VALUES, st.booleans(), st.sampled_from([None, 1]))
def test_what_the_standard_library_writes_is_read_back(
    value: Any, ascii_only: bool, indent: int | None
) -> None:
    """Every document of honest size that `json` writes has its own value."""
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return
    assert loads(data) == value


@given(
    st.one_of(
        st.binary(max_size=30),
        st.text(alphabet='{}[]",:\\u0d8a1eE.-+ \n\tntrfalsNI', max_size=30).map(str.encode),
    )
)
def test_what_is_read_is_what_the_standard_library_reads(data: bytes) -> None:
    """Never laxer, and of one meaning; where it is stricter it says so."""
    try:
        value = loads(data)
    except InvalidJson:
        return
    assert json.loads(data.decode("utf-8")) == value


# The walk: a random tree of artifacts, whose verification takes random numbers of turns.

NODES = st.recursive(st.just([]), lambda below: st.lists(below, max_size=4), max_leaves=12)


def _grow(store: MemoryStore, subject: Any, node: list[Any], path: str) -> None:
    for number, child in enumerate(node):
        name = f"{path}.{number}"
        artifact = store.attach(subject, KIND, annotations={"name": name})
        _grow(store, artifact, child, name)


def _waiting(turns: list[int]) -> FakeVerifier:
    async def does(evidence: Evidence) -> Details:
        name = evidence.manifest.annotations["name"]
        for _ in range(turns[crc32(name.encode()) % len(turns)]):
            await asyncio.sleep(0)
        if name.endswith("1"):
            raise VerificationError(Reason.SIG_INVALID, name)
        return Details(name, signers=(name,))

    return FakeVerifier(does=does)


POLICIES = (
    NoPolicy(),
    threshold("fake"),
    threshold("fake", "fake", "fake"),
    threshold(Rule("fake", (Rule("fake"),)), "fake"),
    threshold(Rule("fake", (Rule("fake", (Rule("fake"),)),))),
)


@settings(max_examples=60)
@given(
    st.lists(NODES, max_size=5),
    st.lists(st.integers(0, 7), min_size=1, max_size=5),
    st.sampled_from(POLICIES),
    st.integers(2, 32),
    st.builds(Limits, referrers=st.integers(1, 5), depth=st.integers(1, 4), artifacts=st.integers(1, 12)),
)
def test_the_report_is_the_same_at_any_concurrency(
    root: list[Any], turns: list[int], policy: Any, concurrency: int, limits: Limits
) -> None:
    """Order, content, decision and limits hit do not depend on who is ready first."""
    store = MemoryStore()
    _grow(store, store.add_image(), root, "")

    def run(width: int, verifier: FakeVerifier) -> ValidationResult:
        return asyncio.run(validate(store, verifier, policy=policy, limits=limits, concurrency=width))

    assert run(concurrency, _waiting(turns)) == run(1, _waiting([0]))


@given(
    st.recursive(
        st.sampled_from([b'"[[[["', b'"a\\\\"', b'"\\"{"', b"0", b"{}"]),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: b"[" + b",".join(items) + b"]"),
            inner.map(lambda item: b'{"k]":' + item + b"}"),
        ),
        max_leaves=30,
    ),
    st.integers(0, 70),
)
def test_nesting_is_bounded_whatever_the_strings_hold(inner: bytes, depth: int) -> None:
    """The quick look at brackets and the exact scan agree with the parsed value."""
    document = b"[" * depth + inner + b"]" * depth
    plain = json.loads(document)
    if levels(plain) <= MAX_DEPTH:
        assert loads(document) == plain
    else:
        with pytest.raises(InvalidJson, match="nested"):
            loads(document)


def levels(value: object) -> int:
    """Return how deeply lists and objects are nested."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(levels, inner), default=0)
