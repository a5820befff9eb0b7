"""The plugin `threshold-policy`: Ratify v2's tree of rules."""

from typing import Annotated

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources, must_be_signed
from pyratify.core.reason import Reason
from pyratify.policies.rule import Require, Rule
from pyratify.policies.threshold import ThresholdPolicy

Threshold = Annotated[int, msgspec.Meta(ge=0)]
WherePath = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]


class RuleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One rule.

    Attributes:
        verifier_name: The verifier whose evidence satisfies it; empty for a group.
        threshold: How many of its rules must be satisfied; 0 or nothing for all.
        rules: For a group its members; for a verifier what must hold for what is attached to its evidence.
        require: Which of the verifier's evidence has to satisfy it: any one artifact, all of them, or the newest by its signed time.
        require_signed: Whether evidence counts only if it has signers, or if the rules below it hold; when omitted, true for
            documents that are only attached, as SBOMs, and for attestations.
        where: Values that the facts of a result must have for it to be of this rule's kind, by name or path (`builder.id`).
        deny: Whether the rule forbids what `reasons` or `where` name; evidence that is missing or undecided forbids too.
        reasons: For deny: the codes of failures that forbid.
    """

    verifier_name: str = ""
    threshold: Threshold = 0
    rules: Annotated[tuple["RuleOptions", ...], msgspec.Meta(min_length=1)] | None = None
    require: Require = Require.ANY
    require_signed: bool | None = None
    where: Annotated[dict[WherePath, str | int | bool], msgspec.Meta(min_length=1)] | None = None
    deny: bool = False
    reasons: Annotated[tuple[Reason, ...], msgspec.Meta(min_length=1)] | None = None


class GroupOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The top of the tree.

    Attributes:
        threshold: How many of the rules must be satisfied; 0 or nothing for all.
        rules: At least one.
    """

    rules: Annotated[tuple[RuleOptions, ...], msgspec.Meta(min_length=1)]
    threshold: Threshold = 0


class ThresholdOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of the policy.

    Attributes:
        policy: The tree of rules.
        distinct_across_verifiers: Whether two rules need different signers even where they name different verifiers.
    """

    policy: GroupOptions
    distinct_across_verifiers: bool = False


async def build(name: str, options: ThresholdOptions, resources: Resources) -> ThresholdPolicy:
    """Build the policy.

    Raises:
        ConfigurationError: A rule that names no configured verifier, or a threshold that can never be reached.
    """
    del name
    rules = tuple(
        _rule(rule, f"policy.rules[{index}]", resources) for index, rule in enumerate(options.policy.rules)
    )
    root = Rule(None, rules, options.policy.threshold)
    return ThresholdPolicy(root, options.distinct_across_verifiers)


def _rule(options: RuleOptions, path: str, resources: Resources) -> Rule:
    # A misspelt name could never be satisfied: every image would be denied, with no fault to see.
    if options.verifier_name and options.verifier_name not in resources.verifiers:
        raise ConfigurationError(
            f"no verifier is called {options.verifier_name[:80]!r}",
            path=f"{path}.verifierName",
            remedy=f"Name one of: {', '.join(resources.verifiers)}.",
            stand_in=next(iter(resources.verifiers), None),
        )
    rules = tuple(
        _rule(rule, f"{path}.rules[{index}]", resources) for index, rule in enumerate(options.rules or ())
    )
    return Rule(
        options.verifier_name or None,
        rules,
        options.threshold,
        require=options.require,
        require_signed=_requires_signature(options, resources),
        where=tuple(sorted((options.where or {}).items())),
        deny=options.deny,
        reasons=tuple(dict.fromkeys(reason.value for reason in options.reasons or ())),
    )


def _requires_signature(options: RuleOptions, resources: Resources) -> bool:
    if options.require_signed is not None or not options.verifier_name:
        return bool(options.require_signed)
    # Every account that may push could attach a clean document: trusting one as it is must be written, also where it
    # only lifts what a deny rule forbids. The same of statements that nothing signs.
    type_name = resources.verifier_types.get(options.verifier_name)
    return type_name is not None and must_be_signed(type_name)


plugin: Plugin[ThresholdPolicy] = Plugin(
    options=ThresholdOptions,
    build=build,
    summary="A tree of rules, each satisfied by verifiers' evidence",
    traced=True,
)
