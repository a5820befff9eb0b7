"""What a verdict is the answer to, and where processes share their verdicts."""

from dataclasses import dataclass
from typing import Protocol

from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult


@dataclass(frozen=True, slots=True)
class VerdictKey:
    """What a verdict is the answer to; verdicts of other questions say nothing about it.

    Attributes:
        generation: The configuration.
        namespace: The tenant that asks; empty for none.
        reference: The repository and digest.
    """

    generation: str
    namespace: str
    reference: Reference

    def __str__(self) -> str:
        """Return a text that no other question has."""
        return f"{self.generation}|{self.namespace}|{self.reference}"


@dataclass(frozen=True, slots=True)
class SharedVerdict:
    """A verdict that another process found.

    Attributes:
        result: The verdict.
        seconds: For how many seconds it may still be used.
    """

    result: ValidationResult
    seconds: float


class SharedVerdicts(Protocol):
    """Verdicts that several processes share.

    It may vanish at any time: what it cannot do, and does not do within a fraction of a second, it does not do at all.
    Whoever implements it answers for it that no verdict comes out which none of these processes put in for this question.
    """

    async def get(self, question: VerdictKey) -> SharedVerdict | None:
        """Return the verdict, or None; never raises."""
        ...

    async def put(self, question: VerdictKey, result: ValidationResult, seconds: float) -> None:
        """Keep the verdict for that many seconds, or do not; never raises."""
        ...
