"""What a statement must be and say: its types and the rules that judge it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol, runtime_checkable

from pyratify.core.errors import ConfigurationError, Failure
from pyratify.core.plugin import Resources
from pyratify.core.verifier import Evidence
from pyratify.evidence.judgement import Circumstances, Judge, Judgement
from pyratify.verifiers.accepted_statements import AcceptedSigners
from pyratify.verifiers.attestation.attestation_options import AttestationOptions, RuleOptions
from pyratify.verifiers.attestation.rules import RULES, types_of


@runtime_checkable
class LooksBeside(Protocol):
    """A judge for which other documents that are attached to the image can take a refusal back."""

    async def beside(self, evidence: Evidence, now: datetime, signers: AcceptedSigners) -> Judge | None:
        """Return the judge that has read them; None where none count. The signers are those of the statement itself."""
        ...


@dataclass(frozen=True, slots=True)
class Requirement:
    """What a statement must be and say.

    Attributes:
        predicate_types: The types that it may have, at least one.
        judges: By the names of their rules; all must be satisfied. None where the content is not read.
        name: What it is called in messages and reports.
    """

    predicate_types: tuple[str, ...]
    judges: Mapping[str, Judge] = field(hash=False)
    name: str = ""

    @property
    def reads_tag(self) -> bool:
        """Whether a rule compares the tag that was asked for."""
        reading = any(getattr(judge, "reads_tag", False) is True for judge in self.judges.values())
        return reading or "tagMatchesRef" in self.judges

    def judge(self, predicate: object, circumstances: Circumstances) -> Judgement:
        """Return what all rules together find in a predicate of one of the types.

        Raises:
            VerificationError: A rule refuses it.
        """
        facts: dict[str, Any] = {}
        warnings: list[Failure] = []
        ends: list[datetime] = []
        for judge in self.judges.values():
            found = judge.judge(predicate, circumstances)
            facts.update(found.facts)
            warnings += found.warnings
            ends += [found.valid_until] if found.valid_until is not None else []
        return Judgement(facts, min(ends, default=None), tuple(warnings))

    async def beside(
        self, evidence: Evidence, now: datetime, signers: AcceptedSigners
    ) -> "Requirement | None":
        """Return the requirement whose judges have read what is attached beside the evidence; None where none do.

        Raises:
            RatifyError: Not all of it could be read.
        """
        wiser = {
            name: found
            for name, judge in self.judges.items()
            if isinstance(judge, LooksBeside)
            and (found := await judge.beside(evidence, now, signers)) is not None
        }
        return replace(self, judges={**self.judges, **wiser}) if wiser else None


async def load_requirements(options: AttestationOptions, resources: Resources) -> tuple[Requirement, ...]:
    """Return the requirements, all of which must be satisfied by what is attached.

    Raises:
        ConfigurationError: As `load_requirement`; rules beside the list, or two of one name.
    """
    if not options.requirements:
        return (await load_requirement(options, "", resources),)
    check_alone(options, "requirements")
    found = [
        await load_requirement(each, f"requirements[{index}]", resources, each.name)
        for index, each in enumerate(options.requirements)
    ]
    names = [each.name for each in found]
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ConfigurationError(
                f"a second requirement is called {name[:80]!r}",
                path=f"requirements[{index}].name",
                remedy="Give each a name of its own.",
            )
    return tuple(found)


def check_alone(options: RuleOptions, path: str) -> None:
    """Refuse rules that stand beside others which take their place.

    Raises:
        ConfigurationError: With the path of the others.
    """
    beside = [name for name in RULES if getattr(options, _member(name)) is not None]
    if beside or options.predicate_types or options.any_content:
        raise ConfigurationError(
            f"stands beside {(*beside, 'predicateTypes')[0]}: which of them holds for a statement would not be clear",
            path=path,
            remedy="Write all rules as entries of requirements, or all beside one another.",
        )


async def load_requirement(
    options: RuleOptions, path: str, resources: Resources, name: str = ""
) -> Requirement:
    """Return what the options require.

    Raises:
        ConfigurationError: No rule, rules beside `anyContent`, no type, or a type that a rule does not understand.
    """
    written = {name: value for name in RULES if (value := getattr(options, _member(name))) is not None}
    names = tuple(written)
    _check_content(options, names, path)
    understood = types_of(names, path)
    types = options.predicate_types or understood
    _check_types(types, understood, names, path)
    judges = {
        rule: await RULES[rule].build(value, f"{path}.{rule}" if path else rule, resources)
        for rule, value in written.items()
    }
    return Requirement(types, judges, name or " and ".join(names) or types[0])


def _check_content(options: RuleOptions, names: tuple[str, ...], path: str) -> None:
    if names and options.any_content:
        raise ConfigurationError(
            f"anyContent says that the statement is not read, and {names[0]} judges it", path=path
        )
    # Signed but unread is no evidence of what the statement is about.
    if not names and not options.any_content:
        raise ConfigurationError(
            "no rule says what the statement must say, so any signed statement would do",
            path=path,
            remedy=f"Write one of {', '.join(RULES)}; or anyContent: true, if a signature over the type alone is enough.",
        )


def _check_types(
    types: tuple[str, ...], understood: tuple[str, ...], names: tuple[str, ...], path: str
) -> None:
    where = f"{path}.predicateTypes" if path else "predicateTypes"
    if not types:
        raise ConfigurationError(
            "names no type of statement",
            path=where,
            remedy="Name the types exactly, as https://slsa.dev/provenance/v1.",
        )
    for each in types if understood else ():
        if each not in understood:
            raise ConfigurationError(
                f"{each[:120]!r} is not understood by {' and '.join(names)}, which reads {', '.join(understood)}",
                path=where,
                remedy="Write what is required of it as an entry of `requirements` of its own.",
            )


def _member(name: str) -> str:
    """Return the member of `RuleOptions` for a parameter's name."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
