"""The interface of policies: pure functions of the report tree."""

from typing import Protocol

from pyratify.core.report import ArtifactReport, Decision, Verdict

Chain = tuple[ArtifactReport, ...]


class PolicyEnforcer(Protocol):
    """Decides; keeps no state, knows no store and no verifier.

    A chain names a place in the tree: empty for the subject itself, else the reports that lead to an artifact, the
    outermost first.
    """

    def wants(self, chain: Chain) -> frozenset[str] | None:
        """Return the names of the verifiers that can matter for what is attached here; None for all of them."""
        ...

    def descends(self, chain: Chain) -> bool:
        """Return whether what is attached to the last artifact of the chain can matter."""
        ...

    def settled(self, reports: tuple[ArtifactReport, ...]) -> bool:
        """Return whether further reports cannot change an ALLOW any more."""
        ...

    def decide(self, reports: tuple[ArtifactReport, ...]) -> Verdict:
        """Decide from everything that was found.

        Allow needs positive evidence; reports that are not PASSED never count.
        """
        ...


class NoPolicy:
    """Asks every verifier and leaves the decision to the reader of the report."""

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
        return Verdict(Decision.NONE)
