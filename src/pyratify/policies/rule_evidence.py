"""Which evidence satisfies one rule that names a verifier.

A result is *adverse* to a rule where it may be evidence of the rule's kind and does not satisfy it: it passed and lacks what the
rule asks for, failed, could not be decided, or its artifact could not even be read. Results that passed are of another kind
where their facts differ from `where`; results that failed only where the signer is trusted and the facts say so.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from pyratify.core.dataclass import dataclass
from pyratify.core.details import created_at
from pyratify.core.report import ArtifactReport, Outcome, VerifierResult
from pyratify.core.verifier import Details
from pyratify.policies.rule import Require, Rule

Reports = tuple[ArtifactReport, ...]
Holds = Callable[[Rule, Reports], bool]
# What is in the facts of the whole and is not said by every statement.
_TYPE = "predicateType"
_OF_FIRST = ("statements", "predicate")
# As for timestamps (`pki/timestamp/token.py`).
SKEW = timedelta(minutes=5)
"""How far the clocks of signers may be ahead of this machine's."""


class Said(NamedTuple):
    """What an artifact, or one of its statements, says, and who signed it."""

    facts: Mapping[str, Any]
    signers: tuple[str, ...]


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
        elif result.passed:
            yield from _judge_passed(rule, report, result.details, holds)
        elif rule.is_of_kind(result.facts) is not False:
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


def said_in(details: Details) -> tuple[Said, ...]:
    """Return what each statement says that counts, where an artifact holds several, as a tag of cosign's does; else what the whole says.

    The facts of the whole are those of its first statement: rules over them alone would see none of the others.
    """
    facts, signers = details.data, details.signers
    statements = _statements(details)
    if len(statements) < 2:
        return (Said(facts, signers),)
    # What is unsigned does not borrow the signers of another statement.
    found = [
        each for each in statements if each.get("succeeded") is True and not (signers and not _listed(each))
    ]
    if len(found) < 2:
        return (Said(facts, signers),)
    # What one statement says is said by no other: only what the artifact has beside its statements goes with each.
    common = {name: value for name, value in facts.items() if name not in found[0] and name not in _OF_FIRST}
    bases = (facts, *([common] * (len(found) - 1)))
    return tuple(
        Said({**base, **each}, tuple(name for name in signers if name in _listed(each)))
        for base, each in zip(bases, found, strict=True)
    )


def _refused(details: Details) -> list[Mapping[str, Any]]:
    """Return what the report says of the statements that do not count, in an artifact of which another one does."""
    return [each for each in _statements(details) if each.get("succeeded") is False]


def _statements(details: Details) -> Sequence[Mapping[str, Any]]:
    listed = details.data.get("statements")
    # Most evidence is none.
    if listed is None:
        return ()
    # Facts are a plugin's: anything may be in them.
    return [each for each in listed if isinstance(each, Mapping)] if isinstance(listed, list | tuple) else []


def _listed(statement: Mapping[str, Any]) -> tuple[Any, ...]:
    found = statement.get("signers")
    return tuple(found) if isinstance(found, list | tuple) else ()


def _judge_passed(
    rule: Rule, report: ArtifactReport, details: Details | None, holds: Holds
) -> Iterator[Judged]:
    if details is None:
        if rule.is_of_kind(None):
            yield Judged(False)
        return
    counting = said_in(details)
    for said in counting:
        if rule.is_of_kind(said.facts):
            yield _judge_said(rule, report, said, holds)
    # Refused beside what counts: one that a trusted signer made of the same type, or a new report would hide behind an old one.
    for each in _refused(details):
        of_type = any(each.get(_TYPE) == said.facts.get(_TYPE) for said in counting)
        if _listed(each) and of_type and rule.is_of_kind(each) is not False:
            yield Judged(False, time=created_at(each))


def _judge_said(rule: Rule, report: ArtifactReport, said: Said, holds: Holds) -> Judged:
    nested = not rule.rules or holds(rule.below, report.nested)
    signed = bool(said.signers) or bool(rule.rules and nested)
    satisfies = nested and (signed or not rule.needs_signature)
    signers = _names(rule, said.signers) if satisfies else ()
    # Nothing below it vouches for it either, where the rule names what could.
    unsigned = rule.needs_signature and not signed
    return Judged(satisfies, unsigned, created_at(said.facts), signers)


def _signers(rule: Rule, report: ArtifactReport, holds: Holds) -> tuple[str, ...]:
    """Return the signers of an artifact that satisfies the rule, leaving aside all others; empty where it does not."""
    result = report.passed(rule.verifier or "")
    details = None if result is None else result.details
    if details is None:
        return ()
    signers = details.signers
    if rule.where:
        kind = [said for said in said_in(details) if rule.is_of_kind(said.facts) is True]
        if not kind:
            return ()
        signers = tuple(dict.fromkeys(name for said in kind for name in said.signers))
    if rule.require_signed and not (signers or rule.rules):
        return ()
    return _names(rule, signers) if not rule.rules or holds(rule.below, report.nested) else ()


def _names(rule: Rule, signers: tuple[str, ...]) -> tuple[str, ...]:
    # Evidence without a signer cannot be told apart from other such evidence: all counts once.
    return signers or (f"unsigned:{rule.verifier}",)


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
        return any(each in rule.reasons for each in _reasons(result))
    # Facts that are missing could have been those that forbid.
    found: Iterable[Any] = (
        (None,) if result.details is None else (said.facts for said in said_in(result.details))
    )
    return result.passed and any(rule.is_of_kind(facts) is not False for facts in found)


def _reasons(result: VerifierResult) -> Iterator[str]:
    """Iterate over the codes of a result: of its failure, and of the statements that do not count beside one that does."""
    if result.failure is not None:
        yield result.failure.reason.value
    if result.details is not None:
        yield from (str(each.get("error", "")).partition(":")[0] for each in _refused(result.details))


def _clears(rule: Rule, report: ArtifactReport, holds: Holds) -> bool:
    """Return whether an artifact shows that what the rule forbids is not there."""
    result = result_of(report, rule)
    if result is None or not result.passed or result.details is None:
        return False
    said = said_in(result.details)
    if rule.reasons:
        said = tuple(each for each in said if rule.is_of_kind(each.facts) is True)
    return any(_judge_said(rule, report, each, holds).satisfies for each in said)
