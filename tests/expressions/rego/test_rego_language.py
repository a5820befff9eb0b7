"""Rego, embedded: screened, rewritten, in a process of its own, and only exactly true."""

import gc
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.expressions.language import Answer, EvaluationError, Program, Source
from pyratify.expressions.rego.answer import UNDEFINED, answer_of
from pyratify.expressions.rego.rego_language import check_canaries, language, screen


def program(body: str, version: str = "v1", **options: str) -> Program:
    """Compile a policy of the package pyratify."""
    return language.compile(
        Source(f"package pyratify\n{body}", {}, "policy", {"version": version, **options})
    )


def answer(body: str, given: Any = None, version: str = "v1") -> Answer:
    """Evaluate a policy."""
    return program(body, version).evaluate({"input": {"a": 1, "list": [1, 2]} if given is None else given})


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("allow := true", Answer(True)),
        ("default allow := false\nallow if input.a == 1", Answer(True)),
        ("default allow := false\nallow if input.a == 2", Answer(False)),
        ("default allow := false\nallow if every x in input.list { x > 0 }", Answer(True)),
        ('default allow := false\ndeny contains "no" if input.a == 1', Answer(False, ("no",))),
        (
            'allow := true\ndeny contains msg if { input.a == 1; msg := sprintf("a is %d", [input.a]) }',
            Answer(False, ("a is 1",)),
        ),
        ("allow := true\ndeny contains msg if { input.a == 2; msg := 1 }", Answer(True)),
        ('allow := true\ndeny contains {"code": 1}', Answer(False, ('{"code": 1}',))),
        ("deny contains 1", Answer(False, ("1",))),
    ],
)
def test_allow_and_deny_of_the_package_are_the_answer(body: str, expected: Answer) -> None:
    """A message forbids, whatever allow says."""
    assert answer(body) == expected


def test_the_old_syntax_means_what_it_meant() -> None:
    """One text can mean two policies."""
    body = 'default allow = false\nallow { input.a == 1 }\ndeny[msg] { input.a == 2; msg := "two" }'
    assert answer(body, version="v0") == Answer(True)
    assert answer(body, {"a": 2}, version="v0") == Answer(False, ("two",))
    with pytest.raises(ConfigurationError):
        program(body, "v1")


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ("allow if input.a == 2", "allow is undefined"),
        ('allow := "yes"', "a text"),
        ("allow := 1", "a number"),
        ("allow := null", "null"),
        ("allow := {}", "an object"),
        ("allow := true\nallow := false", "conflicts"),
        ("allow if not to_number(input.b) == 1", "number"),
        ("allow if 1 / 0 == 1", "divide by zero"),
        ("allow := true\ndeny := true", "deny is"),
        ('allow := true\ndeny := {"a": true}', "deny is an object"),
    ],
)
def test_anything_but_a_bool_is_an_error(body: str, named: str) -> None:
    """Undefined, another type, a conflict, an error of a function."""
    with pytest.raises(EvaluationError) as error:
        answer(body, {"a": 1, "b": "x"})
    assert error.value.reason is Reason.POLICY_ERROR
    assert named in error.value.message
    assert "\n" not in error.value.message
    assert "unknown" not in error.value.message


@pytest.mark.parametrize(
    "name",
    [
        "http.send",
        "opa.runtime",
        "net.lookup_ip_addr",
        "rand.intn",
        "uuid.rfc4122",
        "json.match_schema",
        "units.parse",
    ],
)
def test_what_reaches_out_or_differs_is_refused_wherever_it_is_named(name: str) -> None:
    """Called, in a comprehension, as a bracket, as the target or the value of `with`."""
    first, last = name.split(".")
    for body in (
        f"allow := {name}(1) == 2",
        f"allow := count([x | x := {name}(1)]) == 0",
        f'allow := {first}["{last}"](1) == 2',
        f"f(x) := x\nallow if {{ input.a == 1 with {name} as f }}",
        f"allow if {{ count(input.list) == 1 with count as {name} }}",
        f"default allow := false\nallow if not {name}(1)",
        f"helper := {name}(1)\nallow := true",
    ):
        with pytest.raises(ConfigurationError, match=name) as error:
            program(body)
        assert error.value.path == "policy"


@pytest.mark.parametrize(
    "statement",
    [
        "[p, v] := walk(input)",
        "[p, v] = walk(input)",
        "walk(input, [p, v])",
        "some p, v; walk(input, [p, v])",
    ],
)
def test_walk_finds_everything_in_each_form(statement: str) -> None:
    """The engine itself evaluates the first two as nothing."""
    body = f'default allow := false\nallow if {{\n  {statement}\n  v == "bad"\n  p[0] == "x"\n}}'
    assert answer(body, {"x": {"y": ["bad"]}}).holds
    assert not answer(body, {"z": {"y": ["bad"]}}).holds


