"""Decoding: strict, and with errors that say where and what instead."""

from enum import StrEnum
from typing import Annotated, Any, Literal, get_args, get_type_hints

import msgspec
import pytest

from pyratify.config.decode import decode
from pyratify.config.null_options import null_options, without_nulls
from pyratify.config.schema import Config
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Registry
from pyratify.core.reason import Reason

VERIFIER = {"name": "a", "type": "cosign"}


def config(**changes: Any) -> dict[str, Any]:
    """Return a configuration with one executor, changed."""
    return {"executors": [{"scopes": ["*"], "verifiers": [VERIFIER], **changes}]}


@pytest.mark.parametrize(
    ("document", "path", "says"),
    [
        ([], "", "expected object, got array"),
        ({}, "", "required key is missing: executors"),
        ({"executors": []}, "executors", "length >= 1"),
        ({"executors": {}}, "executors", "expected array, got object"),
        (config(scopes=[]), "executors[0].scopes", "length >= 1"),
        (config(scopes=[1]), "executors[0].scopes[0]", "expected str, got int"),
        (config(scopes="*"), "executors[0].scopes", "expected array, got str"),
        (config(verifiers=[]), "executors[0].verifiers", "length >= 1"),
        (config(verifiers=[{"type": "x"}]), "executors[0].verifiers[0]", "missing: name"),
        (config(verifiers=[{**VERIFIER, "name": ""}]), "executors[0].verifiers[0].name", "length >= 1"),
        (config(verifiers=[{**VERIFIER, "name": "a b"}]), "executors[0].verifiers[0].name", "matching"),
        (config(stores=[]), "executors[0].stores", "length >= 1"),
        (config(stores=[{"type": 1}]), "executors[0].stores[0].type", "expected str, got int"),
        (config(concurrency=True), "executors[0].concurrency", "expected int, got bool"),
        (config(concurrency=1.0), "executors[0].concurrency", "expected int, got float"),
        (config(concurrency="3"), "executors[0].concurrency", "expected int, got str"),
        (config(concurrency=-1), "executors[0].concurrency", ">= 0"),
        (config(timeout=0), "executors[0].timeout", "> 0"),
        (config(limits={"depth": 0}), "executors[0].limits.depth", ">= 1"),
        (config(policyEnforcer=[]), "executors[0].policyEnforcer", "expected object"),
        ({**config(), "cache": None}, "cache", "expected object, got null"),
        (config(policyEnforcer=None), "executors[0].policyEnforcer", "expected object, got null"),
        (config(timeout=None), "executors[0].timeout", "expected float, got null"),
        (config(timeout="1s"), "executors[0].timeout", "expected float, got str"),
    ],
)
def test_errors_carry_the_path(document: Any, path: str, says: str) -> None:
    """Nothing is coerced."""
    with pytest.raises(ConfigurationError) as caught:
        decode(Config, document)
    assert caught.value.path == path
    assert says in caught.value.detail


def _optional() -> list[tuple[str, str, type[msgspec.Struct], str]]:
    """Return each option of each plugin that may be left out and has no other default, with the struct that has it."""
    found = []
    for plugin_kind, name in OPTIONS:
        seen: set[Any] = set()
        structs(Registry[Plugin[Any]](plugin_kind).load(name, "").options, seen)
        found += [
            (plugin_kind, name, struct, field.encode_name)
            for struct in sorted(seen, key=str)
            for field in msgspec.structs.fields(struct)
            if field.default is None
        ]
    return found


def test_null_is_no_way_to_leave_an_option_out() -> None:
    """A demand that is written with nothing in it would be switched off; of every option of every plugin."""
    options = _optional()
    names = {name for _, _, _, name in options}
    assert {"trustedRoot", "signerWorkflow", "expectedResourceUri"} <= names
    for plugin_kind, name, struct, key in options:
        kind, data = dict[str, tuple[struct, ...]], {"a": [{key: None}]}  # type: ignore[valid-type]
        assert [each.path for each in null_options(kind, data)] == [f"a[0].{key}"], (plugin_kind, name)
        if any(field.required for field in msgspec.structs.fields(struct)):
            continue
        with pytest.raises(ConfigurationError, match="got null") as caught:
            decode(kind, data, "at")
        assert caught.value.path == f"at.a[0].{key}", (plugin_kind, name)
        assert caught.value.remedy.endswith(", or leave the key out.")


