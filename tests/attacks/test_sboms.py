"""Attacks with SBOMs and with documents that have schemas."""

import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.testing.sboms import component, cyclonedx, spdx, spdx_package
from support.sbom_judging import verdict
from support.sbom_setting import CYCLONEDX, SPDX, SbomSetting
from support.scenes import codes
from verifiers.schema.test_schema_verifier import JSON, build, judged, schemas

GOOD = spdx([spdx_package("musl")])
BAD = spdx([spdx_package("evil", expression="GPL-3.0-only")])
DENY = {"deniedLicenses": ["GPL-3.0-only"]}
BILLION = b"".join(
    b'<!ENTITY x%d "%s">' % (number, b"&x%d;" % (number - 1) * 10 if number else b"x") for number in range(10)
)


@pytest.mark.parametrize(
    "artifact_type", [CYCLONEDX, "application/vnd.cyclonedx+xml", "application/vnd.cyclonedx"]
)
@pytest.mark.parametrize(
    "entity", [b'<!ENTITY x SYSTEM "file:///%s">', b'<!ENTITY x SYSTEM "http://127.0.0.1:9/">', BILLION]
)
async def test_atk_087_xml_is_refused_before_anything_is_expanded(
    artifact_type: str, entity: bytes, tmp_path: Path
) -> None:
    """There is no parser of XML: the first character decides."""
    secret = tmp_path / "secret"
    secret.write_text("content of a file")
    entity = entity.replace(b"%s", str(secret).encode())
    document = (
        b'<?xml version="1.0"?><!DOCTYPE bom ['
        + entity
        + b']><bom xmlns="http://cyclonedx.org/schema/bom/1.6">&x;&x9;</bom>'
    )
    setting = SbomSetting()
    setting.attach(b"\xef\xbb\xbf \n" + document, artifact_type=artifact_type)
    result = await setting.validate({})
    assert result.decision is Decision.DENY
    assert Reason.MEDIATYPE_UNSUPPORTED in codes(result)
    assert "content of a file" not in json.dumps(result.to_dict())


async def test_atk_088_expressions_of_schemas_take_linear_time() -> None:
    """A backtracking engine would need longer than the universe has been there."""
    setting = schemas({"type": "object", "properties": {"name": {"pattern": "^(a+)+$"}}})
    document = json.dumps({"name": "a" * 1024 * 1024 + "!"}).encode()
    assert Reason.REPORT_INVALID in codes(await judged(setting, (JSON, document)))


@pytest.mark.parametrize(
    "packages",
    [
        [spdx_package("a", expression=f"LicenseRef-{number} AND " * 600 + "MIT") for number in range(50)],
        [spdx_package("a", f"{number}." * 30) for number in range(1000)],
        [spdx_package("a", purl=f"pkg:npm/{number}" + "%41" * 1000 + "a@1") for number in range(400)],
    ],
    ids=["licenses", "versions", "package URLs"],
)
def test_atk_088_the_texts_of_one_document_share_a_budget(packages: list[dict[str, Any]]) -> None:
    """Each is within its bound, and all together are not."""
    rules = {**DENY, "deniedPackages": [{"name": "a", "versions": "vers:npm/<0.0.1"}, {"purl": "pkg:npm/a"}]}
    assert verdict(spdx(packages), **rules) == "PARSE_LIMIT"
    assert verdict(spdx(packages[:1]), **rules) != "PARSE_LIMIT"


def test_atk_088_free_names_of_licenses_share_it_too() -> None:
    """Their words are looked through for what is denied: 16 MiB of them would take seconds for each document."""
    document = cyclonedx([component("a", licenses=[{"license": {"name": "a b " * 2_500_000}}])])
    assert verdict(document, **DENY) == "PARSE_LIMIT"
    ordinary = cyclonedx([component("a", licenses=[{"license": {"name": "a b " * 10_000}}])])
    assert verdict(ordinary, **DENY) == "pass"


async def test_atk_088_of_a_hundred_thousand_faults_one_is_looked_for() -> None:
    """A library that collects them all would stop the process for seconds."""
    document = json.dumps({"name": list(range(100_000))}).encode()
    rule = schemas({"type": "object", "properties": {"name": {"items": {"type": "string"}}}})
    result = await judged(rule, (JSON, document))
    failure = result.artifacts[0].results[0].failure
    assert failure is not None
    assert failure.message.endswith('name[0]: the value is not of type "string"')
    many = json.dumps([{} for _ in range(200_000)]).encode()
    assert Reason.PARSE_LIMIT in codes(await judged(rule, (JSON, many)))


@pytest.mark.parametrize("reference", ["http://127.0.0.1:9/x.json", "file:///etc/passwd", "other.json"])
async def test_atk_088_a_schema_that_refers_elsewhere_is_refused_when_it_is_read(reference: str) -> None:
    """Nothing is fetched, then or later."""
    with pytest.raises(ConfigurationError):
        await build(schemas({"$ref": reference}))


@pytest.mark.parametrize(
    "package",
    [
        spdx_package("a", expression="(" * 100_000 + "MIT" + ")" * 100_000),
        spdx_package("a", expression="MIT AND " * 100_000 + "MIT"),
        spdx_package("a", expression="MIT OR (ISC AND " * 500 + "MIT" + ")" * 500),
        spdx_package("a", "1" * 100_000),
        spdx_package("a", purl="pkg:npm/" + "%41" * 100_000 + "a@1"),
        spdx_package("a" * 100_000),
    ],
    ids=["brackets", "licenses", "levels", "version", "package URL", "name"],
)
def test_atk_088_long_texts_are_bounded_before_they_are_parsed(package: dict[str, Any]) -> None:
    """By characters; what is longer cannot be compared, and is refused where a rule would have to."""
    rules = {**DENY, "deniedPackages": [{"name": "a", "versions": "vers:npm/<1.0.0"}, {"purl": "pkg:npm/a"}]}
    assert verdict(spdx([package]), **rules) in ("LICENSE", "PACKAGE_DENIED", "pass")
    assert verdict(spdx([package | {"licenseDeclared": "GPL-3.0-only"}]), **rules) == "LICENSE"


