"""How much of a report is written: one budget for the whole tree, as nesting must not multiply it."""

import json
from typing import Any

from pyratify.core.dataclass import dataclass


@dataclass(slots=True)
class ReportBudget:
    """What is left of the bytes for reports.

    Attributes:
        left: The bytes.
        left_out: How many reports have not been written.
    """

    left: int
    left_out: int = 0

    def spend(self, report: dict[str, Any]) -> bool:
        """Take off what a report takes; return whether it is written."""
        # Without `ensure_ascii=False`, so characters are bytes.
        self.left -= len(json.dumps(report, separators=(",", ":")))
        return self.left >= 0