def test_a_walk_that_is_rewritten_declares_its_variables() -> None:
    """A rule of the same name is not meant; the blank stays blank, and letters of several bytes move nothing."""
    body = 'value := "rule"\nname := "ä"\ndefault allow := false\nallow if { [_, value] := walk(input); value == "ö" }'
    assert answer(body, {"x": "ö"}).holds
    assert not answer(body, {"x": "rule"}).holds
    assert "some value; walk(input, [_, value])" in screen(f"package pyratify\n{body}", "policy", v0=False)


@pytest.mark.parametrize(
    "body",
    [
        "allow if walk(input)",
        "allow if { x := walk(input); x[1] == 1 }",
        "allow if { [p, [a, b]] := walk(input); a == b }",
        "allow if { some x in [y | y := walk(input)]; x[1] == 1 }",
        "allow if { walk(input)[1] == 1 }",
    ],
)
def test_other_uses_of_walk_are_refused(body: str) -> None:
    """They would be evaluated as nothing."""
    with pytest.raises(ConfigurationError, match="walk"):
        program(body)


@pytest.mark.parametrize(
    "body",
    [
        "allow if {",
        "allow = ",
        "import future.keywords.not\nallow := true",
        'p[q].r contains s if { q := input.a; s := "x" }',
    ],
)
def test_what_cannot_be_parsed_or_differs_is_refused_with_its_path(body: str) -> None:
    """When the configuration is read."""
    with pytest.raises(ConfigurationError) as error:
        program(body)
    assert error.value.path == "policy"


@pytest.mark.parametrize(
    "body",
    [
        "default allow = false\nallow if { input.a == 2 }",
        "default allow := false\nallow if { input.a == 2 }",
        "default allow = false\nallow\nif { input.a == 2 }",
        "default allow = false\nallow = true if { input.a == 2 }",
        "default allow = false\nallow { f(2) }\nf(x) if { x == 1 }",
        "default allow = false\nallow",
        'allow = true\ndeny contains "x" if { input.a == 1 }',
        'allow = true\ndeny["x"] if { input.a == 1 }',
    ],
)
def test_a_policy_in_the_new_syntax_is_no_policy_in_the_old_one(body: str) -> None:
    """The engine would read `allow if { ... }` as a rule that is always true, and another one called `if`."""
    with pytest.raises(ConfigurationError, match=r"line \d: ") as error:
        program(body, "v0")
    assert error.value.path == "policy"
    assert "regoVersion: v1" in error.value.remedy


def test_the_old_syntax_has_the_new_words_where_they_are_imported() -> None:
    """As OPA does: `import rego.v1` or `import future.keywords`."""
    for line in ("import rego.v1", "import future.keywords", "import future.keywords.if"):
        body = f"{line}\ndefault allow = false\nallow if {{ input.a == 2 }}".replace(" = ", " := ")
        assert not answer(body, version="v0").holds
        assert answer(body, {"a": 2}, version="v0").holds
    assert answer('allow = true\ndeny["x"] { input.a == 2 }\nf(x) = x\np.q.r = 1', version="v0").holds


