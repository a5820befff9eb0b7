"""Judges one statement that a trusted signer made, by what is required of statements; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.evidence.judgement import Circumstances, Denial, Judgement, united
from pyratify.sigstore.statement_envelopes import SignedStatement
from pyratify.verifiers.attestation.requirement import Requirement

_SHOWN_TYPES = 3


@dataclass(frozen=True, slots=True)
class Judged:
    """What a statement that counts says.

    Attributes:
        judgement: The facts of the signature and of every requirement that it satisfies.
        satisfied: The names of these requirements.
        refused: Why it does not satisfy others about its type, by their names.
    """

    judgement: Judgement
    satisfied: tuple[str, ...]
    refused: Mapping[str, VerificationError] = field(hash=False)


def judge_signed(
    signed: SignedStatement,
    requirements: Iterable[Requirement],
    subject: Descriptor,
    now: datetime,
    *,
    reference: Reference | None = None,
    tag: str | None = None,
) -> Judged:
    """Return what the signature proves and the statement says, under every requirement that it satisfies.

    Args:
        signed: The statement, which was compared with its subject.
        requirements: What statements must be and say.
        subject: The artifact that it is attached to.
        now: The moment of the verification (aware).
        reference: The repository and digest that are verified; None where the statement is judged alone.
        tag: The tag that was asked for; None for a digest alone.

    Raises:
        Denial: It says that the artifact must not be used.
        VerificationError: `PREDICATE_TYPE`: none is about its type; or why it does not satisfy the first that is.
    """
    statement = signed.statement
    about = [each for each in requirements if statement.predicate_type in each.predicate_types]
    if not about:
        raise _of_another_type(statement.predicate_type, requirements)
    signer = signed.signer
    known = Circumstances(
        subject,
        now,
        signer.signed_at,
        reference,
        tag,
        statement.predicate_type,
        signer.name,
        signer.certificate,
    )
    problems: dict[str, VerificationError] = {}
    found: dict[str, Judgement] = {}
    # All of them: one statement may be what several requirements ask for.
    for requirement in about:
        try:
            found[requirement.name] = requirement.judge(statement.predicate, known)
        # What a trusted signer forbids stands, whatever another requirement makes of the statement.
        except Denial:
            raise
        except VerificationError as error:
            # Kept: frames would keep the document in memory.
            problems[requirement.name] = error.with_traceback(None)
    if not found:
        raise next(iter(problems.values()))
    return Judged(united(found.values(), facts_of(signed)), tuple(found), problems)


def facts_of(signed: SignedStatement) -> dict[str, Any]:
    """Return what the signature proves, and the statement's type."""
    signer = signed.signer
    # What nothing signs has no signer to name, not even by an empty one.
    common = signer.common if signer.name else {}
    return {"predicateType": signed.statement.predicate_type, **common, **signer.facts}


def _of_another_type(found: str, requirements: Iterable[Requirement]) -> VerificationError:
    expected = [*dict.fromkeys(each for one in requirements for each in one.predicate_types)]
    # An SBOM may be of ten types: a list of all would hide the two that differ.
    shown, more = expected[:_SHOWN_TYPES], len(expected) - _SHOWN_TYPES
    others = [f"{more} more"] if more > 0 else []
    return VerificationError(
        Reason.PREDICATE_TYPE,
        f"the statement is of type {found[:200]!a}, not {' or '.join([*shown, *others])}",
    )
