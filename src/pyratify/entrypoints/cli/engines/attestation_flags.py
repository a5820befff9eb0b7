"""The flags of `ratify verify` and `ratify verify-file` that ask for an attestation, and what they mean in a configuration.

A rule is a line of `_RULES`: its flag, the rule and member of the configuration that it stands for, and whether it may be repeated.
"""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from pyratify.core.dataclass import dataclass
from pyratify.entrypoints.cli.engines.document_flags import document_flag

if TYPE_CHECKING:
    from pyratify.evidence.provenance import ProvenanceRules
    from pyratify.verifiers.attestation.requirement import Requirement


@dataclass(frozen=True, slots=True)
class _RuleFlag:
    """A flag that is a member of a rule.

    Attributes:
        flag: As it is typed.
        rule: The rule, as a parameter of the verifier `attestation`; empty where the member is a parameter itself.
        member: The member of the rule.
        text: What it means.
        metavar: What stands for its value.
        many: Whether it may be repeated.
    """

    flag: str
    rule: str
    member: str
    text: str
    metavar: str
    many: bool = True

    @property
    def name(self) -> str:
        """The member of the parsed flags."""
        return self.flag.removeprefix("--").replace("-", "_")


_RULES: tuple[_RuleFlag, ...] = (
    _RuleFlag(
        "--source-uri", "provenance", "sourceUris", "the repository that it was built from", "REPOSITORY"
    ),
    _RuleFlag("--source-ref", "provenance", "sourceRefs", "the branch or tag, as refs/tags/v*", "REFERENCE"),
    _RuleFlag("--builder-id", "provenance", "builderIds", "what built it", "ID"),
    _RuleFlag("--build-type", "provenance", "buildTypes", "how it was built", "URI"),
    _RuleFlag(
        "--maximum-age",
        "provenance",
        "maximumAge",
        "how old the build may be, as 720h",
        "DURATION",
        many=False,
    ),
    # Ratify v1's names: with flags, the signers of all rules are the same.
    _RuleFlag(
        "--verifier-id",
        "",
        "expectedVerifierId",
        "who must have verified it (default where only a flag below is given: https://github.com/slsa-framework/source-actions)",
        "URI",
        many=False,
    ),
    _RuleFlag("--resource-uri", "", "expectedResourceUri", "as what it was verified", "URI", many=False),
    _RuleFlag("--verified-level", "", "expectedVerifiedLevels", "a level that was verified", "LEVEL"),
)
# What the flags of each rule are about.
_TYPES = {
    "provenance": ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"),
    "": ("https://slsa.dev/verification_summary/v1",),
}


def add_attestation_flags(parser: ArgumentParser) -> None:
    """Add the flags that ask for a statement in place of a signature."""
    group = parser.add_argument_group("attestations, in place of signatures")
    group.add_argument(
        "--type",
        type=_predicate,
        default=None,
        metavar="PREDICATE",
        help="accept only statements of this type: a URI, or a name that cosign has for one, as slsaprovenance1; without a rule below, what they say is not read",
    )
    for each in _RULES:
        action: Any = {"action": "append", "default": []} if each.many else {"default": None}
        repeatable = " (repeatable)" if each.many else ""
        group.add_argument(each.flag, metavar=each.metavar, help=f"{each.text}{repeatable}", **action)


def attestation_flag(arguments: Namespace) -> str:
    """Return the first flag that asks for an attestation; empty where none does."""
    if getattr(arguments, "type", None):
        return "--type"
    return next((each.flag for each in _RULES if getattr(arguments, each.name, None)), "")


def follows_chain(arguments: Namespace) -> bool:
    """Return whether statements of Docker's attestation manifests are asked for: attestations, and the platforms of an index."""
    return bool(attestation_flag(arguments) and getattr(arguments, "platform", None)) and not document_flag(
        arguments
    )


def has_rules(arguments: Namespace) -> bool:
    """Return whether the flags say what a statement must say, beside its type."""
    return any(getattr(arguments, each.name, None) for each in _RULES)


