"""Readers of SPDX and CycloneDX."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.sbom.document import License
from pyratify.evidence.sbom.read_sbom import parse_sbom, read_sbom
from pyratify.testing.sboms import broken_sboms, component, cyclonedx, spdx, spdx_package
from support.sbom_judging import judge, verdict


@pytest.mark.parametrize(("document", "code"), broken_sboms().values(), ids=broken_sboms().keys())
def test_a_broken_sbom_is_refused_with_its_code(document: bytes, code: str) -> None:
    """Each document of the test kit has one fault."""
    assert verdict(document) == code


@pytest.mark.parametrize("version", ["2.2", "2.3"])
def test_spdx_of_both_versions_is_read(version: str) -> None:
    """With its packages, tools and time."""
    facts = judge(spdx([spdx_package("musl"), spdx_package("zlib", expression="Zlib")], version=version))
    assert (facts["format"], facts["specVersion"], facts["packages"]) == ("spdx", version, 2)
    assert facts["licenses"] == {"MIT": 1, "Zlib": 1}
    assert (facts["tools"], facts["createdAt"]) == (["syft-1.42.0"], "2026-05-31T12:00:00Z")


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_cyclonedx_of_four_versions_is_read(version: str) -> None:
    """With its packages, tools and time."""
    facts = judge(cyclonedx([component("musl"), component("zlib", expression="")], version=version))
    assert (facts["format"], facts["specVersion"], facts["packages"]) == ("cyclonedx", version, 2)
    assert (facts["licenses"], facts["packagesWithoutLicense"]) == ({"MIT": 1}, 1)
    assert (facts["tools"], facts["createdAt"]) == (["syft 1.42.0"], "2026-05-31T12:00:00Z")


def test_nested_components_and_the_described_one_are_packages() -> None:
    """Denied packages cannot hide below another, nor in what the document describes."""
    hidden = component("outer", components=[component("middle", components=[component("inner")])])
    metadata = {"component": component("app", components=[component("bundled")])}
    found = read_sbom(parse_sbom(cyclonedx([hidden], metadata=metadata))).packages
    assert {each.name: each.where for each in found} == {
        "app": "metadata.component",
        "bundled": "metadata.component.components[0]",
        "outer": "components[0]",
        "middle": "components[0].components[0]",
        "inner": "components[0].components[0].components[0]",
    }


def test_licenses_of_cyclonedx_are_read_in_all_their_forms() -> None:
    """Identifier, name and expression, declared or concluded."""
    licenses = [
        {"license": {"id": "MIT", "acknowledgement": "declared"}},
        {"license": {"name": "Some terms"}},
        {"expression": "ISC OR Zlib", "acknowledgement": "concluded"},
    ]
    (package,) = read_sbom(parse_sbom(cyclonedx([component("a", licenses=licenses)]))).packages
    assert package.licenses == (
        License("MIT", "declared"),
        License("Some terms", "either", named=True),
        License("ISC OR Zlib", "concluded"),
    )


def test_a_license_with_an_expression_and_an_identifier_is_refused_after_a_good_one() -> None:
    """Readers would differ on which of the two holds, wherever in the document it stands."""
    good = component("good", expression="") | {"licenses": [{"expression": "MIT"}]}
    both = component("both", expression="") | {
        "licenses": [{"expression": "MIT", "license": {"id": "GPL-3.0-only"}}]
    }
    assert verdict(cyclonedx([both])) == "SBOM_INVALID"
    assert verdict(cyclonedx([good, both])) == "SBOM_INVALID"


def test_a_document_in_a_text_is_read() -> None:
    """As cosign writes predicates of type spdx."""
    assert read_sbom(spdx([spdx_package("musl")]).decode()).packages[0].name == "musl"


def test_the_message_names_the_place_of_a_fault() -> None:
    """By index, as thousands of packages may stand there."""
    with pytest.raises(Exception, match=r"packages\[1\]\.versionInfo"):
        judge(spdx([spdx_package("a"), spdx_package("b", versionInfo=2)]))


@pytest.mark.parametrize(
    ("name", "packages"), [("syftbom.spdx.json", 16), ("bom.json", 1), ("invalid-bom.json", None)]
)
def test_the_sboms_of_ratify_v1_are_read_as_it_read_them(
    shared: Path, name: str, packages: int | None
) -> None:
    """Two are good, and one lacks its version."""
    document = (shared / "ratify/plugin-sbom-testdata" / name).read_bytes()
    if packages is None:
        assert verdict(document) == "SBOM_INVALID"
    else:
        assert judge(document)["packages"] == packages


def test_every_valid_document_of_the_cyclonedx_project_is_read(shared: Path) -> None:
    """Those without components, and those that refer to other BOMs, are readable too."""
    paths = sorted((shared / "cyclonedx/1.6").glob("valid-*.json"))
    assert len(paths) == 45
    rules = {"required": {"minimumPackages": 0}, "externalDocuments": "ignore"}
    assert {path.name: verdict(path.read_bytes(), **rules) for path in paths} == {
        path.name: "pass" for path in paths
    }


@pytest.mark.parametrize(
    "name",
    [
        "bomformat",
        "license-choice",
        "license-missing-id-and-name",
        "metadata-timestamp",
        "missing-component-type",
    ],
)
def test_invalid_documents_of_the_cyclonedx_project_are_refused(shared: Path, name: str) -> None:
    """Where what is wrong is something that rules read."""
    path = shared / f"cyclonedx/1.6/invalid-{name}-1.6.json"
    assert verdict(path.read_bytes(), required={"minimumPackages": 0}) in ("SBOM_INVALID", "TIME_INVALID")


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("SPDXJSONExample-v2.2", "pass"),
        ("SPDXJSONExample-v2.3", "pass"),
        ("ControlCharacters", "pass"),
        ("SPDXJSONExample-UTF-16", "JSON_INVALID"),
    ],
)
def test_documents_of_the_spdx_project_are_read(shared: Path, name: str, outcome: str) -> None:
    """UTF-16 is no JSON of RFC 8259."""
    document = (shared / f"spdx/{name}.spdx.json").read_bytes()
    assert verdict(document, externalDocuments="ignore") == outcome


def test_a_compressed_document_is_called_so() -> None:
    """Some tools compress what they attach; nothing is unpacked, as its size would be the publisher's to choose."""
    with pytest.raises(VerificationError, match="compressed with gzip") as refused:
        parse_sbom(gzip.compress(spdx()))
    assert refused.value.reason is Reason.MEDIATYPE_UNSUPPORTED


