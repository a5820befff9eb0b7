"""The shipped constraint templates: what they ask, and that only a whole and positive answer admits."""

import itertools
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from manifests.objects import (
    BUILDER,
    BUILT,
    COSIGNED,
    GOOD,
    GROUPS,
    IMAGE,
    ISSUER,
    KEYLESS,
    OIDC,
    OTHER,
    PARAMETERS,
    PERSON,
    PLACES,
    PROVENANCE,
    SBOM,
    SCANNED,
    SIGNED,
    SOURCE,
    key_of,
    object_of,
    pod,
    pod_spec,
    report,
    result,
    review_of,
    value,
)
from manifests.platform_cases import platform_evidence, signed_itself
from manifests.rego_engines import (
    GATOR,
    MISSING,
    ROOT,
    TEMPLATES,
    Case,
    NotUsable,
    answer_of,
    asked,
    gator,
    sources,
    template,
    violations,
)
from pyratify.core.executor import Executor
from pyratify.core.platform_choice import PlatformChoice, PlatformMode
from pyratify.core.reference import Reference
from pyratify.entrypoints.gatekeeper.values import v2_value
from pyratify.policies.rule import Require, Rule
from pyratify.policies.threshold import ThresholdPolicy
from pyratify.testing.attestations import REPOSITORY as BUILT_FROM
from pyratify.testing.attestations import (
    SLSA_V1,
    WORKFLOW,
    attach_attestation,
    bundle,
    in_toto,
    provenance_v1,
)
from pyratify.testing.cosign import (
    REPOSITORY,
    CosignKey,
    attach_bundle,
    attach_classic,
    simple_signing,
    statement,
)
from pyratify.testing.image_configs import add_configured_image
from pyratify.testing.indexes import add_index, entry
from pyratify.testing.memory import MemoryStore
from pyratify.testing.sigstore import ISSUER as SIGSTORE_ISSUER
from pyratify.testing.sigstore import SUBJECT as SIGSTORE_SUBJECT
from pyratify.testing.sigstore import PrivateSigstore
from pyratify.testing.vulnerability import Vulnerability, trivy_report, vuln_predicate
from pyratify.verifiers.cosign.cosign_trust_policy import CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from support.attestation_setting import FROM_SOURCE, AttestationSetting, KeyResources
from support.attestation_setting import build as build_attestation
from support.cosign_setting import ONE, Setting
from support.vulnerability_setting import VULN, VulnerabilitySetting

FOLDERS = tuple(PARAMETERS)


def answers(key: str) -> Iterator[tuple[str, Any, bool]]:
    """Every kind of answer for one key: its name, the answer, and whether it is refused."""
    good = (key, GOOD)
    yield "good", answer_of(good), False
    yield "all-cached", answer_of(good, status=0), False
    yield "good-beside-another-key", answer_of(good, (OTHER, value(succeeded=False))), False
    yield "good-beside-an-error-of-another", answer_of(good, errors=[(OTHER, "E: no")]), False
    yield "no-call", MISSING, True
    yield "null", None, True
    yield "empty", {}, True
    yield "text", "true", True
    yield "list", [], True
    yield "no-items", answer_of(), True
    yield "only-an-error", answer_of(errors=[(key, "SIG_MISSING: no signature")]), True
    yield "empty-error", answer_of(errors=[(key, "")]), True
    yield "null-error", answer_of(good, errors=[(key, None)]), True
    yield "error-beside-good", answer_of(good, errors=[(key, "late")]), True
    yield "system-error", answer_of(system_error="connection refused"), True
    yield "system-error-beside-good", answer_of(good, system_error="half of it"), True
    yield "system-error-null", {**answer_of(good), "system_error": None}, True
    yield "status-500", answer_of(good, status=500), True
    yield "status-404", answer_of(status=404), True
    yield "status-text", {**answer_of(good), "status_code": "200"}, True
    yield "twice-good", answer_of(good, good), True
    yield "good-and-bad", answer_of(good, (key, value(succeeded=False))), True
    yield "bad-and-good", answer_of((key, value(succeeded=False)), good), True
    yield "another-key", answer_of((key.upper(), GOOD)), True
    yield "key-with-blank", answer_of((f" {key}", GOOD)), True
    yield "key-in-a-list", answer_of(([key], GOOD)), True  # type: ignore[arg-type]
    yield "pair-of-one", {**answer_of(), "responses": [[key]]}, True
    yield "pair-is-text", {**answer_of(), "responses": [key]}, True
    yield "responses-null", {**answer_of(), "responses": None}, True
    yield "responses-object", {**answer_of(), "responses": {key: GOOD}}, True
    yield "responses-text", {**answer_of(), "responses": "good"}, True
    yield "value-wrapped", answer_of((key, [GOOD])), True
    yield "value-as-text", answer_of((key, '{"succeeded":true}')), True
    for name in ("responses", "status_code", "system_error"):
        whole = answer_of(good)
        del whole[name]
        yield f"without-{name.replace('_', '-')}", whole, True
    for index, odd in enumerate((None, {}, [], True, False, "true", "", 0, 1)):
        yield f"value-{index}", answer_of((key, odd)), True
    for index, odd in enumerate((False, None, "true", "True", "false", "", 0, 1, [], [True], {}, {"a": 1})):
        yield f"succeeded-{index}", answer_of((key, {**GOOD, "succeeded": odd})), True
    yield "no-succeeded", answer_of((key, {"artifactReports": GOOD["artifactReports"]})), True
    yield "other-spelling", answer_of((key, {**GOOD, "succeeded": False, "Succeeded": True})), True


