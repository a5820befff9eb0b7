"""VEX documents beside a report: whose count, and what they take away, whatever the order and the timing."""

import json
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.limits import Limits
from pyratify.core.policy import NoPolicy
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.sigstore.budget import Budget
from pyratify.sigstore.statement_formats import DSSE, MAX_ATTESTATION
from pyratify.testing.attestations import attach_attestation, envelope, in_toto
from pyratify.testing.cosign import CosignKey
from pyratify.testing.fakes import FakeClock
from pyratify.testing.sigstore import ISSUER, SIGNED_AT, SUBJECT, PrivateSigstore, Signing
from pyratify.testing.vulnerability import (
    Vulnerability,
    cyclonedx_vex,
    grype_report,
    openvex,
    sarif,
    trivy_report,
    vuln_predicate,
)
from pyratify.verifiers import accepted_statements
from pyratify.verifiers.attestation.attestation_plugin import plugin as attestation
from pyratify.verifiers.vulnerability.vulnerability_plugin import plugin
from support.attestation_setting import KEYS, KeyResources
from support.cosign_setting import KEY, OTHER, reasons
from support.vulnerability_setting import NOW, ONE, OPENVEX, SIGNED_VEX, STRICT, VULN, VulnerabilitySetting

ACCEPTING = STRICT | {"vex": SIGNED_VEX}
CYCLONEDX = "https://cyclonedx.org/bom"


def scene(*, attested: bool = False) -> VulnerabilitySetting:
    """Return an image with one dirty report."""
    setting = VulnerabilitySetting()
    if attested:
        setting.attest(VULN, vuln_predicate(trivy_report(Vulnerability())))
    else:
        setting.attach(sarif([Vulnerability()]))
    return setting


def suppressed(result: ValidationResult) -> int:
    """Return how many findings were suppressed in what passed."""
    assert result.decision is Decision.ALLOW, reasons(result)
    found = next(one.details for each in result.artifacts for one in each.results if one.details)
    return int(found.data["suppressed"])


@pytest.mark.parametrize("attested", [False, True])
@pytest.mark.parametrize("form", ["openvex", "cyclonedx"])
async def test_a_signed_document_of_a_named_signer_counts(attested: bool, form: str) -> None:
    """For reports as they are and in attestations alike."""
    setting = scene(attested=attested)
    if form == "openvex":
        setting.attest(OPENVEX, openvex(setting.digest))
    else:
        setting.attest(CYCLONEDX, cyclonedx_vex(setting.digest))
    assert suppressed(await setting.validate(ACCEPTING, attested=attested)) == 1


@pytest.mark.parametrize("attested", [False, True])
async def test_nothing_counts_that_is_not_named(attested: bool) -> None:
    """Not without `vex`, not of another signer, and not as it is."""
    setting = scene(attested=attested)
    setting.attest(OPENVEX, openvex(setting.digest))
    assert Reason.VULN_FOUND in reasons(await setting.validate(STRICT, attested=attested))
    setting = scene(attested=attested)
    setting.attest(OPENVEX, openvex(setting.digest), OTHER)
    setting.store.attach(
        setting.image,
        "application/vnd.openvex+json",
        ("application/json", json.dumps(openvex(setting.digest)).encode()),
    )
    result = await setting.validate(ACCEPTING, attested=attested)
    assert Reason.VULN_FOUND in reasons(result)
    assert result.decision is Decision.DENY


async def test_a_document_about_another_image_does_not_count() -> None:
    """Its signature is good, and its product is not the subject."""
    setting = scene()
    setting.attest(OPENVEX, openvex("sha256:" + "cd" * 32))
    assert Reason.VULN_FOUND in reasons(await setting.validate(ACCEPTING))


@pytest.mark.parametrize("concurrency", [1, 2, 16])
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
async def test_a_later_document_takes_an_earlier_one_back(order: tuple[int, ...], concurrency: int) -> None:
    """Whichever is listed first, before or after the report, and at any concurrency."""
    setting = VulnerabilitySetting()
    steps = [
        lambda: setting.attach(sarif([Vulnerability()])),
        lambda: setting.attest(OPENVEX, openvex(setting.digest, time="2026-01-01T00:00:00Z")),
        lambda: setting.attest(
            OPENVEX, openvex(setting.digest, status="affected", time="2026-02-01T00:00:00Z")
        ),
    ]
    for index in order:
        steps[index]()
    result = await setting.validate(ACCEPTING, concurrency=concurrency)
    assert Reason.VULN_FOUND in reasons(result)


