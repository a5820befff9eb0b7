"""The words of the text renderers: what was decided, and why, in one sentence each."""

from collections.abc import Iterable

from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Outcome, ValidationResult, VerifierResult, flatten
from pyratify.core.verifier import Details
from pyratify.render.plain import MAX_REFERENCE, clean

_COLORS = {"ALLOWED": "32", "DENIED": "31", "ERROR": "33", "REPORT": "36"}
_UNREACHED = frozenset(
    {
        Reason.REGISTRY_UNREACHABLE,
        Reason.REGISTRY_ERROR,
        Reason.TLS_VERIFY,
        Reason.TLS_REQUIRED,
        Reason.TIMEOUT,
    }
)


def verdict(result: ValidationResult) -> str:
    """Return `ALLOWED`, `DENIED`, `ERROR` or, where there is no policy, `REPORT`."""
    if result.error is not None:
        return "ERROR"
    return {Decision.ALLOW: "ALLOWED", Decision.DENY: "DENIED", Decision.NONE: "REPORT"}[result.decision]


def headline(result: ValidationResult, *, color: bool) -> str:
    """Return the first line of a report: the verdict, the reference and why."""
    why = summary(result)
    return f"{painted(verdict(result), color=color)} {name(result)}{f': {why}' if why else ''}"


def judgement(report: ArtifactReport) -> str:
    """Return what was decided of a manifest that an image index lists, in a few words."""
    if report.decision is None:
        return "not judged"
    if report.outcome is Outcome.INCONCLUSIVE:
        return "could not be decided"
    said = {Decision.ALLOW: "allowed", Decision.DENY: "denied", Decision.NONE: "nothing decided"}
    return said[report.decision]


def painted(word: str, *, color: bool) -> str:
    """Return a verdict's word, in its color (ANSI escapes) where a terminal shows it."""
    return f"\x1b[1;{_COLORS[word]}m{word}\x1b[0m" if color else word


def name(result: ValidationResult) -> str:
    """Return the reference, with the digest that it resolved to."""
    text = clean(str(result.reference), MAX_REFERENCE)
    # The digest that was asked for is in the reference already.
    if result.subject is None or result.reference.digest is not None:
        return text
    return f"{text}@{result.subject.digest}"


def summary(result: ValidationResult) -> str:
    """Return why the result is not ALLOWED, in a few words; empty where it is."""
    if result.error is not None:
        return undecided(result.error)
    if result.failure is None:
        return ""
    return _denied(result, result.failure)


def undecided(error: Failure) -> str:
    """Return why nothing could be decided, in a few words."""
    if error.reason in _UNREACHED:
        return "could not reach or read the registry"
    return "not found" if error.reason is Reason.NOT_FOUND else "could not be decided"


def signer_names(details: Details) -> tuple[str, ...]:
    """Return the signers' names: the subject of a certificate, or an identity; a bare key (`spki:`) has none.

    The subject is used only beside an authenticated signer, never on its own.
    """
    subject = details.data.get("SN")
    # With several signers it is unknown which of them the subject belongs to.
    if isinstance(subject, str) and len(details.signers) == 1:
        return (clean(subject),)
    return tuple(clean(signer) for signer in details.signers if not signer.startswith("spki:"))


def because(failure: Failure) -> tuple[str, str]:
    """Return the message with the reason code, and the remedy."""
    return f"{clean(failure.message)} [{failure.reason}]", clean(failure.remedy)


def explained(failure: Failure, items: Iterable[VerifierResult]) -> bool:
    """Return whether a denial repeats what one of the verifiers says, so that it is the cause."""
    return any(item.failure is not None and item.failure.message in failure.message for item in items)


def _denied(result: ValidationResult, failure: Failure) -> str:
    if failure.reason is Reason.NO_EVIDENCE:
        return "no signature"
    if failure.reason is Reason.PLATFORM_MISSING:
        return "a platform is missing"
    if failure.reason is not Reason.POLICY_UNSATISFIED:
        return "refused"
    items = [item for report in flatten(result.artifacts) for item in report.results]
    # More evidence would not help where the policy denies for what one of them says.
    if explained(failure, items):
        return "refused by the policy"
    return "not enough evidence" if any(item.passed for item in items) else _unaccepted(items)


def _unaccepted(items: list[VerifierResult]) -> str:
    if not items:
        return "no evidence"
    undecided = sum(item.outcome is Outcome.INCONCLUSIVE for item in items)
    return "no evidence could be verified" if undecided == len(items) else "no matching evidence"
