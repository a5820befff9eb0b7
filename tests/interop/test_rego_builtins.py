"""Built-in functions over odd arguments: the embedded engine gives what a real OPA gives, or an error, which denies."""

import json
import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from pyratify.expressions.rego.answer import UNDEFINED, value_of
from pyratify.expressions.rego.engine import evaluate, make_engine
from pyratify.expressions.rego.rego_language import screen
from support import opa

pytestmark = pytest.mark.interop
POOLS = json.loads((Path(__file__).parent / "rego_arguments.json").read_text())
_MOST = 600
FUNCTIONS = {
    "contains startswith endswith split indexof indexof_n": ("texts", "short"),
    "trim trim_left trim_right trim_prefix trim_suffix": ("texts", "short"),
    "lower upper trim_space strings.reverse count hex.encode hex.decode base64.encode base64url.encode base64url.encode_no_pad": (
        "texts",
    ),
    "strings.any_prefix_match strings.any_suffix_match": ("texts", "short"),
    "is_array is_boolean is_null is_object is_set": ("mixed",),
    "numbers.range_step": ("whole", "whole", "whole"),
    "object.filter": ("objects", "mixed"),
    "abs ceil floor round": ("numbers",),
    "sort max min sum product array.reverse type_name is_string json.marshal": ("mixed",),
    "type_name is_number count object.keys": ("objects",),
    "base64.decode base64url.decode": ("encoded",),
    "object.union object.remove": ("objects", "objects"),
    "replace": ("texts", "short", "short"),
    "substring": ("texts", "whole", "whole"),
    "array.slice": ("mixed", "whole", "whole"),
    "array.concat": ("mixed", "mixed"),
    "concat": ("short", "mixed"),
    "format_int": ("numbers", "whole"),
    "to_number": ("numerals",),
    "semver.compare": ("versions", "versions"),
    "net.cidr_contains": ("networks", "networks"),
    "net.cidr_is_valid": ("networks",),
    "time.parse_rfc3339_ns": ("times",),
    "time.parse_duration_ns": ("spans",),
    "time.date time.clock time.weekday": ("nanoseconds",),
    "time.diff": ("nanoseconds", "nanoseconds"),
    "json.unmarshal": ("documents",),
    "object.get": ("objects", "short", "short"),
    "numbers.range": ("whole", "whole"),
    "bits.and bits.or bits.xor": ("numbers", "numbers"),
}


def cases(pools: tuple[str, ...]) -> list[tuple[Any, ...]]:
    """Return all combinations, or so many of them; the same ones each time."""
    found = list(product(*(POOLS[each] for each in pools)))
    return found if len(found) <= _MOST else random.Random(1).sample(found, _MOST)


def patterns() -> Iterator[tuple[str, str]]:
    """Iterate over regular expressions and subjects."""
    chance = random.Random(2)
    for _ in range(300):
        pattern = "".join(
            chance.choice(POOLS["atoms"]) + chance.choice(POOLS["repetitions"])
            for _ in range(chance.randint(1, 4))
        )
        yield from ((pattern, each) for each in chance.sample(POOLS["subjects"], 6))


def globs() -> Iterator[tuple[str, Any, str]]:
    """Iterate over globs, delimiters and subjects."""
    chance = random.Random(3)
    for _ in range(300):
        glob = "".join(chance.choices(POOLS["signs"], k=chance.randint(1, 4)))
        # OPA itself fails on empty braces, and with it all that is asked at once.
        if "{}" not in glob:
            marks = chance.choice(([], ["/"], [":"], ["/", "."], None, ["a"], ["-", "]"]))
            yield from ((glob, marks, each) for each in chance.sample(POOLS["subjects"], 6))


ALL: dict[str, list[tuple[Any, ...]]] = {
    **{name: cases(pools) for names, pools in FUNCTIONS.items() for name in names.split()},
    "regex.match": list(patterns()),
    "regex.find_n": [(*each, -1) for each in patterns()],
    "regex.replace": [
        *((each, pattern, "<$0>") for pattern, each in patterns()),
        *cases(("short", "replaced", "templates")),
    ],
    "glob.match": list(globs()),
}
OPERATORS = ("+", "-", "*", "%", "==", "!=", "<", ">=")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An OPA that evaluates each function over many arguments at once."""
    if not opa.PROGRAM.is_file():
        pytest.skip("run `make peers` first: there is no opa")
    calls = [call(name, len(many[0])) for name, many in ALL.items()] + [
        f"c[0] {each} c[1]" for each in OPERATORS
    ]
    rules = "".join(
        f"r{number} contains [i, v] if {{ some i, c in input; v := {each} }}\n"
        for number, each in enumerate(calls)
    )
    with opa.running(tmp_path_factory.mktemp("opa"), {"calls.rego": f"package calls\n{rules}"}) as found:
        yield found


def call(name: str, arguments: int) -> str:
    """Return the call of a function with the arguments in `c`."""
    return f"{name}({', '.join(f'c[{index}]' for index in range(arguments))})"


def same(one: Any, other: Any) -> bool:
    """Return whether two values are equal; true is not 1, and a number may be written in two ways."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    return isinstance(one, bool) is isinstance(other, bool) and bool(one == other)


def differences(
    address: str, number: int, expression: str, many: list[tuple[Any, ...]]
) -> tuple[list[Any], int]:
    """Return where the engine gives another value, and how often it gives one."""
    answer: Any = opa.ask(address, f"calls/r{number}", many, strict=False)
    theirs = dict(answer or ())
    policy = screen(f"package calls\nr := v if {{ c := input.c; v := {expression} }}", "policy", v0=False)
    engine = make_engine("policy", policy, v0=False)
    wrong, right = [], 0
    for index, arguments in enumerate(many):
        try:
            ours = value_of(evaluate(engine, "data.calls.r", json.dumps({"c": arguments})))
        # The engine's panics are no exceptions.
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            continue
        right += ours is not UNDEFINED
        if not same(theirs.get(index, UNDEFINED), ours):
            wrong.append((arguments, theirs.get(index), ours))
    return wrong, right


@pytest.mark.parametrize("name", ALL)
def test_a_function_gives_what_a_real_opa_gives(address: str, name: str) -> None:
    """Or an error; never another value, none in place of one, or one in place of none."""
    wrong, right = differences(address, list(ALL).index(name), call(name, len(ALL[name][0])), ALL[name])
    assert wrong == []
    assert right


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_gives_what_a_real_opa_gives(address: str, operator: str) -> None:
    """For whole numbers; fractions are an error. Comparisons are between values of every kind."""
    numbers = [each for each in POOLS["numbers"] if abs(each) < 2**30 or operator != "*"]
    others = [*POOLS["numbers"], *POOLS["short"], *POOLS["mixed"], None, True, False]
    values = numbers if operator in "+-*%" else others
    number = len(ALL) + OPERATORS.index(operator)
    wrong, right = differences(address, number, f"c[0] {operator} c[1]", list(product(values, values)))
    assert wrong == []
    assert right