EVIL = {"type": "library", "name": "evil"}


@pytest.mark.parametrize(
    "members",
    [
        {"Components": [EVIL]},
        {"COMPONENTS": [EVIL]},
        {"component\u017f": [EVIL]},
        {"components": [component("a", Purl="pkg:npm/evil")]},
        {"components": [component("a", components=[component("b", Licenses=[])])]},
        {"metadata": {"component": component("a", Components=[EVIL])}},
        {"Metadata": {}},
        {"metadata": {"Timestamp": "2036-01-01T00:00:00Z"}},
        {"metadata": {"Component": EVIL}},
        {"metadata": {"tools": [{"Name": "x"}]}},
        {"metadata": {"tools": {"Components": []}}},
        {"metadata": {"tools": {"components": [{"Version": "1"}]}}},
        {"metadata": {"supplier": {"Name": "evil"}}},
        {"metadata": {"authors": [{"NAME": "evil"}]}},
        {"components": [component("a", licenses=[{"License": {"id": "GPL-3.0-only"}}])]},
        {"components": [component("a", licenses=[{"license": {"name": "x", "ID": "GPL-3.0-only"}}])]},
        {"components": [component("a", hashes=[{"Content": "00"}])]},
        {"components": [component("a", supplier={"name": "x", "Name": "y"})]},
        {"components": [component("a", externalReferences=[{"url": "x", "type": "vcs", "Type": "bom"}])]},
        {"externalReferences": [{"URL": "x", "type": "bom"}]},
    ],
)
def test_a_member_in_another_case_is_refused(members: dict[str, Any]) -> None:
    """Programs in Go read it, and this reader would not: a denied package could be in it."""
    document = json.loads(cyclonedx([component("a")])) | members
    with pytest.raises(VerificationError, match="some readers take for") as refused:
        read_sbom(document)
    assert refused.value.reason is Reason.SBOM_INVALID


@pytest.mark.parametrize(
    ("members", "other", "known"),
    [
        (
            {"packages": [{**spdx_package("a"), "LicenseConcluded": "GPL-3.0-only"}]},
            "LicenseConcluded",
            "licenseConcluded",
        ),
        (
            {"packages": [{**spdx_package("a"), "externalRefs": [{"ReferenceType": "purl"}]}]},
            "ReferenceType",
            "referenceType",
        ),
        ({"packages": [{**spdx_package("a"), "checksums": [{"Algorithm": "x"}]}]}, "Algorithm", "algorithm"),
        ({"creationInfo": {"created": "2026-01-01T00:00:00Z", "Creators": []}}, "Creators", "creators"),
        ({"relationships": [{"RelationshipType": "DESCRIBES"}]}, "RelationshipType", "relationshipType"),
        ({"externalDocumentRefs": [{"SPDXDocument": "x"}]}, "SPDXDocument", "spdxDocument"),
    ],
)
def test_a_member_of_spdx_in_another_case_is_refused(members: dict[str, Any], other: str, known: str) -> None:
    """In SPDX too, wherever rules read."""
    document = json.loads(spdx([spdx_package("a")])) | members
    with pytest.raises(VerificationError, match=f"{other!r}, which some readers take for {known!r}"):
        read_sbom(document)
