"""When a VEX statement takes a finding away, and when it does not."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances
from pyratify.evidence.vex.package_url import parse_package_url
from pyratify.evidence.vex.read_vex import read_vex
from pyratify.evidence.vex.statement import Status
from pyratify.evidence.vex.suppression import Suppression
from pyratify.evidence.vulnerability.finding import Finding
from pyratify.evidence.vulnerability.judge_report import VulnerabilityJudge
from pyratify.evidence.vulnerability.rules import VulnerabilityRules
from pyratify.evidence.vulnerability.severity import Severity
from pyratify.testing.vulnerability import Vulnerability, cyclonedx_vex, openvex, trivy_report

SUBJECT = "sha256:" + "ab" * 32
OTHER = "sha256:" + "cd" * 32
ALPINE = "sha256:124c7d2707904eea7431fffe91522a01e5a861a624ee31d03372cc1d138a3126"
NOW = datetime(2026, 6, 2, tzinfo=UTC)
LOG4J = "pkg:maven/org.apache/log4j-core@2.14.1"


def finding(identifier: str = "CVE-2021-44228", purl: str = LOG4J, **more: Any) -> Finding:
    """Return a finding."""
    return Finding(identifier, Severity.CRITICAL, "here", "log4j-core", "2.14.1", purl=purl, **more)


def suppressed(*documents: object, of: Finding | None = None, subject: str = SUBJECT) -> bool:
    """Return whether documents suppress a finding."""
    return Suppression(map(read_vex, documents), subject, NOW)(of or finding())


@pytest.mark.parametrize("document", [openvex(SUBJECT), cyclonedx_vex(SUBJECT)], ids=["openvex", "cyclonedx"])
def test_a_statement_about_the_subject_suppresses(document: object) -> None:
    """All five conditions hold."""
    assert suppressed(document)
    assert not suppressed(document, of=finding("CVE-2000-0001"))


@pytest.mark.parametrize(
    ("time", "taken"),
    [("2026-06-01T23:59:00Z", True), ("2026-06-02T00:05:00Z", True), ("2026-06-02T00:05:01Z", False)],
)
def test_a_statement_may_be_of_a_clock_that_is_five_minutes_ahead(time: str, *, taken: bool) -> None:
    """One that is to come says nothing yet."""
    assert suppressed(openvex(SUBJECT, time=time)) is taken


REFUSED = {
    "another image": openvex(OTHER),
    "no product": openvex(SUBJECT) | {"statements": [openvex(SUBJECT)["statements"][0] | {"products": []}]},
    "a name alone": openvex("")
    | {"statements": [openvex(SUBJECT)["statements"][0] | {"products": [{"@id": "pkg:oci/image"}]}]},
    "every name": openvex("")
    | {"statements": [openvex(SUBJECT)["statements"][0] | {"products": [{"@id": "pkg:oci/*"}]}]},
    "no justification": openvex(SUBJECT, justification=None),
    "a justification of no kind": openvex(SUBJECT, justification="we looked"),
    "affected": openvex(SUBJECT, status="affected"),
    "under investigation": openvex(SUBJECT, status="under_investigation"),
    "of the future": openvex(SUBJECT, time="2036-01-01T00:00:00Z"),
    "of no time": openvex(SUBJECT, time=""),
    "another package": openvex(SUBJECT, components=["pkg:maven/org.apache/log4j-api@2.14.1"]),
    "another version": openvex(SUBJECT, components=["pkg:maven/org.apache/log4j-core@2.17.0"]),
    "no readable package": openvex(SUBJECT, components=["log4j"]),
    "an empty list of packages": openvex(SUBJECT, components=[]),
    "another image in CycloneDX": cyclonedx_vex(OTHER),
    "no justification in CycloneDX": cyclonedx_vex(SUBJECT, justification=None),
    "exploitable in CycloneDX": cyclonedx_vex(SUBJECT, state="exploitable"),
    "another package in CycloneDX": cyclonedx_vex(SUBJECT, packages=["pkg:deb/debian/bash@5"]),
}


@pytest.mark.parametrize("document", REFUSED.values(), ids=REFUSED)
def test_a_statement_that_lacks_a_condition_suppresses_nothing(document: object) -> None:
    """One condition that does not hold is enough."""
    assert not suppressed(document)


@pytest.mark.parametrize("status", ["fixed", "resolved"])
def test_what_is_fixed_needs_no_justification(status: str) -> None:
    """A product that has the fix is not affected."""
    document = (
        openvex(SUBJECT, status=status, justification=None)
        if status == "fixed"
        else cyclonedx_vex(SUBJECT, state=status, justification=None)
    )
    assert suppressed(document)


def test_a_package_is_matched_by_its_url() -> None:
    """Type, namespace, name, version and qualifiers count where the statement names them."""
    whole = "pkg:deb/debian/bash@5.2-1?arch=amd64&distro=debian-12"
    found = finding(purl=whole)
    for covered in (
        "pkg:deb/debian/bash",
        "pkg:deb/debian/bash@5.2-1",
        "pkg:deb/debian/bash@5.2-1?arch=amd64",
    ):
        assert suppressed(openvex(SUBJECT, components=[covered]), of=found), covered
    for other in ("pkg:apk/debian/bash", "pkg:deb/ubuntu/bash", "pkg:deb/debian/bash@5.2-1?arch=arm64"):
        assert not suppressed(openvex(SUBJECT, components=[other]), of=found), other


def test_without_a_package_url_name_and_version_must_both_be_equal() -> None:
    """SARIF has no package URLs."""
    found = finding(purl="")
    assert suppressed(openvex(SUBJECT, components=[LOG4J]), of=found)
    assert not suppressed(openvex(SUBJECT, components=["pkg:maven/org.apache/log4j-core"]), of=found)
    assert not suppressed(openvex(SUBJECT, components=["pkg:maven/org.apache/log4j-core@1"]), of=found)


@pytest.mark.parametrize("purl", [LOG4J, ""])
def test_one_of_several_packages_is_enough(purl: str) -> None:
    """A statement about two packages is about each of them."""
    both = ["pkg:maven/org.apache/log4j-api@2.14.1", LOG4J]
    assert suppressed(openvex(SUBJECT, components=both), of=finding(purl=purl))


def test_the_latest_statement_wins_in_any_order() -> None:
    """A later statement takes an earlier one back, also from another document."""
    early = openvex(SUBJECT, time="2026-01-01T00:00:00Z")
    late = openvex(SUBJECT, status="affected", time="2026-02-01T00:00:00Z")
    for documents in ((early, late), (late, early)):
        assert not suppressed(*documents)
    later = openvex(SUBJECT, time="2026-03-01T00:00:00Z")
    for documents in ((early, late, later), (later, late, early)):
        assert suppressed(*documents)


def test_of_two_statements_of_one_time_the_cautious_one_counts() -> None:
    """A tie suppresses nothing."""
    for documents in ((openvex(SUBJECT), openvex(SUBJECT, status="affected")),):
        assert not suppressed(*documents)
        assert not suppressed(*reversed(documents))


@pytest.mark.parametrize("components", [[], ["log4j"], ["pkg:deb/debian/bash", "log4j"]])
@pytest.mark.parametrize("purl", [LOG4J, ""])
def test_a_statement_whose_packages_are_not_read_takes_all_back(components: list[str], purl: str) -> None:
    """It may be about the finding's package, so the suppression is in doubt."""
    back = openvex(SUBJECT, status="affected", components=components, time="2026-06-01T13:00:00Z")
    assert not suppressed(openvex(SUBJECT, components=[LOG4J]), back, of=finding(purl=purl))


