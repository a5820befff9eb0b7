"""The outcome for each statement of an artifact, for the report."""

from collections.abc import Iterable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import Failure, RatifyError, StoreError, VerificationError
from pyratify.core.reason import Reason

_SHOWN = 3
_TIME = "createdAt"


@dataclass(frozen=True, slots=True)
class CheckedStatement:
    """The outcome for one statement.

    Attributes:
        digest: Of the layer that holds it.
        signer: The trusted signer; None where none signed it.
        error: Why it does not count; None where it does.
        facts: What the signature proves and the statement says.
        warnings: What rules only report.
        valid_until: The first moment at which a rule could judge otherwise (aware).
        satisfied: The names of the requirements that it satisfies.
        refused: Why it does not satisfy others about its type, by their names, where it satisfies one.
        is_dated: Whether its signature proves when it was made; a time in `facts` may otherwise be the document's claim.
        line: Its line, from 1, where the layer holds several.
    """

    digest: Digest
    signer: str | None = None
    error: RatifyError | None = None
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    warnings: tuple[Failure, ...] = ()
    valid_until: datetime | None = None
    satisfied: tuple[str, ...] = ()
    refused: Mapping[str, VerificationError] = field(default_factory=dict, hash=False)
    is_dated: bool = False
    line: int | None = None

    def refusal(self, requirement: str) -> RatifyError | None:
        """Return why it does not satisfy a requirement about its type; None where it does."""
        return None if requirement in self.satisfied else self.refused.get(requirement, self.error)

    def as_data(self) -> dict[str, Any]:
        """Return the entry of the report."""
        data: dict[str, Any] = {"digest": str(self.digest)}
        if self.line is not None:
            data["line"] = self.line
        data["succeeded"] = self.error is None
        data.update(self.facts)
        # What is exposed to policies can be large, and stands above once.
        data.pop("predicate", None)
        # As policies tell signers apart; `signer` is for people.
        if self.signer is not None:
            data["signers"] = [self.signer]
        if self.error is not None:
            data["error"] = f"{self.error.reason}: {self.error.message}"
        return data


def signed(checked: Iterable[CheckedStatement]) -> list[CheckedStatement]:
    """Return the statements that a trusted signer made, and those that could not be read."""
    return [each for each in checked if each.signer is not None or each.error is not None]


def counting(checked: Iterable[CheckedStatement]) -> list[CheckedStatement]:
    """Return the statements that count: those that are signed or, where none is, the unsigned ones.

    Never both: the facts of an unsigned statement would stand beside the signer of another one.
    """
    good = [each for each in checked if each.error is None]
    return [each for each in good if each.signer is not None] or good


def reported_error(checked: Iterable[CheckedStatement]) -> RatifyError:
    """Return the error for an artifact of which no statement counts: the one that says most, with the others after it."""
    ranked = sorted(((each, each.error) for each in checked if each.error is not None), key=_rank)
    first = ranked[0][1]
    others = [f"{error.reason}: {error.message}" for _, error in ranked[1 : 1 + _SHOWN]]
    message = (
        f"{first.message} (and of the other statements here: {'; '.join(others)})"
        if others
        else first.message
    )
    # Anew: the same error may be reported for several artifacts, and would collect their frames.
    if isinstance(first, StoreError):
        return StoreError(first.reason, message, remedy=first.remedy)
    facts = _common([_known_facts(each) for each, _ in ranked])
    return VerificationError(first.reason, message, remedy=first.remedy, facts=facts)


def _known_facts(statement: CheckedStatement) -> dict[str, str]:
    """Return the texts that are known of a statement that does not count; none where no trusted signer made it."""
    if statement.signer is None:
        return {}
    # Facts of a trusted signer alone may say that what is refused is of another kind.
    facts = {name: value for name, value in statement.facts.items() if isinstance(value, str)}
    # A rule may know more than the signature says, as when a report was made.
    return facts | dict(statement.error.facts if isinstance(statement.error, VerificationError) else {})


def _common(known: list[dict[str, str]]) -> dict[str, str]:
    """Return what is known of all statements of an artifact alike, and the time of the newest where all have one."""
    alike = {
        name: value
        for name, value in known[0].items()
        if name != _TIME and all(each.get(name) == value for each in known)
    }
    times = [each[_TIME] for each in known if _TIME in each]
    # One of an unknown time may be the newest.
    return {**alike, _TIME: max(times)} if len(times) == len(known) else alike


def _rank(found: tuple[CheckedStatement, RatifyError]) -> tuple[bool, bool, bool]:
    checked, error = found
    # First: the layer that could not be read may have been the good one, so the answer is not final.
    # Then what only a trusted signer can cause; a statement of another type says least of those.
    return (
        not isinstance(error, StoreError),
        checked.signer is None,
        error.reason is Reason.PREDICATE_TYPE,
    )
