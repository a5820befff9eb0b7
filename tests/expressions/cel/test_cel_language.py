"""CEL: types are checked when it is compiled, and only exactly true holds."""

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.expressions.language import EvaluationError, Kind, Program, SharedValues, Source

pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")

from pyratify.expressions.cel.cel_language import language

VARIABLES = {"subject.tag": Kind.TEXT, "artifacts": Kind.LIST, "data": Kind.ANY, "now": Kind.TIME}
VALUES = {
    "subject.tag": "v1",
    "artifacts": [{"n": 1}, {"n": 2}],
    "data": {"user": "0", "size": 3, "list": [1, 2], "none": None},
    "now": datetime(2026, 6, 1, tzinfo=UTC),
}


def program(text: str) -> Program:
    """Compile an expression."""
    return language.compile(Source(text, VARIABLES, "expression"))


def holds(text: str, **values: Any) -> bool:
    """Evaluate an expression."""
    return program(text).evaluate({**VALUES, **values}).holds


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("false", False),
        ('subject.tag == "v1"', True),
        ("artifacts.exists(a, a.n == 2)", True),
        ("artifacts.all(a, a.n == 2)", False),
        ('data.user != "" && data.user != "0"', False),
        ("has(data.other)", False),
        ("data.size > 2 && data.list.size() == 2 && data.none == null", True),
        ('now > timestamp("2026-01-01T00:00:00Z")', True),
        ("data.size > 2 || data.other == 1", True),
        ("dyn(true)", True),
    ],
)
def test_an_expression_holds_where_it_is_true(text: str, expected: bool) -> None:
    """Over texts, lists, objects and the time."""
    assert holds(text) is expected


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("data.other == 1", "other"),
        ("artifacts[7].n == 1", "7"),
        ('data.user > 3 || data.user == "1"', "overload"),
        ("data", "MAP"),
        ("data.user", "STRING"),
        ("data.size", "INT"),
        ("data.none", "NULL"),
        ("9223372036854775807 + data.size > 0", "overflow"),
        ("data.size / 0 == 1", "zero"),
    ],
)
def test_an_error_or_another_value_is_no_answer(text: str, named: str) -> None:
    """A missing field is named; nothing but a bool counts."""
    with pytest.raises(EvaluationError) as error:
        holds(text)
    assert error.value.reason is Reason.POLICY_ERROR
    assert named.lower() in error.value.message.lower()
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("1", "int"),
        ('"true"', "string"),
        ("subject.tag", "string"),
        ("artifacts", "list"),
        ("subject.tga == ''", "subject.tga"),
        ("subject == 1", "subject"),
        ("env.HOME == ''", "env"),
        ("subject.tag == 1", "overload"),
        ("artifacts.n == 1", "list"),
        ('artifacts.exists(a, a == "cosign")', "overload"),
        ("artifacts.all(a, a > 1)", "overload"),
        ("true &&", "Syntax"),
        ("a" * 70_000, "70000"),
    ],
)
def test_what_can_give_no_bool_is_refused_when_it_is_compiled(text: str, named: str) -> None:
    """A mistake is found when the configuration is read, with its path."""
    with pytest.raises(ConfigurationError) as error:
        program(text)
    assert error.value.path == "expression"
    assert named.lower() in error.value.message.lower()
    assert "\n" not in error.value.message


@pytest.mark.parametrize(
    "hostile", ["0\0", "\0", "\\\0", ["0\0"], {"0\0": 1}, {"0": ["", "\\u0000\0"]}, "\ud800"]
)
@pytest.mark.parametrize("shared", [False, True])
def test_a_text_that_the_library_would_cut_is_no_answer(hostile: object, shared: bool) -> None:
    """It converts a text up to its first NUL, and one with half of a surrogate pair not at all."""
    values = {**VALUES, "data": {"user": hostile}}
    with pytest.raises(EvaluationError, match=r"NUL|surrogate"):
        program('data.user == "0" || true').evaluate(SharedValues(values) if shared else values)


@pytest.mark.parametrize("text", ["\\u0000", "\\\\u0000", "\\", "u0000", "\n", "\x01"])
def test_a_text_that_only_spells_a_nul_is_seen_whole(text: str) -> None:
    """Backslashes are doubled in JSON."""
    assert holds(
        "data.user == subject.tag && data.user.size() > 0", data={"user": text}, **{"subject.tag": text}
    )
    assert not holds('data.user == ""', data={"user": text})


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the configuration is read."""
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    with pytest.raises(ConfigurationError, match="'cel' is not installed") as error:
        program("true")
    assert (error.value.path, error.value.remedy) == ("expression", "Run: pip install 'pyratify[cel]'.")


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("true", set()),
        ("now == now", {"now"}),
        ('"now" == "subject.tag"', set()),
        ('subject.tag == "now"', {"subject.tag"}),
        ("artifacts.exists(now, now.n == 1)", {"artifacts"}),
        ("artifacts.exists(data, data.n == 1) && data.size == 3", {"artifacts", "data"}),
        ("data.tag == 1", {"data"}),
    ],
)
def test_it_is_known_which_variables_an_expression_names(text: str, names: set[str]) -> None:
    """By compiling without them: texts and the names of comprehensions are no variables."""
    assert program(text).reads == names


def test_expressions_over_the_same_values_share_what_is_made_of_them() -> None:
    """Converting them takes most of the time; each answer is that of the expression alone."""
    texts = (
        "artifacts.exists(a, a.n == 2)",
        "artifacts.all(a, a.n == 2)",
        'subject.tag == "v1"',
        "data.other == 1",
    )
    for order in (texts, texts[::-1]):
        shared = SharedValues(VALUES)
        found = {text: _answer(program(text), shared) for text in order}
        assert found == {text: _answer(program(text), VALUES) for text in texts}
        assert len(shared.prepared) == 1
    other = SharedValues({**VALUES, "artifacts": []})
    assert [_answer(program(text), other) for text in texts] == ["False", "True", "True", found[texts[3]]]


def _answer(one: Program, values: Mapping[str, Any]) -> str:
    try:
        return str(one.evaluate(values).holds)
    except EvaluationError as error:
        return error.message


def test_the_work_of_an_expression_is_bounded() -> None:
    """A million iterations are an error."""
    ten = "[1,2,3,4,5,6,7,8,9,10]"
    nested = "true"
    for name in "abcdef":
        nested = f"{ten}.all({name}, {nested})"
    with pytest.raises(EvaluationError, match="budget"):
        holds(nested)


def test_a_regular_expression_is_linear_in_time() -> None:
    """RE2: no expression of a policy and no text of a publisher can make it slow."""
    assert not holds('subject.tag.matches("^(a+)+$")', **{"subject.tag": "a" * 50_000 + "b"})


@pytest.mark.parametrize("value", [2**70, (1,), object(), {"a": object()}])
def test_values_that_it_cannot_hold_are_errors(value: Any) -> None:
    """Never an answer of another value."""
    with pytest.raises(EvaluationError):
        assert holds("data == data", data=value)
