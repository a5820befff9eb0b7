"""The dataclasses of this project behave as those of the standard library."""

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field, replace
from typing import Any, ClassVar

import pytest

from pyratify.core.dataclass import dataclass as compiled

Decorator = Callable[..., Any]
KINDS = [
    {"frozen": True, "slots": True},
    {"frozen": True, "slots": True, "kw_only": True},
    {"slots": True},
    {"slots": True, "kw_only": True},
    {"frozen": True},
    {"frozen": True, "slots": True, "order": True},
    {"frozen": True, "slots": True, "eq": False},
]


def point(decorator: Decorator, **options: bool) -> Any:
    """Return a class with one field of each kind."""

    @decorator(**options)
    class Point:
        """A point.

        Attributes:
            x: The first.
        """

        unit: ClassVar[str] = "mm"
        x: int
        set_x: int = 2
        names: list[str] = field(default_factory=list, hash=False)
        secret: str = field(default="hunter2", repr=False)
        note: str = field(default="", compare=False)
        later: int = field(default=7, kw_only=True)
        twice: int = field(init=False, default=0)
        seen: list[int] = field(init=False, default_factory=list, compare=False)
        open: int = field(init=False, compare=False, repr=False)

        def __post_init__(self) -> None:
            object.__setattr__(self, "twice", 2 * self.x)

        @property
        def far(self) -> bool:
            return self.x > 100

    return Point


def empty(decorator: Decorator, **options: bool) -> Any:
    """Return a class without fields."""

    @decorator(**options)
    class Empty:
        """Nothing."""

    return Empty


def single(decorator: Decorator, **options: bool) -> Any:
    """Return a class with one field, and no docstring."""

    @decorator(**options)
    class Single:
        value: Any

    return Single


def outcome(call: Callable[[Any], Any], made: Any) -> Any:
    """Return what a call returns of the class, or its error as text."""
    try:
        return call(made)
    except (TypeError, AttributeError) as error:
        return type(error), str(error)


@pytest.fixture(params=KINDS, ids="-".join)
def pair(request: pytest.FixtureRequest) -> tuple[Any, Any]:
    """Return the same class by this project's decorator and by the standard library's."""
    return point(compiled, **request.param), point(dataclasses.dataclass, **request.param)


def test_what_is_given_becomes_the_fields_as_with_the_standard_library(pair: tuple[Any, Any]) -> None:
    """By position and by name, with defaults, factories and what `__post_init__` sets; and errors name what is missing or unknown."""
    calls: list[Callable[[Any], Any]] = [
        lambda made: repr(made(x=3)),
        lambda made: repr(made(x=3, set_x=4, names=["a"], secret="s", note="n", later=8)),
        lambda made: made(x=3).secret,
        lambda made: made(x=3).later,
        lambda made: made(x=200).far,
        lambda made: made(x=3).seen,
        lambda made: made(x=3).unit,
        lambda made: made(x=3).names is made(x=3).names,
        lambda made: repr(made(3)),
        lambda made: repr(made(3, 4, ["a"], "s", "n")),
        lambda made: repr(made()),
        lambda made: made(x=3, unknown=4),
        lambda made: made(x=3, twice=4),
        lambda made: made(3, 4, [], "s", "n", 8),
        lambda made: made(x=3).open,
    ]
    for number, call in enumerate(calls):
        ours, theirs = (outcome(call, made) for made in pair)
        assert ours == theirs, number


def test_values_compare_hash_and_are_replaced_as_with_the_standard_library(pair: tuple[Any, Any]) -> None:
    """A field that is not compared changes nothing, one that is not hashed still compares."""
    calls: list[Callable[[Any], Any]] = [
        lambda made: made(x=1) == made(x=1),
        lambda made: made(x=1) == made(x=2),
        lambda made: made(x=1, note="a") == made(x=1, note="b"),
        lambda made: made(x=1, names=["a"]) == made(x=1, names=["b"]),
        lambda made: made(x=1) == 1,
        lambda made: made(x=float("nan")) == made(x=float("nan")),
        lambda made: hash(made(x=1)) == hash(made(x=1)),
        lambda made: hash(made(x=1)) == hash(made(x=1, names=["b"])),
        lambda made: hash(made(x=1, secret="a")) == hash(made(x=1, secret="b")),
        lambda made: repr(replace(made(x=1), x=5, note="n")),
        lambda made: repr(copy.deepcopy(made(x=1, names=["a"]))),
        lambda made: made(x=1) < made(x=2),
        lambda made: dataclasses.asdict(replace_open(made(x=1))),
        lambda made: [each.name for each in dataclasses.fields(made)],
        lambda made: made.__match_args__,
        lambda made: str(inspect.signature(made)),
        lambda made: made.__doc__,
        lambda made: getattr(made, "__slots__", None),
        lambda made: made.__hash__ is None,
    ]
    for number, call in enumerate(calls):
        ours, theirs = (outcome(call, made) for made in pair)
        assert ours == theirs, number


