"""Functions that the engine evaluates otherwise than OPA: the same result by a rewrite, an error, or a refusal; `tests/interop` asks a real OPA."""

from typing import Any

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from expressions.rego.test_negation import holds, policy
from pyratify.core.errors import ConfigurationError
from pyratify.expressions.language import EvaluationError, Source
from pyratify.expressions.rego.rego_language import language, screen

# What the two engines would evaluate differently: a condition, and what it is in OPA.
EQUAL = (
    (
        'regex.match(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`, "123e4567-e89b-12d3-a456-426614174000")',
        True,
    ),
    ('regex.match(`^sha256:[0-9a-f]{64}@[0-9a-f]{40}$`, "sha256:@")', False),
    ('regex.match(`^(?i)a{30}(b{30}){33}(c{2,}|d)$`, "a")', False),
    (r"regex.match(`^\d+$`, input.digit)", False),
    (r"regex.match(`^\w+$`, input.letter)", False),
    (r"regex.match(`^\s$`, input.blank)", False),
    (r"regex.match(`^\D\W\S$`, concat(``, [input.digit, input.letter, input.blank]))", True),
    (r"regex.match(`\ba`, concat(``, [input.letter, `a`]))", True),
    (r"regex.match(`\Ba`, concat(``, [input.letter, `a`]))", False),
    (r'regex.match("^\\d$", input.digit)', False),
    (r"regex.match(`^[\w-]+$`, input.letter)", False),
    (r"regex.match(`^[^\w]$`, input.letter)", True),
    (r"regex.match(`^[a&&b]$`, `a`)", True),
    (r"regex.match(`^[[a]$`, `[`)", True),
    (r"regex.match(`^[a-c--b]$`, `.`)", True),
    (r"regex.match(`\<`, `a`)", False),
    (r"regex.match(input.pattern, input.digit)", False),
    (r"regex.match(concat(``, [`^`, input.pattern]), `1`)", True),
    (r"regex.find_n(`\w`, input.letter, -1) == []", True),
    (r"regex.replace(input.digit, `\d`, `x`) == input.digit", True),
    (r"regex.find_all_string_submatch_n(`(\d)`, input.digit, -1) == []", True),
    (r'glob.match("a:*", [":"], "a:b:c")', False),
    (r'glob.match("a:*", [":"], "a:b")', True),
    (r'glob.match("a:*", input.colon, "a:b:c")', False),
    (r'd := ":"; glob.match("a:*", [d], "a:b:c")', False),
    (r'glob["match"]("a:*", [`:`], "a:b:c")', False),
    (r'glob.match("**/a", ["/"], "a")', False),
    (r'glob.match("ghcr.io/*", ["/"], "ghcr.io/a")', True),
    (r'glob.match("ghcr.io/*", ["/"], "ghcr.io/a/b")', False),
    (r'glob.match("ghcr.io/**", ["/"], "ghcr.io/a/b")', True),
    (r'glob.match("ghcr.io/*", [`/`, "."], "ghcr.io/a.b")', False),
    (r'glob.match("a:*", [], "a:b.c")', False),
    (r'glob.match("*", null, "a.b:c")', True),
    (r'glob.match("{a,b}/?", ["/"], "b/c")', True),
    (r'glob.match("(?i)a", [], "A")', False),
    (r'glob.match(input.glob, ["/"], "x/y/z")', False),
    (r'glob.match("\\*", [], "*")', True),
    (r'regex.replace("ab", "(a)(?P<n>b)", "${n}$1$$") == "ba$"', True),
    (r"count(input.face) == 1", True),
    (r"count(input) == 9", True),
    (r'count({"a": 1}) == 1', True),
    (r'sprintf("%d", [input.below]) == "-1"', True),
    (r'sprintf("%v and %s, 100%%d", [input.below, "a"]) == "-1 and a, 100%d"', True),
    (r'json.marshal("<&>") == "\"\\u003c\\u0026\\u003e\""', True),
    (r"{1, 2} - {1} == {2}", True),
    (r"input.whole + 1 == 8", True),
    (r"2 - 3 - 4 == -5", True),
    (r"(1 + 2) * 3 == 9", True),
)
# What cannot be made equal at what it is given: an error, in a negation too.
ERRORS = (
    "to_number(input.spaced) == 1",
    "upper(input.sharp) == `SS`",
    "lower(input.dotted) == `i`",
    "regex.match(input.lookahead, `ab`)",
    "regex.match(input.property, `a`)",
    "glob.match(input.set, [], `a`)",
    "glob.match(`a:*`, input.marks, `a:b`)",
    "regex.replace(`a`, `a`, input.template) == `a`",
    "glob.match(`a`, {}, `a`)",
    "input.fraction + 0 == 1",
    "sum(input.fractions) == 1",
    "indexof(`a`, input.nothing) == 0",
    "replace(`ab`, input.nothing, `x`) == `a`",
    "substring(`abc`, input.fraction, 1) == `b`",
    "json.unmarshal(input.long) == 1",
    "semver.compare(input.version, `1.0.0`) == 0",
    "net.cidr_contains(`::/0`, input.mapped)",
    "time.parse_rfc3339_ns(input.small) > 0",
    "sprintf(`%s`, [input.fraction]) == `1.5`",
    "base64.decode(input.bytes) == `x`",
    "min(input.null) == 1",
)
GIVEN: dict[str, Any] = {
    "digit": "\u0661",
    "letter": "é",
    "blank": "\u00a0",
    "pattern": r"\d",
    "face": "😀",
    "below": -1,
    "whole": 7.0,
    "colon": [":"],
    "glob": "x/*",
}
ODD: dict[str, Any] = {
    "spaced": " 1",
    "sharp": "ß",
    "dotted": "İ",
    "lookahead": "a(?=b)",
    "property": r"\p{L}",
    "set": "[ab]",
    "marks": "::",
    "template": "$1x",
    "fraction": 1.5,
    "fractions": [0.1, 0.2],
    "nothing": "",
    "long": "123456789012345678901",
    "version": "9223372036854775808.0.0",
    "mapped": "::ffff:10.0.0.1",
    "small": "2020-01-01t00:00:00z",
    "bytes": "/w==",
    "null": [None, 1],
}


