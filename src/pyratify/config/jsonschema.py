"""The JSON Schema of configurations (2020-12), generated from the structs that read them."""

import re
from inspect import cleandoc
from typing import Any

import msgspec

from pyratify.config.schema import Config
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Registry

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_TEMPLATE = "#/$defs/{name}"
_ATTRIBUTE = re.compile(r"^ {4}([a-z_]+): (.*(?:\n {8}.*)*)", re.MULTILINE)
_PARTS = (("VerifierConfig", "verifiers"), ("StoreConfig", "stores"), ("PolicyConfig", "policies"))


def json_schema() -> dict[str, Any]:
    """Return the schema, with the parameters of every plugin that is installed and can be imported."""
    (schema,), definitions = msgspec.json.schema_components((Config,), ref_template=_TEMPLATE)
    for name, kind in _PARTS:
        part = definitions[name]
        choices = [_choice(kind, plugin, definitions) for plugin in sorted(Registry[Any](kind).names())]
        part["allOf"] = [choice for choice in choices if choice is not None]
    for definition in definitions.values():
        describe(definition)
        _refuse_nulls(definition)
    return {"$schema": DIALECT, "title": "pyratify configuration", **schema, "$defs": definitions}


def describe(definition: dict[str, Any]) -> None:
    """Move a struct's docstring into `description`, that of each attribute to its property."""
    summary, _, attributes = cleandoc(definition.get("description", "")).partition("Attributes:")
    if summary:
        definition["description"] = " ".join(summary.split())
    # Attributes are in snake case, properties in camel case.
    texts = {name.replace("_", ""): " ".join(text.split()) for name, text in _ATTRIBUTE.findall(attributes)}
    for name, found in definition.get("properties", {}).items():
        if name.lower() in texts:
            found["description"] = texts[name.lower()]


def _refuse_nulls(definition: dict[str, Any]) -> None:
    """Take null out of what an option may be whose default is null: its key is left out instead, as `decode` demands."""
    for found in definition.get("properties", {}).values():
        if "default" in found and found["default"] is None and "anyOf" in found:
            del found["default"]
            parts = [part for part in found.pop("anyOf") if part != {"type": "null"}]
            found.update(parts[0] if len(parts) == 1 else {"anyOf": parts})


def _choice(kind: str, name: str, definitions: dict[str, Any]) -> dict[str, Any] | None:
    try:
        plugin = Registry[Any](kind).load(name, kind)
    # A plugin whose extra is missing is left out: the schema is for what can run here.
    except ConfigurationError:
        return None
    if not isinstance(plugin, Plugin):
        return None
    (parameters,), parts = msgspec.json.schema_components(
        (plugin.options,), ref_template=f"#/$defs/{kind}.{name}.{{name}}"
    )
    definitions |= {f"{kind}.{name}.{part}": found for part, found in parts.items()}
    required = (
        ["parameters"] if parts.get(parameters.get("$ref", "").rpartition(".")[2], {}).get("required") else []
    )
    return {
        "if": {"properties": {"type": {"const": name}}},
        "then": {"properties": {"parameters": parameters}, "required": required},
    }
