"""The API's description is OpenAPI 3.1, and real requests and answers are as it says."""

import json
from pathlib import Path
from typing import Any

import aiohttp
import jsonschema
import pytest

from pyratify.core.platform_choice import PlatformChoice
from pyratify.entrypoints.service.openapi import openapi
from pyratify.testing.cosign import CosignKey
from pyratify.testing.docker_chain import make_chain
from pyratify.testing.registry import RegistrySimulator
from support.providers import signed
from support.scenes import KIND, validate
from support.services import MATERIAL, asked, configuration, running, service

TAGS = json.loads((MATERIAL / "expected.json").read_text())


def fits(document: Any, name: str, description: dict[str, Any]) -> None:
    """Refuse a document that is not as the named schema says."""
    schema = {
        **description,
        "$ref": f"#/components/schemas/{name}",
        "$schema": description["jsonSchemaDialect"],
    }
    jsonschema.Draft202012Validator(schema).validate(document)


async def test_real_verdicts_are_as_described(tmp_path: Path) -> None:
    """Every image of the signed material, decided by a process that asks a registry; then single decisions and problems."""
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        references = [f"{registry.host}/app:{tag}" for tag in (*TAGS, "no-such-tag")] + ["no reference"]
        async with (
            running(tmp_path, "--config", configuration(tmp_path)) as one,
            aiohttp.ClientSession(one.url) as client,
        ):
            async with client.get("/openapi.json") as answer:
                description = await answer.json()
            async with client.post("/v1/verify", json={"references": references}) as answer:
                verified = await answer.json()
            async with client.post("/v1/resolve", json={"references": references}) as answer:
                resolved = await answer.json()
            async with client.get("/v1/decisions") as answer:
                recent = await answer.json()
            async with client.get(f"/v1/decisions/{recent['decisions'][0]['id']}") as answer:
                decision = await answer.json()
            async with client.post("/v1/verify", json={"reference": 7}) as answer:
                problem = await answer.json(content_type="application/problem+json")
    fits(verified, "Verified", description)
    fits(resolved, "Resolved", description)
    fits(recent, "Recent", description)
    fits(decision, "Verdict", description)
    fits(problem, "Problem", description)
    found = {answer["reference"].rpartition(":")[2]: answer["succeeded"] for answer in verified["answers"]}
    wanted = {tag: "pass" in verdicts.values() for tag, verdicts in TAGS.items()}
    assert found == {**wanted, "no-such-tag": False, "no reference": False}
    pinned = {answer["digest"] for answer in verified["answers"]}
    assert {answer["digest"] for answer in resolved["answers"]} == pinned


@pytest.mark.parametrize(
    ("body", "good"),
    [
        ({"reference": "a"}, True),
        ({"references": ["a", "b"], "namespace": "team-a"}, True),
        ({"references": ["a"], "reference": None}, True),
        ({}, False),
        ({"references": []}, False),
        ({"reference": None}, False),
        ({"references": ["a", 1]}, False),
        ({"references": ["a"] * 5}, False),
        ({"reference": "a", "namespace": "A"}, False),
        ({"reference": "a", "more": 1}, False),
    ],
)
async def test_what_the_description_allows_is_what_is_read(body: dict[str, Any], good: bool) -> None:
    """The schema and the server agree on every request."""
    description = openapi(4, ())
    status, _ = await asked(service(signed()), "/v1/verify", body, most=4)
    assert (status == 200) == good
    if good:
        fits(body, "Questions", description)
    else:
        with pytest.raises(jsonschema.ValidationError):
            fits(body, "Questions", description)


async def test_a_report_on_platforms_is_as_described() -> None:
    """Platform and decision of each manifest, and what is nested below it."""
    chain = make_chain()
    chain.sign(CosignKey.generate(), chain.attestations[0])
    chain.store.attach(chain.images[0], KIND)
    for choice in ("each", "any", ["linux/arm64"]):
        result = await validate(chain.store, platforms=PlatformChoice.parse(choice))
        found = result.to_dict()
        assert {"platform", "discovery"} <= set(found["artifactReports"][-1])
        fits(json.loads(json.dumps(found)), "Report", openapi(4, ()))


def test_the_description_is_whole() -> None:
    """Every link in it leads somewhere, every schema is one, and every member of an answer is explained."""
    description = openapi(64, ("bearer", "certificate"))
    schemas = description["components"]["schemas"]
    for schema in schemas.values():
        jsonschema.Draft202012Validator.check_schema(schema)
    for link in _links(description):
        place = description
        for part in link.removeprefix("#/").split("/"):
            place = place[part]
    unsaid = [
        f"{name}.{member}"
        for name, schema in schemas.items()
        for member, found in schema.get("properties", {}).items()
        if not found.get("description")
    ]
    assert unsaid == []
    assert description["security"] == [{"bearer": [], "certificate": []}]
    assert set(description["components"]["securitySchemes"]) == {"bearer", "certificate"}
    names = [
        each["operationId"]
        for path in description["paths"].values()
        for each in path.values()
        if isinstance(each, dict)
    ]
    assert len(names) == len(set(names)) == 5


def _links(value: Any) -> list[str]:
    if isinstance(value, list):
        return [link for item in value for link in _links(item)]
    if isinstance(value, dict):
        own = [value["$ref"]] if "$ref" in value else []
        return own + [link for item in value.values() for link in _links(item)]
    return []
