"""YAML read in one way only."""

from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from pyratify.config import yaml
from pyratify.config.yaml import MAX_DEPTH, loads
from pyratify.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("a: 1", {"a": 1}),
        ("a: -12", {"a": -12}),
        ("a: 1.5e3", {"a": 1500.0}),
        ("a: true\nb: false\nc: null\nd: ~\ne:", {"a": True, "b": False, "c": None, "d": None, "e": None}),
        ("a: yes\nb: no\nc: on\nd: NO\ne: True", {"a": "yes", "b": "no", "c": "on", "d": "NO", "e": "True"}),
        ("a: 017\nb: 0x10\nc: 0o17\nd: 1_000", {"a": "017", "b": "0x10", "c": "0o17", "d": "1_000"}),
        ("a: 12:30:45\nb: 2026-01-01", {"a": "12:30:45", "b": "2026-01-01"}),
        ("a: .inf\nb: .nan\nc: +1", {"a": ".inf", "b": ".nan", "c": "+1"}),
        ("a: '1'\nb: \"true\"", {"a": "1", "b": "true"}),
        ("a: [1, {b: c}]\nd: |\n  text\n", {"a": [1, {"b": "c"}], "d": "text\n"}),
        ("a: =\nb: <<", {"a": "=", "b": "<<"}),
        ('{"json": ["is", "yaml"]}', {"json": ["is", "yaml"]}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_plain_scalars_are_what_json_would_have(text: str, value: Any) -> None:
    """Only null, booleans and numbers in JSON's spelling are no strings."""
    assert loads(text.encode()) == value


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: &x 1\nb: *x", "line 1: anchors"),
        ("a: [&x 1]", "anchors"),
        ("a: 1\nb: *x", "line 2: anchors"),
        ("a: !!str 1", "tags"),
        ("a: !custom {}", "tags"),
        ("a: ! 5", "tags"),
        ("a: 1\na: 2", "line 2: the key 'a' is given twice"),
        ("? [a]\n: 1", "not a string"),
        ("1: a", "not a string"),
        ("true: a", "not a string"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("a: [1", "not YAML"),
        ("a: 1e999", "too large"),
        ("a: \x00", "not YAML"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "line 1: nested deeper than 64 levels"),
        ("[" * 100_000, "nested deeper than 64 levels"),
        ("a:\n  " + "{a: " * 100_000, "line 2: nested deeper than 64 levels"),
        ("- " * (MAX_DEPTH + 2) + "x", "nested deeper than 64 levels"),
    ],
)
def test_what_readers_understand_differently_is_refused(text: str, says: str) -> None:
    """The message names the line."""
    with pytest.raises(ConfigurationError) as caught:
        loads(text.encode())
    assert says in caught.value.message


def test_other_encodings_are_refused() -> None:
    """A document is UTF-8."""
    with pytest.raises(ConfigurationError, match="UTF-8"):
        loads("a: ü".encode("latin-1"))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
    | st.sampled_from(
        ["no", "1e5", "0o17", "12:30", "~", "2026-01-01", "a: b", "- a", "x\ny\n", "y", "=", "file:x"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_what_is_written_is_read_as_the_same(value: Any) -> None:
    """By this reader; and by PyYAML, which knows the older rules."""
    text = yaml.dumps(value)
    assert yaml.loads(text.encode()) == value
    assert pyyaml.safe_load(text) == value