def replace_open(value: Any) -> Any:
    """Set the field that nothing sets."""
    object.__setattr__(value, "open", 1)
    return value


@pytest.mark.parametrize("frozen", [True, False])
def test_what_is_frozen_cannot_be_changed(frozen: bool) -> None:
    """Neither a field nor a new attribute can be set or deleted; without `frozen`, fields can."""
    value = point(compiled, frozen=frozen, slots=True)(x=1)
    expected = FrozenInstanceError if frozen else None
    for change in (lambda: setattr(value, "x", 2), lambda: delattr(value, "x")):
        if expected:
            with pytest.raises(expected, match="field 'x'"):
                change()
        else:
            change()
    for change in (lambda: setattr(value, "other", 2), lambda: delattr(value, "other")):
        with pytest.raises(expected or AttributeError):
            change()


def test_a_class_of_one_field_or_none_is_compared_as_a_tuple_of_them() -> None:
    """As with the standard library."""
    for decorator in (compiled, dataclasses.dataclass):
        made = single(decorator, frozen=True, slots=True)
        assert made("a") == made("a")
        assert made("a") != made("b")
        assert hash(made(1)) == hash((1,))
        assert repr(made([1])).endswith("Single(value=[1])")
        nothing = empty(decorator, frozen=True, slots=True)
        assert nothing() == nothing()
        assert hash(nothing()) == hash(())
        assert repr(nothing()).endswith("Empty()")


def test_a_field_that_is_not_equal_to_itself_is_equal_as_the_same_object() -> None:
    """As in tuples; the standard library compares otherwise since Python 3.13."""
    nan = float("nan")
    made = single(compiled, frozen=True, slots=True)
    assert made(nan) == made(nan)
    assert made(nan) != made(float("nan"))


def test_values_of_two_classes_with_the_same_fields_are_not_equal() -> None:
    """A digest is no tag, whatever they hold."""
    one, other = (single(compiled, frozen=True, slots=True) for _ in range(2))
    assert one(1) != other(1)


def test_a_value_that_contains_itself_has_a_text() -> None:
    """As lists have."""
    value = single(compiled, slots=True)(None)
    value.value = value
    assert repr(value).endswith("Single(value=...)")


@compiled(frozen=True, slots=True)
class Stored:
    """What is copied to another process."""

    name: str
    parts: tuple[int, ...] = ()
    kept: str = field(default="", compare=False)


def test_a_value_survives_a_copy_to_another_process() -> None:
    """Frozen slots are set again, those that are not compared too."""
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        value = Stored("a", (1, 2), "k")
        again = pickle.loads(pickle.dumps(value, protocol))
        assert (again, again.kept) == (value, "k")


def test_a_class_that_derives_from_one_follows_the_rules_of_the_standard_library() -> None:
    """Fields are inherited, and what is frozen stays so."""

    @compiled(frozen=True, slots=True, kw_only=True)
    class Derived(Stored):
        """One more."""

        more: int

    value = Derived("a", more=2)
    assert repr(value).endswith("Derived(name='a', parts=(), kept='', more=2)")
    assert value != Stored("a")
    with pytest.raises(FrozenInstanceError):
        value.more = 3  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        value.name = "b"  # type: ignore[misc]
    with pytest.raises(TypeError, match="non-frozen"):
        compiled(slots=True)(type("Loose", (Stored,), {"__annotations__": {}, "__doc__": "-"}))


def test_a_class_that_derives_without_being_a_dataclass_has_attributes_of_its_own() -> None:
    """But the fields stay frozen."""

    class Plain(Stored):
        """Not decorated."""

    value = Plain("a")
    value.other = 1  # type: ignore[attr-defined]
    assert value.other == 1  # type: ignore[attr-defined]
    del value.other  # type: ignore[attr-defined]
    for change in (lambda: setattr(value, "name", "b"), lambda: delattr(value, "name")):
        with pytest.raises(FrozenInstanceError):
            change()


def test_a_method_that_the_class_writes_itself_stays() -> None:
    """Its own equality, hash or text."""

    @compiled(frozen=True, slots=True)
    class Own:
        """Of one text."""

        value: int

        def __repr__(self) -> str:
            return "own"

        def __eq__(self, other: object) -> bool:
            return True

        def __hash__(self) -> int:
            return 7

    assert (repr(Own(1)), Own(1) == Own(2), hash(Own(1))) == ("own", True, 7)


def test_without_brackets_it_decorates_too() -> None:
    """As the standard library's."""

    @compiled
    class Bare:
        """No options."""

        value: int

    assert Bare(1) == Bare(1)