def test_a_statement_about_every_version_takes_back_what_is_said_of_one() -> None:
    """Also where the finding has no package URL."""
    every = ["pkg:maven/org.apache/log4j-core"]
    back = openvex(SUBJECT, status="affected", components=every, time="2026-06-01T13:00:00Z")
    for purl in (LOG4J, ""):
        assert not suppressed(openvex(SUBJECT, components=[LOG4J]), back, of=finding(purl=purl))


@pytest.mark.parametrize("refs", [[], ["unknown"]])
def test_an_analysis_of_cyclonedx_whose_packages_are_not_read_takes_all_back(refs: list[str]) -> None:
    """As for OpenVEX."""
    back = cyclonedx_vex(SUBJECT, state="exploitable", packages=["pkg:deb/debian/bash@5"])
    back["metadata"]["timestamp"] = "2026-06-01T13:00:00Z"
    back["vulnerabilities"][0]["affects"] = [{"ref": ref} for ref in refs]
    assert not suppressed(openvex(SUBJECT), back)


def test_a_statement_about_another_package_takes_nothing_back() -> None:
    """Only statements about the finding compete."""
    other = openvex(
        SUBJECT, status="affected", components=["pkg:deb/debian/bash"], time="2026-06-01T13:00:00Z"
    )
    assert suppressed(openvex(SUBJECT), other)


