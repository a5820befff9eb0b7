"""Why the threshold policy denies: the code and the sentence for this very case."""

from collections.abc import Iterator
from datetime import datetime

from pyratify.core.decision import deny
from pyratify.core.reason import Reason
from pyratify.core.report import Outcome, Verdict, VerifierResult
from pyratify.policies.rule import Require, Rule
from pyratify.policies.rule_evidence import SKEW, Holds, Judged, Reports, forbids, judge, result_of

_OTHER_KINDS = frozenset({Reason.PREDICATE_TYPE, Reason.PAYLOAD_TYPE})
_DATED = "Remove or replace what has no signed time, as a timestamp or a transparency log gives it, or leave out require: newest."
_OTHER_FACTS = "Attach evidence with these facts, or correct `where` in the policy; `-o json` shows the facts of each result."
_ABSENT = "Attach what this verifier reads, signed as the policy asks, or remove the rule that forbids."
_SHOWN = 5
_REPLACE = "Remove or replace what was not accepted: the report says why."
_UNREAD = "Attach again what cannot be read, or remove it."
_FORBIDDEN = "Remove or replace it, or change the policy; `-o json` shows the facts of each result."
_MORE_SIGNERS = "Let further signers sign: each rule needs a signer of its own."
_NEWER = "Attach newer evidence that the policy accepts, or remove what does not belong there."


def refuse(root: Rule, reports: Reports, holds: Holds, now: datetime) -> Verdict:
    """Return the denial of reports that do not satisfy a policy's rules."""
    # Two codes: without any evidence the remedy is to sign, otherwise to look at the single failures.
    if not any(report.results for report in reports):
        return deny(Reason.NO_EVIDENCE, "no signature or other evidence that the policy asks for is attached")
    # The first rule that explains itself: a count alone says nothing about what to do.
    for leaf in _unsatisfied(root, reports, holds):
        found = _of_rule(leaf, reports, holds, now)
        if found is not None:
            return found
    missing = [rule for rule in root.counted if not _holds_alone(rule, reports, holds)]
    distinct = len(root.counted) - len(missing) >= root.needed
    return deny(Reason.POLICY_UNSATISFIED, _count(root, missing), _MORE_SIGNERS if distinct else None)


def _unsatisfied(group: Rule, reports: Reports, holds: Holds) -> Iterator[Rule]:
    """Iterate over the rules that name a verifier, without those in groups that hold: they do not deny."""
    for rule in group.rules:
        if rule.verifier is not None:
            yield rule
        elif not holds(rule, reports):
            yield from _unsatisfied(rule, reports, holds)


def _of_rule(leaf: Rule, reports: Reports, holds: Holds, now: datetime) -> Verdict | None:
    """Return what is to be said of one rule that is not satisfied; None where it has no option that explains it."""
    name = leaf.verifier
    if leaf.deny:
        return _of_deny(leaf, reports) if forbids(leaf, reports, holds) else None
    if _holds_alone(leaf, reports, holds):
        return None
    found = list(judge(leaf, reports, holds))
    if any(each.unsigned for each in found):
        return deny(
            Reason.EVIDENCE_UNSIGNED,
            f"what the verifier {name!r} accepted is not signed, and the policy counts only what is signed",
        )
    if not found:
        return _of_where(leaf, reports)
    if leaf.require is Require.ANY or not any(each.satisfies for each in found):
        return None
    return _of_all(leaf, found) if leaf.require is Require.ALL else _of_newest(leaf, found, now)


def _of_all(leaf: Rule, found: list[Judged]) -> Verdict:
    bad = sum(not each.satisfies for each in found)
    what = f"the policy needs all evidence of the verifier {leaf.verifier!r} to be accepted; of {len(found)}, {bad} was not"
    return deny(Reason.POLICY_UNSATISFIED, what, _REPLACE)


def _of_where(leaf: Rule, reports: Reports) -> Verdict | None:
    for report in reports:
        result = report.passed(leaf.verifier or "")
        if result is not None and result.details is not None:
            what = f"what the verifier {leaf.verifier!r} accepted is not what the policy asks for: {leaf.difference(result.details.data)}"
            return deny(Reason.POLICY_UNSATISFIED, what, _OTHER_FACTS)
    return None