async def test_an_accepted_document_that_is_malformed_suppresses_nothing() -> None:
    """What it takes back is unknown, so the others do not count either."""
    setting = scene()
    setting.attest(OPENVEX, openvex(setting.digest))
    setting.attest(OPENVEX, openvex(setting.digest, status="odd"))
    result = await setting.validate(ACCEPTING)
    assert Reason.REPORT_INVALID in reasons(result)
    assert result.decision is Decision.DENY


async def test_a_malformed_document_of_another_signer_hides_nothing() -> None:
    """An account that can push cannot make the accepted documents useless."""
    setting = scene()
    setting.attest(OPENVEX, openvex(setting.digest, status="odd"), OTHER)
    setting.store.attach(setting.image, "application/vnd.dev.sigstore.bundle.v0.3+json", ("x/y", b"{"))
    setting.attest(OPENVEX, openvex(setting.digest))
    assert suppressed(await setting.validate(ACCEPTING)) == 1


async def test_an_sbom_of_the_signer_is_no_vex_document() -> None:
    """A CycloneDX document without analyses says nothing, whatever its version."""
    setting = scene()
    setting.attest(CYCLONEDX, {"bomFormat": "CycloneDX", "specVersion": "1.2"})
    setting.attest(OPENVEX, openvex(setting.digest))
    assert suppressed(await setting.validate(ACCEPTING)) == 1


async def test_without_all_that_is_attached_it_cannot_be_decided() -> None:
    """A document that cannot be read may be the one that takes another back."""
    setting = scene()
    setting.attest(OPENVEX, openvex(setting.digest))
    late = setting.attest(OPENVEX, openvex(setting.digest, status="affected"))
    setting.store.faults[str(late.digest)] = StoreError(Reason.REGISTRY_UNREACHABLE, "away")
    result = await setting.validate(ACCEPTING)
    assert result.decision is Decision.DENY
    assert Reason.REGISTRY_UNREACHABLE in reasons(result)


async def test_a_clean_report_costs_no_further_request() -> None:
    """What is attached beside it is read only where a finding is denied."""
    setting = VulnerabilitySetting()
    setting.attach(sarif([Vulnerability(severity="low")]))
    setting.attest(OPENVEX, openvex(setting.digest))
    await setting.validate(ACCEPTING)
    assert [call for call, _ in setting.store.calls].count("referrers") == 1


async def test_files_of_the_policy_count_without_a_signature(tmp_path: Path) -> None:
    """They are a part of the configuration; the other conditions hold for them too."""
    setting = scene()
    for digest, passes in ((setting.digest, True), ("sha256:" + "cd" * 32, False)):
        file = tmp_path / "platform.openvex.json"
        file.write_text(json.dumps(openvex(digest)))
        result = await setting.validate(STRICT | {"vex": {"files": [str(file)]}})
        assert (result.decision is Decision.ALLOW) is passes


async def test_a_date_of_the_future_suppresses_nothing() -> None:
    """Keys prove no time: the document's own counts."""
    setting = scene()
    setting.attest(OPENVEX, openvex(setting.digest, time="2036-01-01T00:00:00Z"))
    assert Reason.VULN_FOUND in reasons(await setting.validate(ACCEPTING))


@pytest.mark.parametrize("later", [True, False])
async def test_a_statement_is_no_later_than_its_signature(tmp_path: Path, later: bool) -> None:
    """With a date ahead of its signature it would win against what was signed in between."""
    sigstore = PrivateSigstore()
    (tmp_path / "root.json").write_bytes(sigstore.root.data)
    setting = scene()
    first = openvex(setting.digest, time="2026-05-01T00:00:00Z")
    second = openvex(setting.digest, status="affected" if later else "fixed", time="2026-03-01T00:00:00Z")
    for document, at in ((first, SIGNED_AT), (second, SIGNED_AT + timedelta(days=60))):
        statement = in_toto(setting.image.digest, OPENVEX, document)
        attach_attestation(setting.store, setting.image, sigstore.sign_statement(statement, Signing(at=at)))
    trust = {
        "certificateIdentity": SUBJECT,
        "certificateOIDCIssuer": ISSUER,
        "trustedRoot": str(tmp_path / "root.json"),
    }
    result = await setting.validate(STRICT | {"vex": {"trustPolicies": [trust]}})
    assert (result.decision is Decision.ALLOW) is not later, reasons(result)


