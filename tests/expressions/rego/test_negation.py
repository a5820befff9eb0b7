"""Negations over missing data, as OPA evaluates them: what they are made of has to be there, and nothing may be without a value."""

from typing import Any

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from pyratify.core.errors import ConfigurationError
from pyratify.expressions.language import Source
from pyratify.expressions.rego.rego_language import language, screen

INPUT: dict[str, Any] = {"n": 3, "l": ["a", "b"], "s": "x", "off": False}
# By what a real OPA answers (tests/interop/test_opa.py asks it): whether the negation holds where `input.missing` is not there.
UNDEFINED = (
    "not input.missing > 3",
    "not input.missing != 1",
    "not input.n < input.missing",
    "not [input.missing] == [1]",
    'not {"a": input.missing} == {"a": 1}',
    'not {"a": input.missing}.a == 1',
    "not {input.missing} == {1}",
    "not count(input.missing) > 0",
    "not 3 < count(input.missing)",
    'not startswith(input.missing, "x")',
    'not startswith(lower(input.missing), "x")',
    'not lower(input.missing) == "x"',
    "not input.s == lower(input.missing)",
    "not input.missing in [1]",
    "not 1 in input.missing",
    "not 0, input.missing in input.l",
    'not input.missing, "a" in input.l',
    "not input.l in [input.l, input.missing]",
    'not object.union({"a": 1}, {"b": input.missing}) == {"a": 1}',
    'not count({"a": [input.missing]}) == 3',
    "not count({input.missing: 1}) == 3",
    "not input.n + input.missing > 3",
    "not abs(input.n - input.missing) < 3",
    "not input.l[input.missing]",
    'not input.l[input.missing] == "a"',
    "not f(input.missing)",
    "not {1} & {input.missing} == {1}",
    'not regex.match("x", input.missing) with input.n as 4',
    "count([x | some x in input.l; not f(input.missing)]) > 0",
    "not count([1, nothing]) == 1",
)
TRUE = (
    "not input.missing",
    "not input.missing.a.b",
    "not input.missing == 1",
    "not 1 == input.missing",
    "not input.missing = 1",
    "not input.missing == [1, input.n]",
    "not nothing",
    "not count([x | x := input.missing[_]]) > 0",
    "not [x | x := input.missing] == [1]",
    'not startswith(input.s, "a")',
    "not input.n > 3",
    "not input.off",
    "not f(input.off)",
    "not input.l[0] == input.l[1]",
    'not f(input.missing) with input.missing as "w"',
    'x := input.l[_]; not startswith(x, "b")',
    "every x in input.l { not f(x) }",
    'not lower(input.l[_]) == "b"',
    "every each in input.l { not f(each) }",
    "every i, each in input.l { not f(each); not i == 7 }",
    "every each in input.l { count([1 | not f(each)]) == 1 }",
    'some i; not input.l[i] == "b"; input.l[i] == "a"',
    "some each; not each > 3; each = input.n",
    'not input.l[i] == "b"; input.l[i]',
)
UNSAFE = (
    'not input.l[_] == "b"',
    "not input.l[_]",
    "not f(input.l[_])",
    "not input.l[_] > 3",
    "not [input.l[_]] == [1]",
    "not _ in input.l",
    "not input.l[i] == 1",
    "some i; not f(input.l[i])",
    "count([x | some x in input.l; not f(input.l[_])]) > 0",
    'not input.l[x] == "b"',
    "not f(input.l[x])",
    'startswith(input.s, "i"); not f(input.l[i])',
    "count([i | input.l[i]]) > 0; not f(input.l[i])",
    "every i, each in input.l { input.l[i] == each }; not f(input.l[i])",
)
HELPERS = "f(x) if x == 1\nnothing if input.missing\n"


def policy(body: str) -> str:
    """Return a policy that allows where a body holds."""
    return f"package pyratify\n{HELPERS}default allow := false\nallow if {{ {body} }}\n"


def holds(text: str, given: Any = None) -> bool:
    """Return the answer of a policy."""
    compiled = language.compile(Source(text, {}, "policy", {"version": "v1"}))
    return compiled.evaluate({"input": INPUT if given is None else given}).holds