def test_without_the_extra_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the configuration is read."""
    monkeypatch.setitem(sys.modules, "regorus", None)
    # Another path than that of other tests: the canaries are remembered for each.
    source = Source("package pyratify\nallow := true", {}, "elsewhere", {"version": "v1"})
    with pytest.raises(ConfigurationError, match="'rego' is not installed") as error:
        language.compile(source)
    assert (error.value.path, error.value.remedy) == ("elsewhere", "Run: pip install 'pyratify[rego]'.")


def test_a_policy_of_another_package_is_refused() -> None:
    """It would be undefined for every image."""
    with pytest.raises(ConfigurationError, match=r"data\.pyratify is asked for"):
        language.compile(Source("package other\nallow := true", {}, "policy", {"version": "v1"}))


def test_an_endless_policy_is_ended_and_the_next_question_is_answered() -> None:
    """Its process is; another policy goes on meanwhile."""
    some = "some i in numbers.range(1, input.n); some j in numbers.range(1, input.n)"
    slow, quick = program(f"allow := count([1 | {some}]) > 0", seconds="0.3"), program("allow := true")
    with pytest.raises(EvaluationError, match=r"within 0\.3 seconds"):
        slow.evaluate({"input": {"n": 50_000}})
    assert quick.evaluate({"input": {}}).holds
    assert slow.evaluate({"input": {"n": 2}}).holds


def test_a_policy_that_takes_all_memory_is_ended() -> None:
    """A text that doubles with every step."""
    steps = "\n".join(f's{n} := concat("", [s{n - 1}, s{n - 1}])' for n in range(1, 40))
    doubling = program(f"s0 := input.text\n{steps}\nallow := count(s39) > 0", seconds="30")
    with pytest.raises(EvaluationError):
        doubling.evaluate({"input": {"text": "x" * 100}})


def test_an_input_that_is_too_large_is_no_answer() -> None:
    """Before it is parsed a second time."""
    with pytest.raises(EvaluationError, match="bytes"):
        answer("allow := true", {"a": "x" * 5_000_000})


def test_a_program_can_be_asked_from_every_thread() -> None:
    """One after the other."""
    found, one = [], program("default allow := false\nallow if input.a == 1")
    threads = [
        threading.Thread(target=lambda: found.append(one.evaluate({"input": {"a": 1}}).holds))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 8


@pytest.mark.parametrize("version", ["v0", "v1"])
@pytest.mark.parametrize(
    "call",
    ["time.now_ns()", 'time["now_ns"]()', 'time["now\\u005fns"]()', 'time["no\\u0077_ns"]()', "helper(0)"],
)
def test_the_clock_is_that_of_the_question(call: str, version: str) -> None:
    """In whole seconds, wherever it is named: a verdict over it holds until the second is over."""
    moment = datetime(2026, 6, 1, 12, 0, 0, 999_999, tzinfo=UTC)
    # Named where it is called alone: a spelling that is not found must not be found in the helper.
    helper = "helper(x) = y { y := time.now_ns() + x }\n" if call.startswith("helper") else ""
    body = f"{helper}allow = {call} == {int(moment.timestamp()) * 10**9}"
    if version == "v1":
        body = body.replace("= y {", ":= y if {").replace("allow =", "allow :=")
    one = program(body.replace("allow = ", "allow = x { x := ") + " }" if version == "v0" else body, version)
    assert one.reads == {"input", "now"}
    assert one.evaluate({"input": {}, "now": moment}).holds
    assert program('# time.now_ns\nallow := "now_ns" != ""').reads == {"input"}


def test_the_process_ends_with_its_program() -> None:
    """Configurations are replaced while a server runs."""
    before = children()
    one = program("allow := true")
    assert one.evaluate({"input": {}}).holds
    (mine,) = children() - before
    del one
    gc.collect()
    assert mine not in children()


def test_the_process_has_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it does not have, no policy can read."""
    monkeypatch.setenv("REGISTRY_PASSWORD", "secret")
    before = children()
    one = program("allow := true")
    (mine,) = children() - before
    assert b"REGISTRY_PASSWORD" not in Path(f"/proc/{mine}/environ").read_bytes()
    assert one.evaluate({"input": {}}).holds


def children() -> set[int]:
    """Return the processes that this one has started."""
    found = (path.read_text() for path in Path("/proc/self/task").glob("*/children"))
    return {int(each) for text in found for each in text.split()}


def test_an_engine_that_fails_a_canary_is_refused() -> None:
    """Another build of the same module may evaluate something as nothing, or fail."""
    check_canaries("policy")
    for wrong in ("walk(input, [p, v]); v == 7", "no_such_function(1)"):
        with pytest.raises(ConfigurationError, match="wrong answer") as error:
            check_canaries("policy", (wrong,))
        assert error.value.path == "policy"


@pytest.mark.parametrize(
    "result",
    [
        UNDEFINED,
        None,
        1,
        "true",
        [],
        {"deny": []},
        {"allow": True, "deny": "x"},
        {"allow": True, "violation": ["x"]},
        {"allow": True, "violation": []},
    ],
)
def test_a_result_that_is_no_answer_is_an_error(result: object) -> None:
    """Of an engine here or elsewhere."""
    with pytest.raises(EvaluationError):
        answer_of(result, "data.pyratify")


def test_a_bool_is_the_answer_itself() -> None:
    """Of a rule; only a bool is one, where the contract says so."""
    for only_bool in (False, True):
        assert answer_of(True, "data.x", only_bool=only_bool) == Answer(True)
        assert answer_of(False, "data.x", only_bool=only_bool) == Answer(False)
        with pytest.raises(EvaluationError, match="is undefined: a rule is missing"):
            answer_of(UNDEFINED, "data.x", only_bool=only_bool)
    assert answer_of({"allow": True}, "data.x") == Answer(True)
    with pytest.raises(EvaluationError, match=r"data\.x is an object, not a bool"):
        answer_of({"allow": True}, "data.x", only_bool=True)


def test_violations_may_be_a_helper_of_deny() -> None:
    """Alone, the name that other tools read would forbid nothing."""
    assert answer_of({"allow": True, "deny": [], "violation": ["x"]}, "data.pyratify").holds
    with pytest.raises(EvaluationError, match="call the rule deny"):
        answer_of({"allow": True, "violation": []}, "data.pyratify")


def test_messages_are_bounded() -> None:
    """A set of a million messages is not shown."""
    found = answer_of({"allow": True, "deny": ["x" * 1000] * 1000}, "data.pyratify")
    assert not found.holds
    assert (len(found.messages), {len(each) for each in found.messages}) == (20, {300})