@pytest.mark.parametrize(("body", "expected"), EQUAL)
def test_what_differs_is_rewritten_to_what_opa_evaluates(body: str, expected: bool) -> None:
    """Written in the policy or computed, and the engine alone would evaluate most of these to the contrary."""
    assert holds(policy(body), GIVEN) is expected


@pytest.mark.parametrize("body", ERRORS)
def test_an_argument_that_the_engines_take_differently_is_an_error(body: str) -> None:
    """Also behind a `not`, where no value would allow; the message is about the value."""
    for each in (body, f"not {body}"):
        with pytest.raises(EvaluationError, match="so OPA may decide otherwise") as error:
            holds(policy(each), ODD)
        assert "__pyratify" not in error.value.message


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("regex.match(`a(?=b)`, input.s)", "repetition"),
        (r"regex.match(`\p{L}`, input.s)", r"\\p"),
        (r"regex.match(`\Qa\E`, input.s)", r"\\Q"),
        ("regex.match(`a**`, input.s)", "repetition"),
        ("regex.match(`(?x)a`, input.s)", "repetition"),
        ("regex.match(`[z-a]`, input.s)", "range z-a"),
        ("regex.match(`[a`, input.s)", "not closed"),
        ("regex.match(`a{1001}`, input.s)", "1000"),
        ("regex.match(`(a{30}b|c){34}`, input.s)", "1000"),
        ("regex.match(`((?i:a{30})+){34}`, input.s)", "1000"),
        ('not glob.match("[ab]*", [], input.s)', "brackets"),
        ('glob.match("{a,b}{c,d}", [], input.s)', "braces"),
        ('glob.match("a", ["::"], input.s)', "one character"),
        ('regex.replace(input.s, "a", "$é") == ""', "names no group"),
        ('to_number("1_000") == 1000', "no number"),
        ('to_number("Infinity") > 1', "no number"),
        ('sprintf("%q", [input.s]) == "x"', "verbs"),
        ('sprintf("%s") == "x"', "sprintf"),
        ('sprintf("%s %s", [input.s]) == "x"', "one for each"),
        ('sprintf(input.s, [1]) == "x"', "computed"),
        ('sprintf("%s", [1]) == "1"', "write %v"),
        ("input.n * 1.5 > 3", "arithmetic with 1.5"),
        ("input.n == 12345678901234567890123", "digits"),
        ("-input.n == 1", "a sign"),
        ("input.l[0.0] == `a`", "index"),
        ("count(input.l) == 1 with count as f", "count behind `with`"),
        ("f(1) with f as regex.match", "regex.match behind `with`"),
        ("__pyratify_x := 1; __pyratify_x == 1", "are taken"),
    ],
)
def test_what_is_written_otherwise_in_the_policy_is_refused(body: str, named: str) -> None:
    """When the configuration is read, with the line."""
    with pytest.raises(ConfigurationError, match=named) as error:
        holds(policy(body))
    assert error.value.path == "policy"


