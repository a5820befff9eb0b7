"""What a statement must be and say: its types and the rules that judge it."""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pyratify.core.dataclass import dataclass
from pyratify.core.verifier import Evidence
from pyratify.evidence.judgement import Circumstances, Judge, Judgement, united

if TYPE_CHECKING:
    from pyratify.verifiers.accepted_statements import AcceptedSigners


@runtime_checkable
class LooksBeside(Protocol):
    """A judge for which other documents that are attached to the image can take a refusal back."""

    async def beside(self, evidence: Evidence, now: datetime, signers: "AcceptedSigners") -> Judge | None:
        """Return the judge that has read them; None where none count. The signers are those of the statement itself."""
        ...


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a statement must be and say.

    Attributes:
        predicate_types: The types that it may have, at least one.
        judges: By the names of their rules; all must be satisfied. None where the content is not read.
        name: What it is called in messages and reports.
    """

    predicate_types: tuple[str, ...]
    judges: Mapping[str, Judge] = field(hash=False)
    name: str = ""

    @property
    def reads_tag(self) -> bool:
        """Whether a rule compares the tag that was asked for."""
        # Verdicts are remembered under the tag, too, for such rules alone (decision 0044).
        reading = any(getattr(judge, "reads_tag", False) is True for judge in self.judges.values())
        return reading or "tagMatchesRef" in self.judges

    @property
    def awaits_process(self) -> bool:
        """Whether a rule waits for another process, so that all are judged in a thread."""
        return any(getattr(judge, "awaits_process", False) is True for judge in self.judges.values())

    @property
    def may_deny(self) -> bool:
        """Whether a rule can say that the subject must not be used (`Denial`), whatever else is attached."""
        return "vsa" in self.judges

    def judge(self, predicate: object, circumstances: Circumstances) -> Judgement:
        """Return what all rules together find in a predicate of one of the types.

        Raises:
            VerificationError: A rule refuses it.
        """
        found = [judge.judge(predicate, circumstances) for judge in self.judges.values()]
        return found[0] if len(found) == 1 else united(found)

    async def beside(
        self, evidence: Evidence, now: datetime, signers: "AcceptedSigners"
    ) -> "Requirement | None":
        """Return the requirement whose judges have read what is attached beside the evidence; None where none do.

        Raises:
            RatifyError: Not all of it could be read.
        """
        informed = {
            name: found
            for name, judge in self.judges.items()
            if isinstance(judge, LooksBeside)
            and (found := await judge.beside(evidence, now, signers)) is not None
        }
        return replace(self, judges={**self.judges, **informed}) if informed else None
