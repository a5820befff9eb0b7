"""When a VEX statement takes a finding away.

Five conditions, all of them: (1) the document was accepted, which its reader answers for; (2) a product of the statement is the
subject, by digest; (3) the finding's package is one that it names, where it names any; (4) the status is `fixed`, or
`not_affected` with a justification; (5) no later statement on the same says otherwise.
"""

import math
from collections.abc import Iterable
from datetime import datetime

from pyratify.evidence.age import SKEW
from pyratify.evidence.vex.statement import Statement, VexDocument
from pyratify.evidence.vulnerability.finding import Finding


class Suppression:
    """The statements of accepted documents about one subject; called with a finding, returns whether it is suppressed.

    Args:
        documents: Accepted documents.
        subject: The digest of the artifact that is verified.
        now: The moment of the verification (aware).
    """

    def __init__(self, documents: Iterable[VexDocument], subject: str, now: datetime) -> None:
        self._subject, self._now = subject, now
        self._by_name: dict[str, list[Statement]] = {}
        for statement in (each for document in documents for each in document.statements):
            for name in statement.names:
                self._by_name.setdefault(name, []).append(statement)

    def __call__(self, finding: Finding) -> bool:
        """Return whether the latest statement about the finding suppresses it."""
        about = [
            statement
            for name in finding.names
            for statement in self._by_name.get(name, ())
            if self._is_about(statement, finding)
        ]
        latest = max(about, key=self._rank, default=None)
        return latest is not None and self._suppresses(latest)

    def why_not(self, finding: Finding) -> str:
        """Return why a statement that could suppress the finding does not; empty where there is none."""
        named = (statement for name in finding.names for statement in self._by_name.get(name, ()))
        could = [statement for statement in named if statement.status.suppresses]
        if not could:
            return ""
        products = [
            each for statement in could for each in statement.products if self._subject in each.digests
        ]
        if not products:
            why = "names no product by the digest of this image"
        elif not any(each.has(finding) for each in products):
            why = "names other packages or versions of this image"
        elif not any(statement.may_suppress for statement in could):
            why = "has no justification of its specification, or no time"
        else:
            why = "is dated in the future, or a later statement says otherwise"
        return f"the VEX statement on {finding.identifier[:80]} {why}"

    def _is_about(self, statement: Statement, finding: Finding) -> bool:
        products = (each for each in statement.products if self._subject in each.digests)
        # What suppresses must name the package; what takes it back counts in doubt, too.
        if statement.status.suppresses:
            return any(each.has(finding) for each in products)
        return any(each.may_have(finding) for each in products)

    def _suppresses(self, statement: Statement) -> bool:
        # A statement dated in the future would outrank every later correction.
        return statement.may_suppress and statement.time is not None and statement.time <= self._now + SKEW

    def _rank(self, statement: Statement) -> tuple[float, bool]:
        # Without a time it could be the latest; of two of one time, the one that suppresses nothing counts.
        time = math.inf if statement.time is None else statement.time.timestamp()
        return time, not self._suppresses(statement)
