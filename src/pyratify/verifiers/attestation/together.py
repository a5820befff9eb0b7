"""What the statements attached to one subject must say together."""

from collections.abc import Collection, Iterable
from enum import StrEnum

from pyratify.core.details import created_at
from pyratify.core.errors import StoreError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Denial
from pyratify.verifiers.attestation.checked_statement import CheckedStatement
from pyratify.verifiers.attestation.requirement import Requirement


class Quantifier(StrEnum):
    """Which of several statements of one kind have to satisfy a requirement."""

    ANY = "any"
    ALL = "all"
    NEWEST = "newest"


def check_together(
    found: Collection[Iterable[CheckedStatement]],
    requirements: tuple[Requirement, ...],
    quantifier: Quantifier,
) -> None:
    """Refuse statements of which one denies, that leave a requirement unsatisfied, or of which others are refused.

    Args:
        found: The statements of each artifact that is attached to the subject.
        requirements: All that must be satisfied, by whichever of them.
        quantifier: Which of several statements of a requirement's types have to satisfy it.

    Raises:
        Denial: A trusted statement says that the subject must not be used.
        VerificationError: `POLICY_UNSATISFIED`: a kind of statement is missing, or says something else; or why a statement that has
            to satisfy a requirement does not.
    """
    statements = [each for one in found for each in one]
    for each in statements:
        if isinstance(each.error, Denial):
            # Anew: it is raised for every artifact, and would collect their frames.
            raise Denial(each.error.reason, each.error.message, remedy=each.error.remedy)
    satisfied = {name for each in statements for name in each.satisfied}
    missing = [each for each in requirements if each.name not in satisfied]
    if missing:
        reasons = "; ".join(_why(each, statements) for each in missing)
        raise VerificationError(
            Reason.POLICY_UNSATISFIED,
            f"not every kind of statement that must be there is: {reasons}",
            remedy="Attach what is missing; this statement alone is not enough.",
        )
    for requirement in requirements if quantifier is not Quantifier.ANY else ():
        _check_each(requirement, statements, quantifier)


def check_all_read(
    found: Iterable[Iterable[CheckedStatement]],
    own: Iterable[CheckedStatement],
    requirements: tuple[Requirement, ...],
    quantifier: Quantifier,
) -> None:
    """Refuse to decide where a statement could not be read that may deny, or that has to be good too.

    Args:
        found: The statements of each other artifact that is attached to the subject, the unsigned ones included.
        own: Those of the artifact itself.
        requirements: As for `check_together`.
        quantifier: As for `check_together`.

    Raises:
        StoreError: Why one could not be read.
        VerificationError: `ATTEMPT_LIMIT`, `SIGNATURE_LIMIT`, `SIZE_EXCEEDED` or `BLOB_NOT_FOUND`: the artifact has more statements than are
            judged, or one that is too large or was never pushed.
    """
    if quantifier is Quantifier.ANY and not any(each.may_deny for each in requirements):
        return
    own = tuple(own)
    for error in (each.error for one in (*found, own) for each in one):
        # What a publisher causes at will is no gap: it must not make the other statements useless.
        if isinstance(error, StoreError) and error.reason.is_gap:
            # Anew: it is raised for every artifact, and would collect their frames.
            raise StoreError(error.reason, error.message, remedy=error.remedy)
    for error in (each.error for each in own):
        # Of this artifact alone, as another publisher's must not matter: the rest of a list that is cut may say otherwise.
        if error is not None and error.reason in _CUT:
            raise VerificationError(error.reason, error.message, remedy=error.remedy)


def _check_each(
    requirement: Requirement, statements: Iterable[CheckedStatement], quantifier: Quantifier
) -> None:
    decisive = [
        each
        for each in statements
        if each.signer is not None and each.facts.get("predicateType") in requirement.predicate_types
    ]
    if quantifier is Quantifier.NEWEST:
        decisive = _newest(decisive)
    for each in decisive:
        # Not by its own error alone: what satisfies another requirement of this type may be refused by this one.
        error = each.refusal(requirement.name)
        if error is not None:
            raise VerificationError(
                error.reason,
                f"another statement of this kind is refused, and {_QUANTIFIED[quantifier]}: {error.message}",
                remedy=error.remedy,
            )


def _newest(statements: list[CheckedStatement]) -> list[CheckedStatement]:
    """Return the newest by the time of the signature; all where that is not proved of each, as any of them could be it."""
    times = [created_at(each.facts) if each.is_dated else None for each in statements]
    known = [time for time in times if time is not None]
    if len(known) < len(statements) or not known:
        return statements
    # Several of one moment: each of them may be the newest.
    return [each for each, time in zip(statements, times, strict=True) if time == max(known)]


# What is too much, too large, or was never pushed.
_CUT = (Reason.ATTEMPT_LIMIT, Reason.SIGNATURE_LIMIT, Reason.SIZE_EXCEEDED, Reason.BLOB_NOT_FOUND)
_QUANTIFIED = {
    Quantifier.ALL: "all have to be good",
    Quantifier.NEWEST: "the newest has to be good",
}


def _why(requirement: Requirement, statements: Iterable[CheckedStatement]) -> str:
    """Return why nothing satisfies a requirement: the refusal of a statement of its type, or that there is none."""
    refused = (
        each.refusal(requirement.name)
        for each in statements
        if each.facts.get("predicateType") in requirement.predicate_types
    )
    error = next((each for each in refused if each is not None), None)
    said = "nothing of its type is attached" if error is None else f"{error.reason}: {error.message}"
    return f"{requirement.name} ({said})"
