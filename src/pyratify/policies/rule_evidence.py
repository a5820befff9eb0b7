"""Which evidence satisfies one rule that names a verifier.

A result is *adverse* to a rule where it may be evidence of the rule's kind and does not satisfy it: it passed and lacks what the
rule asks for, failed, could not be decided, or its artifact could not even be read. Results that passed are of another kind
where their facts differ from `where`; results that failed only where the signer is trusted and the facts say so.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from pyratify.core.dataclass import dataclass
from pyratify.core.details import created_at
from pyratify.core.report import ArtifactReport, Outcome, VerifierResult
from pyratify.core.verifier import Details
from pyratify.policies.rule import Require, Rule

Reports = tuple[ArtifactReport, ...]
Holds = Callable[[Rule, Reports], bool]
# As for timestamps (`pki/timestamp/token.py`).
SKEW = timedelta(minutes=5)
"""How far the clocks of signers may be ahead of this machine's."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One artifact in the eyes of a rule.

    Attributes:
        satisfies: Whether it is evidence that satisfies the rule, leaving aside all other artifacts.
        unsigned: Whether it would, were it signed.
        time: When it was signed; None where that is unknown.
        signers: Of what satisfies: the identities of its signers; the verifier's name for evidence without one.
    """

    satisfies: bool
    unsigned: bool = False
    time: datetime | None = None
    signers: tuple[str, ...] = ()


def judge(rule: Rule, reports: Reports, holds: Holds) -> Iterator[Judged]:
    """Iterate over the artifacts that are, or may be, of the rule's kind.

    Args:
        rule: A rule that names a verifier.
        reports: Everything that is attached here.
        holds: Whether a group's rules hold for what is attached to an artifact.
    """
    for report in reports:
        result = result_of(report, rule)
        # An artifact that could not be read may be of any kind.
        if result is None:
            if report.outcome is not None:
                yield Judged(False)
        elif result.passed and rule.is_of_kind(result.details and result.details.data):
            yield _judge_passed(rule, report, result, holds)
        elif not result.passed and rule.is_of_kind(result.facts) is not False:
            failed = result.outcome is Outcome.FAILED
            yield Judged(False, time=created_at(result.facts) if failed else None)


def satisfying(rule: Rule, reports: Reports, now: datetime, holds: Holds) -> frozenset[str]:
    """Return the signers of the evidence that satisfies the rule; empty where the rule is not satisfied."""
    # Asked again and again while a walk is under way, so it makes nothing that it does not need.
    if rule.require is Require.ANY:
        return frozenset([name for report in reports for name in _signers(rule, report, holds)])
    found = list(judge(rule, reports, holds))
    if rule.require is Require.NEWEST:
        found = _newest(found, now)
    adverse = not all(each.satisfies for each in found)
    return frozenset() if adverse else frozenset(name for each in found for name in each.signers)


def forbids(rule: Rule, reports: Reports, holds: Holds) -> bool:
    """Return whether a deny rule forbids: something is what it names, or nothing shows that it is not.

    Missing and undecided evidence forbid: an attacker that removes a report must gain nothing by it.
    """
    results = [result for report in reports if (result := result_of(report, rule)) is not None]
    # What could not be read may be the report that forbids.
    if any(report.outcome is not None for report in reports):
        return True
    if any(result.outcome is Outcome.INCONCLUSIVE or _is_named(rule, result) for result in results):
        return True
    return not any(_clears(rule, report, holds) for report in reports)


def result_of(report: ArtifactReport, rule: Rule) -> VerifierResult | None:
    """Return the result of the rule's verifier on an artifact."""
    return next((result for result in report.results if result.verifier == rule.verifier), None)


def _judge_passed(rule: Rule, report: ArtifactReport, result: VerifierResult, holds: Holds) -> Judged:
    details = result.details
    if details is None:
        return Judged(False)
    nested = not rule.rules or holds(rule.below, report.nested)
    signed = bool(details.signers) or bool(rule.rules and nested)
    satisfies = nested and (signed or not rule.needs_signature)
    signers = _names(rule, details) if satisfies else ()
    # Nothing below it vouches for it either, where the rule names what could.
    unsigned = rule.needs_signature and not signed
    return Judged(satisfies, unsigned, created_at(details.data), signers)


def _signers(rule: Rule, report: ArtifactReport, holds: Holds) -> tuple[str, ...]:
    """Return the signers of an artifact that satisfies the rule, leaving aside all others; empty where it does not."""
    result = report.passed(rule.verifier or "")
    details = None if result is None else result.details
    if details is None or (rule.where and rule.is_of_kind(details.data) is not True):
        return ()
    if rule.require_signed and not (details.signers or rule.rules):
        return ()
    return _names(rule, details) if not rule.rules or holds(rule.below, report.nested) else ()


def _names(rule: Rule, details: Details) -> tuple[str, ...]:
    # Evidence without a signer cannot be told apart from other such evidence: all counts once.
    return details.signers or (f"unsigned:{rule.verifier}",)


def _newest(found: list[Judged], now: datetime) -> list[Judged]:
    """Return the newest, several of one time; what is undated, or dated in the future, may be the newest too."""
    unknown = [each for each in found if each.time is None or each.time > now + SKEW]
    if unknown:
        return [Judged(False)]
    newest = max((each.time for each in found if each.time is not None), default=None)
    return [each for each in found if each.time == newest]


def _is_named(rule: Rule, result: VerifierResult) -> bool:
    """Return whether a result is what the deny rule forbids."""
    if rule.reasons:
        return result.failure is not None and result.failure.reason.value in rule.reasons
    # Facts that are missing could have been those that forbid.
    return result.passed and rule.is_of_kind(result.details and result.details.data) is not False


def _clears(rule: Rule, report: ArtifactReport, holds: Holds) -> bool:
    """Return whether an artifact shows that what the rule forbids is not there."""
    result = result_of(report, rule)
    if result is None or not result.passed or result.details is None:
        return False
    if rule.reasons and rule.is_of_kind(result.details.data) is not True:
        return False
    return _judge_passed(rule, report, result, holds).satisfies
