"""Laws of shared verdicts: what is carried comes out as it was, and nothing else ever comes out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pyratify.caches.verdict_entry import decode_verdict, encode_verdict, seal, unseal
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.testing.fakes import FakeClock
from support.sharing import SECRET, question

TEXT = st.text(st.characters(codec="utf-8"), max_size=8)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
DIGEST = st.binary(max_size=4).map(Digest.of)
REFERENCE = st.builds(
    lambda digest, name: Reference.parse(f"example.com/{name}").at(digest),
    DIGEST,
    st.sampled_from(["a", "b/c"]),
)
FAILURE = st.builds(Failure, st.sampled_from(list(Reason)), TEXT, TEXT)
MOMENT = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001 - the zone is drawn
    datetime(2090, 1, 1),  # noqa: DTZ001 - the zone is drawn
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
)
DETAILS = st.builds(
    Details,
    TEXT,
    st.lists(TEXT, max_size=2).map(tuple),
    st.dictionaries(TEXT, JSON, max_size=3),
    st.lists(FAILURE, max_size=2).map(tuple),
    st.none() | MOMENT,
)
RESULT = st.builds(
    VerifierResult, TEXT, st.sampled_from(list(Outcome)), st.none() | DETAILS, st.none() | FAILURE
)
DESCRIPTOR = st.builds(
    Descriptor, TEXT, DIGEST, st.integers(0, 2**40), st.none() | TEXT, st.dictionaries(TEXT, TEXT, max_size=2)
)


def _report(nested: st.SearchStrategy[Any]) -> st.SearchStrategy[ArtifactReport]:
    return st.builds(
        ArtifactReport,
        REFERENCE,
        DESCRIPTOR,
        st.sampled_from(list(Discovery)),
        st.lists(RESULT, max_size=2).map(tuple),
        nested,
        st.none() | st.sampled_from(list(Outcome)),
        st.none() | FAILURE,
    )


REPORT = st.recursive(
    _report(st.just(())), lambda inner: _report(st.lists(inner, max_size=2).map(tuple)), max_leaves=4
)
VERDICT = st.builds(
    ValidationResult,
    REFERENCE,
    st.none() | DESCRIPTOR,
    st.sampled_from(list(Decision)),
    st.none() | FAILURE,
    st.none() | FAILURE,
    st.lists(REPORT, max_size=2).map(tuple),
    st.lists(FAILURE, max_size=2).map(tuple),
)


@settings(max_examples=150, deadline=None)
@given(VERDICT)
def test_a_verdict_is_carried_without_any_loss(verdict: ValidationResult) -> None:
    """Whatever is in it comes out equal, with the same types of digests and codes."""
    data = encode_verdict(verdict)
    assert data is not None
    found = decode_verdict(data)
    assert found == verdict
    assert found is not None
    assert type(found.reference.digest) is Digest
    assert encode_verdict(found) == data


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | JSON.map(lambda value: repr(value).encode()))
def test_no_other_bytes_are_a_verdict(data: bytes) -> None:
    """Neither noise nor JSON of another shape."""
    assert decode_verdict(data) is None


@settings(max_examples=100, deadline=None)
@given(VERDICT, st.floats(0.01, 80_000), st.floats(-100_000, 100_000))
def test_an_entry_is_never_used_for_longer_than_it_was_meant_to(
    verdict: ValidationResult, seconds: float, later: float
) -> None:
    """Whatever the reader's clock shows, what remains is more than nothing and at most the lifetime."""
    now, asked = FakeClock().now(), question(reference=verdict.reference)
    entry = seal(SECRET, asked, verdict, now, seconds)
    assert entry is not None
    found = unseal(SECRET, asked, entry, now + timedelta(seconds=later))
    if found is not None:
        assert 0 < found.seconds <= seconds
        assert found.result == verdict
        assert later < seconds
    elsewhere = replace(asked, namespace="other")
    assert unseal(SECRET, elsewhere, entry, now) is None