async def test_a_statement_that_takes_another_back_may_be_later_than_its_signature(tmp_path: Path) -> None:
    """A date ahead makes nothing good; one that is not given makes nothing bad."""
    sigstore = PrivateSigstore()
    (tmp_path / "root.json").write_bytes(sigstore.root.data)
    trust = {
        "certificateIdentity": SUBJECT,
        "certificateOIDCIssuer": ISSUER,
        "trustedRoot": str(tmp_path / "root.json"),
    }
    setting = scene()
    good = openvex(setting.digest, time="2026-03-01T00:00:00Z")
    affected = openvex(setting.digest, status="affected", time="2026-05-01T00:00:00Z")
    undated = openvex(setting.digest, "CVE-2000-0009", status="affected")
    del undated["timestamp"], undated["statements"][0]["timestamp"]
    days = timedelta(days=75)
    for document, at, allowed in (
        (good, SIGNED_AT + days, True),
        (undated, SIGNED_AT, True),
        (affected, SIGNED_AT, False),
    ):
        statement = in_toto(setting.image.digest, OPENVEX, document)
        attach_attestation(setting.store, setting.image, sigstore.sign_statement(statement, Signing(at=at)))
        result = await setting.validate(STRICT | {"vex": {"trustPolicies": [trust]}})
        assert (result.decision is Decision.ALLOW) is allowed, reasons(result)


async def test_every_layer_of_an_attachment_is_read() -> None:
    """What another signer made, or what was never pushed, hides no statement behind it."""
    setting = scene()
    setting.attest(OPENVEX, openvex(setting.digest, time="2026-01-01T00:00:00Z"))
    later = openvex(setting.digest, status="affected", time="2026-02-01T00:00:00Z")
    statements = [
        (OTHER, openvex(setting.digest)),
        (KEY, openvex(setting.digest, time="2025-01-01T00:00:00Z")),
    ]
    made = [envelope(key, in_toto(setting.image.digest, OPENVEX, each)) for key, each in statements]
    last = envelope(KEY, in_toto(setting.image.digest, OPENVEX, later))
    kind = "application/vnd.dsse.envelope.v1+json"
    layers = [(kind, json.dumps(each).encode()) for each in (made[0], {"never": "pushed"}, made[1], last)]
    setting.store.attach(setting.image, kind, *layers)
    missing = Digest.of(layers[1][1])
    setting.store.blobs = {digest: data for digest, data in setting.store.blobs.items() if digest != missing}
    # As many statements as are allowed: the limit itself is no excess.
    result = await setting.validate(ACCEPTING, limits=Limits(signatures=4))
    assert Reason.VULN_FOUND in reasons(result)
    assert result.decision is Decision.DENY