def test_null_within_a_value_is_a_value() -> None:
    """As in a JSON Schema, where it is one of those allowed; and where null is no default."""
    assert decode(_Nulls, {"any": {"enum": [None]}, "number": None}) == _Nulls(
        any={"enum": [None]}, number=None
    )
    assert decode(_Nulls, {"text": None}, nulls=True) == _Nulls()
    with pytest.raises(ConfigurationError, match="text: expected str, got null"):
        decode(_Nulls, {"any": None, "text": None})


class _Nulls(msgspec.Struct, frozen=True):
    any: Any = None
    number: int | None = 1
    text: Annotated[str, msgspec.Meta(min_length=1)] | None = None


class _Choice(StrEnum):
    ANY = "any"
    ALL = "all"


class _Choices(msgspec.Struct, rename="camel"):
    one: _Choice = _Choice.ANY
    by_name: dict[Annotated[str, msgspec.Meta(min_length=1)], _Choice] = {}
    version: Literal["", "v0", "v1"] = ""
    code: Reason = Reason.INTERNAL
    share: Annotated[float, msgspec.Meta(gt=0, le=10)] = 1.0
    note: Annotated[str, msgspec.Meta(max_length=3)] = ""
    pair: Annotated[tuple[int, ...], msgspec.Meta(min_length=2)] = (1, 2)
    some: Annotated[dict[str, int], msgspec.Meta(min_length=1)] | None = None


@pytest.mark.parametrize(
    ("document", "path", "says", "remedy"),
    [
        ({"one": "ALL"}, "one", "'ALL' is none of any, all", "Did you mean 'all'?"),
        ({"one": "some"}, "one", "'some' is none of any, all", "Write one of any, all."),
        ({"byName": {"x": "none"}}, "byName.x", "'none' is none of any, all", "Write one of any, all."),
        ({"byName": {"": "any"}}, "byName", "length >= 1", "Write a text that is not empty"),
        ({"note": "abcd"}, "note", "length <= 3", "Write at most 3 characters there."),
        ({"pair": [1]}, "pair", "length >= 2", "Write at least 2 entries there."),
        ({"some": {}}, "some", "length >= 1", "Write at least one there"),
        ({"version": "V0"}, "version", "'V0' is none of v0, v1", "Did you mean 'v0'?"),
        ({"code": "LICENCE"}, "code", "none of the ", "Did you mean 'LICENSE'?"),
        ({"code": "?"}, "code", "none of the ", "config schema"),
        ({"share": 0}, "share", "> 0", "Write a number above 0.0 there."),
        ({"share": 11}, "share", "<= 10", "Write a number of at most 10.0 there."),
    ],
)
def test_a_value_that_is_no_choice_is_shown_with_those_that_are(
    document: Any, path: str, says: str, remedy: str
) -> None:
    """The nearest where one is near, also where only the case differs; never a list of a hundred."""
    with pytest.raises(ConfigurationError) as caught:
        decode(_Choices, document)
    assert caught.value.path == path
    assert says in caught.value.detail
    assert remedy in caught.value.remedy
    assert len(caught.value.detail) < 200


@pytest.mark.parametrize(
    ("document", "suggestion"),
    [
        ({**config(), "executor": []}, "executors"),
        (config(verifier=[]), "verifiers"),
        (config(policyEnfocer={}), "policyEnforcer"),
        (config(policy_enforcer={}), "policyEnforcer"),
        (config(verifiers=[{**VERIFIER, "paramters": {}}]), "parameters"),
        (config(limits={"Depth": 1}), "depth"),
    ],
)
def test_an_unknown_key_gets_a_suggestion(document: Any, suggestion: str) -> None:
    """The nearest key that exists is named."""
    with pytest.raises(ConfigurationError, match="unknown key") as caught:
        decode(Config, document)
    assert caught.value.remedy == f"Did you mean {suggestion!r}?"


