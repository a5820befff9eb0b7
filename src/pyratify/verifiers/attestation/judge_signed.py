"""Judges one statement that a trusted signer made, by what is required of statements; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances, Denial, Judgement
from pyratify.sigstore.statement_envelopes import SignedStatement
from pyratify.verifiers.attestation.requirement import Requirement
from pyratify.verifiers.tag_rule import certificate_names


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
    signed: SignedStatement, requirements: Iterable[Requirement], circumstances: Circumstances
) -> Judged:
    """Return what the signature proves and the statement says, under every requirement that it satisfies.

    Args:
        signed: The statement, which was compared with its subject.
        requirements: What statements must be and say.
        circumstances: What is known beside the statement; its signer and type are added.

    Raises:
        Denial: It says that the artifact must not be used.
        VerificationError: `PREDICATE_TYPE`: none is about its type; or why it does not satisfy the first that is.
    """
    statement = signed.statement
    about = [each for each in requirements if statement.predicate_type in each.predicate_types]
    if not about:
        raise _of_another_type(statement.predicate_type, requirements)
    known = replace(
        circumstances,
        signed_at=signed.signer.signed_at,
        predicate_type=statement.predicate_type,
        signer=signed.signer.name,
        certificate=certificate_names(signed.signer.facts),
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
    return Judged(_united(signed, tuple(found.values())), tuple(found), problems)


def _united(signed: SignedStatement, found: tuple[Judgement, ...]) -> Judgement:
    facts = facts_of(signed)
    for each in found:
        facts.update(each.facts)
    ends = (each.valid_until for each in found)
    return Judgement(
        facts,
        min((end for end in ends if end is not None), default=None),
        tuple(warning for each in found for warning in each.warnings),
    )


def facts_of(signed: SignedStatement) -> dict[str, Any]:
    """Return what the signature proves, and the statement's type."""
    signer = signed.signer
    # What nothing signs has no signer to name, not even by an empty one.
    common = signer.common if signer.name else {}
    return {"predicateType": signed.statement.predicate_type, **common, **signer.facts}


def _of_another_type(found: str, requirements: Iterable[Requirement]) -> VerificationError:
    expected = dict.fromkeys(each for one in requirements for each in one.predicate_types)
    return VerificationError(
        Reason.PREDICATE_TYPE, f"the statement is of type {found[:200]!a}, not {' or '.join(expected)}"
    )