def answered(folder: str) -> tuple[Case, ...]:
    """The cases of all answers for one template."""
    return tuple(
        Case(name, folder, pod(), answer, PARAMETERS[folder], refused)
        for name, answer, refused in answers(key_of(folder))
    )


ANSWERED = [case for folder in FOLDERS for case in answered(folder)]


@pytest.mark.parametrize("case", ANSWERED, ids=lambda case: f"{case.template}-{case.name}")
def test_only_one_whole_and_positive_answer_admits(case: Case) -> None:
    """Whatever else the provider answers for an image, there is a violation that names the image."""
    found = violations(case)
    assert bool(found) == case.refused
    assert all(IMAGE in message for message in found)


def evidence() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any], bool]]:
    """Values that are verified as a whole, and what each template makes of their details."""
    folder = "notation-issuer-validation"
    yield folder, "several-issuers", {"issuers": ["CN=x", ISSUER]}, value(SIGNED), False
    yield folder, "of-that-verifier", {"issuer": ISSUER, "verifier": "notation-1"}, value(SIGNED), False
    yield folder, "of-another-verifier", {"issuer": ISSUER, "verifier": "b"}, value(SIGNED), True
    yield folder, "another-issuer", {"issuer": "CN=example.com"}, value(SIGNED), True
    yield folder, "no-parameter", {}, value(SIGNED), True
    yield folder, "empty-parameter", {"issuer": ""}, value(SIGNED), True
    yield folder, "no-evidence", {"issuer": ISSUER}, value(), True
    yield folder, "only-nested", {"issuer": ISSUER}, value(report(nested=(SIGNED,))), True
    plain = {"Issuer": ISSUER, "SN": "CN=signer"}
    for name, odd in {
        "failed": result("n", plain, errorReason="expired"),
        "outcome-failed": result("n", plain, outcome="FAILED"),
        "outcome-inconclusive": result("n", plain, outcome="INCONCLUSIVE"),
        "not-json": result("n", "Issuer=" + ISSUER),
        "no-detail": result("n", ""),
        "detail-list": result("n", [plain]),
        "detail-object": {**result("n", ""), "detail": plain},
        "no-subject": result("n", {"Issuer": ISSUER}),
        "issuer-list": result("n", {**plain, "Issuer": [ISSUER]}),
        "issuer-with-blank": result("n", {**plain, "Issuer": f"{ISSUER} "}),
    }.items():
        yield folder, name, {"issuer": ISSUER}, value(report(odd)), True
    yield folder, "one-of-two", {"issuer": ISSUER}, value(report(result("n", "x")), SIGNED), False

    folder, both = "cosign-identity-validation", {"issuer": OIDC, "identity": PERSON}
    yield folder, "any-identity", {"issuer": OIDC}, value(COSIGNED), False
    yield folder, "another-identity", {"issuer": OIDC, "identity": "x"}, value(COSIGNED), True
    yield folder, "another-issuer", {**both, "issuer": "https://x"}, value(COSIGNED), True
    yield folder, "several", {"issuers": ["x", OIDC], "identities": ["y", PERSON]}, value(COSIGNED), False
    yield folder, "no-issuer", {"identity": PERSON}, value(COSIGNED), True
    yield folder, "identity-of-blanks-only", {"issuer": OIDC, "identities": [""]}, value(COSIGNED), True
    failed = {**KEYLESS, "succeeded": False}
    summary = {"issuer": OIDC, "subjectAlternativeName": PERSON}
    theirs = {"succeeded": True, "verificationResult": {"signature": {"certificate": summary}}}
    mixed = [{**KEYLESS, "certificateIdentity": "x"}, {**KEYLESS, "certificateOIDCIssuer": "x"}]
    for name, signatures, refused in (
        ("signature-failed", [failed], True),
        ("signature-text", [{**KEYLESS, "succeeded": "true"}], True),
        ("key-only", [{"succeeded": True, "signer": "key"}], True),
        ("halves-of-two", mixed, True),
        ("one-good-signature", [failed, KEYLESS], False),
        ("summary-of-sigstore-go", [theirs], False),
        ("failed-summary", [{**theirs, "succeeded": False}], True),
        ("none", [], True),
    ):
        yield (
            folder,
            name,
            both,
            value(report(result("cosign-1", {"verifiedSignatures": signatures}))),
            refused,
        )

    folder, named = "sbom-validation", PARAMETERS["sbom-validation"]
    bare = report(result("sbom-1", {}))
    denied = report(result("sbom-1", {"licenseViolations": [{"license": "x"}]}), nested=(SIGNED,))
    broken = report(result("sbom-1", "", errorReason="version mismatch"), nested=(SIGNED,))
    forged = report(
        result("sbom-1", "", errorReason="bad"), nested=(report(result("notation-1", "", errorReason="no")),)
    )
    yield folder, "no-sbom", named, value(SIGNED), True
    yield folder, "unsigned", named, value(bare), True
    yield folder, "unsigned-is-meant", {"verifier": "sbom-1", "requireSignature": False}, value(bare), False
    yield folder, "unsigned-by-null", {"verifier": "sbom-1", "requireSignature": None}, value(bare), True
    yield folder, "nobody-signs", {"verifier": "sbom-1"}, value(SBOM), True
    yield folder, "no-parameters", {}, value(SBOM), True
    yield folder, "no-verifier", {"signatureVerifier": "notation-1"}, value(SBOM), True
    yield folder, "signed-by-another", {**named, "signatureVerifier": "x"}, value(SBOM), True
    yield folder, "licence", named, value(denied), True
    yield (
        folder,
        "package",
        named,
        value(report(result("sbom-1", {"packageViolations": ["x"]}), nested=(SIGNED,))),
        True,
    )
    yield (
        folder,
        "no-violations",
        named,
        value(
            report(result("sbom-1", {"packageViolations": [], "licenseViolations": None}), nested=(SIGNED,))
        ),
        False,
    )
    yield folder, "bad-behind-good", named, value(SBOM, denied), True
    yield folder, "good-behind-failed", named, value(broken, SBOM), True
    yield folder, "unsigned-rubbish-beside", named, value(bare, report(result("sbom-1", "x")), SBOM), False
    yield folder, "badly-signed-rubbish-beside", named, value(forged, SBOM), False
    yield folder, "no-detail", named, value(report(result("sbom-1", ""), nested=(SIGNED,))), True

    folder, named = "vulnerability-report-validation", PARAMETERS["vulnerability-report-validation"]
    late = {"maxAgeHours": 2, "scanner": "trivy"}

    def scan(at: str, scanner: str = "trivy", **fields: Any) -> dict[str, Any]:
        data = {"createdAt": at, "scanner": scanner}
        return report(result("vulnerability-1", data, **fields), nested=(SIGNED,))

    old, failed_now = scan("2026-11-20T11:00:00Z"), scan("2026-11-23T11:30:00Z", errorReason="CVE")
    failed_then = scan("2026-11-20T11:00:00Z", errorReason="CVE")
    yield folder, "young", {**named, **late}, value(SCANNED), False
    yield folder, "old", {**named, **late}, value(old), True
    yield folder, "old-and-young", {**named, **late}, value(old, SCANNED), False
    yield folder, "old-but-no-age-asked", named, value(old), False
    yield folder, "of-the-future", named, value(scan("2099-11-23T13:00:00Z")), True
    yield folder, "another-scanner", {**named, "scanner": "grype"}, value(SCANNED), True
    yield folder, "one-of-the-scanners", {**named, "scanners": ["grype", "trivy"]}, value(SCANNED), False
    yield folder, "failed", named, value(failed_now), True
    yield folder, "failed-later", named, value(SCANNED, failed_now), True
    yield folder, "failed-before", named, value(failed_then, SCANNED), False
    yield folder, "failed-at-once", named, value(SCANNED, scan("2026-11-23T11:00:00Z", errorReason="x")), True
    undated = report(result("vulnerability-1", "", errorReason="CVE"), nested=(SIGNED,))
    yield folder, "failed-undated", named, value(SCANNED, undated), True
    yield (
        folder,
        "undated",
        named,
        value(report(result("vulnerability-1", {"scanner": "trivy"}), nested=(SIGNED,))),
        True,
    )
    yield folder, "no-date", named, value(scan("yesterday")), True
    yield folder, "unsigned", named, value(report(*SCANNED["results"])), True
    yield (
        folder,
        "unsigned-is-meant",
        {"verifier": "vulnerability-1", "requireSignature": False},
        value(report(*SCANNED["results"])),
        False,
    )
    yield folder, "none", named, value(SIGNED), True
    yield folder, "no-parameters", {}, value(SCANNED), True
    yield folder, "age-as-text", {**named, "maxAgeHours": "24"}, value(SCANNED), True

    folder, named = "provenance-validation", {"verifier": "provenance-1"}

    def built(**fields: Any) -> dict[str, Any]:
        return report(result("provenance-1", {**PROVENANCE, **fields}, outcome="PASSED"))

    other = "https://github.com/evil/app"
    yield folder, "of-that-verifier", named, value(BUILT), False
    yield folder, "of-another-verifier", {"verifier": "x"}, value(BUILT), True
    yield folder, "no-parameters", {}, value(BUILT), True
    yield folder, "none", named, value(SIGNED), True
    yield folder, "source", {**named, "source": SOURCE}, value(BUILT), False
    yield folder, "another-source", {**named, "source": other}, value(BUILT), True
    yield folder, "one-of-the-sources", {**named, "sources": [other, SOURCE]}, value(BUILT), False
    yield folder, "longer-source", {**named, "source": SOURCE}, value(built(source=f"{SOURCE}.evil")), True
    yield folder, "empty-source-in-list", {**named, "sources": [""]}, value(BUILT), True
    yield folder, "empty-builder-in-list", {**named, "builders": [""], "source": SOURCE}, value(BUILT), True
    yield folder, "builder", {**named, "builder": BUILDER, "source": SOURCE}, value(BUILT), False
    yield folder, "another-builder", {**named, "builder": "x", "source": SOURCE}, value(BUILT), True
    yield (
        folder,
        "halves-of-two",
        {**named, "builder": BUILDER, "source": SOURCE},
        value(built(builder="x"), built(source="x")),
        True,
    )
    yield folder, "one-of-two", {**named, "source": SOURCE}, value(built(source=other), BUILT), False
    yield folder, "another-kind", named, value(built(predicateType="https://spdx.dev/Document")), True
    yield folder, "no-kind", named, value(report(result("provenance-1", {"source": SOURCE}))), True
    yield folder, "source-list", {**named, "source": SOURCE}, value(built(source=[SOURCE])), True
    yield folder, "failed", named, value(report(result("provenance-1", PROVENANCE, errorReason="no"))), True
    yield (
        folder,
        "outcome-failed",
        named,
        value(report(result("provenance-1", PROVENANCE, outcome="FAILED"))),
        True,
    )
    yield folder, "only-nested", named, value(report(nested=(BUILT,))), True


