"""Keys of Docker's `config.json`: which registries and repositories they are meant for."""

import re
import sys
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.reference import canonical_registry, is_registry
from pyratify.credentials.docker_config_keys import Key, closest, others, parse_key

_HOST = st.text(alphabet="ab*.:1", min_size=1, max_size=14)
_REGISTRY = st.text(alphabet="ab.:1", min_size=1, max_size=14).filter(is_registry).map(canonical_registry)


def lines_run(pattern: str, registry: str) -> int:
    """Return how many lines of Python it takes to match a host."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        Key(pattern).has_host(registry)
    finally:
        sys.settrace(before)
    return count


def test_atk_301_stars_in_a_pull_secret_take_linear_work() -> None:
    """Twice as many stars take twice as many steps; a search that takes its choices back would not end here."""
    few, many = (lines_run("*a" * stars + "*b.example.com", "a" * 63 + ".example.com") for stars in (15, 30))
    assert many <= 2 * few + 10
    assert closest(["*a" * 30 + "*b.example.com"], "a" * 63 + ".example.com", "app") is None


@pytest.mark.parametrize(
    ("host", "registry", "matches"),
    [
        ("*.example.com", "a.example.com", True),
        ("*.example.com", "example.com", False),
        ("*.example.com", "a.b.example.com", False),
        ("a*.example.com", "a.example.com", True),
        ("a*a.example.com", "a.example.com", False),
        ("a*b*c.example.com", "aXbYbZc.example.com", True),
        ("*ab*ab.example.com", "ab.example.com", False),
        ("*.example.com", "evil.com:443.example.com", False),
        ("example.com:50*", "example.com:5000", True),
        ("example.com*", "example.com:5000", False),
        ("example.com*", "example.com.evil", False),
        ("*", "localhost", True),
    ],
)
def test_a_star_stands_for_a_part_of_one_label(host: str, registry: str, matches: bool) -> None:
    """As kubelet reads it: neither dots nor the colon of a port."""
    assert Key(host).has_host(registry) is matches


@pytest.mark.parametrize(
    ("text", "registry", "repository", "matches"),
    [
        ("*.Example.COM", "a.example.com", "app", True),
        ("*.example.com:443", "a.example.com", "app", True),
        ("example.com/team/", "example.com", "team/app", True),
        ("example.com/", "example.com", "app", True),
        ("example.com//team", "example.com", "team/app", False),
        ("example.com/team//", "example.com", "team/app", False),
        ("example.com//", "example.com", "app", False),
        ("https://example.com/v1//team", "example.com", "team/app", False),
    ],
)
def test_a_key_is_a_host_with_whole_components_of_a_path(
    text: str, registry: str, repository: str, matches: bool
) -> None:
    """In any case of letters; one slash may end it, and a component that is empty is none of a repository."""
    assert (closest([text], registry, repository) is not None) is matches


@given(_HOST, _REGISTRY)
def test_stars_match_as_the_expression_that_defines_them(host: str, registry: str) -> None:
    """Law: the linear search and the regular expression agree."""
    expression = re.escape(host).replace(r"\*", r"[^.:/]*")
    assert Key(host).has_host(registry) is (re.fullmatch(expression, registry) is not None)


@given(st.text(max_size=40), _REGISTRY)
def test_any_key_is_read_or_passed_over(text: str, registry: str) -> None:
    """Law: no key raises, and one without stars is meant for its own host alone."""
    key = parse_key(text)
    others([text], registry)
    if key is not None and "*" not in key.host and key.rank(registry, "app") is not None:
        assert key.host == registry
