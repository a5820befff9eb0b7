"""Expressions over identities: the same answers as Python's own, in linear time, or refused."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyratify.verifiers.cosign.regex import InvalidPattern, compile_pattern

PATTERNS = [
    r"https://github\.com/org/repo/\.github/workflows/.*@refs/tags/v[0-9]+(\.[0-9]+){0,2}",
    r"(a|b)+c{2,3}",
    r"[^@]+@example\.(com|org)",
    r"(?:foo|bar)?x",
    r"a{3}",
    r"a{2,}b*?",
    r"[a-c\-\]x]+",
    r"[^\d]\w\s?",
    r"\W\D\S",
    r"|a",
    r"(|b)c",
    r"[]a]+",
    r"a-z[a-]",
    r"\.\\\/",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text(alphabet="abcx@-].\\/0129 fo\n", max_size=9))
@settings(deadline=None, max_examples=60)
def test_an_expression_matches_what_python_matches(pattern: str, text: str) -> None:
    """Always the whole text."""
    wanted = re.fullmatch(pattern, text, re.ASCII) is not None
    assert compile_pattern(pattern).matches(text) == wanted
    assert compile_pattern(f"^{pattern}$" if "|" not in pattern else pattern).matches(text) == wanted


def test_examples_that_match() -> None:
    """So that the law above is not only about refusals."""
    tag = "https://github.com/org/repo/.github/workflows/release.yml@refs/tags/v1.2"
    assert compile_pattern(PATTERNS[0]).matches(tag)
    assert not compile_pattern(PATTERNS[0]).matches(f"{tag}\nx")
    assert not compile_pattern(PATTERNS[0]).matches(f"x{tag}")


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+$", "(.*a){20}", "a?" * 30 + "a" * 30])
def test_expressions_that_are_slow_elsewhere_are_not_here(pattern: str) -> None:
    """Each visits a state at most once for a character, so the work is bounded by their product."""
    compiled = compile_pattern(pattern)
    assert len(compiled.states) < 500
    assert not compiled.matches("a" * 5000 + "!")


@pytest.mark.parametrize(
    "pattern",
    ["", "(", ")", "a)", "[", "[a", "*a", "a**", "a{2", "a{3,2}", "a{999}", "(?=a)", "(?P<n>a)", r"\1", r"\b", r"\p{L}", "a^b", "a$b", "[b-a]", "[[:alpha:]]", "\\", "a" * 2000, "(" * 60 + ")" * 60, "((((a{99}){99}){99}){99})"],
)  # fmt: skip
def test_what_is_not_understood_is_refused(pattern: str) -> None:
    """An expression that means something else elsewhere must not mean anything here."""
    with pytest.raises(InvalidPattern):
        compile_pattern(pattern)


@pytest.mark.parametrize(
    ("pattern", "catches"),
    [
        (".*", True),
        (".+", True),
        ("^.*$", True),
        (r"[\s\S]+", True),
        ("(.|x)*", True),
        ("[^%]*", True),
        (r".*@example\.com", False),
        ("https://.*", False),
        ("a?", False),
    ],
)
def test_an_expression_that_trusts_everybody_is_known(pattern: str, catches: bool) -> None:
    """Whatever way it is written."""
    assert compile_pattern(pattern).is_catch_all == catches


def test_a_text_that_is_too_long_never_matches() -> None:
    """No certificate has one."""
    assert not compile_pattern("a*").matches("a" * 9000)