def test_a_clock_may_be_ahead_a_little() -> None:
    """Five minutes, as everywhere."""
    assert suppressed(openvex(SUBJECT, time="2026-06-02T00:05:00Z"))
    assert not suppressed(openvex(SUBJECT, time="2026-06-02T00:05:01Z"))


def test_aliases_count() -> None:
    """A finding under another identifier of the same vulnerability is found."""
    assert suppressed(
        openvex(SUBJECT), of=finding("GHSA-JFH8-C2JP-5V3Q", aliases=frozenset({"CVE-2021-44228"}))
    )


class TestDocumentsOfOtherProjects:
    """OpenVEX and CycloneDX as their tools write them."""

    def read(self, shared: Path, name: str) -> dict[str, Any]:
        """Return a document."""
        found: dict[str, Any] = json.loads((shared / name).read_bytes())
        return found

    @pytest.mark.parametrize("name", ["openvex-oci-mismatch", "openvex-oci"])
    def test_a_name_without_a_digest_is_not_enough(self, shared: Path, name: str) -> None:
        """Trivy accepts `pkg:oci/debian`; here a product is named by digest."""
        document = self.read(shared, f"trivy/pkg__vex__testdata__{name}.json")
        found = finding("CVE-2022-3715", purl="pkg:deb/debian/bash@5.1")
        assert not suppressed(document, of=found)

    def test_a_statement_about_a_package_suppresses_that_package_alone(self, shared: Path) -> None:
        """With the image as its product, the nested statement holds for its package."""
        document = self.read(shared, "trivy/pkg__vex__testdata__openvex-nested.json")
        document["statements"][0]["products"][0]["hashes"] = {"sha-256": SUBJECT[7:]}
        within = finding("CVE-2024-0001", purl="pkg:golang/github.com/aquasecurity/go-transitive@v4.0.0")
        beside = finding("CVE-2024-0001", purl="pkg:golang/github.com/aquasecurity/go-direct1@v2.0.0")
        assert suppressed(document, of=within)
        assert not suppressed(document, of=beside)

    def test_the_last_statement_of_a_history_counts(self, shared: Path) -> None:
        """The second statement has the document's time, which is later."""
        name = "openvex/vexctl-examples/sarif/sample-history.openvex.json"
        document = self.read(shared, name)
        digest = "sha256:13d22ec63300e16014d4a42aed735207a8b33c223cff19627dd3042e5a10a3a0"
        found = finding("SNYK-DEBIAN12-LIBDE265-3361563")
        assert suppressed(document, of=found, subject=digest)
        document["statements"][1]["status"] = "affected"
        assert not suppressed(document, of=found, subject=digest)
        document["statements"].reverse()
        assert not suppressed(document, of=found, subject=digest)

    def test_packages_of_an_image(self, shared: Path) -> None:
        """A document of Grype's tests names the image by digest and two packages within it."""
        document = self.read(shared, "grype/vex/vex-docs/openvex-demo2.json")
        found = finding("CVE-2023-1255", purl="pkg:apk/alpine/libssl3@3.0.8-r3?arch=x86_64")
        assert suppressed(document, of=found, subject=ALPINE)
        assert not suppressed(document, of=found, subject=SUBJECT)
        assert not suppressed(
            document, of=finding("CVE-2023-1255", purl="pkg:apk/alpine/musl@1"), subject=ALPINE
        )

    @pytest.mark.parametrize("name", ["v0.0.1", "v0.0.1-noversion", "v001-1.vex", "v020-1.vex", "v0.2.0"])
    def test_both_versions_are_read(self, shared: Path, name: str) -> None:
        """0.0.1 writes products and vulnerabilities as texts."""
        found = read_vex(self.read(shared, f"openvex/go-vex/{name}.json"))
        assert found.statements
        assert all(statement.names for statement in found.statements)

    def test_cyclonedx_without_its_product_suppresses_nothing(self, shared: Path) -> None:
        """A BOM-Link says nothing of the image that the document is attached to."""
        document = self.read(shared, "trivy/pkg__vex__testdata__cyclonedx.json")
        statements = read_vex(document).statements
        assert [statement.status for statement in statements] == [Status.NOT_AFFECTED] * 2
        purl = "pkg:maven/org.springframework.boot/spring-boot@2.6.0"
        assert not suppressed(document, of=finding(purl=purl))


