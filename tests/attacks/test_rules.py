"""Attacks on rules about reports: missing data, times that attackers choose, and the order of reports."""

import pytest

from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision
from pyratify.policies.rule import Require, Rule
from pyratify.policies.threshold import ThresholdPolicy
from pyratify.testing.contracts import SUBJECT
from support.policy_reports import failed, inconclusive, passed, report, unread
from support.scenes import threshold

SIGNED = report(1, passed("cosign", "k"))
CLEAN = report(2, passed("scan", "k", createdAt="2026-05-01T00:00:00Z", critical="none"))
FORBIDDING = (
    Rule("scan", deny=True, reasons=("CERT_REVOKED",)),
    Rule("scan", deny=True, where=(("critical", "some"),)),
)


def decision(policy: ThresholdPolicy, *reports: ArtifactReport) -> tuple[Decision, Reason | None]:
    """Return decision and reason."""
    verdict = policy.decide(SUBJECT, reports)
    return verdict.decision, verdict.failure.reason if verdict.failure else None


@pytest.mark.parametrize("rule", FORBIDDING)
@pytest.mark.parametrize(
    "data",
    [
        (),
        (report(2),),
        (report(2, passed("other", critical="none")),),
        (report(2, failed("scan")),),
        (report(2, inconclusive("scan")),),
        (CLEAN, report(3, inconclusive("scan"))),
        (CLEAN, unread(3)),
    ],
)
def test_atk_118_missing_data_satisfies_no_deny_rule(rule: Rule, data: tuple[ArtifactReport, ...]) -> None:
    """Removing, breaking or hiding the report does not lift the prohibition; the clean report does."""
    policy = threshold("cosign", rule)
    assert decision(policy, SIGNED, CLEAN)[0] is Decision.ALLOW
    assert decision(policy, SIGNED, *data)[0] is Decision.DENY


def test_atk_118_a_fact_of_another_type_or_name_lifts_no_prohibition() -> None:
    """Null, missing and wrong types are not the absence of what is forbidden."""
    policy = threshold("cosign", FORBIDDING[1])
    for facts in ({}, {"Critical": "none"}, {"critical.": "none"}):
        assert decision(policy, SIGNED, report(2, passed("scan", "k", **facts)))[0] is Decision.DENY


def test_atk_122_a_report_of_the_future_is_not_the_newest() -> None:
    """The clean report of ten years ahead hides nothing, signed or not."""
    policy = threshold(Rule("scan", require=Require.NEWEST))
    dirty = report(3, failed("scan", createdAt="2026-05-31T00:00:00Z"))
    for signers in (("k",), ()):
        ahead = report(4, passed("scan", *signers, createdAt="2036-05-31T00:00:00Z"))
        for order in ((dirty, ahead), (ahead, dirty), (ahead,)):
            assert decision(policy, *order) == (
                Decision.DENY,
                Reason.TIME_INVALID if signers else _unsigned(),
            )


def _unsigned() -> Reason:
    return Reason.EVIDENCE_UNSIGNED


def test_atk_122_an_unsigned_date_counts_for_nothing() -> None:
    """The date of a document without a signature is its author's choice."""
    policy = threshold(Rule("scan", require=Require.NEWEST))
    backdated = report(3, passed("scan", createdAt="2026-05-30T00:00:00Z"))
    assert decision(policy, backdated) == (Decision.DENY, Reason.EVIDENCE_UNSIGNED)
    assert decision(policy, CLEAN, backdated)[0] is Decision.DENY


@pytest.mark.parametrize("require", [Require.ALL, Require.NEWEST])
def test_atk_123_a_clean_report_hides_no_dirty_one(require: Require) -> None:
    """In both orders: the registry chooses which comes first."""
    policy = threshold(Rule("scan", require=require))
    dirty = report(3, failed("scan", createdAt="2026-05-31T00:00:00Z"))
    assert decision(policy, CLEAN)[0] is Decision.ALLOW
    for order in ((CLEAN, dirty), (dirty, CLEAN)):
        assert decision(policy, *order)[0] is Decision.DENY
        assert not policy.settled(order)
