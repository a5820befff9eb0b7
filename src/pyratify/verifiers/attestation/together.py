"""What the statements attached to one subject must say together."""

from collections.abc import Collection, Iterable

from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Denial
from pyratify.verifiers.attestation.checked_statement import CheckedStatement
from pyratify.verifiers.attestation.requirement import Requirement


def check_together(
    found: Collection[Iterable[CheckedStatement]], requirements: tuple[Requirement, ...]
) -> None:
    """Refuse statements of which one denies, or that leave a requirement unsatisfied.

    Args:
        found: The statements of each artifact that is attached to the subject.
        requirements: All that must be satisfied, by whichever of them.

    Raises:
        Denial: A trusted statement says that the subject must not be used.
        VerificationError: `POLICY_UNSATISFIED`: a kind of statement is missing, or says something else.
    """
    statements = [each for one in found for each in one]
    for each in statements:
        if isinstance(each.error, Denial):
            # Anew: it is raised for every artifact, and would collect their frames.
            raise Denial(each.error.reason, each.error.message, remedy=each.error.remedy)
    satisfied = {name for each in statements for name in each.satisfied}
    missing = [each for each in requirements if each.name not in satisfied]
    if not missing:
        return
    reasons = "; ".join(_why(each, statements) for each in missing)
    raise VerificationError(
        Reason.POLICY_UNSATISFIED,
        f"not every kind of statement that must be there is: {reasons}",
        remedy="Attach what is missing; this statement alone is not enough.",
    )


def _why(requirement: Requirement, statements: Iterable[CheckedStatement]) -> str:
    """Return why nothing satisfies a requirement: the refusal of a statement of its type, or that there is none."""
    refused = (
        each.error
        for each in statements
        if each.error is not None and each.facts.get("predicateType") in requirement.predicate_types
    )
    error = next(refused, None)
    said = "nothing of its type is attached" if error is None else f"{error.reason}: {error.message}"
    return f"{requirement.name} ({said})"