BROKEN: dict[str, object] = {
    "no object": [],
    "no format": {},
    "CSAF": {"document": {}, "product_tree": {}},
    "another version": openvex(SUBJECT) | {"@context": "https://openvex.dev/ns/v9"},
    "an unknown status": openvex(SUBJECT, status="fine"),
    "no vulnerability": openvex(SUBJECT, identifier=""),
    "two formats": openvex(SUBJECT) | cyclonedx_vex(SUBJECT),
    "an unknown state": cyclonedx_vex(SUBJECT, state="fine"),
    "another version of CycloneDX": cyclonedx_vex(SUBJECT) | {"specVersion": "1.2"},
}


@pytest.mark.parametrize("version", ["1.4", "1.5", "1.6", "1.7"])
def test_every_version_of_cyclonedx_with_analyses_is_read(version: str) -> None:
    """They are in its specification from 1.4 on."""
    assert suppressed(cyclonedx_vex(SUBJECT) | {"specVersion": version})


@pytest.mark.parametrize(
    ("state", "suppresses"),
    [
        ("not_affected", True),
        ("false_positive", True),
        ("resolved", True),
        ("resolved_with_pedigree", True),
        ("exploitable", False),
        ("in_triage", False),
    ],
)
def test_every_state_of_cyclonedx_is_read(state: str, *, suppresses: bool) -> None:
    """Each for what its specification says ("impact analysis state")."""
    assert suppressed(cyclonedx_vex(SUBJECT, state=state)) is suppresses


OPENVEX_LABELS = [
    "component_not_present",
    "vulnerable_code_not_present",
    "vulnerable_code_not_in_execute_path",
    "vulnerable_code_cannot_be_controlled_by_adversary",
    "inline_mitigations_already_exist",
]
CYCLONEDX_LABELS = [
    "code_not_present",
    "code_not_reachable",
    "requires_configuration",
    "requires_dependency",
    "requires_environment",
    "protected_by_compiler",
    "protected_at_runtime",
    "protected_at_perimeter",
    "protected_by_mitigating_control",
]


@pytest.mark.parametrize("make", [openvex, cyclonedx_vex])
@pytest.mark.parametrize("label", [*OPENVEX_LABELS, *CYCLONEDX_LABELS])
def test_a_justification_is_a_label_of_its_own_specification(make: Any, label: str) -> None:
    """Those of the other one say nothing."""
    own = OPENVEX_LABELS if make is openvex else CYCLONEDX_LABELS
    assert suppressed(make(SUBJECT, justification=label)) is (label in own)


@pytest.mark.parametrize(("levels", "read"), [(20, True), (21, False)])
def test_components_are_read_to_twenty_levels(levels: int, *, read: bool) -> None:
    """A publisher chooses the depth, and the reader recurses."""
    deep: dict[str, Any] = {"purl": LOG4J, "bom-ref": "inner"}
    for _ in range(levels):
        deep = {"components": [deep]}
    document = cyclonedx_vex(SUBJECT, packages=["inner"]) | deep
    if read:
        assert suppressed(document)
        return
    with pytest.raises(VerificationError, match="nested more than 20 levels"):
        read_vex(document)


