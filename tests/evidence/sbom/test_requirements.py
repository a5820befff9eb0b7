"""What an SBOM must state."""

from datetime import timedelta

import pytest

from pyratify.config.decode import decode
from pyratify.core.errors import ConfigurationError
from pyratify.evidence.sbom.read_sbom import parse_sbom
from pyratify.evidence.sbom.sbom_options import SbomRuleOptions, sbom_rules
from pyratify.testing.sboms import DIGEST, component, cyclonedx, spdx, spdx_package
from support.sbom_judging import HERE, judge, verdict

OTHER = "sha256:" + "00" * 32
PACKAGE = spdx_package("a", purl="pkg:npm/a@1", supplier="Organization: A")


@pytest.mark.parametrize(
    ("required", "outcome"),
    [
        ({"minimumPackages": 1}, "pass"),
        ({"minimumPackages": 2}, "SBOM_INVALID"),
        ({"fields": ["supplier", "version", "purl", "license"]}, "pass"),
        ({"tools": ["syft"]}, "pass"),
        ({"tools": ["trivy", "Syft"]}, "pass"),
        ({"tools": ["syf"]}, "SBOM_INVALID"),
        ({"maximumAge": "25h"}, "pass"),
        ({"maximumAge": "23h"}, "EVIDENCE_STALE"),
        ({"subjectDigest": True}, "PAYLOAD_SUBJECT_MISMATCH"),
    ],
)
def test_what_is_required_must_be_there(required: dict[str, object], outcome: str) -> None:
    """Each requirement by itself, of an SBOM that was made a day ago."""
    assert verdict(spdx([PACKAGE]), required=required) == outcome


@pytest.mark.parametrize("field", ["supplier", "version", "purl", "license"])
def test_one_package_without_a_required_field_is_enough_to_refuse(field: str) -> None:
    """The message names it."""
    lacking = spdx_package("bare", "", "NOASSERTION")
    document = spdx([PACKAGE, lacking])
    with pytest.raises(Exception, match=rf"1 package lacks .*bare \(packages\[1\]\): no {field}"):
        judge(document, required={"fields": [field]})


@pytest.mark.parametrize("make", [spdx, cyclonedx], ids=["SPDX", "CycloneDX"])
def test_the_digest_of_what_is_described_must_be_that_of_the_subject(make: object) -> None:
    """A described image of another digest is another image's SBOM."""
    assert verdict(make(digest=DIGEST), required={"subjectDigest": True}) == "pass"  # type: ignore[operator]
    assert verdict(make(digest=OTHER), required={"subjectDigest": True}) == "PAYLOAD_SUBJECT_MISMATCH"  # type: ignore[operator]


@pytest.mark.parametrize(
    "fields",
    [
        {"purl": f"pkg:oci/app@{DIGEST.replace(':', '%3A')}?repository_url=ghcr.io/acme/app"},
        {"version": DIGEST},
        {"version": "1", "name": f"ghcr.io/acme/app@{DIGEST}"},
        {"version": "1", "hashes": [{"alg": "SHA-256", "content": DIGEST.removeprefix("sha256:")}]},
    ],
)
def test_tools_write_the_digest_in_several_places(fields: dict[str, object]) -> None:
    """Each of them binds the document."""
    root = component("app", type="container") | fields
    document = cyclonedx([component("a")], metadata={"component": root})
    assert verdict(document, required={"subjectDigest": True}) == "pass"


def test_a_digest_elsewhere_in_the_document_binds_nothing() -> None:
    """Only that of what the document describes counts."""
    inner = component("base-image", DIGEST, type="container")
    assert verdict(cyclonedx([inner]), required={"subjectDigest": True}) == "PAYLOAD_SUBJECT_MISMATCH"
    package = spdx_package("base-image", DIGEST)
    assert verdict(spdx([package]), required={"subjectDigest": True}) == "PAYLOAD_SUBJECT_MISMATCH"


def test_the_verdict_ends_when_the_sbom_becomes_too_old() -> None:
    """Counted from when it was made."""
    rules = sbom_rules(decode(SbomRuleOptions, {"required": {"maximumAge": "2d"}}))
    judgement = rules.judge(parse_sbom(spdx([PACKAGE])), HERE)
    assert judgement.valid_until == HERE.now + timedelta(days=1)


def test_an_sbom_without_a_time_has_no_age() -> None:
    """What is not known to be new is not new."""
    document = cyclonedx([component("a")], metadata={})
    assert verdict(document) == "pass"
    assert verdict(document, required={"maximumAge": "1000d"}) == "EVIDENCE_STALE"