def attestation_rules(arguments: Namespace) -> dict[str, Any]:
    """Return the parameters of a verifier of type `attestation` that the flags stand for, without its trust policies."""
    _check_one_kind(arguments)
    found: dict[str, Any] = {}
    # A summary has one type, which the flags for it imply.
    if arguments.type and not _is_summary(arguments):
        found["predicateTypes"] = [arguments.type]
    for each in _RULES:
        value = getattr(arguments, each.name)
        if value:
            rule = found.setdefault(each.rule, {}) if each.rule else found
            rule[each.member] = list(value) if each.many else value
    # As `cosign verify-attestation --type` has it: the flag names the type, and asks for nothing else.
    if not has_rules(arguments):
        found["anyContent"] = True
    return found


def _check_one_kind(arguments: Namespace) -> None:
    """Refuse flags for statements of different kinds: no statement is of two, and flags ask for one statement."""
    from pyratify.core.errors import ConfigurationError

    given = [each for each in _RULES if getattr(arguments, each.name)]
    # By the first flag for each of the two kinds: of provenance, and of summaries, whose members stand in no rule.
    kinds = {each.rule: each.flag for each in reversed(given)}
    flags = list(kinds.values())
    if arguments.type and any(arguments.type not in _TYPES[rule] for rule in kinds):
        flags = ["--type", next(flag for rule, flag in kinds.items() if arguments.type not in _TYPES[rule])]
    elif len(kinds) < 2:
        return
    raise ConfigurationError(
        f"{flags[0]} and {flags[1]} ask for two kinds of statements, and no statement is both",
        remedy="Ask for one kind in a run; a configuration (-c) asks for several as `requirements`.",
    )


def _is_summary(arguments: Namespace) -> bool:
    flags = [each for each in _RULES if not each.rule and getattr(arguments, each.name)]
    return bool(flags) and arguments.type in _TYPES[""]


def attestation_requirement(arguments: Namespace) -> "Requirement":
    """Return what the flags require of a statement.

    Raises:
        ConfigurationError: In the words of the command line.
    """
    import asyncio

    from pyratify.core.errors import ConfigurationError

    try:
        # Before any loop runs: commands read their flags first.
        return asyncio.run(_requirement(attestation_rules(arguments)))
    except ConfigurationError as error:
        flag = _flag_of(error.path)
        raise ConfigurationError(
            f"{flag}: {error.detail}" if flag else error.detail, remedy=error.remedy
        ) from None


async def _requirement(parameters: dict[str, Any]) -> "Requirement":
    from pyratify.entrypoints.cli.engines.flag_resources import FlagResources

    resources = FlagResources()
    if set(parameters) <= {"predicateTypes", "provenance", "anyContent"}:
        from pyratify.verifiers.attestation.make_requirement import make_requirement

        # The parameters of all rules are 60 ms of imports, which one-shot programs would pay for nothing.
        rules = {"provenance": _provenance(parameters["provenance"])} if "provenance" in parameters else {}
        types = tuple(parameters.get("predicateTypes", ()))
        return await make_requirement(rules, types, "", resources, any_content="anyContent" in parameters)
    import msgspec

    from pyratify.verifiers.attestation.attestation_options import AttestationOptions
    from pyratify.verifiers.attestation.attestation_plugin import requirements_of

    return (await requirements_of(msgspec.convert(parameters, AttestationOptions), resources))[0]


def _provenance(written: dict[str, Any]) -> "ProvenanceRules":
    from pyratify.evidence.provenance import ProvenanceRules

    members: dict[str, Any] = {
        "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name): (
            tuple(value) if isinstance(value, list) else value
        )
        for name, value in written.items()
    }
    return ProvenanceRules(**members)


def _flag_of(path: str) -> str:
    """Return the flag for a path in a configuration, as `--source-uri` for `provenance.sourceUris[0]`."""
    if path == "predicateTypes":
        return "--type"
    named = {f"{each.rule}.{each.member}".lstrip("."): each.flag for each in _RULES}
    return named.get(path.partition("[")[0], "")


def _predicate(text: str) -> str:
    # argparse calls this for --type only
    from pyratify.sigstore.predicate_types import SHORT_NAMES, predicate_type
    from pyratify.terminal.arguments import suggestion

    try:
        # Short names are cosign's; one misspelt must not be compared as a URI that no statement has.
        return predicate_type(text)
    except ValueError as error:
        near = suggestion(text, SHORT_NAMES)
        raise ArgumentTypeError(f"{error}. {near}" if near else str(error)) from None
