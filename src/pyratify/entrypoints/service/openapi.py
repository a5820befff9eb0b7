"""The API's description, OpenAPI 3.1, made from the structs that read requests and write answers."""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import msgspec

from pyratify.config.jsonschema import DIALECT, describe
from pyratify.entrypoints.service.request_bodies import Questions
from pyratify.entrypoints.service.response_bodies import Problem, Recent, Report, Resolved, Verdict, Verified

_REFERENCE = "#/components/schemas/{name}"
# Report is listed though an answer embeds it as raw bytes: its schema is referred to by name.
_STRUCTS = (Questions, Verified, Verdict, Report, Resolved, Recent, Problem)
_PROBLEMS = {
    "400": "The request is not as described here, or asks nothing.",
    "401": "No token, or one that is not accepted.",
    "403": "A page of another site made a browser ask.",
    "404": "There is no such thing here, or not any more.",
    "408": "The body did not arrive in time.",
    "413": "The body is too long, or asks about too many references.",
    "415": "The body is not sent as application/json, or is compressed.",
    "421": "The service is not asked under its own name.",
    "503": "Too many requests at the same time.",
}
_SHOWN = "/v1/decisions"
_ALWAYS = ("401", "403", "421", "503")
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A token of the service's token file."},
    "certificate": {"type": "mutualTLS", "description": "A certificate of the clients' authority."},
}


def openapi(most: int, needed: tuple[str, ...], *, shows: bool = True) -> dict[str, Any]:
    """Return the description.

    Args:
        most: The most references of one request.
        needed: What a caller has to show, all of it: `bearer`, `certificate`.
        shows: Whether decisions are shown.
    """
    schemas = _schemas(most)
    return {
        "openapi": "3.1.1",
        "jsonSchemaDialect": DIALECT,
        "info": {
            "title": "ratify",
            "version": version("pyratify"),
            "description": "Decides from signatures and attestations whether OCI artifacts may be trusted.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        # One object with all of them: a list of several would mean that one of them is enough.
        "security": [{scheme: [] for scheme in needed}],
        "paths": {path: item for path, item in _paths().items() if shows or not path.startswith(_SHOWN)},
        "components": {
            "schemas": schemas,
            "securitySchemes": {scheme: _SCHEMES[scheme] for scheme in needed},
            "responses": {name: _problem(text) for name, text in _PROBLEMS.items()},
        },
    }


def _schemas(most: int) -> dict[str, Any]:
    _, schemas = msgspec.json.schema_components(_STRUCTS, ref_template=_REFERENCE)
    for schema in schemas.values():
        describe(schema)
    # Docstrings describe a class's own members only.
    inherited = schemas["Summary"]["properties"]
    for name, found in schemas["Verdict"]["properties"].items():
        found.update(inherited.get(name, {}))
    questions = schemas["Questions"]
    questions["properties"]["references"]["maxItems"] = most
    # The rule "at least one reference" is in code, where msgspec cannot see it.
    questions["anyOf"] = [
        {"required": ["references"], "properties": {"references": {"minItems": 1}}},
        {"required": ["reference"], "properties": {"reference": {"type": "string"}}},
    ]
    return schemas


def _paths() -> dict[str, Any]:
    name = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
    return {
        "/v1/verify": {"post": _asking("verify", "Decide whether references may be trusted", Verified)},
        "/v1/resolve": {"post": _asking("resolve", "Say which digests references stand for", Resolved)},
        "/v1/decisions": {"get": _telling("decisions", "The last decisions, the newest first", Recent)},
        "/v1/decisions/{id}": {
            "parameters": [name],
            "get": _telling("decision", "One decision with its evidence", Verdict, "404"),
        },
        "/openapi.json": {
            "get": {
                "operationId": "description",
                "summary": "This description",
                "responses": {"200": _content("The description", {"type": "object"}), **_refusals()},
            }
        },
    }


def _asking(name: str, text: str, answer: type) -> dict[str, Any]:
    body = {"required": True, "content": {"application/json": {"schema": _link(Questions)}}}
    return {
        "operationId": name,
        "summary": text,
        "requestBody": body,
        "responses": {
            "200": _content("An answer for every reference, errors included", _link(answer)),
            **_refusals("400", "408", "413", "415"),
        },
    }


def _telling(name: str, text: str, answer: type, *more: str) -> dict[str, Any]:
    responses = {"200": _content(text, _link(answer)), **_refusals(*more)}
    return {"operationId": name, "summary": text, "responses": responses}


def _refusals(*more: str) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/responses/{name}"} for name in sorted((*_ALWAYS, *more))}


def _problem(text: str) -> dict[str, Any]:
    return {"description": text, "content": {"application/problem+json": {"schema": _link(Problem)}}}


def _content(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": text, "content": {"application/json": {"schema": schema}}}


def _link(struct: type) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=struct.__name__)}
