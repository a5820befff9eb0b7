"""Rules in the languages of expressions, over one statement that a trusted signer made."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.expressions.language import CHANGE_RULE, Kind, Language, Program, Source

_NOW, _TAG, _SHOWN = "now", "subject.tag", 200
# Dotted: there is no whole `subject`, so no computed name reaches what is not declared (decision 0042).
VARIABLES: Mapping[str, Kind] = {
    "predicate": Kind.ANY,
    "predicateType": Kind.TEXT,
    "signer": Kind.TEXT,
    "certificate": Kind.ANY,
    "subject.registry": Kind.TEXT,
    "subject.repository": Kind.TEXT,
    "subject.digest": Kind.TEXT,
    _TAG: Kind.TEXT,
    _NOW: Kind.TIME,
}
"""What an expression over a statement may name."""


@dataclass(frozen=True, slots=True)
class ExpressionJudge:
    """Judges a statement by a program.

    Attributes:
        program: The compiled rule.
        text: As it was written, for the message.
    """

    program: Program
    text: str

    @property
    def reads_tag(self) -> bool:
        """Whether the rule compares the tag that was asked for."""
        return _TAG in self.program.reads

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a predicate of any type.

        Raises:
            VerificationError: `POLICY_UNSATISFIED`: the answer is not true; `POLICY_ERROR`: there is none.
        """
        # In whole seconds, so that nothing changes before the next one.
        now = circumstances.now.replace(microsecond=0)
        answer = self.program.evaluate(_values(document, circumstances, now))
        # Exactly True (decision 0042): an error is a value in CEL, and must not allow.
        if answer.holds is not True:
            said = "; ".join(answer.messages) or f"the rule is not true: {self.text[:_SHOWN]}"
            raise VerificationError(Reason.POLICY_UNSATISFIED, said, remedy=CHANGE_RULE)
        timed = _NOW in self.program.reads
        return Judgement(valid_until=now + timedelta(seconds=1) if timed else None)


def cel_judge(text: str, path: str) -> ExpressionJudge:
    """Return the judge of an expression in CEL.

    Raises:
        ConfigurationError: It cannot be compiled or gives no bool, or the extra is not installed.
    """
    language: Language = Registry[Any]("languages").load("cel", path)
    return ExpressionJudge(language.compile(Source(text, VARIABLES, path)), text)


def _values(document: object, circumstances: Circumstances, now: Any) -> dict[str, Any]:
    reference = circumstances.reference
    return {
        "predicate": document,
        "predicateType": circumstances.predicate_type,
        "signer": circumstances.signer,
        "certificate": dict(circumstances.certificate),
        "subject.registry": reference.registry if reference else "",
        "subject.repository": reference.repository if reference else "",
        "subject.digest": str(circumstances.subject.digest),
        _TAG: circumstances.tag or "",
        _NOW: now,
    }
