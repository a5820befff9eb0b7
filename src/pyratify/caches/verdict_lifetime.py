"""Whether a verdict may be remembered, and for how long."""

import math
from datetime import datetime

from pyratify.core.report import Outcome, ValidationResult, failures, flatten


def is_final(result: ValidationResult) -> bool:
    """Return whether validating again at once could not change it: nothing was inconclusive, or enough passed."""
    # A verdict must not be found under another subject's digest.
    if result.error is not None or result.subject is None or result.subject.digest != result.reference.digest:
        return False
    return result.succeeded or all(
        outcome is not Outcome.INCONCLUSIVE for outcome, _ in failures(result.artifacts)
    )


def remaining_evidence(result: ValidationResult, now: datetime) -> float:
    """Return the seconds until the first `valid_until` of verdict and evidence; infinity where there is none."""
    ends = [
        item.details.valid_until
        for report in flatten(result.artifacts)
        for item in report.results
        if item.details is not None
    ]
    found = ((end - now).total_seconds() for end in (result.valid_until, *ends) if end is not None)
    return min(found, default=math.inf)
