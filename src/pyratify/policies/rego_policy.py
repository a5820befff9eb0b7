"""A policy in Rego, evaluated here or by an Open Policy Agent."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.decision import deny
from pyratify.core.policy import DEFAULT_BUDGET, Chain, Image, Reports, Subject
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, Verdict
from pyratify.expressions.language import Answer, EvaluationError
from pyratify.policies.rego_contract import RegoInput

Ask = Callable[[dict[str, Any], datetime], Awaitable[Answer]]
"""Returns the policy's answer to an input, at a time."""
_SECOND = timedelta(seconds=1)
_BUILD = "Build the image or attach the evidence as the policy asks, or change the policy."
_ATTACH = "Attach the evidence that the policy asks for, or change the policy."
_CORRECT = "Correct the policy: it must give true or false for every input; `opa eval` shows what it gives."


@dataclass(frozen=True, slots=True, kw_only=True)
class RegoPolicy:
    """Allows where the policy's answer is exactly true. Not monotone.

    Attributes:
        ask: Evaluates it.
        inputs: Makes its inputs.
        descends_always: Whether what is attached to artifacts is looked at.
        reads_tag: Whether the answer may depend on the tag.
        reads_image: Whether the input has what the image says of itself; then the answer must be true for every platform.
        reads_time: Whether the answer may depend on the time, or on what changes elsewhere.
        passthrough: Whether nothing is decided, as with Ratify v1's `passthroughEnabled`.
        budget: Seconds.
    """

    ask: Ask
    inputs: RegoInput
    descends_always: bool = True
    reads_tag: bool = False
    reads_image: bool = False
    reads_time: bool = False
    passthrough: bool = False
    budget: float = DEFAULT_BUDGET

    def wants(self, chain: Chain) -> None:
        """Want every verifier."""
        del chain

    def descends(self, chain: Chain) -> bool:
        """Return whether what is attached to artifacts is looked at."""
        del chain
        return self.descends_always

    def settled(self, reports: Reports) -> bool:
        """Return False: a further artifact may change the answer."""
        del reports
        return False

    async def decide(self, subject: Subject, reports: Reports) -> Verdict:
        """Allow where every answer is true.

        Raises:
            InconclusiveError: The Open Policy Agent gave no answer.
        """
        # As with Ratify v1, the decision is that of Gatekeeper's constraint.
        if self.passthrough:
            return Verdict(Decision.NONE)
        images: tuple[Image | None, ...] = subject.images if self.reads_image else (None,)
        # `all` of none is true.
        verdict = deny(Reason.POLICY_ERROR, "nothing is known of the image itself")
        # Every platform: which one a node runs is not known here.
        for image in images:
            place = f"for {image['platform']}: " if image is not None and len(images) > 1 else ""
            verdict = await self._judge(subject, reports, image, place)
            if verdict.decision is not Decision.ALLOW:
                break
        if not self.reads_time:
            return verdict
        # In whole seconds, as `now` in the input.
        return replace(verdict, valid_until=subject.now.replace(microsecond=0) + _SECOND)

    async def _judge(self, subject: Subject, reports: Reports, image: Image | None, place: str) -> Verdict:
        try:
            answer = await self.ask(self.inputs.make(subject, reports, image), subject.now)
        except EvaluationError as error:
            return deny(Reason.POLICY_ERROR, f"{place}{error.message}", _CORRECT)
        if answer.holds is True:
            return Verdict(Decision.ALLOW)
        contract = self.inputs.contract
        asked = contract.query if contract.only_bool else f"{contract.query}.allow"
        said = "; ".join(answer.messages) or f"{asked} is not true"
        return deny(Reason.POLICY_UNSATISFIED, f"{place}{said}", _ATTACH if image is None else _BUILD)