EVIDENCE = [
    Case(name, folder, pod(), answer_of((key_of(folder), found)), parameters, refused)
    for folder, name, parameters, found, refused in (*evidence(), *platform_evidence(), *signed_itself())
]


@pytest.mark.parametrize("case", EVIDENCE, ids=lambda case: f"{case.template}-{case.name}")
def test_a_verified_image_needs_the_evidence_that_is_asked_for(case: Case) -> None:
    """Success as a whole is not enough for the templates that look at details."""
    found = violations(case)
    assert bool(found) == case.refused
    assert all(IMAGE in message for message in found)


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(("kind", "place"), tuple(itertools.product(GROUPS, PLACES)))
def test_every_image_of_every_kind_is_asked_for(folder: str, kind: str, place: str) -> None:
    """The one unsigned image is refused wherever it stands among signed ones."""
    spec = pod_spec(**{"containers": (IMAGE,), place: (IMAGE, OTHER)})
    review = review_of(object_of(kind, spec))
    key, other = key_of(folder), key_of(folder, OTHER)
    whole = Case("x", folder, review, answer_of((key, GOOD), (other, GOOD)), PARAMETERS[folder])
    half = Case("x", folder, review, answer_of((key, GOOD)), PARAMETERS[folder])
    assert asked(whole) == sorted((key, other))
    assert violations(whole) == []
    (message,) = violations(half)
    assert OTHER in message
    assert place in message


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "image", ["", None, 7, [IMAGE], "[team]r.test/a:v1", "r.test/a b", "r.test/a:v1\n", "]x"]
)
def test_what_is_no_reference_is_refused_and_not_asked_for(folder: str, image: Any) -> None:
    """An image without a name, or one that could be taken for another namespace's, is refused by the template itself."""
    review = pod(containers=(IMAGE, image))
    case = Case("x", folder, review, answer_of((key_of(folder), GOOD)), PARAMETERS[folder])
    assert asked(case) == [key_of(folder)]
    (message,) = violations(case)
    assert "REF_INVALID" in message


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize(
    "document",
    [
        {"kind": "ConfigMap", "data": {"a": "b"}},
        {"kind": "Pod", "spec": {}},
        {"kind": "Pod", "spec": {"containers": []}},
        {"kind": "Pod", "spec": {"containers": None}},
        {"kind": "Deployment", "spec": {"template": None}},
        {},
    ],
    ids=lambda document: str(len(str(document))),
)
def test_an_object_without_images_is_refused(folder: str, document: dict[str, Any]) -> None:
    """A constraint that matches what has no Pod says so instead of admitting it."""
    case = Case("x", folder, {**review_of(document), "namespace": "team"}, answer_of(), PARAMETERS[folder])
    (message,) = violations(case)
    assert "no image is named" in message


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_review_without_an_object_is_refused(folder: str) -> None:
    """Nothing to look at is nothing verified."""
    assert violations(Case("x", folder, {"namespace": "team"}, answer_of(), PARAMETERS[folder]))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_deletion_admits_nothing_and_is_not_refused(folder: str) -> None:
    """What is no longer trusted can still be deleted."""
    review = {**pod(), "operation": "DELETE"}
    case = Case("x", folder, review, answer_of(), PARAMETERS[folder])
    assert violations(case) == []
    assert asked(case) == []


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("parameters", [None, {}], ids=["none", "empty"])
def test_parameters_may_be_absent(folder: str, parameters: Any) -> None:
    """Without parameters a template that needs none decides as usual, and one that needs some refuses."""
    case = Case("x", folder, pod(), answer_of((key_of(folder), GOOD)), parameters)
    assert bool(violations(case)) == bool(PARAMETERS[folder])