@pytest.mark.parametrize(
    "name", ["time.parse_ns", "yaml.unmarshal", "regex.split", "object.subset", "semver.is_valid"]
)
def test_functions_that_differ_for_ordinary_arguments_are_refused(name: str) -> None:
    """Whatever their arguments are."""
    with pytest.raises(ConfigurationError, match=f"{name} gives other results"):
        holds(policy(f"{name}(input.a, input.b)"))


@pytest.mark.parametrize(
    ("body", "remedy"),
    [
        ("input.n * 1.5 > 3", "Count in tenths"),
        (r"regex.match(`\p{L}`, input.s)", "Write classes of ASCII"),
        ('glob.match("[a]", [], input.s)', "Write regex.match,"),
        ('sprintf("%q", [input.s]) == "x"', "with %v for anything"),
        ("time.parse_ns(`2006`, input.s) > 0", "Write time.parse_rfc3339_ns,"),
        ("count(input.l) == 1 with count as f", "Replace data"),
    ],
)
def test_a_refusal_says_what_to_write(body: str, remedy: str) -> None:
    """And that a real OPA evaluates everything."""
    with pytest.raises(ConfigurationError) as error:
        holds(policy(body))
    assert remedy in error.value.remedy
    assert error.value.remedy.endswith("let a real OPA evaluate the policy (engine: opa).")


def test_helpers_are_written_in_the_syntax_of_the_policy() -> None:
    """The old one, the new one, and the old one that imports the new one or its words."""
    body = "{ count(input.s) - 1 == 0; sprintf(`%s%v`, [input.s, input.n]) == `😀3` }"
    for head, version in (
        ("allow if", "v1"),
        ("allow", "v0"),
        ("import rego.v1\nallow if", "v0"),
        ("import future.keywords\nallow if", "v0"),
        ("import future.keywords.in\nallow", "v0"),
        ("import future.keywords.if\nallow", "v0"),
    ):
        compiled = language.compile(
            Source(f"package pyratify\n{head} {body}", {}, "policy", {"version": version})
        )
        assert compiled.evaluate({"input": {"s": "\U0001f600", "n": 3}}).holds


def test_functions_that_the_engine_does_not_have_are_refused() -> None:
    """When the configuration is read, and not with each image; a variable may have the name of their family."""
    with pytest.raises(ConfigurationError, match=r"line 5: .* has a function crypto\.sha256"):
        holds(policy('crypto.sha256(input.s) == "x"'))
    assert holds(policy('uri := {"parse": 1}; uri.parse == 1'))


def test_a_rule_with_the_name_of_a_function_that_is_rewritten_is_refused() -> None:
    """The rewritten policy would call the function; without such a call the name is free."""
    with pytest.raises(ConfigurationError, match="the rule count"):
        holds(policy("count(input.l) == 0") + "count(x) := 0\n")
    assert holds(policy("sum == 3") + "sum := 3\n")


def test_the_checks_stand_in_the_call() -> None:
    """A constant is written as what it is checked to be; a helper stands behind the policy, in both syntaxes."""
    for version, condition, helper in (
        ("v1", "if ", '__pyratify_count(x) := count(split(x, "")) if { is_string(x) } else := count(x)'),
        ("v0", "", '__pyratify_count(x) = count(split(x, "")) { is_string(x) } else = count(x)'),
    ):
        text = f"package pyratify\nallow {condition}{{ regex.match(input.p, `a`); regex.match(`\\d`, count(input.l)) }}"
        body = (
            'regex.match(__pyratify_pattern(input.p), `a`); regex.match("[0-9]", __pyratify_count(input.l))'
        )
        assert screen(text, "policy", v0=version == "v0").splitlines() == [
            "package pyratify",
            f"allow {condition}{{ {body} }}",
            helper,
        ]


@pytest.mark.parametrize("number", [2**64 + 1, -(2**63) - 1, 12345678901234567890123])
def test_an_input_with_a_number_that_the_engine_rounds_is_an_error(number: int) -> None:
    """Two sizes that differ would be equal."""
    text = policy(f"input.n != {2**62 - 1}")
    with pytest.raises(EvaluationError, match="the input has a number"):
        holds(text, {"n": number})
    assert holds(text, {"n": 2**70, "digest": "1" * 64, "f": 0.30000000000000004})
