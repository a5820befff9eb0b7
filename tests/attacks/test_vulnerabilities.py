"""Attacks on vulnerability reports and VEX documents: clean evidence that is not, and statements that take everything away."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.policies.rule import Require
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.vulnerability import Vulnerability, openvex, sarif, trivy_report, vuln_predicate
from support.cosign_setting import OTHER, reasons
from support.vulnerability_setting import OPENVEX, SIGNED_VEX, STRICT, VULN, VulnerabilitySetting

ACCEPTING = STRICT | {"vex": SIGNED_VEX}
OTHER_IMAGE = "sha256:" + "cd" * 32
LOW = Vulnerability("CVE-2000-0001", "low")


def one(require_signed: bool = False, require: Require = Require.ANY) -> ThresholdPolicy:
    """Return a policy that asks for one report."""
    rule = Rule("vulnerability", require_signed=require_signed, require=require)
    return ThresholdPolicy(Rule(None, (rule,), 1))


async def test_atk_212_an_unsigned_report_counts_only_where_the_policy_says_so() -> None:
    """A clean report of any account that may push is no evidence under `requireSigned`."""
    setting = VulnerabilitySetting()
    setting.attach(sarif([]))
    denied = await setting.validate(policy=one(require_signed=True))
    assert denied.decision is Decision.DENY
    assert denied.failure is not None
    assert denied.failure.reason is Reason.EVIDENCE_UNSIGNED
    assert (await setting.validate(policy=one())).decision is Decision.ALLOW


@pytest.mark.parametrize(
    "kind", ["application/vnd.openvex+json", "application/vnd.in-toto+json", "application/json"]
)
async def test_atk_212_an_unsigned_vex_document_suppresses_nothing(kind: str) -> None:
    """Under whatever type it is attached, and as a bare statement too."""
    setting = VulnerabilitySetting()
    setting.attach(sarif([Vulnerability()]))
    vex = openvex(setting.digest)
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"digest": {"sha256": setting.digest[7:]}}],
        "predicateType": OPENVEX,
        "predicate": vex,
    }
    for document in (vex, statement):
        setting.store.attach(setting.image, kind, (kind, json.dumps(document).encode()))
    assert Reason.VULN_FOUND in reasons(await setting.validate(ACCEPTING))


def _products(*products: Any) -> Callable[[str], dict[str, Any]]:
    def make(digest: str) -> dict[str, Any]:
        document = openvex(digest)
        document["statements"][0]["products"] = list(products)
        return document

    return make


VEX: dict[str, Callable[[str], dict[str, Any]]] = {
    "another image": lambda digest: openvex(OTHER_IMAGE),
    "no product": _products(),
    "a name alone": _products({"@id": "pkg:oci/image"}),
    "every name": _products("*", {"@id": "pkg:oci/*@*"}),
    "another package": lambda digest: openvex(digest, components=["pkg:generic/other@2.14.1"]),
    "no reason": lambda digest: openvex(digest, justification=None),
}


@pytest.mark.parametrize("make", VEX.values(), ids=VEX)
async def test_atk_213_a_vex_document_suppresses_only_what_it_is_about(
    make: Callable[[str], dict[str, Any]],
) -> None:
    """A trusted signer's document without the image, the package or a reason takes nothing away."""
    setting = VulnerabilitySetting()
    setting.attest(VULN, vuln_predicate(trivy_report(Vulnerability())))
    setting.attest(OPENVEX, make(setting.digest))
    result = await setting.validate(ACCEPTING, attested=True)
    assert result.decision is Decision.DENY
    assert Reason.VULN_FOUND in reasons(result)


async def test_atk_213_a_newer_document_of_an_untrusted_author_changes_nothing() -> None:
    """Neither does it suppress, nor does it take a trusted statement back."""
    setting = VulnerabilitySetting()
    setting.attach(sarif([Vulnerability()]))
    setting.attest(OPENVEX, openvex(setting.digest, time="2026-06-01T23:00:00Z"), OTHER)
    assert Reason.VULN_FOUND in reasons(await setting.validate(ACCEPTING))
    setting.attest(OPENVEX, openvex(setting.digest))
    setting.attest(OPENVEX, openvex(setting.digest, status="affected", time="2026-06-01T23:30:00Z"), OTHER)
    assert (await setting.validate(ACCEPTING)).decision is Decision.ALLOW


async def test_atk_213_a_date_of_the_future_wins_nothing() -> None:
    """A statement of tomorrow would be the latest for ever."""
    setting = VulnerabilitySetting()
    setting.attach(sarif([Vulnerability()]))
    setting.attest(OPENVEX, openvex(setting.digest, time="2036-01-01T00:00:00Z"))
    assert Reason.VULN_FOUND in reasons(await setting.validate(ACCEPTING))


