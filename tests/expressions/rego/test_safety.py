"""What the engine would take for true or for nothing, and OPA refuses: refused when the configuration is read."""

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from expressions.rego.test_negation import INPUT, holds, policy
from pyratify.core.errors import ConfigurationError


@pytest.mark.parametrize(
    "body",
    [
        'some {"k": k} in input.objects; k == "a"',
        'some {"k": "a"} in input.objects',
        'some 0, {"k": k} in input.objects; k == "a"',
        'some [{"k": k}] in input.lists; k == "a"',
        '{"k": k} := input.objects[0]; k == "a"',
        '[{"k": k}, _] := input.objects; k == "a"',
        '{"k": k} = input.objects[_]; k == "a"',
        'input.objects[_] = {"k": k}; k == "a"',
        "g(input.objects[0])",
    ],
)
def test_an_object_is_not_taken_apart_by_a_pattern(body: str) -> None:
    """To OPA it has exactly the keys of the pattern; to the engine it may have others, which would allow."""
    helper = 'g({"k": k}) if k == "a"\n' if body.startswith("g(") else ""
    with pytest.raises(ConfigurationError, match="a pattern of an object") as error:
        holds(f"{policy(body)}{helper}")
    assert error.value.path == "policy"


@pytest.mark.parametrize(
    "body",
    [
        'x = {"k": input.s}; x.k == "x"',
        'x := {"k": input.s}; x == {"k": "x"}',
        '{"k": "x"} == {"k": input.s}',
        "[a, b] := input.l; a != b",
        "some [a, b] in [input.l]; a != b",
        'input.object = {"k": 1}',
        '{"k": 1} in [input.object]',
        'g({"k": input.s})',
    ],
)
def test_objects_are_made_and_compared(body: str) -> None:
    """And lists are taken apart, as in OPA."""
    text = policy(body) + 'g(o) if o.k == "x"\n'
    assert holds(text, {**INPUT, "object": {"k": 1}})


@pytest.mark.parametrize(
    "body",
    [
        "input.n == 3, input.n == 4",
        "input.n == 4, input.n == 5",
        "false, false",
        "f(input.n), nothing",
        "input.n == 4,",
        '"a": 1',
        "x | some x in input.l",
        "[x | some x in input.l]",
        "input.n == 3; {1}",
        "count([x | some x in input.l; [x]]) > 0",
        "every x in input.l { [x] }",
    ],
)
def test_a_condition_that_is_always_true_is_refused(body: str) -> None:
    """`if { a == 1, b == 2 }` reads as two conditions; to the engine it is a set, and allows everything."""
    with pytest.raises(ConfigurationError, match="is always true") as error:
        holds(policy(body))
    assert error.value.path == "policy"
    assert "put ; between them" in error.value.remedy


@pytest.mark.parametrize(
    "rule",
    [
        "deny contains m if { some m; input.n }",
        "deny contains m if { some x, m; x := input.n }",
        "deny contains m if { some m\n input.n }",
        "deny contains m if { some m; not f(m) }",
        "deny contains m if { some m; input.m }",
        'deny contains m if { some m; input.s == "m" }',
        "deny contains m if { some m; count([m | some m in input.l]) == 2 }",
        "deny contains m if { some m; every m in input.l { m } }",
        "deny contains 1 if { count([x | some x in input.l; some m]) == 2; m }\nm := 1",
    ],
)
def test_a_variable_that_is_only_declared_is_refused(rule: str) -> None:
    """The rule would have no member: a message that forbids would never be said."""
    with pytest.raises(ConfigurationError, match="a value"):
        holds(f"package pyratify\nallow := true\nf(x) if x == 1\n{rule}")
    for good in (
        "some m in input.l",
        "some m; m := input.s",
        "some i, m; m := input.l[i]",
        "some m; input.l[_] = m",
    ):
        assert not holds(f"package pyratify\nallow := true\ndeny contains m if {{ {good} }}")


@pytest.mark.parametrize(
    "rule",
    [
        "deny contains mesage if { message := input.s }",
        "deny contains sprintf(`%s`, [mesage]) if { message := input.s }",
        "deny contains {`m`: mesage} if { message := input.s }",
        "deny contains mesage if { not f(mesage) }",
        "v[kind] := 1 if { some k, x in input.l }",
        "v[k] := y if { some k, x in input.l }",
        "v := y if { x := input.s }",
        "v := y",
        "v := 1 if { input.n == 4 } else := y if { x := input.s }",
        "g(x) := y if { x == 1 }",
    ],
)
def test_a_variable_of_the_head_that_the_body_does_not_name_is_refused(rule: str) -> None:
    """As OPA does; otherwise it would be an error, but only of images that the rule is about."""
    with pytest.raises(ConfigurationError, match=r"line 4: nothing gives \w+ a value") as error:
        holds(f"package pyratify\nallow := true\nf(x) if x == 1\n{rule}")
    assert "in the head" in error.value.remedy


def test_every_over_a_variable_that_has_no_value_yet_is_refused() -> None:
    """The engine evaluates it first, as undefined: a rule that forbids would find nothing."""
    with pytest.raises(ConfigurationError, match="line 5: x has no value before this `every`") as error:
        holds(policy("some x; every each in input.l { each != x }; x = input.s"))
    assert error.value.path == "policy"
    assert "before it" in error.value.remedy
    for body in (
        "some x; x = input.s; every each in input.l { each != x }",
        "some x; every each in [x, input.s] { each == x }; x = input.s",
        "some x; every x in input.l { x }; x = input.s",
    ):
        assert holds(policy(body))


def test_what_gives_a_variable_of_the_head_its_value() -> None:
    """The body, arguments, a comprehension, another rule, an import."""
    rules = """import data.pyratify.other as theirs
import input.l
deny contains m if { m := input.missing }
v[k] := x if { some k, x in input.l }
seen contains input.l[_]
names := {x | some x in input.l}
pair(a, [b, c]) := [a, b, c, names]
all := [names, theirs, l, input.s, data.pyratify.names]
level := "high" if { input.n > 3 } else := m if { m := input.s }
d contains x.k if { x := {"k": 1} }
"""
    assert holds(f"package pyratify\n{rules}allow := true")


def test_an_unknown_function_is_refused() -> None:
    """Otherwise it would be an error of each evaluation that comes to it."""
    for body in ("starts_with(input.s, `x`)", "input.n == 4; regexp.match(`a`, `a`)", "not g(1)"):
        with pytest.raises(
            ConfigurationError, match="line 5: neither the policy nor the embedded engine has"
        ):
            holds(policy(body))
    assert holds(policy("data.pyratify.f(1)"))