@pytest.mark.parametrize("body", UNDEFINED)
def test_a_negation_of_what_is_made_of_missing_data_does_not_hold(body: str) -> None:
    """The engine alone takes it for true, and would allow."""
    assert not holds(policy(body))


@pytest.mark.parametrize("body", TRUE)
def test_a_negation_holds_where_that_itself_is_missing_or_false(body: str) -> None:
    """Of a reference, of a comparison for equality, and of everything that is there."""
    assert holds(policy(body))


@pytest.mark.parametrize("body", UNSAFE)
def test_a_negation_over_a_variable_without_a_value_is_refused(body: str) -> None:
    """It reads as "none", and the engine evaluates it as "one is not"."""
    with pytest.raises(ConfigurationError, match="in a negation nothing gives") as error:
        holds(policy(body))
    assert error.value.path == "policy"
    assert "line 5" in error.value.message
    assert "every x in list" in error.value.remedy


def test_the_parts_stand_before_the_negation_in_every_kind_of_body() -> None:
    """Without braces, in `else`, in a comprehension, behind letters of several bytes; `with` counts for them too."""
    text = """package pyratify
allow if not startswith(input.ä, "ö")
deny contains "x" if { a := input.b
  not f(a.y) with input.z as 1 }
v := true if not input.a > 1 else := false if { not input.b > 1 }
w := [x | some x in input.l; not x.k > 1]
f(x) := 1
"""
    # A letter of several bytes is no name; in brackets it is one.
    text = text.replace("input.ä", 'input["ä"]')
    assert screen(text, "policy", v0=False).splitlines() == [
        "package pyratify",
        'allow if { [(input["ä"])] != 0; not startswith(input["ä"], "ö") }',
        'deny contains "x" if { a := input.b',
        "  [(a.y)] != 0 with input.z as 1; not f(a.y) with input.z as 1 }",
        "v := true if { [(input.a)] != 0; not input.a > 1 } else := false if { [(input.b)] != 0; not input.b > 1 }",
        "w := [x | some x in input.l; [(x.k)] != 0; not x.k > 1]",
        "f(x) := 1",
    ]


@pytest.mark.parametrize("text", ['"x"', "`x`", '"a \\" b"', '"ö"', '""'])
def test_a_negation_may_end_with_a_text_of_either_kind(text: str) -> None:
    """The engine's places leave the quotation marks out."""
    written = f"package pyratify\nallow if not trim_space(input.a) == {text}\nv if {{ not f(input.a) with input.b as {text} }}\nf(_) := 1"
    assert screen(written, "policy", v0=False).splitlines()[1:3] == [
        f"allow if {{ [(trim_space(input.a))] != 0; not trim_space(input.a) == {text} }}",
        f"v if {{ [(input.a)] != 0 with input.b as {text}; not f(input.a) with input.b as {text} }}",
    ]


def test_a_rule_that_denies_finds_what_a_later_statement_gives_a_value() -> None:
    """The order of statements says nothing, and what the rule missed would be allowed."""
    found = 'found contains i if { some i; not input.l[i] == "b"; input.l[i] }'
    assert not holds(f"{policy('count(found) == 0')}{found}\n")
    assert holds(f"{policy('found == {0}')}{found}\n")


@pytest.mark.parametrize("end", ["", "else = false { true }"])
def test_a_negation_in_an_else_of_the_old_syntax_is_rewritten_within_its_braces(end: str) -> None:
    """The engine's place of that body begins with `else`."""
    text = f"package pyratify\ndefault allow = false\nallow = false {{ input.off }} else = true {{ not input.level > 3 }} {end}"
    compiled = language.compile(Source(text, {}, "policy", {"version": "v0"}))
    assert [compiled.evaluate({"input": given}).holds for given in ({}, {"level": 3}, {"level": 4})] == [
        False,
        True,
        False,
    ]


def test_the_old_syntax_is_rewritten_too() -> None:
    """As Ratify v1's policies are."""
    text = "package pyratify\ndefault allow = false\nallow { not input.level > 3 }"
    compiled = language.compile(Source(text, {}, "policy", {"version": "v0"}))
    assert [compiled.evaluate({"input": given}).holds for given in ({}, {"level": 3}, {"level": 4})] == [
        False,
        True,
        False,
    ]