@pytest.mark.parametrize("folder", [folder for folder in FOLDERS if PARAMETERS[folder]])
def test_the_templates_with_parameters_ask_for_a_namespace_when_told(folder: str) -> None:
    """`namespaced` makes their keys those of tenants."""
    parameters = {**PARAMETERS[folder], "namespaced": True}
    case = Case("x", folder, pod(), answer_of((f"[team]{IMAGE}", GOOD)), parameters)
    assert asked(case) == [f"[team]{IMAGE}"]
    assert violations(case) == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_library_is_the_same_in_every_template(folder: str) -> None:
    """What they have in common stands in one file; a template is what Gatekeeper takes, so it holds a copy."""
    assert sources(folder)[1] == (TEMPLATES / "library" / "ratify.rego").read_text()


@pytest.mark.parametrize("folder", FOLDERS)
def test_template_and_constraint_belong_together(folder: str) -> None:
    """The names are those that Gatekeeper demands, and the example matches all kinds and denies."""
    shipped = template(folder)
    kind = shipped["spec"]["crd"]["spec"]["names"]["kind"]
    constraint = yaml.safe_load((TEMPLATES / folder / "constraint.yaml").read_text())
    assert shipped["metadata"]["name"] == kind.lower()
    assert constraint["kind"] == kind
    assert constraint["spec"]["enforcementAction"] == "deny"
    kinds = [name for match in constraint["spec"]["match"]["kinds"] for name in match["kinds"]]
    assert sorted(kinds) == sorted(GROUPS)
    assert set(constraint["spec"]["match"]["excludedNamespaces"]) == {"kube-system", "gatekeeper-system"}
    known = shipped["spec"]["crd"]["spec"]["validation"]["openAPIV3Schema"]["properties"]
    assert set(constraint["spec"]["parameters"]) <= set(known)