def test_a_document_of_csaf_is_called_by_its_name() -> None:
    """It is VEX, and another format; what is nothing known is not taken for it."""
    with pytest.raises(VerificationError, match="CSAF is not read; OpenVEX and CycloneDX JSON are"):
        read_vex(BROKEN["CSAF"])
    with pytest.raises(VerificationError, match="it has no known format"):
        read_vex({})


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN)
def test_what_is_no_vex_document_is_refused(document: object) -> None:
    """A document that does not follow its format says nothing."""
    with pytest.raises(VerificationError) as refused:
        read_vex(document)
    assert refused.value.reason is Reason.REPORT_INVALID


class TestPackagesOfCycloneDx:
    """What an analysis is about is named by a reference within the document, or by a BOM-Link."""

    def document(self, ref: str) -> dict[str, Any]:
        """Return a document whose analysis is of one nested component."""
        document = cyclonedx_vex(SUBJECT, packages=[ref])
        inner = {"type": "library", "name": "log4j-core", "bom-ref": "inner", "purl": LOG4J}
        document["components"] = [
            {"type": "library", "name": "outer", "components": [inner]},
            {"type": "file", "name": "without a package", "bom-ref": "file"},
        ]
        return document

    @pytest.mark.parametrize(
        ("ref", "suppresses"),
        [
            ("inner", True),
            ("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#inner", True),
            ("urn:cdx:3e671687-395b-41f5-a30f-a58921a69b79/1#" + LOG4J, True),
            (LOG4J, True),
            ("root", True),
            ("file", False),
            ("nothing", False),
        ],
    )
    def test_references(self, ref: str, suppresses: bool) -> None:
        """A component, a package URL, or the whole image; a reference to nothing is of nothing."""
        assert suppressed(self.document(ref)) is suppresses

    @pytest.mark.parametrize(
        "component",
        [
            {"bom-ref": "root", "version": SUBJECT},
            {"bom-ref": "root", "hashes": [{"alg": "SHA-256", "content": SUBJECT[7:].upper()}]},
        ],
    )
    def test_the_image_is_named_by_its_digest(self, component: dict[str, Any]) -> None:
        """As a version, as Syft and Trivy write it, or as a hash."""
        document = cyclonedx_vex(SUBJECT)
        document["metadata"]["component"] = component
        assert suppressed(document)

    @pytest.mark.parametrize(("digest", "suppresses"), [(SUBJECT, True), (OTHER, False)])
    def test_an_image_can_be_named_directly(self, digest: str, suppresses: bool) -> None:
        """By its package URL with the digest, where the document has no component of its own."""
        document = cyclonedx_vex(OTHER, packages=[f"pkg:oci/image@{digest}"])
        del document["metadata"]["component"]
        assert suppressed(document) is suppresses

    def test_an_analysis_of_no_vulnerability_is_refused(self) -> None:
        """And components that are nested too deeply."""
        deep: dict[str, Any] = {}
        for _ in range(30):
            deep = {"components": [deep]}
        for document in (cyclonedx_vex(SUBJECT, identifier=""), cyclonedx_vex(SUBJECT) | deep):
            with pytest.raises(VerificationError) as refused:
                read_vex(document)
            assert refused.value.reason is Reason.REPORT_INVALID


def test_identifiers_and_hashes_name_a_product_too() -> None:
    """OpenVEX 0.2.0 has several ways; one that is the image's digest is enough."""
    for product in (
        {"@id": "app", "identifiers": {"purl": f"pkg:oci/app@{SUBJECT}"}},
        {"@id": "app", "hashes": {"sha-256": SUBJECT[7:]}},
    ):
        document = openvex(SUBJECT)
        document["statements"][0]["products"] = [product, 7]
        assert suppressed(document)


@pytest.mark.parametrize("hashes", [{"md5": SUBJECT[7:]}, {"sha-256": 7}, {"sha-512": SUBJECT[7:]}, {}])
def test_a_hash_of_another_kind_names_nothing(hashes: dict[str, object]) -> None:
    """Only digests as registries have them count."""
    document = openvex(SUBJECT)
    document["statements"][0]["products"] = [{"@id": "app", "hashes": hashes}]
    assert not suppressed(document)


def test_products_that_are_no_list_are_refused() -> None:
    """A statement that cannot be read says nothing."""
    document = openvex(SUBJECT)
    document["statements"][0]["products"] = "everything"
    with pytest.raises(VerificationError, match="is no list"):
        read_vex(document)


