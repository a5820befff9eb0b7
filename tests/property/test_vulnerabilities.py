"""Laws of vulnerability reports: more findings never help, and order changes nothing."""

import contextlib
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import VerificationError
from pyratify.evidence.judgement import Circumstances
from pyratify.evidence.vex.read_vex import read_vex
from pyratify.evidence.vex.suppression import Suppression
from pyratify.evidence.vulnerability.finding import Finding
from pyratify.evidence.vulnerability.judge_report import VulnerabilityJudge
from pyratify.evidence.vulnerability.read_report import read_report
from pyratify.evidence.vulnerability.rules import SeverityRules, VulnerabilityRules
from pyratify.evidence.vulnerability.severity import Severity
from pyratify.testing.vulnerability import Vulnerability, grype_report, openvex, sarif, trivy_report

SUBJECT = Descriptor("application/vnd.oci.image.manifest.v1+json", Digest("sha256:" + "ab" * 32), 100)
NOW = datetime(2026, 6, 2, tzinfo=UTC)
CIRCUMSTANCES = Circumstances(SUBJECT, NOW)
NAMES = st.sampled_from(["CVE-2021-44228", "CVE-2020-0001", "GHSA-jfh8-c2jp-5v3q", "cve-2020-0002"])
FINDINGS = st.builds(
    Vulnerability,
    NAMES,
    st.sampled_from(["critical", "high", "medium", "low", "unknown", "odd"]),
    fixed=st.sampled_from(["", "2.0"]),
    published=st.sampled_from(["", "2026-05-31T00:00:00Z", "2020-01-01T00:00:00Z"]),
)
SEVERITIES = st.builds(SeverityRules, st.frozensets(st.sampled_from(Severity)))
RULES = st.builds(
    VulnerabilityRules,
    fixable=SEVERITIES,
    unfixable=SEVERITIES,
    denied_ids=st.frozensets(st.sampled_from(["CVE-2021-44228", "GHSA-JFH8-C2JP-5V3Q"])),
)
MAKERS = st.sampled_from([sarif, trivy_report, grype_report])


def passes(document: object, rules: VulnerabilityRules) -> bool:
    """Return whether a report passes."""
    try:
        VulnerabilityJudge(rules).judge(document, CIRCUMSTANCES)
    except VerificationError:
        return False
    return True


def make(maker: Any, found: list[Vulnerability]) -> object:
    """Return a report of findings."""
    return maker(found) if maker is sarif else maker(*found)


@given(MAKERS, RULES, st.lists(FINDINGS, max_size=6), FINDINGS)
def test_a_further_finding_never_turns_a_refusal_into_a_pass(
    maker: Any, rules: VulnerabilityRules, found: list[Vulnerability], more: Vulnerability
) -> None:
    """What is refused is refused with more findings too."""
    if not passes(make(maker, found), rules):
        assert not passes(make(maker, [*found, more]), rules)


@given(
    MAKERS,
    RULES,
    st.lists(FINDINGS, max_size=6).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found))),
)
def test_order_changes_nothing(
    maker: Any, rules: VulnerabilityRules, orders: tuple[list[Vulnerability], list[Vulnerability]]
) -> None:
    """A report in another order passes or is refused alike, and counts the same."""
    first, second = (make(maker, order) for order in orders)
    assert passes(first, rules) == passes(second, rules)
    counts = [sorted(each.label for each in read_report(report).findings) for report in (first, second)]
    assert counts[0] == counts[1]


STATEMENTS = st.builds(
    openvex,
    st.just(str(SUBJECT.digest)),
    st.just("CVE-2021-44228"),
    status=st.sampled_from(["not_affected", "fixed", "affected", "under_investigation"]),
    justification=st.sampled_from([None, "component_not_present"]),
    time=st.sampled_from(["", "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2036-01-01T00:00:00Z"]),
)


@given(
    st.lists(STATEMENTS, max_size=5).flatmap(lambda found: st.tuples(st.just(found), st.permutations(found)))
)
def test_the_order_of_vex_documents_changes_nothing(orders: tuple[list[Any], list[Any]]) -> None:
    """Whichever document is read first, the same findings are suppressed."""
    finding = Finding("CVE-2021-44228", Severity.HIGH, "here")
    first, second = (Suppression(map(read_vex, order), str(SUBJECT.digest), NOW)(finding) for order in orders)
    assert first == second


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "runs",
                        "version",
                        "tool",
                        "driver",
                        "results",
                        "SchemaVersion",
                        "Results",
                        "matches",
                        "scanner",
                        "result",
                        "statements",
                        "@context",
                        "products",
                        "vulnerability",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    )
)
def test_whatever_a_document_holds_it_is_refused_and_never_crashes(document: object) -> None:
    """No JSON value makes a reader raise anything but a refusal."""
    for reader in (read_report, read_vex):
        with contextlib.suppress(VerificationError):
            reader(document)  # type: ignore[operator]