NOT_BY_SCHEMA = ("unsigned-by-null", "age-as-text")


@pytest.fixture(scope="module")
def opa() -> None:
    """Gatekeeper's gator, or a skipped test."""
    if not GATOR.exists():
        pytest.skip("run `make peers` first: there is no gator")


@pytest.mark.interop
@pytest.mark.parametrize("folder", FOLDERS)
def test_gatekeepers_own_engine_decides_the_same(folder: str, tmp_path: Path, opa: None) -> None:
    """OPA, as Gatekeeper's gator compiles and runs the templates with their constraints, gives the verdicts of the tables."""
    groups: dict[str, list[Case]] = {}
    for case in [*answered(folder), *(case for case in EVIDENCE if case.template == folder)]:
        if "maxAgeHours" not in case.parameters and case.name not in NOT_BY_SCHEMA:
            groups.setdefault(str(case.parameters), []).append(case)
    for index, cases in enumerate(groups.values()):
        found = gator(tuple(cases), tmp_path / f"{index}.yaml")
        assert {name: bool(messages) for name, messages in found.items()} == {
            case.name: case.refused for case in cases
        }


@pytest.mark.interop
@pytest.mark.parametrize("name", NOT_BY_SCHEMA)
def test_gatekeeper_refuses_parameters_of_another_type(name: str, tmp_path: Path, opa: None) -> None:
    """What could be misread does not become a constraint."""
    (case,) = [case for case in EVIDENCE if case.name == name]
    with pytest.raises(NotUsable):
        gator((case,), tmp_path / "all.yaml")


