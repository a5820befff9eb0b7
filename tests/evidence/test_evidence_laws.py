"""Laws of the small parts that rules about attestations are made of."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.age import check_age, optional_duration, parse_duration
from pyratify.evidence.json_difference import difference
from pyratify.evidence.levels import all_reach, is_known, reaches
from pyratify.evidence.patterns import check_patterns, matches
from pyratify.evidence.source_uri import read_source_uri

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PARTS = st.text("abAB01.-_", min_size=1, max_size=8).filter(lambda text: text != "..")
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(PATHS)
def test_a_text_matches_itself_and_the_patterns_around_it(path: str) -> None:
    """A star for any one part, two for any number of them."""
    assert matches((path,), path)
    assert matches((f"**/{path}",), path)
    assert matches((f"{path}/**",), f"{path}/x/y")
    assert matches((f"{path}*",), f"{path}x")
    assert not matches((f"{path}*",), f"{path}/x")
    assert not matches((f"{path}/x*",), path)


@given(PATHS, PATHS)
def test_a_pattern_without_a_star_matches_nothing_else(pattern: str, text: str) -> None:
    """Case counts, and every letter."""
    assert matches((pattern,), text) is (pattern == text)


@given(st.text("ab*/", max_size=12), st.text("ab/", max_size=12))
def test_no_pattern_takes_another_view_than_its_parts(pattern: str, text: str) -> None:
    """Without `**`, a pattern and a text have equally many parts."""
    try:
        check_patterns((pattern,), "p")
    except ConfigurationError:
        return
    if "**" not in pattern and matches((pattern,), text):
        assert pattern.count("/") == text.count("/")


@given(PATHS, st.sampled_from(["", "git+"]), st.sampled_from(["", ".git", "/"]))
def test_a_source_has_one_spelling(path: str, before: str, after: str) -> None:
    """What git adds is left out, and reading the result again changes nothing."""
    plain = read_source_uri(f"https://host/{path}").repository
    found = read_source_uri(f"{before}https://HOST/{path}{after}@refs/tags/v1")
    assert found.repository == plain or path.endswith(".git")
    assert found.reference == "refs/tags/v1"
    assert read_source_uri(found.repository).repository.startswith(found.repository[:-4])


@pytest.mark.parametrize(
    ("text", "repository", "reference"),
    [
        ("git+https://h/o/r@refs/heads/main", "https://h/o/r", "refs/heads/main"),
        ("https://h/o/r.git#refs/pull/1/merge:folder", "https://h/o/r", "refs/pull/1/merge"),
        (f"git+https://h/o/r@{'a' * 40}", "https://h/o/r", "a" * 40),
        ("https://h/o/r@evil", "https://h/o/r@evil", ""),
        ("git+ssh://git@h/o/r", "ssh://git@h/o/r", ""),
        ("git@H:o/r.git", "ssh://git@h/o/r", ""),
        ("git@h:/o/r.git#refs/tags/v1:folder", "ssh://git@h/o/r", "refs/tags/v1"),
        ("git+git@h:o/r@refs/tags/v1", "ssh://git@h/o/r", "refs/tags/v1"),
        ("user@h:8443/o/r", "https://user@h:8443/o/r", ""),
        ("h:8443/o/r", "https://h:8443/o/r", ""),
        ("GIT+HTTPS://H:443/O/r.git/", "https://h/O/r", ""),
        ("ssh://git@h:22/o/r", "ssh://git@h/o/r", ""),
        ("https://h:22/o/r", "https://h:22/o/r", ""),
        ("https://h:443@evil/o/r", "https://h:443@evil/o/r", ""),
        ("h/o/r", "https://h/o/r", ""),
        ("", "", ""),
    ],
)
def test_the_forms_of_builders_are_read(text: str, repository: str, reference: str) -> None:
    """Only a whole reference is split off."""
    found = read_source_uri(text)
    assert (found.repository, found.reference) == (repository, reference)


@given(st.integers(0, 9), st.integers(0, 9), st.sampled_from(["BUILD", "SOURCE"]))
def test_levels_are_ordered_within_a_track(have: int, want: int, track: str) -> None:
    """And say nothing of another track."""
    verified = (f"SLSA_{track}_LEVEL_{have}",)
    other = "SOURCE" if track == "BUILD" else "BUILD"
    assert reaches(verified, f"SLSA_{track}_LEVEL_{want}") is (have >= want)
    assert not reaches(verified, f"SLSA_{other}_LEVEL_{want}")
    assert all_reach({verified[0]: 1}, f"SLSA_{track}_LEVEL_{want}") is (have >= want)
    assert not all_reach({verified[0]: 1}, f"SLSA_{other}_LEVEL_0")


def test_a_level_that_was_not_evaluated_is_below_all() -> None:
    """And custom levels are equal or not."""
    assert not reaches(("SLSA_BUILD_LEVEL_UNEVALUATED",), "SLSA_BUILD_LEVEL_0")
    assert reaches(("SLSA_BUILD_LEVEL_0",), "SLSA_BUILD_LEVEL_UNEVALUATED")
    assert reaches(("ORG_X",), "ORG_X")
    assert not reaches(("ORG_X",), "ORG_Y")
    assert [is_known(each) for each in ("ORG_X", "SLSA_BUILD_LEVEL_3", "SLSA_3", "")] == [
        True,
        True,
        False,
        False,
    ]
    assert all_reach({"SLSA_BUILD_LEVEL_1": 0}, "SLSA_BUILD_LEVEL_3")


@given(JSON)
def test_a_document_differs_from_itself_nowhere(value: object) -> None:
    """And an object contains each part of itself."""
    assert difference(value, value) is None
    if isinstance(value, dict) and value:
        name = next(iter(value))
        assert difference({name: value[name]}, value) is None
        assert difference({**value, "other key": 1}, value) is not None


def test_types_of_json_differ() -> None:
    """True is no number at any depth, a list is compared whole, and null is not what is missing."""
    for expected, actual in (
        (True, 1),
        (1, True),
        ("1", 1),
        ([1], [1, 2]),
        ({}, None),
        (None, {}),
        ([True], [1]),
        ([0], [False]),
        ([{"a": 1}], [{"a": True}]),
        ([{"a": 1}], [{"a": 1, "b": 1}]),
        ({"a": [[1.0]]}, {"a": [[True]]}),
        ({"a": None}, {}),
        (2**53, 2.0**53 + 2),
        (2**53 + 1, 2.0**53),
    ):
        assert difference(expected, actual) is not None


def test_numbers_of_json_are_of_one_type() -> None:
    """RFC 8259, section 6: how a number is written does not change it."""
    for expected, actual in ((1, 1.0), (1.0, 1), ([1, {"a": 0}], [1.0, {"a": -0.0}]), ((1,), [1])):
        assert difference(expected, actual) is None


@pytest.mark.parametrize(
    ("expected", "actual", "found"),
    [
        (1, 2, ("2", "1")),
        ({"a": {"b": "x"}}, {"a": {"b": "y"}}, ('a.b="y"', '"x"')),
        ({"a": {"b": {"c": [1, 2]}}}, {"a": {"b": {"c": [1, {"d": 3}]}}}, ('a.b.c=[1,{"d":3}]', "[1,2]")),
        ({"a": 1}, {}, ("", "a=1")),
        ({"a": 1}, {"a": None}, ("a=null", "1")),
        ({"a": 1, "b": 2}, {"a": 1, "b": 3}, ("b=3", "2")),
        ({"a": "x"}, {"a": "y" * 1000}, (f'a="{"y" * 199}', '"x"')),
    ],
)
def test_the_first_difference_is_said_with_its_path(
    expected: object, actual: object, found: tuple[str, str]
) -> None:
    """What is there and what is expected, as compact JSON, of a bounded length."""
    assert difference(expected, actual) == found


@pytest.mark.parametrize(
    ("text", "hours"), [("720h", 720), ("30d", 720), ("1h30m", 1.5), ("90m", 1.5), ("3600s", 1), ("1d1h", 25)]
)
def test_durations_are_written_in_days_to_seconds(text: str, hours: float) -> None:
    """Largest unit first."""
    assert parse_duration(text, "p") == timedelta(hours=hours)
    assert optional_duration(None, "p") is None


@pytest.mark.parametrize("text", ["", " ", "0h", "1", "h", "-1h", "1.5h", "1m1h", "1 h", "9" * 12 + "s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """With the path."""
    with pytest.raises(ConfigurationError, match="p: "):
        parse_duration(text, "p")


def test_the_earliest_time_counts() -> None:
    """Signing an old document again does not make it new; a time of the future is none."""
    old, new, day = NOW - timedelta(days=2), NOW - timedelta(hours=1), timedelta(days=1)
    assert check_age("x", (new, None), day, NOW) == new + day
    assert check_age("x", (None, None), None, NOW) is None
    for times, reason in (
        ((old, new), Reason.EVIDENCE_STALE),
        ((None, None), Reason.EVIDENCE_STALE),
        ((new, NOW + day), Reason.TIME_INVALID),
    ):
        with pytest.raises(VerificationError) as caught:
            check_age("x", times, day, NOW)
        assert caught.value.reason is reason