@pytest.mark.parametrize(
    "text", ["", "log4j", "pkg:", "pkg:deb", "pkg:deb/", "pkg:deb/x@", "pkg:deb/" + "x" * 3000]
)
def test_what_is_no_package_url_is_none(text: str) -> None:
    """Only whole ones are compared."""
    assert parse_package_url(text) is None


def test_package_urls_are_compared_as_their_registries_compare_them() -> None:
    """Names of PyPI have one spelling; the scope of npm is a part of the name."""
    assert parse_package_url("pkg:PYPI/Django_Foo@1") == parse_package_url("pkg:pypi/django-foo@1")
    scoped = parse_package_url("pkg:npm/%40angular/core@1.0")
    assert scoped is not None
    assert (scoped.name, scoped.version) == ("@angular/core", "1.0")
    assert scoped == parse_package_url("pkg:npm/@angular/core@1.0")


def test_a_statement_that_was_updated_is_as_new_as_its_update() -> None:
    """`last_updated` says when a statement got its present content (OpenVEX, "Statement Fields")."""
    exploitable = openvex(SUBJECT, status="affected", time="2026-05-01T00:00:00Z")
    exploitable["statements"][0]["last_updated"] = "2026-06-01T18:00:00Z"
    assert suppressed(openvex(SUBJECT))
    assert not suppressed(openvex(SUBJECT), exploitable)
    harmless = openvex(SUBJECT, time="2026-05-01T00:00:00Z")
    harmless["statements"][0]["last_updated"] = "2027-01-01T00:00:00Z"
    assert not suppressed(harmless)


def test_a_malformed_time_is_that_of_the_vex_document() -> None:
    """Two documents are read beside one another: the message says which one is wrong."""
    with pytest.raises(VerificationError, match="of the VEX document is not a time"):
        read_vex(openvex(SUBJECT, time="2026-05-01T00:00:00"))


@pytest.mark.parametrize(
    "spelling",
    [
        "pkg://pypi/Foo_Bar@1.0",
        "PKG:pypi/foo-bar@1.0#sub/path",
        "pkg:PyPI/foo-bar@1.0?",
        "pkg:pypi//foo-bar@1.0",
    ],
)
def test_spellings_of_one_package_url_are_one(spelling: str) -> None:
    """As the purl specification parses them ("How to parse")."""
    assert parse_package_url(spelling) == parse_package_url("pkg:pypi/foo-bar@1.0")


@pytest.mark.parametrize(
    ("kind", "alike"),
    [
        *((kind, True) for kind in ("pypi", "oci", "github", "bitbucket", "deb", "apk", "composer")),
        *((kind, False) for kind in ("npm", "maven", "golang", "cargo", "generic")),
    ],
)
def test_names_are_of_any_case_where_their_registry_takes_them_so(kind: str, *, alike: bool) -> None:
    """Elsewhere they are names of two packages (purl-spec, "Known PURL types")."""
    found = [parse_package_url(f"pkg:{kind}/Space/Name@1") for kind in (kind, kind.upper())]
    assert found[0] == found[1]
    assert (found[0] == parse_package_url(f"pkg:{kind}/space/name@1")) is alike


def test_names_of_qualifiers_are_of_any_case_and_their_values_are_not() -> None:
    """The purl specification makes the names lower case alone; values are percent-encoded."""
    first, second, third = (
        parse_package_url(f"pkg:deb/debian/bash@5?{query}")
        for query in (
            "Arch=amd64&distro=debian%2D12",
            "distro=debian-12&arch=amd64",
            "arch=AMD64&distro=debian-12",
        )
    )
    assert first is not None
    assert second is not None
    assert third is not None
    assert first.qualifiers == second.qualifiers == {"arch": "amd64", "distro": "debian-12"}
    assert first.covers(second)
    assert not first.covers(third)


