"""The interface of policies: pure functions of the report tree."""

from typing import Protocol

from pyratify.core.report import ArtifactReport, Decision, Verdict

Chain = tuple[ArtifactReport, ...]


class PolicyEnforcer(Protocol):
    """Decides from reports alone; a policy keeps no state.

    A chain is a position in the tree of artifacts: empty for the subject itself, else the reports that lead to an
    artifact, the outermost first.
    """

    def wants(self, chain: Chain) -> frozenset[str] | None:
        """Return the verifiers whose results can affect the decision for artifacts attached here; None for all."""
        ...

    def descends(self, chain: Chain) -> bool:
        """Return whether artifacts attached to the last one of the chain can affect the decision."""
        ...

    def settled(self, reports: tuple[ArtifactReport, ...]) -> bool:
        """Return whether `decide` allows now and would allow with any further reports too; then the walk stops.

        A DENY is never settled: a later referrer may be the evidence that is missing.
        """
        ...

    def decide(self, reports: tuple[ArtifactReport, ...]) -> Verdict:
        """Return the decision on all reports.

        ALLOW needs positive evidence: only results that are PASSED count.
        """
        ...


class NoPolicy:
    """Runs every verifier and decides NONE: the decision is left to the reader of the report."""

    def wants(self, chain: Chain) -> None:
        """Want every verifier."""
        del chain

    def descends(self, chain: Chain) -> bool:
        """Look at everything."""
        del chain
        return True

    def settled(self, reports: tuple[ArtifactReport, ...]) -> bool:
        """Never stop early."""
        del reports
        return False

    def decide(self, reports: tuple[ArtifactReport, ...]) -> Verdict:
        """Decide nothing."""
        del reports
        # Not ALLOW: callers that ask for `succeeded` must not let pass what nothing has judged.
        return Verdict(Decision.NONE)