class Choices(msgspec.Struct, forbid_unknown_fields=True):
    """Texts of which one has to be written."""

    require: Literal["any", "all", "newest"] = "any"
    types: dict[str, Literal["any", "all"]] = msgspec.field(default_factory=dict)
    allow: tuple[Literal["build", "load"], ...] = ()
    mode: Literal["enforce", "audit"] | None = None


class Nested(msgspec.Struct, forbid_unknown_fields=True):
    """Choices at a place below."""

    rules: tuple[Choices, ...]


@pytest.mark.parametrize(
    ("choices", "path", "detail", "remedy"),
    [
        ({"require": "newst"}, "require", "'newst' is none of any, all, newest", "Did you mean 'newest'?"),
        (
            {"types": {"c": "all", "a.b/c": "some", "d": "none"}},
            "types.a.b/c",
            "'some' is none of any, all",
            "Write one of any, all.",
        ),
        ({"allow": ["load", "buidl"]}, "allow[1]", "'buidl' is none of build, load", "Did you mean 'build'?"),
        (
            {"mode": "it's"},
            "mode",
            '"it\'s" is none of enforce, audit',
            "Write one of enforce, audit.",
        ),
    ],
)
def test_a_text_that_is_no_choice_gets_the_choices(
    choices: dict[str, Any], path: str, detail: str, remedy: str
) -> None:
    """The nearest is suggested; where none is near, all are in the remedy too."""
    with pytest.raises(ConfigurationError) as caught:
        decode(Nested, {"rules": [choices]})
    assert caught.value.path == f"rules[0].{path}"
    assert (caught.value.detail, caught.value.remedy) == (detail, remedy)


def test_an_empty_list_is_to_have_something() -> None:
    """The remedy is for this fault."""
    with pytest.raises(ConfigurationError) as caught:
        decode(Config, config(scopes=[]))
    assert caught.value.remedy.startswith("Write at least one there")


def test_a_key_like_no_other_gets_the_list() -> None:
    """Where nothing is near, all known keys are named."""
    with pytest.raises(ConfigurationError) as caught:
        decode(Config, {**config(), "zzzzzz": 1})
    assert "executors" in caught.value.remedy


def test_values_never_stand_in_errors() -> None:
    """A secret in the wrong place is not echoed."""
    with pytest.raises(ConfigurationError) as caught:
        decode(Config, config(timeout="hunter2"))
    assert "hunter2" not in f"{caught.value.message} {caught.value.remedy}"


def structs(kind: Any, seen: set[Any]) -> None:
    """Collect a struct and those that its fields may hold."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind not in seen:
        seen.add(kind)
        for hint in get_type_hints(kind).values():
            structs(hint, seen)
    for each in get_args(kind):
        structs(each, seen)


OPTIONS = [
    (plugin_kind, name)
    for plugin_kind in ("stores", "verifiers", "policies", "credentials", "keys")
    for name in Registry[Plugin[Any]](plugin_kind).names()
]


@pytest.mark.parametrize(("plugin_kind", "name"), OPTIONS, ids=map("-".join, OPTIONS))
def test_every_default_is_a_value_that_may_be_written(plugin_kind: str, name: str) -> None:
    """`config show` writes them, and what it writes is a configuration."""
    seen: set[Any] = set()
    structs(Registry[Plugin[Any]](plugin_kind).load(name, "").options, seen)
    for struct in seen:
        hints = get_type_hints(struct, include_extras=True)
        for field in msgspec.structs.fields(struct):
            if field.required:
                continue
            made = field.default_factory
            default = field.default if made is msgspec.NODEFAULT else made()
            written = without_nulls(hints[field.name], msgspec.to_builtins(default, str_keys=True))
            if default is None:  # left out
                continue
            assert decode(hints[field.name], written, field.encode_name) == default
