"""Counts of results: the last line of standard error where there are several references."""

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING

from pyratify.core.dataclass import dataclass

if TYPE_CHECKING:
    from pyratify.core.report import ValidationResult

_WORDS = ("allowed", "denied", "undecided")


@dataclass(frozen=True, slots=True)
class Totals:
    """A counter of results.

    Attributes:
        counts: How many there are of each word.
    """

    counts: Counter[str] = field(default_factory=Counter)

    def add(self, result: "ValidationResult") -> None:
        """Count one result."""
        # An error first, as in exits.of, so that the line agrees with the exit code.
        word = "undecided" if result.error is not None else "allowed" if result.succeeded else "denied"
        self.counts[word] += 1

    def __str__(self) -> str:
        parts = ", ".join(f"{self.counts[word]} {word}" for word in _WORDS if self.counts[word])
        return f"{self.counts.total()} references: {parts}"
