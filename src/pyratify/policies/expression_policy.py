"""A policy of expressions that all have to hold; errors deny."""

from collections.abc import Mapping
from dataclasses import field, replace
from datetime import timedelta
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.decision import deny
from pyratify.core.policy import DEFAULT_BUDGET, Chain, Image, Reports, Subject
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, Verdict
from pyratify.expressions.language import EvaluationError, Program, SharedValues
from pyratify.policies.policy_values import (
    ARTIFACTS,
    IMAGE,
    NONE_UNSEEN,
    NOW,
    TAG,
    Unseen,
    artifact_values,
    subject_values,
)

_SECOND = timedelta(seconds=1)
_REPORTS = frozenset({ARTIFACTS, IMAGE})
_ALLOW = Verdict(Decision.ALLOW)


@dataclass(frozen=True, slots=True)
class Validation:
    """One expression.

    Attributes:
        program: The compiled expression.
        message: What is said where it does not hold.
    """

    program: Program
    message: str


@dataclass(frozen=True, slots=True)
class ExpressionPolicy:
    """Allows where every expression is exactly true. Not monotone: an expression may ask for all, or for none.

    Attributes:
        validations: At least one.
        types: The plugins of the verifiers, by their names.
        reads_nested: Whether an expression names what is attached to artifacts.
        left_out: What no expression can see of artifacts.
        budget: Seconds.
        offload: Expressions over large reports would hold the event loop.
    """

    validations: tuple[Validation, ...]
    types: Mapping[str, str] = field(default_factory=dict, hash=False)
    reads_nested: bool = True
    left_out: Unseen = NONE_UNSEEN
    budget: float = DEFAULT_BUDGET
    offload: bool = True

    @property
    def reads(self) -> frozenset[str]:
        """The variables that an expression names."""
        return frozenset().union(*(validation.program.reads for validation in self.validations))

    @property
    def reads_tag(self) -> bool:
        """Whether an expression names the tag."""
        return TAG in self.reads

    @property
    def reads_image(self) -> bool:
        """Whether an expression names the image's own configuration."""
        return IMAGE in self.reads

    def wants(self, chain: Chain) -> None:
        """Want every verifier: an expression may name any."""
        del chain

    def descends(self, chain: Chain) -> bool:
        """Return whether an expression names what is attached to artifacts."""
        del chain
        return self.reads_nested

    def settled(self, reports: Reports) -> bool:
        """Return False: a further artifact may make an expression false."""
        del reports
        return False

    def decide(self, subject: Subject, reports: Reports) -> Verdict:
        """Allow where every expression is true."""
        reads = self.reads
        values = subject_values(subject) if reads - _REPORTS else {}
        if ARTIFACTS in reads:
            values[ARTIFACTS] = artifact_values(
                reports, self.types, with_nested=self.reads_nested, left_out=self.left_out
            )
        verdict = self._judge_images(values, subject.images) if IMAGE in reads else self._judge(values)
        # `now` has whole seconds, so nothing changes before the next one.
        return replace(verdict, valid_until=values[NOW] + _SECOND) if NOW in reads else verdict

    def _judge_images(self, values: Mapping[str, Any], images: tuple[Image, ...]) -> Verdict:
        # All platforms: which one is run is not known here. `all` of none is true.
        if not images:
            return deny(Reason.POLICY_ERROR, "nothing is known of the image itself")
        judged = [
            self._judge({**values, IMAGE: image}, image["platform"] if len(images) > 1 else "")
            for image in images
        ]
        return next((each for each in judged if each.decision is not Decision.ALLOW), judged[0])

    def _judge(self, values: Mapping[str, Any], platform: str = "") -> Verdict:
        place = f"for {platform}: " if platform else ""
        if len(self.validations) > 1:
            values = SharedValues({name: values[name] for name in self.reads})
        for validation in self.validations:
            try:
                answer = validation.program.evaluate(values)
            except EvaluationError as error:
                remedy = _EXPOSE if _PREDICATE in error.message else _CORRECT
                return deny(Reason.POLICY_ERROR, f"{place}{error.message}", remedy)
            # `is`: languages are plugins, and an answer that is only truthy must not allow.
            if answer.holds is not True:
                said = "; ".join((validation.message, *answer.messages))
                return deny(Reason.POLICY_UNSATISFIED, f"{place}{said}", _remedy(validation.program.reads))
        return _ALLOW


def _remedy(reads: frozenset[str]) -> str:
    if IMAGE in reads:
        return "Build the image so that the expression is true of it, or change the policy."
    if ARTIFACTS in reads:
        return "Attach evidence of which the expression is true, or change the policy."
    return "Ask for the image where and when the expression is true, or change the policy."


_CORRECT = "Correct the policy: ask with has() whether a field is there, or attach the evidence that has it."
_PREDICATE = '"predicate"'
_EXPOSE = (
    "Name it in `expose` of the verifier, as expose: [predicate]; policies see nothing else of a predicate."
)