@pytest.mark.parametrize("text", ["a day", "0h", "-1h", "24"])
def test_a_duration_that_is_none_is_an_error_of_the_configuration(text: str) -> None:
    """With its path."""
    with pytest.raises(ConfigurationError) as caught:
        judge(spdx([PACKAGE]), required={"maximumAge": text})
    assert caught.value.path == "required.maximumAge"


@pytest.mark.parametrize(
    ("field", "stated"),
    [
        ("supplier", {"supplier": " "}),
        ("supplier", {"supplier": "Organization: "}),
        ("supplier", {"supplier": "Person:"}),
        ("version", {"versionInfo": " "}),
        ("version", {"versionInfo": "NOASSERTION"}),
        ("purl", {"externalRefs": [{"referenceType": "purl", "referenceLocator": ""}]}),
        ("purl", {"externalRefs": [{"referenceType": "purl", "referenceLocator": "NOASSERTION"}]}),
        ("purl", {"externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:npm"}]}),
    ],
)
def test_a_field_that_says_nothing_is_not_stated(field: str, stated: dict[str, object]) -> None:
    """Blanks, a kind of supplier without its name, and texts that are no package URL fill a field and state nothing."""
    document = spdx([PACKAGE, {**PACKAGE, **stated}])
    assert verdict(document, required={"fields": [field]}) == "SBOM_INVALID"
    assert verdict(spdx([PACKAGE]), required={"fields": [field]}) == "pass"


def test_files_are_no_packages() -> None:
    """Syft lists the files of an image among its components; rules about packages find nothing in them."""
    files = [component(f"etc/{number}", type="file") for number in range(5)]
    assert verdict(cyclonedx(files)) == "SBOM_INVALID"
    assert verdict(cyclonedx([component("a"), *files]), required={"minimumPackages": 2}) == "SBOM_INVALID"
    assert verdict(cyclonedx([component("a"), *files])) == "pass"


def test_an_old_sbom_is_to_be_made_again() -> None:
    """What to do is about the SBOM, and not about the build of the image."""
    with pytest.raises(Exception, match="old") as refused:
        judge(spdx([PACKAGE]), required={"maximumAge": "1h"})
    assert "Make the SBOM again" in refused.value.remedy  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["DESCRIBES", "DESCRIBED_BY", "documentDescribes"])
def test_what_the_document_describes_is_said_in_three_ways(kind: str) -> None:
    """SPDX 2.3, clause 11.1, and the short form of its JSON; another relationship binds nothing."""
    root = spdx_package("image", DIGEST, "NOASSERTION") | {"SPDXID": "SPDXRef-Root"}
    ends = (
        ("SPDXRef-DOCUMENT", "SPDXRef-Root") if kind == "DESCRIBES" else ("SPDXRef-Root", "SPDXRef-DOCUMENT")
    )
    for name, outcome in ((kind, "pass"), ("CONTAINS", "PAYLOAD_SUBJECT_MISMATCH")):
        relationship = dict(zip(("spdxElementId", "relatedSpdxElement"), ends, strict=True))
        fields: dict[str, object] = {"relationships": [relationship | {"relationshipType": name}]}
        if name == "documentDescribes":
            fields = {"documentDescribes": ["SPDXRef-Root"]}
        assert verdict(spdx([root], **fields), required={"subjectDigest": True}) == outcome


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"supplier": {"name": "Acme"}}, "pass"),
        ({"manufacturer": {"name": "Acme"}}, "pass"),
        ({"publisher": "Acme"}, "pass"),
        ({"supplier": {"name": ""}, "publisher": "Acme"}, "pass"),
        ({"author": "Acme"}, "SBOM_INVALID"),
        ({}, "SBOM_INVALID"),
    ],
)
def test_a_component_names_its_supplier_in_three_ways(fields: dict[str, object], outcome: str) -> None:
    """Its supplier, its manufacturer or its publisher (CycloneDX, `component`)."""
    document = cyclonedx([component("a", **fields)])
    assert verdict(document, required={"fields": ["supplier"]}) == outcome


def test_creators_are_tools_and_authors() -> None:
    """SPDX 2.3, clause 6.8; of licenses the most frequent come first, then by name."""
    packages = [
        spdx_package(f"p{number}", expression=text)
        for number, text in enumerate(("Zlib", "MIT", "ISC", "MIT"))
    ]
    facts = judge(spdx(packages), required={"minimumPackages": 1})
    assert (facts["tools"], facts["authors"]) == (["syft-1.42.0"], ["Organization: Example"])
    assert list(facts["licenses"].items()) == [("MIT", 2), ("ISC", 1), ("Zlib", 1)]