def test_names_of_the_first_version_of_openvex_are_texts() -> None:
    """0.0.1 has the vulnerability as a text, and packages beside the products."""
    document = openvex(SUBJECT) | {"@context": "https://openvex.dev/ns"}
    (statement,) = document["statements"]
    statement["vulnerability"] = "CVE-2021-44228"
    assert suppressed(document)
    assert not suppressed(document, of=finding("CVE-2000-0001"))
    statement["subcomponents"] = [LOG4J]
    assert suppressed(document)
    assert not suppressed(document, of=finding(purl="pkg:maven/org.apache/other@1"))
    statement["vulnerability"] = ""
    with pytest.raises(VerificationError):
        suppressed(document)


@pytest.mark.parametrize(
    ("purl", "taken_back"),
    [(LOG4J, True), ("", True), ("pkg:maven/org.apache/other@2.14.1", False)],
)
def test_what_takes_a_suppression_back_may_be_in_doubt(purl: str, *, taken_back: bool) -> None:
    """A finding without a package URL may be of the package that a later statement calls affected."""
    early = openvex(SUBJECT, time="2026-01-01T00:00:00Z")
    late = openvex(
        SUBJECT,
        status="affected",
        time="2026-02-01T00:00:00Z",
        components=["pkg:maven/org.apache/log4j-core"],
    )
    assert suppressed(early, late, of=finding(purl=purl)) is not taken_back


@pytest.mark.parametrize("place", ["analysis.lastUpdated", "analysis.firstIssued", "updated", "metadata"])
def test_the_time_of_an_analysis_of_cyclonedx_is_its_own(place: str) -> None:
    """Else that of the vulnerability, else that of the document; one that is to come says nothing yet."""
    for time, taken in (("2026-06-01T00:00:00Z", True), ("2026-07-01T00:00:00Z", False)):
        document = cyclonedx_vex(SUBJECT)
        (vulnerability,) = document["vulnerabilities"]
        for name in ("lastUpdated", "firstIssued"):
            vulnerability["analysis"].pop(name, None)
        vulnerability.pop("updated", None)
        document["metadata"]["timestamp"] = time if place == "metadata" else "2026-01-01T00:00:00Z"
        if place.startswith("analysis."):
            vulnerability["analysis"][place.partition(".")[2]] = time
        elif place == "updated":
            vulnerability["updated"] = time
        assert suppressed(document) is taken


@pytest.mark.parametrize(
    "members",
    [
        {"subcomponents": None},
        {"Subcomponents": ["pkg:npm/other@1"]},
        {"\u017fubcomponents": ["pkg:npm/other@1"]},
    ],
)
def test_packages_that_are_not_read_do_not_make_a_statement_one_about_all(members: dict[str, Any]) -> None:
    """It names packages, and which ones is not known here."""
    document = openvex(SUBJECT)
    document["statements"][0]["products"][0].update(members)
    assert not suppressed(document)


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (openvex(OTHER), "names no product by the digest of this image"),
        (REFUSED["another version"], "names other packages or versions of this image"),
        (REFUSED["a justification of no kind"], "has no justification of its specification, or no time"),
        (REFUSED["of no time"], "has no justification of its specification, or no time"),
        (REFUSED["of the future"], "is dated in the future, or a later statement says otherwise"),
        (REFUSED["affected"], ""),
    ],
)
def test_a_statement_that_misses_its_finding_says_why(document: object, why: str) -> None:
    """The first condition that does not hold; a statement that was not to suppress has nothing to explain."""
    suppression = Suppression([read_vex(document)], SUBJECT, NOW)
    said = suppression.why_not(finding())
    assert said == (why and f"the VEX statement on CVE-2021-44228 {why}")
    assert suppression.why_not(finding("CVE-2000-0001")) == ""


def test_a_refused_report_says_why_a_statement_does_not_count() -> None:
    """Beside the findings, with what to do about it."""
    suppression = Suppression([read_vex(openvex(OTHER))], SUBJECT, NOW)
    rules = VulnerabilityRules(denied_ids=frozenset({"CVE-2021-44228"}))
    judge = VulnerabilityJudge(rules, why_not=suppression.why_not)
    with pytest.raises(VerificationError) as caught:
        judge.judge(
            trivy_report(Vulnerability("CVE-2021-44228")),
            Circumstances(Descriptor("m", Digest(SUBJECT), 1), NOW),
        )
    assert "names no product by the digest of this image" in caught.value.message
    assert "correct that VEX statement" in caught.value.remedy
