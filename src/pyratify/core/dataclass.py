"""`dataclass`, as the standard library's, for the classes that a command defines at its start.

A frozen dataclass with slots takes 0.4 ms to define, nearly all of it to compile six methods, and a verification imports a hundred of
them. Here one method is compiled, `__init__`; the others share their code. Fields, slots, `replace` and `match` are the standard
library's own, and type checkers read its `dataclass`.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

_OPTIONS = frozenset({"frozen", "slots", "kw_only"})
_METHODS = frozenset(
    {
        "__init__",
        "__repr__",
        "__eq__",
        "__hash__",
        "__setattr__",
        "__delattr__",
        "__getstate__",
        "__setstate__",
    }
)
_FACTORY = type("", (), {"__repr__": lambda _: "<factory>"})()
"""The default of a parameter whose field has a factory, as signatures show it."""


def _dataclass(cls: type[Any] | None = None, /, **options: bool) -> Any:
    """Return the class with its methods, or without a class the decorator; see `dataclasses.dataclass`.

    Classes without slots, that derive from another dataclass, that write one of the methods themselves or that ask for another
    option (`order`, `eq`) are left to the standard library.
    """
    if cls is None:
        return lambda decorated: _dataclass(decorated, **options)
    derived = any(dataclasses.is_dataclass(base) for base in cls.__mro__[1:])
    if derived or not options.get("slots") or options.keys() - _OPTIONS or cls.__dict__.keys() & _METHODS:
        return dataclasses.dataclass(**options)(cls)
    return _define(cls, frozen=options.get("frozen", False), kw_only=options.get("kw_only", False))


def _define(cls: type[Any], *, frozen: bool, kw_only: bool) -> type[Any]:
    # Where there is no docstring, `dataclasses` makes one of the signature, by way of `inspect`.
    cls.__doc__ = cls.__doc__ or cls.__name__
    made: type[Any] = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True, kw_only=kw_only)(
        cls
    )
    # What `dataclasses` asks when another class derives from this one.
    made.__dataclass_params__.frozen = frozen
    fields = dataclasses.fields(made)
    methods = {"__init__": _initializer(made, fields), **_comparisons(fields, hashable=frozen)}
    if frozen:
        methods |= _frozen(made, tuple(field.name for field in fields))
    for name, method in methods.items():
        setattr(made, name, method)
    return made


def _initializer(made: type[Any], fields: tuple[dataclasses.Field[Any], ...]) -> Callable[..., None]:
    """Compile `__init__`: it sets slots by their descriptors, which a frozen class does not forbid."""
    names: dict[str, Any] = {"__factory": _FACTORY}
    positional, keywords = ["self"], ["*"]
    lines = ["pass"]
    for field in fields:
        parameter, value = _assigned(field, names)
        if field.init:
            (keywords if field.kw_only else positional).append(parameter)
        if value:
            names[f"__set_{field.name}"] = made.__dict__[field.name].__set__
            lines.append(f"__set_{field.name}(self, {value})")
    if hasattr(made, "__post_init__"):
        lines.append("self.__post_init__()")
    parameters = ", ".join(positional + (keywords if len(keywords) > 1 else []))
    exec(f"def __init__({parameters}):\n " + "\n ".join(lines), names)  # noqa: S102 - the names of fields, nothing of a user's
    initializer: Callable[..., None] = names["__init__"]
    initializer.__qualname__ = f"{made.__qualname__}.__init__"
    initializer.__annotations__ = {field.name: field.type for field in fields if field.init} | {
        "return": None
    }
    return initializer


def _assigned(field: dataclasses.Field[Any], names: dict[str, Any]) -> tuple[str, str]:
    """Return a field's parameter and the value of its slot, as source, and add what they name."""
    name = field.name
    if field.default_factory is not dataclasses.MISSING:
        names[f"__make_{name}"] = field.default_factory
        made = f"__make_{name}()"
        return f"{name}=__factory", f"{made} if {name} is __factory else {name}" if field.init else made
    if field.default is not dataclasses.MISSING:
        names[f"__default_{name}"] = field.default
        return f"{name}=__default_{name}", name if field.init else f"__default_{name}"
    return name, name if field.init else ""


def _comparisons(fields: tuple[dataclasses.Field[Any], ...], *, hashable: bool) -> dict[str, Any]:
    compared = _getter(tuple(field.name for field in fields if field.compare))
    hashed = _getter(
        tuple(field.name for field in fields if (field.compare if field.hash is None else field.hash))
    )
    shown = tuple(field.name for field in fields if field.repr)

    def equal(self: object, other: object) -> bool:
        return compared(self) == compared(other) if other.__class__ is self.__class__ else NotImplemented

    @recursive_repr()
    def represent(self: object) -> str:
        return f"{type(self).__qualname__}({', '.join(f'{name}={getattr(self, name)!r}' for name in shown)})"

    def hashing(self: object) -> int:
        return hash(hashed(self))

    return {"__eq__": equal, "__repr__": represent, "__hash__": hashing if hashable else None}


def _getter(names: tuple[str, ...]) -> Callable[[object], tuple[Any, ...]]:
    """Return what reads these attributes as a tuple; `attrgetter` makes one of two names and more."""
    if len(names) > 1:
        return attrgetter(*names)
    return lambda value: tuple(getattr(value, name) for name in names)


def _frozen(made: type[Any], names: tuple[str, ...]) -> dict[str, Any]:
    def refuse_to_set(self: object, name: str, value: object) -> None:
        if type(self) is made or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")
        super(made, self).__setattr__(name, value)

    def refuse_to_delete(self: object, name: str) -> None:
        if type(self) is made or name in names:
            raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")
        super(made, self).__delattr__(name)

    def get_state(self: object) -> list[Any]:
        return [getattr(self, name) for name in names]

    def set_state(self: object, state: list[Any]) -> None:
        for name, value in zip(names, state, strict=True):
            object.__setattr__(self, name, value)

    return {
        "__setattr__": refuse_to_set,
        "__delattr__": refuse_to_delete,
        "__getstate__": get_state,
        "__setstate__": set_state,
    }


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