@pytest.mark.parametrize("document", [GOOD, cyclonedx([component("musl")])], ids=["SPDX", "CycloneDX"])
async def test_atk_212_an_unsigned_sbom_is_no_evidence(document: bytes) -> None:
    """Unless the policy says so: whatever may push to the repository could attach a clean one."""
    setting = SbomSetting()
    setting.attach(document, artifact_type=SPDX if document is GOOD else CYCLONEDX)
    result = await setting.validate(DENY, rule={"verifierName": "sbom"})
    assert result.failure is not None
    assert (result.decision, result.failure.reason) == (Decision.DENY, Reason.EVIDENCE_UNSIGNED)
    allowed = await setting.validate(DENY, rule={"verifierName": "sbom", "requireSigned": False})
    assert allowed.decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("announced", "document"),
    [(SPDX, cyclonedx([component("a")])), (CYCLONEDX, GOOD), (SPDX, b'{"version": "2.1.0", "runs": []}')],
)
async def test_atk_215_a_document_of_another_kind_than_announced_is_refused(
    announced: str, document: bytes
) -> None:
    """The manifest's type selects the reader, and the body must be of it."""
    setting = SbomSetting()
    setting.attach(document, artifact_type=announced)
    assert Reason.SBOM_INVALID in codes(await setting.validate({}))


async def test_atk_215_a_document_does_not_choose_its_schema() -> None:
    """Its own $schema is text like any other."""
    document = json.dumps({"$schema": "http://127.0.0.1:9/anything.json", "name": 1}).encode()
    assert Reason.REPORT_INVALID in codes(await judged(schemas(), (JSON, document)))


@pytest.mark.parametrize("source", ["http://127.0.0.1:9/schema.json", "https://example.com/schema.json"])
async def test_atk_215_a_schema_is_never_fetched(source: str) -> None:
    """Ratify v1 fetched it for every image."""
    with pytest.raises(ConfigurationError, match="not fetched"):
        await build({"schemas": {JSON: source}})


@pytest.mark.parametrize(
    "expression",
    [
        "MIT AND GPL-3.0",
        "GPL-3.0",
        "NOASSERTION",
        "NONE",
        "",
        "LicenseRef-x",
        "MIT, GPL-3.0",
        "MIT AND",
        "Unheard-of",
        "MIT/GPL",
    ],
)
def test_atk_216_only_what_is_surely_allowed_passes_an_allow_list(expression: str) -> None:
    """What is unknown, absent or cannot be read is not allowed."""
    assert verdict(spdx([spdx_package("a", expression=expression)]), allowedLicenses=["MIT"]) == "LICENSE"


@pytest.mark.parametrize(
    ("expression", "outcome"), [("mit", "pass"), ("MIT OR GPL-3.0", "pass"), ("Mit And mit", "pass")]
)
def test_atk_216_expressions_are_evaluated_and_identifiers_have_no_case(
    expression: str, outcome: str
) -> None:
    """OR may choose the license that is allowed (SPDX 2.3, annex D)."""
    assert verdict(spdx([spdx_package("a", expression=expression)]), allowedLicenses=["MIT"]) == outcome


@pytest.mark.parametrize(
    "hidden",
    [
        {"components": [component("outer", components=[component("evil", expression="GPL-3.0-only")])]},
        {"metadata": {"component": component("app", expression="GPL-3.0-only")}},
        {
            "metadata": {
                "component": component("app", components=[component("evil", expression="GPL-3.0-only")])
            }
        },
    ],
)
def test_atk_216_packages_within_packages_are_judged(hidden: dict[str, Any]) -> None:
    """Also within what the document describes."""
    document = cyclonedx([component("musl")], **hidden)
    assert verdict(document, **DENY) == "LICENSE"


@pytest.mark.parametrize("documents", [(GOOD, BAD), (BAD, GOOD), (GOOD, b"<bom/>"), (GOOD, b"{}")])
async def test_atk_217_every_document_of_an_artifact_is_judged(documents: tuple[bytes, ...]) -> None:
    """Ratify v1 looked at the first."""
    setting = SbomSetting()
    setting.attach(*documents)
    assert (await setting.validate(DENY)).decision is Decision.DENY


@pytest.mark.parametrize(
    "document",
    [
        spdx([spdx_package("a")], externalDocumentRefs=[{"spdxDocument": "http://127.0.0.1:9/other"}]),
        spdx([spdx_package("a")], externalDocumentRefs=["anything"]),
        cyclonedx([component("a", externalReferences=[{"type": "bom", "url": "http://127.0.0.1:9/other"}])]),
        cyclonedx([component("a")], externalReferences=[{"type": "bom", "url": "urn:cdx:x/1"}]),
    ],
)
def test_atk_217_other_documents_are_not_fetched_and_what_needs_them_is_refused(document: bytes) -> None:
    """What they list would escape every rule."""
    assert verdict(document) == "SBOM_INVALID"
    assert verdict(document, externalDocuments="ignore") == "pass"