@pytest.mark.parametrize("cut", ["attempts", "lines", "missing", "large"])
@pytest.mark.parametrize(
    ("first", "second", "beside", "allowed"),
    [
        ("not_affected", "affected", None, False),
        ("not_affected", "not_affected", "not_affected", True),
        ("affected", "not_affected", "not_affected", False),
    ],
)
async def test_what_is_cut_suppresses_nothing_and_takes_back(
    cut: str, first: str, second: str, beside: str | None, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of documents that were not all read the rest is unknown; what stands by itself counts all the same."""
    setting = scene()
    if beside:
        setting.attest(OPENVEX, openvex(setting.digest, status=beside, time="2026-01-01T00:00:00Z"))
    one, two = (
        json.dumps(envelope(KEY, in_toto(setting.image.digest, OPENVEX, document))).encode()
        for document in (
            openvex(setting.digest, status=first, time="2026-02-01T00:00:00Z"),
            openvex(setting.digest, status=second, time="2026-03-01T00:00:00Z"),
        )
    )
    if cut == "attempts":
        monkeypatch.setattr(accepted_statements, "Budget", partial(Budget, 1))
    # Two lines are one more than the layer's part of the limit.
    layers = [one, two + b"\n" + two] if cut == "lines" else [one, two]
    if cut == "large":
        layers[1] += b" " * MAX_ATTESTATION
    setting.store.attach(setting.image, DSSE, *((DSSE, layer) for layer in layers))
    if cut == "missing":
        del setting.store.blobs[Digest.of(two)]
    result = await setting.validate(ACCEPTING, limits=Limits(signatures=2))
    assert (result.decision is Decision.ALLOW) is allowed, reasons(result)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
async def test_verifiers_do_not_share_whose_documents_count(order: tuple[int, int]) -> None:
    """What one of them accepts suppresses nothing for another one."""
    setting = scene()
    setting.attest(OPENVEX, openvex(setting.digest))
    verifiers = []
    for name, key in (("ours", KEY), ("theirs", OTHER)):
        options = msgspec.convert(ACCEPTING, plugin.options)
        verifiers.append(await plugin.build(name, options, KeyResources(clock=FakeClock(NOW), key=key)))
    executor = Executor(store=setting.store, verifiers=[verifiers[each] for each in order], policy=NoPolicy())
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.digest}"))
    passed = {found.verifier: found.passed for each in result.artifacts for found in each.results}
    assert passed == {"ours": True, "theirs": False}


@pytest.mark.parametrize("key", [KEY, OTHER])
@pytest.mark.parametrize(
    ("rules", "reason"),
    [
        ({}, None),
        ({"authors": ["security@example.com"]}, None),
        ({"authors": ["another"]}, Reason.REPORT_INVALID),
        ({"maximumAge": "24h"}, None),
        ({"maximumAge": "1h"}, Reason.EVIDENCE_STALE),
        ({"deniedStatuses": ["not_affected"]}, Reason.VULN_FOUND),
    ],
)
async def test_a_vex_document_can_be_asked_for(
    rules: dict[str, Any], reason: Reason | None, key: CosignKey
) -> None:
    """The rule `vex` of attestations: its author, age and statuses."""
    setting = VulnerabilitySetting()
    setting.attest(OPENVEX, openvex(setting.digest), key)
    result = await setting.validate(rules, attested=True, rule="vex")
    expected = {Reason.SIG_INVALID} if key is OTHER else {reason} if reason else set()
    assert reasons(result) == expected


async def test_vex_documents_count_where_several_kinds_must_be_there() -> None:
    """With a list of requirements each artifact is judged beside the others, and by the same documents."""
    setting = scene(attested=True)
    setting.attest(OPENVEX, openvex(setting.digest))
    requirements = [
        {"name": "scan", "vulnerability": ACCEPTING},
        {"name": "opinion", "vex": {}},
    ]
    result = await setting.validate(requirements, attested=True, rule="requirements")
    assert result.decision is Decision.ALLOW, reasons(result)
    alone = [requirements[0] | {"vulnerability": STRICT}, requirements[1]]
    assert (await setting.validate(alone, attested=True, rule="requirements")).decision is Decision.DENY


LEEWAY = {"deniedSeverities": ["critical"], "leeway": {"critical": "3d"}}


@pytest.mark.parametrize("first", ["2026-05-31T00:00:00Z", "2026-05-20T00:00:00Z"])
@pytest.mark.parametrize(
    ("rules", "fixed"), [(LEEWAY, "2.15.0"), ({"fixable": LEEWAY}, "2.15.0"), ({"unfixable": LEEWAY}, "")]
)
async def test_a_leeway_counts_from_the_first_signed_report_that_names_a_finding(
    first: str, rules: dict[str, Any], fixed: str
) -> None:
    """A new report of the same finding begins no new leeway; Grype does not say when it was published."""
    setting, finding = VulnerabilitySetting(), Vulnerability(fixed=fixed)
    for time in (first, "2026-06-01T12:00:00Z"):
        setting.attest(VULN, vuln_predicate(grype_report(finding, created=time), finished=time))
    result = await setting.validate(rules, attested=True)
    young = first > "2026-05-30"
    assert (result.decision is Decision.ALLOW) is young, reasons(result)
    if young:
        ends = {one.details.valid_until for each in result.artifacts for one in each.results if one.details}
        assert ends == {datetime(2026, 6, 3, tzinfo=UTC)}


@pytest.mark.parametrize(("at", "young"), [("2026-05-31", True), ("2026-05-20", False)])
async def test_a_leeway_counts_from_the_signature_where_that_is_earlier(
    at: str, tmp_path: Path, *, young: bool
) -> None:
    """A report names no finding later than it was signed, whatever it says of itself."""
    sigstore = PrivateSigstore()
    (tmp_path / "root.json").write_bytes(sigstore.root.data)
    setting = VulnerabilitySetting()
    claimed = "2026-06-01T12:00:00Z"
    predicate = vuln_predicate(grype_report(Vulnerability(), created=claimed), finished=claimed)
    statement = in_toto(setting.image.digest, VULN, predicate)
    signing = Signing(at=datetime.fromisoformat(f"{at}T00:00:00+00:00"))
    attach_attestation(setting.store, setting.image, sigstore.sign_statement(statement, signing))
    trust = {
        "certificateIdentity": SUBJECT,
        "certificateOIDCIssuer": ISSUER,
        "trustedRoot": str(tmp_path / "root.json"),
    }
    options = msgspec.convert({"trustPolicies": [trust], "vulnerability": LEEWAY}, attestation.options)
    verifier = await attestation.build("vulnerability", options, KeyResources(clock=FakeClock(NOW)))
    executor = Executor(store=setting.store, verifiers=(verifier,), policy=ONE)
    result = await executor.validate(Reference.parse(f"example.com/app@{setting.digest}"))
    assert (result.decision is Decision.ALLOW) is young, reasons(result)


async def test_a_report_without_a_time_begins_no_leeway() -> None:
    """It may be of any age; the first one that says when it was made counts."""
    setting = VulnerabilitySetting()
    for time in ("", "2026-06-01T12:00:00Z"):
        setting.attest(VULN, vuln_predicate(grype_report(Vulnerability(), created=time), finished=time))
    assert (await setting.validate(LEEWAY, attested=True)).decision is Decision.ALLOW


async def test_reports_of_others_begin_no_leeway_and_end_none() -> None:
    """An old report of another signer names the finding, and is not read."""
    setting = VulnerabilitySetting()
    for time, key in (("2026-05-20T00:00:00Z", OTHER), ("2026-06-01T12:00:00Z", KEY)):
        setting.attest(VULN, vuln_predicate(grype_report(Vulnerability(), created=time), finished=time), key)
    assert (await setting.validate(LEEWAY, attested=True)).decision is Decision.ALLOW


async def test_a_report_as_it_is_grants_leeway_by_publication_alone() -> None:
    """An account that attaches it chooses its date."""
    for published, passes in (("2026-06-01T00:00:00Z", True), ("", False)):
        setting = VulnerabilitySetting()
        setting.attach(
            trivy_report(Vulnerability(published=published)), kind="application/vnd.aquasec.trivy.report+json"
        )
        assert ((await setting.validate(LEEWAY)).decision is Decision.ALLOW) is passes


async def test_documents_that_cannot_be_read_hide_nothing() -> None:
    """A layer that was never pushed, a tag with thousands of layers, and an earlier report that is none."""
    setting = scene(attested=True)
    setting.attest(OPENVEX, openvex(setting.digest))
    missing = setting.attest(OPENVEX, openvex(setting.digest, status="affected"))
    layer = json.loads(setting.store.manifests[missing.digest])["layers"][0]["digest"]
    setting.store.blobs = {
        digest: data for digest, data in setting.store.blobs.items() if str(digest) != layer
    }
    setting.attest(VULN, {"scanner": {}})
    many = [("application/vnd.dsse.envelope.v1+json", str(number).encode()) for number in range(12)]
    setting.store.attach(setting.image, "application/vnd.dsse.envelope.v1+json", *many)
    parameters = ACCEPTING | {"leeway": {"critical": "1d"}}
    result = await setting.validate(parameters, attested=True, limits=Limits(signatures=10))
    assert suppressed(result) == 1


async def test_a_layer_that_the_registry_does_not_answer_leaves_it_undecided() -> None:
    """It may hold what takes a statement back."""
    setting = scene()
    setting.attest(OPENVEX, openvex(setting.digest))
    late = setting.attest(OPENVEX, openvex(setting.digest, status="affected"))
    layer = json.loads(setting.store.manifests[late.digest])["layers"][0]["digest"]
    setting.store.faults[layer] = StoreError(Reason.REGISTRY_UNREACHABLE, "away")
    assert Reason.REGISTRY_UNREACHABLE in reasons(await setting.validate(ACCEPTING))


async def test_a_policy_for_other_repositories_accepts_no_signer_here() -> None:
    """Its scopes do not cover the image."""
    setting = scene()
    setting.attest(OPENVEX, openvex(setting.digest))
    elsewhere = {"trustPolicies": [{"keys": KEYS, "scopes": ["example.org/other"]}]}
    assert Reason.VULN_FOUND in reasons(await setting.validate(STRICT | {"vex": elsewhere}))


async def test_a_document_about_another_image_is_no_evidence() -> None:
    """The rule `vex` asks for a statement about this image, and for a known status."""
    setting = VulnerabilitySetting()
    setting.attest(OPENVEX, openvex("sha256:" + "cd" * 32))
    assert reasons(await setting.validate({}, attested=True, rule="vex")) == {Reason.REPORT_INVALID}
    with pytest.raises(ConfigurationError, match="is no status"):
        await setting.validate({"deniedStatuses": ["fine"]}, attested=True, rule="vex")


async def test_an_author_that_is_not_named_is_no_rule() -> None:
    """As `authors: ["${AUTHOR}"]` where the environment has none: documents without an author would pass."""
    with pytest.raises(ConfigurationError, match="names no author"):
        await VulnerabilitySetting().validate({"authors": [""]}, attested=True, rule="vex")
