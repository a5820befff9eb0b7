"""Rules in Rego over one statement that a trusted signer made: `data.pyratify.allow`, and the messages of `deny`."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import msgspec

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.expressions.language import CHANGE_RULE, Kind, Language, Program, Source
from pyratify.expressions.rego.reads import may_read_tag

_QUERY = "data.pyratify"


class RegoRuleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A policy in Rego over one statement.

    Attributes:
        policy: Its text, of the package `pyratify`.
        rego_version: The syntax.
    """

    policy: Annotated[str, msgspec.Meta(min_length=1)]
    rego_version: Literal["v0", "v1"]


@dataclass(frozen=True, slots=True)
class RegoJudge:
    """Judges a statement by a policy.

    Attributes:
        program: The compiled policy.
        text: Its source, which says what it may read.
        awaits_process: On the event loop, everything else would wait for the policy's process too.
    """

    program: Program
    text: str
    awaits_process: bool = True

    @property
    def reads_tag(self) -> bool:
        """Whether the policy may compare the tag that was asked for."""
        return may_read_tag(self.text)

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a predicate of any type.

        Raises:
            VerificationError: `POLICY_UNSATISFIED`: the answer is not true; `POLICY_ERROR`: there is none.
        """
        # In whole seconds, so that nothing changes before the next one.
        now = circumstances.now.replace(microsecond=0)
        reference = circumstances.reference
        given: dict[str, Any] = {
            "predicate": document,
            "predicateType": circumstances.predicate_type,
            "signer": circumstances.signer,
            "certificate": dict(circumstances.certificate),
            "subject": {
                "registry": reference.registry if reference else "",
                "repository": reference.repository if reference else "",
                "digest": str(circumstances.subject.digest),
                "tag": circumstances.tag or "",
            },
        }
        # Without the name in its text, no computed one may reach the time: its verdict is kept for longer than this second.
        timed = "now" in self.text
        if timed:
            given["now"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        answer = self.program.evaluate({"input": given, "now": now})
        # Exactly True (decision 0042): an undefined answer must not allow.
        if answer.holds is not True:
            said = "; ".join(answer.messages) or f"{_QUERY}.allow is false for the statement"
            raise VerificationError(Reason.POLICY_UNSATISFIED, said, remedy=CHANGE_RULE)
        return Judgement(valid_until=now + timedelta(seconds=1) if timed else None)


def rego_judge(options: RegoRuleOptions, path: str) -> RegoJudge:
    """Return the judge of a policy.

    Raises:
        ConfigurationError: It cannot be used, or the extra is not installed.
    """
    language: Language = Registry[Any]("languages").load("rego", path)
    more = {"version": options.rego_version, "query": _QUERY}
    program = language.compile(Source(options.policy, {"input": Kind.ANY}, f"{path}.policy", more))
    return RegoJudge(program, options.policy)
