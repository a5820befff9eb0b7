"""The result for an image index, from the results for the manifests that it lists: pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure
from pyratify.core.listed_by import Entry, ListedBy
from pyratify.core.platform import Platform
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, flatten
from pyratify.core.store import Discovery

NO_PLATFORM = "no platform"
INDEX = "index"
_OF_ITS_OWN = (
    "Attach evidence to this manifest itself: `cosign sign --recursive` signs all that an index lists."
)

Results = Mapping[Digest, ValidationResult]


def combine(
    whole: ValidationResult, listed: Sequence[Entry], judged: Results, choice: PlatformChoice
) -> ValidationResult:
    """Return the result for an index.

    Args:
        whole: Its reference and descriptor.
        listed: The manifests in it that may be run, in the index's order.
        judged: The results for those of them that must have evidence.
        choice: Which those are.

    Returns:
        ALLOW where there is at least one and each is allowed, and no named platform is missing; DENY where one is denied, or could not
        be decided.
    """
    index = whole.reference.at(whole.subject.digest) if whole.subject else whole.reference
    entries = [entry.descriptor for entry in listed]
    reports = tuple(_report(index, entry, judged.get(entry.descriptor.digest)) for entry in listed)
    limits = tuple(dict.fromkeys(limit for result in judged.values() for limit in result.limits))
    whole = replace(whole, artifacts=reports, limits=limits, valid_until=_earliest(judged.values()))
    missing = choice.missing(entries)
    # An index that lists nothing of what is named must not pass for want of anything to refuse.
    if missing or not judged:
        return _deny(whole, _missing(missing, entries))
    return _decide(whole, entries, judged)


def with_index(result: ValidationResult, listed_by: ListedBy) -> ValidationResult:
    """Return the result for a manifest that its index speaks for, with what is attached to the index below the index."""
    of_index = tuple(report for report in result.artifacts if report.subject == listed_by.reference)
    own = tuple(report for report in result.artifacts if report.subject != listed_by.reference)
    node = ArtifactReport(
        result.reference,
        listed_by.index,
        Discovery.INDEX,
        nested=of_index,
        platform=INDEX,
        decision=result.decision,
    )
    return replace(result, artifacts=(*own, node))


def rests_on_index(result: ValidationResult) -> bool:
    """Return whether the index of a tag spoke in the result for a manifest, as `with_index` says, or listed an attestation that passed."""
    return any(
        report.platform == INDEX or (report.platform is None and _passed(report))
        for report in result.artifacts
        if report.discovery is Discovery.INDEX
    )


def _passed(report: ArtifactReport) -> bool:
    return any(found.passed for each in flatten((report,)) for found in each.results)


def beside(own: ValidationResult | None, found: ValidationResult) -> ValidationResult:
    """Return the result for the manifests that an index lists, with what is attached to the index itself."""
    if own is None:
        return found
    found = replace(found, artifacts=(*own.artifacts, *found.artifacts))
    # Without a policy nothing is decided, whatever the index lists.
    return replace(found, decision=Decision.NONE, failure=None) if own.decision is Decision.NONE else found


def _decide(whole: ValidationResult, entries: Sequence[Descriptor], judged: Results) -> ValidationResult:
    # In the index's order: the same refusal at any concurrency.
    ordered = [(entry, judged[entry.digest]) for entry in entries if entry.digest in judged]
    denied = [
        (entry, result)
        for entry, result in ordered
        if result.error is None and result.decision is Decision.DENY
    ]
    # Before errors: a denial is final, whatever another try would find on the other platforms.
    if denied:
        return _deny(whole, _denial(denied, ordered))
    undecided = next(((entry, result.error) for entry, result in ordered if result.error is not None), None)
    if undecided is not None:
        return replace(whole, error=_of(undecided[0], undecided[1]))
    # A policy may decide nothing for one of them, and then nothing is decided for the whole.
    allowed = all(result.decision is Decision.ALLOW for _, result in ordered)
    return replace(whole, decision=Decision.ALLOW if allowed else Decision.NONE)


def _missing(missing: Sequence[Platform], entries: Sequence[Descriptor]) -> Failure:
    if not missing:
        message = "the index lists no manifest that can be run"
        return Failure(
            Reason.PLATFORM_MISSING, message, "Publish the image with a manifest for each platform."
        )
    names = " or ".join(map(str, missing))
    there = ", ".join(dict.fromkeys(map(_platform, entries))) or "none"
    return _failure(Reason.PLATFORM_MISSING, f"the index lists no manifest for {names}; it lists: {there}")


def _denial(
    denied: list[tuple[Descriptor, ValidationResult]], ordered: list[tuple[Descriptor, ValidationResult]]
) -> Failure:
    entry, result = denied[0]
    first = _of(entry, result.failure or _failure(Reason.POLICY_UNSATISFIED, "it is denied"))
    if len(denied) == len(ordered):
        return first
    # Some have evidence: not `no evidence`, whose remedy would be to sign what is signed.
    message = f"{len(denied)} of {len(ordered)} manifests that must have evidence are denied: {first.message}"
    return Failure(Reason.POLICY_UNSATISFIED, message, first.remedy)


def _of(entry: Descriptor, failure: Failure) -> Failure:
    # To sign the image again, as the code's remedy says, would sign the index once more.
    remedy = _OF_ITS_OWN if failure.reason is Reason.NO_EVIDENCE else failure.remedy
    return replace(failure, message=f"{_platform(entry)} ({entry.digest}): {failure.message}", remedy=remedy)


def _report(index: Reference, entry: Entry, result: ValidationResult | None) -> ArtifactReport:
    listed, name = entry.descriptor, _platform(entry.descriptor)
    if result is None:
        report = ArtifactReport(index, listed, Discovery.INDEX, platform=name)
    else:
        report = _node(index, listed, result, name)
    # None is left out silently: what the walk did not come to stands there, too.
    shown = {nested.artifact.digest for nested in report.nested}
    rest = tuple(
        ArtifactReport(index.at(listed.digest), each, Discovery.INDEX, platform=_platform(each))
        for each in entry.listed_by.attestations
        if each.digest not in shown
    )
    return replace(report, nested=(*report.nested, *rest))


def _node(subject: Reference, artifact: Descriptor, result: ValidationResult, name: str) -> ArtifactReport:
    outcome = None
    if result.decision is Decision.DENY:
        outcome = Outcome.FAILED if result.error is None else Outcome.INCONCLUSIVE
    return ArtifactReport(
        subject,
        artifact,
        Discovery.INDEX,
        nested=result.artifacts,
        outcome=outcome,
        failure=(result.error or result.failure) if outcome is not None else None,
        platform=name,
        decision=result.decision,
    )


def _earliest(results: Iterable[ValidationResult]) -> datetime | None:
    return min((result.valid_until for result in results if result.valid_until is not None), default=None)


def _platform(entry: Descriptor) -> str:
    return str(entry.platform) if entry.platform is not None else NO_PLATFORM


def _failure(reason: Reason, message: str) -> Failure:
    return Failure(reason, message, reason.remedy)


def _deny(whole: ValidationResult, failure: Failure) -> ValidationResult:
    return replace(whole, decision=Decision.DENY, failure=failure)
