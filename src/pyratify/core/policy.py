"""The interface of policies: functions of the subject and of the tree of reports."""

from collections.abc import Awaitable, Mapping
from dataclasses import field
from datetime import datetime
from typing import Any, Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Verdict

Chain = tuple[ArtifactReport, ...]
Reports = tuple[ArtifactReport, ...]
Image = Mapping[str, Any]
"""What an image says of itself (`image_config.py`)."""

DEFAULT_BUDGET = 1.0


@dataclass(frozen=True, slots=True)
class Subject:
    """What a policy decides about.

    Attributes:
        reference: As it was asked for. Its tag is there only where it was asked for by a tag, and for policies that declare
            `reads_tag`: verdicts of others are remembered for the digest alone.
        descriptor: What the reference resolved to.
        namespace: The namespace that asks; empty for none.
        now: The moment of the decision (aware).
        images: What the image says of itself, once for each platform; only for policies that declare `reads_image`.
    """

    reference: Reference
    descriptor: Descriptor
    namespace: str
    now: datetime
    images: tuple[Image, ...] = field(default=(), hash=False)


class PolicyEnforcer(Protocol):
    """Decides from the subject and the reports alone; a policy keeps no state between decisions.

    A chain is a position in the tree of artifacts: empty for the subject itself, else the reports that lead to an
    artifact, the outermost first.

    Attributes that a policy may have besides:

    - `offload`: True where `decide` is expensive; it is then called in a thread.
    - `budget`: Seconds that an offloaded or asynchronous `decide` may take; 1 when absent. What is later denies with
      `POLICY_ERROR`.
    - `reads_image`: True where `decide` needs the image's own configuration, which is then fetched.
    - `reads_tag`: True where the decision depends on the tag that was asked for; its verdicts are then remembered for tag and
      digest together.
    """

    def wants(self, chain: Chain) -> frozenset[str] | None:
        """Return the verifiers whose results can affect the decision for artifacts attached here; None for all."""
        ...

    def descends(self, chain: Chain) -> bool:
        """Return whether artifacts attached to the last one of the chain can affect the decision."""
        ...

    def settled(self, reports: Reports) -> bool:
        """Return whether `decide` allows now and would allow whatever comes; then the walk stops.

        Whatever comes: any further reports, also of what failed. A policy that is not monotone, which a further report can turn
        from ALLOW to DENY, returns False always. A DENY is never settled: a later referrer may be the evidence that is missing.
        An ALLOW that is not settled does not hold where a limit ended the walk early.
        """
        ...

    def decide(self, subject: Subject, reports: Reports) -> Verdict | Awaitable[Verdict]:
        """Return the decision on all reports; an awaitable one where something else has to be asked.

        ALLOW needs positive evidence: only results that are PASSED count.

        Raises:
            InconclusiveError: Nothing can be decided now; the subject is not allowed, and another attempt may help. Every other
                exception denies with `POLICY_ERROR`.
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

    def settled(self, reports: Reports) -> bool:
        """Never stop early."""
        del reports
        return False

    def decide(self, subject: Subject, reports: Reports) -> Verdict:
        """Decide nothing."""
        del subject, reports
        # Not ALLOW: callers that ask for `succeeded` must not let pass what nothing has judged.
        return Verdict(Decision.NONE)
