"""Keys of mappings in the place of a fault."""

from typing import Any

import msgspec
import pytest

from pyratify.config.decode import decode
from pyratify.core.errors import ConfigurationError


class _Inner(msgspec.Struct):
    numbers: dict[str, dict[str, int]] = {}
    words: dict[str, tuple[str, ...]] = {}


class _Outer(msgspec.Struct):
    members: tuple[_Inner, ...] = ()


@pytest.mark.parametrize(
    ("inner", "path"),
    [
        ({"numbers": {"a": {"b": 1}, "c.d": {"e": 2, "f/g.h": "3", "i": "4"}}}, "numbers.c.d.f/g.h"),
        ({"numbers": {"a": 1}}, "numbers.a"),
        ({"words": {"a": ["b"], "[1]": ["c", 2]}}, "words.[1][1]"),
        ({"words": {"k" * 100: [1]}}, f"words.{'k' * 80}[0]"),
        ({"words": {str(number): [number] for number in range(300)}}, "words.*[0]"),
    ],
)
def test_the_first_key_with_the_fault_is_named(inner: Any, path: str) -> None:
    """With its dots, and cut where it is long; of very many none is looked for."""
    with pytest.raises(ConfigurationError) as caught:
        decode(_Outer, {"members": [{}, inner]}, "policy")
    assert caught.value.path == f"policy.members[1].{path}"