def _of_newest(leaf: Rule, found: list[Judged], now: datetime) -> Verdict:
    future = [each.time for each in found if each.time is not None and each.time > now + SKEW]
    if future:
        what = f"evidence of the verifier {leaf.verifier!r} is dated {future[0].isoformat()}, and it is {now.isoformat()}"
        return deny(Reason.TIME_INVALID, what)
    undated = sum(each.time is None for each in found)
    if undated:
        what = f"{undated} of {len(found)} artifacts of the verifier {leaf.verifier!r} have no known time, so any may be the newest"
        return deny(Reason.POLICY_UNSATISFIED, what, _DATED)
    what = (
        f"the newest evidence of the verifier {leaf.verifier!r} is not accepted; what is older does not count"
    )
    return deny(Reason.POLICY_UNSATISFIED, what, _NEWER)


def _of_deny(leaf: Rule, reports: Reports) -> Verdict:
    results = [result for report in reports if (result := result_of(report, leaf)) is not None]
    named = [result.failure for result in results if result.failure and result.failure.reason in leaf.reasons]
    if named and named[0] is not None:
        what = f"the policy forbids what the verifier {leaf.verifier!r} found: {named[0].message}"
        return deny(Reason.POLICY_UNSATISFIED, what, named[0].remedy)
    if any(result.outcome is Outcome.INCONCLUSIVE for result in results) or any(
        report.outcome is not None for report in reports
    ):
        what = f"some evidence for the verifier {leaf.verifier!r} could not be read, and it may be what the policy forbids"
        return deny(Reason.POLICY_UNSATISFIED, what, _UNREAD)
    if not results:
        what = f"nothing that the verifier {leaf.verifier!r} reads is attached, so nothing rules out what the policy forbids"
        return deny(Reason.POLICY_UNSATISFIED, what, _ABSENT)
    if not any(result.passed for result in results):
        return _of_nothing(leaf, results)
    if leaf.require_signed and not any(result.details and result.details.signers for result in results):
        what = f"what the verifier {leaf.verifier!r} accepted is not signed, so it does not rule out what the policy forbids"
        return deny(Reason.EVIDENCE_UNSIGNED, what)
    return deny(Reason.POLICY_UNSATISFIED, _forbidden_facts(leaf, results), _FORBIDDEN)


def _of_nothing(leaf: Rule, results: list[VerifierResult]) -> Verdict:
    what = f"the verifier {leaf.verifier!r} accepted nothing that rules out what the policy forbids"
    # What is of another type says nothing of what is wrong with the evidence that was meant.
    told = [each.failure for each in results if each.failure and each.failure.reason not in _OTHER_KINDS]
    if told and told[0] is not None:
        return deny(Reason.POLICY_UNSATISFIED, f"{what}: {told[0].message}", told[0].remedy)
    remedy = f"Attach evidence that the verifier {leaf.verifier!r} accepts, or change the policy."
    return deny(Reason.POLICY_UNSATISFIED, what, remedy)


def _forbidden_facts(leaf: Rule, results: list[VerifierResult]) -> str:
    for result in results:
        if not result.passed or result.details is None:
            continue
        kind = leaf.is_of_kind(result.details.data)
        whose = f"what the verifier {leaf.verifier!r} accepted"
        if leaf.where and kind is None:
            return (
                f"{whose} does not rule out what the policy forbids: {leaf.difference(result.details.data)}"
            )
        if leaf.where and kind:
            return f"{whose} has what the policy forbids: {leaf.facts}"
    return f"what the verifier {leaf.verifier!r} accepted lacks what the rules below ask for, so it does not rule out what the policy forbids"


def _count(root: Rule, missing: list[Rule]) -> str:
    needed, count = root.needed, len(root.counted)
    satisfied = count - len(missing)
    if satisfied == 0:
        return "nothing that is attached was accepted as the evidence that the policy asks for"
    if satisfied < needed:
        names = ", ".join(map(_name, missing[:_SHOWN]))
        return f"the policy needs {needed} of its {count} rules satisfied; satisfied: {satisfied}; not satisfied: {names}"
    return f"the policy needs {needed} of its {count} rules satisfied by different signers, and one signer stands for several"


def _name(rule: Rule) -> str:
    """Return what a rule is called: by its verifier, or that of the only rule in a group."""
    while rule.verifier is None and len(rule.rules) == 1:
        (rule,) = rule.rules
    return "a group of rules" if rule.verifier is None else repr(rule.verifier)


def _holds_alone(rule: Rule, reports: Reports, holds: Holds) -> bool:
    """Return whether a rule would hold if it were the only one."""
    return holds(rule if rule.verifier is None else Rule(None, (rule,)), reports)
