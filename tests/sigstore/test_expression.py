"""Expressions over identities: the syntax of Go's regexp, the whole text, bounded, and RE2 or nothing."""

import re
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyratify.core.errors import ConfigurationError
from pyratify.sigstore.expression import (
    MAX_TEXT,
    InvalidPattern,
    compile_pattern,
    widen,
)

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
    r"a|ab|abc",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=st.text(alphabet="abcx@-].\\/0129 fo\n", max_size=9))
@settings(deadline=None, max_examples=60)
def test_an_expression_matches_what_python_matches(pattern: str, text: str) -> None:
    """Always the whole text, whichever alternative that takes."""
    wanted = re.fullmatch(pattern, text, re.ASCII) is not None
    assert compile_pattern(pattern).matches(text) == wanted
    assert compile_pattern(f"^(?:{pattern})$").matches(text) == wanted


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        (r"(?i)ci@example\.com", "CI@Example.com", "ci@example.org"),
        (r"ci\b.*", "ci@example.com", "cirrus@example.com"),
        (r"[[:alpha:]]+\d", "abc7", "abc"),
        (r"[[:alpha:]\d]+", "a7", "a-7"),
        (r"\p{L}+@example\.com", "\u00e9\u00df@example.com", "7@example.com"),
        (r"\pL+", "\u0436", "1"),
        (r"\Aci@example\.com\z", "ci@example.com", "ci@example.com\n"),
        (r"\Qci@example.com\E", "ci@example.com", "ci@exampleXcom"),
        (r"(?P<user>ci)@example\.com", "ci@example.com", "user@example.com"),
        (r"(?<user>ci)@example\.com", "ci@example.com", "user@example.com"),
        (r"^a@example\.com$|^b@example\.com$", "b@example.com", "c@example.com"),
        (r"(^a|^b)@example\.com$", "b@example.com", "xa@example.com"),
        (r"(?m)^ci$", "ci", "x\nci"),
        (r"(?s)ci.", "ci\n", "c\n"),
        (r"(?U)a+", "aaa", "b"),
        (r"\x41\x{42}\103", "ABC", "abc"),
        (r"[^\n]+@\w+\.com", "a@b.com", "a\n@b.com"),
    ],
)
def test_the_syntax_of_go_works(pattern: str, good: str, bad: str) -> None:
    """What cosign's users write means here what it means there, save that the whole text has to match."""
    assert compile_pattern(pattern).matches(good)
    assert not compile_pattern(pattern).matches(bad)


@pytest.mark.parametrize(
    "pattern",
    ["", "(", ")", "a)", "[", "[a", "*a", "a**", "a{3,2}", "a{1001}", "(?=a)", "(?!a)", "(?<=a)", r"(a)\1", r"\Z", "[b-a]", "\\", "a" * 1025, "((((a{99}){99}){99}){99})", "\ud800"],
)  # fmt: skip
def test_what_re2_does_not_understand_is_refused(pattern: str) -> None:
    """Also look-around and backreferences, which take exponential time; the message is a sentence of ours."""
    with pytest.raises(InvalidPattern) as caught:
        compile_pattern(pattern)
    assert "b'" not in str(caught.value)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("a(?=b)", "look-around ((?=) cannot"),
        ("(?!a)b", "look-around ((?!) cannot"),
        ("(?<=a)b", "look-around ((?<=) cannot"),
        ("(?<!a)b", "look-around ((?<!) cannot"),
        (r"(a)\1", r"a backreference (\1) cannot"),
        ("(a{100}){100}", "{100} repeats more than 1000 times"),
        ("a{3,2}", "the wrong way round"),
        ("(a", "the syntax is RE2's"),
    ],
)
def test_a_refusal_says_what_cannot_be_matched(pattern: str, told: str) -> None:
    """In sentences of ours for what users of other engines write."""
    with pytest.raises(InvalidPattern) as caught:
        compile_pattern(pattern)
    assert told in str(caught.value)


@pytest.mark.parametrize("pattern", [r"\p{L}{30}", "(?:(?:[^a]?[^b]?)*){1000}"])
def test_an_expression_has_a_bound_on_its_memory(pattern: str) -> None:
    """The syntax is fine; the program would take too much."""
    with pytest.raises(InvalidPattern, match="256 KiB"):
        compile_pattern(pattern)


def test_the_size_of_an_expression_is_what_it_costs() -> None:
    """A repetition counts as often as it repeats."""
    assert compile_pattern("(?:ab){100}").size > 50 * compile_pattern("(?:ab){1}").size // 4


