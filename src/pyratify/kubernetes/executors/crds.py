"""CustomResourceDefinitions, generated from the structs that read the resources."""

from typing import Any

import msgspec

from pyratify.config import yaml
from pyratify.config.jsonschema import describe
from pyratify.config.schema import ExecutorConfig
from pyratify.kubernetes.client.kinds import GROUP, KINDS, VERSION, Kind, Status

_TEMPLATE = "#/$defs/{name}"
_REQUIRED = ("scopes", "stores", "verifiers")  # as in Ratify v2: a resource says where it reads from
_KEPT = (
    "description",
    "enum",
    "maximum",
    "maxItems",
    "maxLength",
    "minimum",
    "minItems",
    "minLength",
    "type",
)
_UNKNOWN = "x-kubernetes-preserve-unknown-fields"
_FORMATS = {"integer": "int64", "number": "double"}
_NOT_AT_THE_END_OF_A_LINE = r"(?!\n)$"  # Go's `$` is the end of the text already
_COLUMNS = (
    ("Succeeded", "boolean", ".status.succeeded"),
    ("Error", "string", ".status.briefError"),
    ("Age", "date", ".metadata.creationTimestamp"),
)


def definition_files() -> dict[str, str]:
    """Return every definition as YAML, by the name of its file."""
    return {f"{GROUP}_{kind.plural}.yaml": yaml.dumps(definition(kind)) for kind in KINDS}


def definition(kind: Kind) -> dict[str, Any]:
    """Return the CustomResourceDefinition of a kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": kind.crd_name},
        "spec": {
            "group": GROUP,
            "names": {
                "kind": kind.name,
                "listKind": f"{kind.name}List",
                "plural": kind.plural,
                "singular": kind.name.lower(),
            },
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [_version(kind)],
        },
    }


def _version(kind: Kind) -> dict[str, Any]:
    columns = [{"name": name, "type": type_, "jsonPath": path} for name, type_, path in _COLUMNS]
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": _schema(kind)},
    }


def _schema(kind: Kind) -> dict[str, Any]:
    spec = _whole(structural(ExecutorConfig))
    spec["required"] = list(_REQUIRED)
    spec["properties"]["stores"]["description"] = "Where artifacts are read from."
    status = structural(Status)
    conditions = status["properties"]["conditions"]
    # A map by type: server-side apply then merges conditions of several writers.
    conditions |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]}
    conditions["items"]["properties"]["lastTransitionTime"]["format"] = "date-time"
    return {
        "description": kind.summary,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    }


def _whole(schema: dict[str, Any]) -> dict[str, Any]:
    """Preserve unknown fields: the API server would prune a misspelled key, and the controller could not refuse it."""
    for each in (schema.get("items"), *schema.get("properties", {}).values()):
        if each is not None:
            _whole(each)
    if schema.get("type") == "object":
        schema[_UNKNOWN] = True
    return schema


def structural(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return a struct's structural schema (apiextensions.k8s.io/v1): without references, defaults and alternatives."""
    (schema,), parts = msgspec.json.schema_components((kind,), ref_template=_TEMPLATE)
    for part in parts.values():
        describe(part)
    return _structural(schema, parts)


def _structural(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    schema = _plain(schema, parts)
    if "anyOf" in schema:
        # Alternatives of several types are no structural schema: the controller checks them, and the API server keeps them.
        return {key: schema[key] for key in ("description",) if key in schema} | {_UNKNOWN: True}
    found = {key: schema[key] for key in _KEPT if key in schema}
    if "enum" in schema:
        found["type"] = "string"  # msgspec omits it, and structural schemas require it
    if schema.get("type") in _FORMATS:
        found["format"] = _FORMATS[schema["type"]]
    if "exclusiveMinimum" in schema:
        # A boolean beside `minimum`, as in OpenAPI 3.0; JSON Schema has a number of its own since draft 6.
        found |= {"minimum": schema["exclusiveMinimum"], "exclusiveMinimum": True}
    if "pattern" in schema:
        found["pattern"] = schema["pattern"].replace(_NOT_AT_THE_END_OF_A_LINE, "$")
    if "items" in schema:
        found["items"] = _structural(schema["items"], parts)
    if schema.get("type") == "object":
        found |= _members(schema, parts)
    return found


def _members(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    if "properties" not in schema:
        return {_UNKNOWN: True}
    members = {name: _structural(each, parts) for name, each in schema["properties"].items()}
    required = schema.get("required")
    return {"properties": members, **({"required": sorted(required)} if required else {})}


def _plain(schema: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Resolve references, and reduce a nullable type to the type: an optional field is left out instead."""
    own = {key: schema[key] for key in ("description",) if key in schema}
    if "anyOf" in schema:
        others = [each for each in schema["anyOf"] if each.get("type") != "null"]
        schema = others[0] if len(others) == 1 else {"anyOf": others}
    while "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    return schema | own
