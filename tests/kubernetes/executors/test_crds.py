"""The definitions for API servers say what the code reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pyratify.config import yaml
from pyratify.kubernetes.client.kinds import EXECUTOR, KINDS, Kind
from pyratify.kubernetes.executors.crds import definition, definition_files

CRDS = Path(__file__).resolve().parents[3] / "deploy" / "crds"
ALLOWED = {
    *("description", "type", "format", "properties", "required", "items", "enum", "pattern"),
    *("minimum", "maximum", "exclusiveMinimum", "minLength", "maxLength", "minItems", "maxItems"),
    *("x-kubernetes-preserve-unknown-fields", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"),
}


def schema(kind: Kind = EXECUTOR) -> dict[str, Any]:
    """Return the schema of a kind."""
    found: dict[str, Any] = definition(kind)["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Iterate over all schemas within a schema."""
    yield node
    for each in (*node.get("properties", {}).values(), *((node["items"],) if "items" in node else ())):
        yield from nodes(each)


def test_the_files_are_what_the_code_says() -> None:
    """Every definition is in deploy/crds, and nothing else."""
    assert {path.name: path.read_text().partition("\n")[2] for path in CRDS.iterdir()} == definition_files()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_schemas_are_structural(kind: Kind) -> None:
    """Every part has a type and only what API servers accept: no references, alternatives, defaults or look-ahead."""
    for node in nodes(schema(kind)):
        # Where alternatives stand, the controller checks what the API server only keeps.
        assert "type" in node or node.get("x-kubernetes-preserve-unknown-fields"), node
        assert set(node) <= ALLOWED
        assert "(?" not in node.get("pattern", "")
        assert isinstance(node.get("exclusiveMinimum", True), bool)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_the_definitions_have_the_fields_of_ratify_v2(kind: Kind) -> None:
    """Names, scope, status subresource, columns, required members: all that Ratify v2's own resources have."""
    found = definition(kind)
    (version,) = found["spec"]["versions"]
    assert found["metadata"]["name"] == f"{kind.name.lower()}s.config.ratify.sh"
    assert (found["spec"]["scope"] == "Namespaced") is kind.namespaced
    assert (version["name"], version["subresources"]) == ("v2alpha1", {"status": {}})
    columns = {each["name"]: each["jsonPath"] for each in version["additionalPrinterColumns"]}
    assert {"Succeeded": ".status.succeeded", "Error": ".status.briefError"}.items() <= columns.items()
    spec, status = (schema(kind)["properties"][name] for name in ("spec", "status"))
    assert set(spec["required"]) == {"scopes", "verifiers", "stores"}
    assert {"policyEnforcer", "concurrency", "timeout", "limits"} <= set(spec["properties"])
    assert "scopes" in spec["properties"]["stores"]["items"]["properties"]
    assert {"succeeded", "error", "briefError", "observedGeneration", "conditions"} == set(
        status["properties"]
    )


def test_what_is_misspelled_reaches_the_validation_that_refuses_it() -> None:
    """An API server that drops an unknown `policyEnforcr` would leave a weaker policy behind."""
    for node in nodes(schema()["properties"]["spec"]):
        if node.get("type") == "object":
            assert node["x-kubernetes-preserve-unknown-fields"] is True


def test_ratify_v2s_own_resources_fit(shared: Path) -> None:
    """Every Executor of Ratify's acceptance tests is valid."""
    files = sorted((shared / "ratify" / "bats-config").glob("*executor*.yaml"))
    assert len(files) >= 11
    for file in files:
        resource = yaml.loads(file.read_bytes())
        kind = next(kind for kind in KINDS if kind.name == resource["kind"])
        jsonschema.Draft4Validator(schema(kind)).validate(resource)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("scopes",), []),
        (("concurrency",), 257),
        (("timeout",), 0),
        (("stores",), None),
        (("verifiers", 0, "name"), ""),
    ],
    ids=str,
)
def test_what_is_out_of_bounds_is_refused(path: tuple[Any, ...], value: Any) -> None:
    """The bounds of the configuration are the definition's."""
    verifier = {"name": "c", "type": "cosign", "parameters": {}}
    spec: dict[str, Any] = {
        "scopes": ["a.example"],
        "verifiers": [verifier],
        "stores": [{"type": "registry-store"}],
    }
    validator = jsonschema.Draft4Validator(schema()["properties"]["spec"])
    validator.validate(spec)
    changed: Any = json.loads(json.dumps(spec))
    place = changed
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    assert not validator.is_valid(changed)