@pytest.mark.parametrize(
    ("pattern", "catches"),
    [
        (".*", True),
        (".+", True),
        ("^.*$", True),
        (r"[\s\S]+", True),
        ("(.|x)*", True),
        ("[^%]*", True),
        ("[^q]*", True),
        (".{2,}", True),
        ("[ -~]+", True),
        ("(?s).*", True),
        (r"\PN*|.*", True),
        (".*@.*", True),
        ("https://.*|.*@.*", True),
        (r".*@example\.com", False),
        ("https://.*", False),
        (r"(?i)[a-z]+@example\.com", False),
        ("a?", False),
    ],
)
def test_an_expression_that_trusts_every_signer_is_known(pattern: str, catches: bool) -> None:
    """Whatever way it is written."""
    assert compile_pattern(pattern).is_catch_all == catches


def test_a_text_that_is_too_long_never_matches() -> None:
    """No certificate has one."""
    assert compile_pattern("a*").matches("a" * MAX_TEXT)
    assert not compile_pattern("a*").matches("a" * (MAX_TEXT + 1))


@pytest.mark.parametrize(
    ("pattern", "wider"),
    [
        (r"^https://github\.com/acme/", r"^https://github\.com/acme/.*"),
        (r"https://github\.com/acme/", r"https://github\.com/acme/.*"),
        (r"^https://gitlab\.com/|^https://github\.com/", r"(?:^https://gitlab\.com/|^https://github\.com/).*"),
        (r"github\.com/acme/", ""),
        ("app", ""),
        ("http", "http.*"),
        ("(?:)", ""),
    ],
)  # fmt: skip
def test_what_would_match_is_shown_for_a_prefix_only(pattern: str, wider: str) -> None:
    """What fits in the middle must not be widened: a stranger's address may end like any other."""
    assert widen(compile_pattern(pattern), "https://github.com/acme/app") == wider


@pytest.mark.parametrize(
    ("pattern", "text", "wider"),
    [
        (r"@example\.com$", "ci@example.com", r"[^@]+@example\.com$"),
        (r"@example\.com", "ci@example.com", r"[^@]+@example\.com"),
        (r"example\.com$", "ci@evilexample.com", ""),
        (r"@example\.com", "ci@example.com.evil.io", ""),
        (r"@example\.com", "https://evil.io/a@b@example.com", ""),
        (r"@example\.com|@example\.org", "ci@example.com", ""),
    ],
)
def test_the_end_of_an_address_gets_any_name_before_it(pattern: str, text: str, wider: str) -> None:
    """Also common among cosign's users; what is shown trusts no other domain."""
    assert widen(compile_pattern(pattern), text) == wider
    if wider:
        assert compile_pattern(wider).matches(text)


@pytest.mark.parametrize(
    "pattern",
    [
        *PATTERNS,
        r"(?i)ab",
        r"\Aa\b",
        r"a$|b",
        r"(?m)^a$",
        r"\Qa",
        r"\Qa\E",
        "(?U)a+",
        "(?:)",
        "^",
        "a|",
        r"\Qa\Eb\Q|",
    ],
)
@given(text=st.text(alphabet="abcx@-].\\/0129 fo", max_size=9))
@settings(deadline=None, max_examples=60)
def test_what_is_shown_does_match(pattern: str, text: str) -> None:
    """Whatever is advised is compiled here, and holds for the very text of the refusal."""
    wider = widen(compile_pattern(pattern), text)
    if wider:
        assert compile_pattern(wider).matches(text)
        assert not compile_pattern(wider).is_catch_all


def test_advice_compiles_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal is put together for each signature that a publisher sends, on the event loop as the case may be."""
    import re2

    pattern = compile_pattern(r"https://github\.com/acme/")
    monkeypatch.setattr(re2, "compile", None)
    assert widen(pattern, "https://github.com/acme/app") == r"https://github\.com/acme/.*"


def test_no_expression_is_remembered_by_the_library() -> None:
    """Its module would keep 128 of them, each with up to its bound of memory, long after their configuration."""
    import re2

    compile_pattern("a+b")
    assert re2._Regexp._make.cache_info().currsize == 0


@pytest.fixture(params=["absent", "another package"])
def without_re2(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """No module `re2`, or the one of another distribution."""
    other = None if request.param == "absent" else type(sys)("re2")
    monkeypatch.setitem(sys.modules, "re2", other)  # type: ignore[arg-type]


@pytest.mark.usefixtures("without_re2")
def test_without_re2_the_error_names_what_to_install() -> None:
    """Nothing else is taken in its place: Python's own engine can be kept busy for hours."""
    with pytest.raises(ConfigurationError) as caught:
        compile_pattern("a")
    assert "pip install 'pyratify[regex]'" in caught.value.remedy