@pytest.mark.interop
def test_gatekeepers_own_engine_knows_what_time_it_is(tmp_path: Path, opa: None) -> None:
    """An hour is young enough when two are allowed, three hours are not, and tomorrow is no time for a report."""
    folder, now = "vulnerability-report-validation", datetime.now(UTC)
    parameters = {**PARAMETERS[folder], "maxAgeHours": 2}
    ages = {"one": (1, False), "three": (3, True), "tomorrow": (-24, True)}
    cases = []
    for name, (hours, refused) in ages.items():
        created = (now - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
        found = report(result("vulnerability-1", {"createdAt": created}), nested=(SIGNED,))
        cases.append(
            Case(name, folder, pod(), answer_of((key_of(folder), value(found))), parameters, refused)
        )
    messages = gator(tuple(cases), tmp_path / "all.yaml")
    assert {name: bool(found) for name, found in messages.items()} == {
        name: refused for name, (_, refused) in ages.items()
    }


@pytest.mark.interop
@pytest.mark.parametrize("folder", FOLDERS)
def test_gatekeepers_own_engine_sees_every_place(folder: str, tmp_path: Path, opa: None) -> None:
    """Every kind with an unsigned image in every list is refused by the shipped constraint, and admitted when all are signed."""
    signed, other = (key_of(folder), GOOD), (key_of(folder, OTHER), GOOD)
    cases = []
    for kind, place in itertools.product(GROUPS, PLACES):
        review = review_of(object_of(kind, pod_spec(**{"containers": (IMAGE,), place: (IMAGE, OTHER)})))
        for refused, answer in ((False, answer_of(signed, other)), (True, answer_of(signed))):
            name = f"{kind}-{place}-{refused}".lower()
            cases.append(Case(name, folder, review, answer, PARAMETERS[folder], refused))
    found = gator(tuple(cases), tmp_path / "all.yaml")
    assert {name: bool(messages) for name, messages in found.items()} == {
        case.name: case.refused for case in cases
    }


MATERIAL = ROOT / "examples" / "material"
REAL_ISSUER = "CN=Pyratify Test main root,O=Pyratify Test,ST=WA,C=US"


@pytest.fixture(scope="module", params=["notation-cose-ec", "notation-jws-rsa", "cosign-v3", "unsigned"])
def real(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    """An image of the examples, and the value that the engine gives for it when it trusts either signer."""
    trust = ["--cert", "certs/ca.pem", "--trusted-identity", "x509.subject: C=US, ST=WA, O=Pyratify Test"]
    if request.param.startswith("cosign"):
        trust = ["--key", "keys/cosign.pub"]
    command = [
        sys.executable,
        "-m",
        "pyratify",
        "verify",
        *trust,
        "-o",
        "json",
        f"oci:layout:{request.param}",
    ]
    done = subprocess.run(command, cwd=MATERIAL, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)
    return request.param, {"succeeded": found["succeeded"], "artifactReports": found.get("artifactReports")}


@pytest.mark.parametrize(
    ("folder", "parameters", "admitted"),
    [
        ("default", {}, {"notation-cose-ec", "notation-jws-rsa", "cosign-v3"}),
        (
            "notation-issuer-validation",
            {"issuer": REAL_ISSUER},
            {"notation-cose-ec", "notation-jws-rsa"},
        ),
        ("notation-issuer-validation", {"issuer": "CN=other"}, set()),
        ("cosign-identity-validation", {"issuer": "https://issuer.example.com"}, set()),
        ("sbom-validation", PARAMETERS["sbom-validation"], set()),
        ("vulnerability-report-validation", PARAMETERS["vulnerability-report-validation"], set()),
    ],
)
def test_the_engines_own_values_are_understood(
    folder: str, parameters: dict[str, Any], admitted: set[str], real: tuple[str, dict[str, Any]]
) -> None:
    """What the engine says of real signatures is read as it is meant."""
    image, found = real
    case = Case("x", folder, pod(), answer_of((key_of(folder), found)), parameters)
    assert (violations(case) == []) == (image in admitted)


@pytest.mark.parametrize("classic", [False, True])
@pytest.mark.parametrize(
    ("parameters", "admitted"),
    [
        ({"issuer": SIGSTORE_ISSUER}, True),
        ({"issuer": SIGSTORE_ISSUER, "identity": SIGSTORE_SUBJECT}, True),
        ({"issuer": SIGSTORE_ISSUER, "identity": "somebody@example.com"}, False),
        ({"issuer": "https://elsewhere.example.com", "identity": SIGSTORE_SUBJECT}, False),
    ],
)
async def test_the_engines_own_identities_are_understood(
    parameters: dict[str, Any], admitted: bool, classic: bool
) -> None:
    """A signature that was really made without a key: issuer and identity of its certificate are those in `detail`."""
    sigstore, setting = PrivateSigstore(), Setting()
    if classic:
        signature = sigstore.sign_classic(simple_signing(setting.image.digest))
        attach_classic(setting.store, setting.image, signature, as_referrer=True)
    else:
        bundle = sigstore.sign_statement(statement(setting.image.digest))
        attach_bundle(setting.store, setting.image, bundle)
    trusted = CosignTrustPolicy(identities=(sigstore.identity,), trusted_root=sigstore.root)
    executor = Executor(store=setting.store, verifiers=(CosignVerifier("cosign", [trusted]),), policy=ONE)
    found = await executor.validate(Reference.parse(f"{REPOSITORY}@{setting.image.digest}"))
    folder = "cosign-identity-validation"
    case = Case("x", folder, pod(), answer_of((key_of(folder), v2_value(found))), parameters)
    assert (violations(case) == []) is admitted


@pytest.mark.parametrize(
    ("parameters", "admitted"),
    [
        ({"source": BUILT_FROM}, True),
        ({"source": BUILT_FROM, "builder": WORKFLOW}, True),
        ({"source": "https://github.com/evil/app"}, False),
        ({"builder": "https://github.com/evil/builder"}, False),
    ],
)
async def test_provenance_that_was_really_signed_is_understood(
    parameters: dict[str, Any], admitted: bool
) -> None:
    """Builder and source in `detail` are those that the verifier of attestations names."""
    setting = AttestationSetting()
    setting.attach(setting.provenance())
    found = await setting.validate()
    folder, named = "provenance-validation", {"verifier": "attestation", **parameters}
    case = Case("x", folder, pod(), answer_of((key_of(folder), v2_value(found))), named)
    assert (violations(case) == []) is admitted


@pytest.mark.parametrize(
    ("reports", "admitted"),
    [
        ((("2026-05-20", None),), True),
        ((("2026-05-20", "high"),), False),
        ((("2026-05-10", "high"), ("2026-05-20", None)), True),
        ((("2026-05-10", None), ("2026-05-20", "high")), False),
    ],
)
async def test_vulnerability_reports_that_were_really_judged_are_understood(
    reports: tuple[tuple[str, str | None], ...], admitted: bool
) -> None:
    """The newest counts: also what failed has its time in `detail`."""
    setting = VulnerabilitySetting()
    for day, severity in reports:
        found = (Vulnerability("CVE-2026-1", severity=severity),) if severity else ()
        moment = f"{day}T00:00:00Z"
        setting.attest(VULN, vuln_predicate(trivy_report(*found, created=moment), finished=moment))
    # Nothing stops early, so that the template sees every report.
    everything = ThresholdPolicy(Rule(None, (Rule("vulnerability", require=Require.ALL),)))
    result = await setting.validate(attested=True, policy=everything)
    folder = "vulnerability-report-validation"
    named = {"verifier": "vulnerability", "requireSignature": False}
    answer = answer_of((key_of(folder), {**v2_value(result), "succeeded": True}))
    assert (violations(Case("x", folder, pod(), answer, named)) == []) is admitted


@pytest.mark.parametrize(("both", "admitted"), [(True, True), (False, False)])
async def test_the_engines_own_platforms_are_understood(both: bool, admitted: bool) -> None:
    """What stands on which manifest of an index, as the engine reports it: each needs evidence of its own."""
    key, store = CosignKey.generate(), MemoryStore()
    images = [add_configured_image(store, architecture=name, tag=None) for name in ("amd64", "arm64")]
    add_index(
        store, *(entry(each, f"linux/{name}") for each, name in zip(images, ("amd64", "arm64"), strict=True))
    )
    for image in images if both else images[:1]:
        attach_attestation(store, image, bundle(key, in_toto(image.digest, SLSA_V1, provenance_v1())))
    provenance = await build_attestation(FROM_SOURCE, KeyResources(key=key))
    executor = Executor(store=store, verifiers=(provenance,), platforms=PlatformChoice(PlatformMode.EACH))
    found = await executor.validate(Reference.parse(f"{REPOSITORY}:v1"))
    folder, named = "provenance-validation", {"verifier": "attestation", "source": BUILT_FROM}
    case = Case(
        "x", folder, pod(), answer_of((key_of(folder), {**v2_value(found), "succeeded": True})), named
    )
    assert (violations(case) == []) is admitted