SPOOFED: dict[str, tuple[Any, dict[str, Any], Reason]] = {
    "an empty report of an unknown tool": (sarif([], scanner="tool.name"), STRICT, Reason.REPORT_INVALID),
    "no runs": (sarif(), STRICT, Reason.REPORT_INVALID),
    "a report of another image": (
        sarif([LOW], digests=[OTHER_IMAGE]),
        STRICT | {"bind": "subject"},
        Reason.REPORT_INVALID,
    ),
    "a CVE in another case": (
        sarif([Vulnerability(" cve-2021-44228 ", "low")]),
        {"deniedCves": ["CVE-2021-44228"]},
        Reason.VULN_FOUND,
    ),
    "a CVE with a package behind it": (
        sarif([Vulnerability("CVE-2021-44228", "low")], scanner="Grype"),
        {"deniedCves": ["cve-2021-44228"]},
        Reason.VULN_FOUND,
    ),
    "a GHSA for a CVE": (
        sarif([Vulnerability("GHSA-jfh8-c2jp-5v3q", "low", aliases=("CVE-2021-44228",))]),
        {"deniedCves": ["CVE-2021-44228"]},
        Reason.VULN_FOUND,
    ),
}


@pytest.mark.parametrize(("document", "rules", "reason"), SPOOFED.values(), ids=SPOOFED)
async def test_atk_214_a_report_that_hides_what_it_is(
    document: Any, rules: dict[str, Any], reason: Reason
) -> None:
    """Reports without a scan, about another image, or with names in another spelling."""
    setting = VulnerabilitySetting()
    setting.attach(document)
    result = await setting.validate(rules)
    assert result.decision is Decision.DENY
    assert reasons(result) == {reason}


@pytest.mark.parametrize("runs", [([LOW], [Vulnerability()]), ([Vulnerability()], [LOW])])
async def test_atk_123_every_run_of_a_report_counts(runs: tuple[list[Vulnerability], ...]) -> None:
    """In both orders, and whether the second is a run or a layer."""
    for documents in ([sarif(*runs)], [sarif(run) for run in runs]):
        setting = VulnerabilitySetting()
        setting.attach(*documents)
        assert reasons(await setting.validate()) == {Reason.VULN_FOUND}


@pytest.mark.parametrize("dirty_first", [False, True])
async def test_atk_123_all_reports_of_an_image_count_where_the_policy_asks(dirty_first: bool) -> None:
    """A clean report beside a dirty one is enough for `any` alone, whichever the registry lists first."""
    setting = VulnerabilitySetting()
    for found in sorted([LOW, Vulnerability()], key=lambda each: (each is LOW) is dirty_first):
        setting.attach(sarif([found]))
    assert (await setting.validate(policy=one())).decision is Decision.ALLOW
    assert (await setting.validate(policy=one(require=Require.ALL))).decision is Decision.DENY


@pytest.mark.parametrize("newest_is_dirty", [False, True])
async def test_atk_123_the_newest_signed_report_counts_where_the_policy_asks(newest_is_dirty: bool) -> None:
    """`require: newest` takes the latest of the signed reports, in any order."""
    setting = VulnerabilitySetting()
    reports = {
        "2026-06-01T10:00:00Z": LOW if newest_is_dirty else Vulnerability(),
        "2026-06-01T11:00:00Z": Vulnerability() if newest_is_dirty else LOW,
    }
    for time, found in reports.items():
        setting.attest(VULN, vuln_predicate(trivy_report(found, created=time), finished=time))
    result = await setting.validate(attested=True, policy=one(require=Require.NEWEST))
    assert (result.decision is Decision.DENY) is newest_is_dirty


async def test_atk_064_an_old_signed_report_is_stale() -> None:
    """A registry that withholds newer reports is limited by the age that a report may have."""
    setting = VulnerabilitySetting()
    old = "2026-05-01T00:00:00Z"
    setting.attest(VULN, vuln_predicate(trivy_report(LOW, created=old), finished=old))
    result = await setting.validate(STRICT | {"maximumAge": "24h"}, attested=True)
    assert reasons(result) == {Reason.EVIDENCE_STALE}


async def test_atk_122_a_report_of_the_future_selects_nothing() -> None:
    """A date that lies ahead would be the newest for ten years."""
    setting = VulnerabilitySetting()
    setting.attach(sarif([LOW]), annotations={"org.opencontainers.image.created": "2036-01-01T00:00:00Z"})
    assert reasons(await setting.validate({"maximumAge": "24h"})) == {Reason.TIME_INVALID}
