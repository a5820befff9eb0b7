"""Members that an expression cannot see are left out only where they cannot change its answer."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")

from pyratify.core.errors import ConfigurationError
from pyratify.core.protobuf import encode
from pyratify.expressions.cel.cel_language import CelProgram, language
from pyratify.expressions.cel.members import seen_members
from pyratify.expressions.language import EvaluationError, Kind, Source

VARIABLES = {"artifacts": Kind.LIST, "now": Kind.TIME, "subject.digest": Kind.TEXT, "subject.image": Kind.ANY}
LISTS = frozenset({"results", "nested"})
LEAF: Mapping[str, Any] = {"digest": "d", "readable": True, "results": [], "nested": []}
RESULT: Mapping[str, Any] = {
    "outcome": "PASSED",
    "signers": ["k"],
    "data": {"digest": "e", "n": 1, "results": {"x": 1}},
}
ARTIFACTS: list[dict[str, Any]] = [
    {**LEAF, "results": [RESULT, {**RESULT, "outcome": "FAILED", "data": {}}]},
    {**LEAF, "digest": "e", "nested": [{**LEAF, "results": [RESULT]}]},
]


def compiled(text: str) -> CelProgram:
    """Compile an expression over artifacts."""
    program = language.compile(Source(text, VARIABLES, "expression", lists=LISTS))
    assert isinstance(program, CelProgram)
    return program


@pytest.mark.parametrize(
    ("text", "members"),
    [
        ("true", ""),
        ('artifacts.all(a, a.digest == "d")', "digest"),
        ('.artifacts.exists_one(a, has(a.digest) && a.digest != "d")', "digest"),
        (
            'artifacts.all(a, a.results.exists(r, r.outcome in ["x"] && r.data.n > 1))',
            "results outcome data n",
        ),
        (
            "artifacts.exists(a, a.nested.all(b, b.results.all(a, a.signers.size() > 1)))",
            "nested results signers",
        ),
        ('artifacts.map(a, a.digest).exists(d, d.startsWith("x"))', "digest"),
        (
            "artifacts.all(a, a.results.all(r, r.data == r.data || r.signers.exists(s, s in r.signers)))",
            "results data signers",
        ),
        ("artifacts.all(a, cel.bind(d, a.digest, d == subject.digest && d != string(now)))", "digest"),
        ("artifacts.all(a, a.results.all(r, r.data.all(k, k == subject.image.x)))", "results data x"),
    ],
)
def test_members_that_are_named_can_be_seen(text: str, members: str) -> None:
    """Each name counts, wherever it stands."""
    assert compiled(text).members == frozenset(members.split())


@pytest.mark.parametrize(
    "text",
    [
        "artifacts.size() > 0",
        "artifacts[0].size() == 4",
        "artifacts[0] == artifacts[1]",
        '"digest" in artifacts[0]',
        'artifacts[0]["dig" + "est"] == "d"',
        "artifacts.exists(a, a.size() == 4)",
        'artifacts.exists(a, "digest" in a)',
        'artifacts.exists(a, a["digest"] == "d")',
        "artifacts.exists(a, a.?digest.hasValue())",
        "artifacts.exists(a, a == artifacts[0])",
        "artifacts.exists(a, a in artifacts)",
        'artifacts.exists(a, a.exists(k, k == "digest"))',
        'artifacts.exists(a, dyn(a).exists(k, k == "digest"))',
        'artifacts.exists(a, [a].exists(b, b.exists(k, k == "digest")))',
        'artifacts.exists(a, {"a": a}.a.size() == 4)',
        "artifacts.exists(a, (true ? a : a).size() == 4)",
        "artifacts.map(a, a).exists(a, a.size() == 4)",
        "artifacts.filter(a, true).exists(a, a.size() == 4)",
        "artifacts.exists(a, cel.bind(b, a, b.size() == 4))",
        "cel.bind(artifacts, artifacts[0], artifacts.exists(k, k == 'digest'))",
        "cel.bind(b, artifacts, b.exists(a, a.size() == 4))",
        'artifacts.exists(artifacts, artifacts.exists(k, k == "digest"))',
        "artifacts.exists(artifacts, artifacts.exists_one(k, true))",
        'artifacts.exists(now, now.exists(k, k == "digest"))',
        "artifacts.exists(a, a.results == [])",
        "artifacts.exists(a, a.results.size() == 2)",
        "artifacts.exists(a, a.results.exists(r, r.size() == 3))",
        "artifacts.exists(a, a.results.map(r, r).exists(r, r.size() == 3))",
        "artifacts.exists(a, a.nested.exists(b, b.size() == 4))",
        "artifacts.exists(a, a.results[0].size() == 3)",
        "[1].exists(now, artifacts.exists(a, a.size() == now))",
        "artifacts[?0].optMap(a, a.size() == 4).orValue(false)",
    ],
)
def test_what_may_see_an_object_as_a_whole_sees_all(text: str) -> None:
    """By its size, its names, a comparison, a function, or under another name."""
    assert compiled(text).members is None


def test_what_cannot_be_read_sees_all() -> None:
    """Another message, one that is cut off, and kinds of expressions that are not known."""
    for message in (b"", b"\x0a", encode(_1="type.googleapis.com/x", _2=b"")):
        assert seen_members(message, frozenset(), "artifacts", LISTS) is None
    for node in (encode(_8=b"x"), encode(_30=b"x"), encode(_5=1), b"\x22\x05a"):
        serialized = encode(_1="type.googleapis.com/cel.expr.CheckedExpr", _2=encode(_4=node))
        assert seen_members(serialized, frozenset(), "artifacts", LISTS) is None


def test_without_what_is_known_of_the_lists_all_is_seen() -> None:
    """As in rules over statements."""
    for source in (
        Source("artifacts.all(a, a.n == 1)", VARIABLES, "x"),
        Source("now == now", {"now": Kind.TIME}, "x", lists=LISTS),
    ):
        program = language.compile(source)
        assert isinstance(program, CelProgram)
        assert program.members is None


NAMES = ("digest", "readable", "results", "nested", "outcome", "signers", "data", "n", "x")


@st.composite
def boolean(draw: st.DrawFn, scope: tuple[str, ...] = (), depth: int = 4) -> str:
    """Return an expression that mostly gives a bool: over members of the variables in scope, and some over the variables themselves."""
    if not scope or (depth > 0 and draw(st.booleans())):
        variable = draw(st.sampled_from(("a", "b", "c", "artifacts")))
        lists = [
            *(f"{each}.{name}" for each in scope for name in ("results", "nested", "data", "signers")),
            *scope,
        ]
        source = draw(st.sampled_from(lists)) if lists else "artifacts"
        inner = draw(boolean((*scope, variable), depth - 1))
        macro = draw(st.sampled_from(("all", "exists", "exists_one")))
        whole = (
            "{0}.map({1}, {1}).{2}({1}, {3})",
            "{0}.filter({1}, true).{2}({1}, {3})",
            "cel.bind({1}, {0}, {3})",
        )
        return draw(st.sampled_from(("{0}.{2}({1}, {3})",) * 9 + whole)).format(
            source, variable, macro, inner
        )
    if depth > 0 and draw(st.booleans()):
        operator = draw(st.sampled_from(("&&", "||", "!=")))
        return f"({draw(boolean(scope, depth - 1))} {operator} {draw(boolean(scope, depth - 1))})"
    variable = draw(st.sampled_from(scope))
    members = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2))
    member = ".".join((variable, *members))
    named = (
        '{0} == "d"',
        "has({0})",
        "{0}",
        '"digest" in {0}',
        "{0}.size() == 1",
        '{0}.exists(d, d == "digest")',
    )
    unnamed = (
        "{1}.size() == 1",
        '"digest" in {1}',
        '{1} == "digest"',
        '{1}["digest"] == "d"',
        "[{1}].size() == 1",
    )
    return draw(st.sampled_from(named * 3 + unnamed)).format(member, variable)


def answer(program: CelProgram, artifacts: object) -> object:
    """Return what a program says, and of errors only that there is one."""
    try:
        return program.evaluate({"artifacts": artifacts, "now": None, "subject.digest": "d"}).holds
    except (EvaluationError, KeyError):
        return EvaluationError


def pruned(value: Any, members: frozenset[str]) -> Any:
    """Return objects with these members alone; `data` is as it was."""
    if isinstance(value, list):
        return [pruned(each, members) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: each if name == "data" else pruned(each, members)
        for name, each in value.items()
        if name in members
    }


@given(boolean())
def test_what_is_left_out_changes_no_answer(text: str) -> None:
    """Neither a bool nor an error."""
    try:
        program = compiled(text)
    except ConfigurationError:  # of the wrong type, or no expression
        return
    if program.members is not None:
        assert answer(program, pruned(ARTIFACTS, program.members)) == answer(program, ARTIFACTS), text
