"""The rules of the threshold policy: a tree, checked when it is made."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

MAX_RULES = 256
Value = str | int | bool


class Require(StrEnum):
    """Which of a verifier's evidence has to satisfy a rule.

    - `any`: one artifact; what else is attached does not matter.
    - `all`: every artifact that the verifier reads, at least one.
    - `newest`: the newest by its signed time.
    """

    ANY = "any"
    ALL = "all"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Rule:
    """One node of the tree.

    Attributes:
        verifier: The verifier whose evidence satisfies the rule; None for a group.
        rules: For a group its members; for a verifier what must hold for what is attached to its evidence.
        threshold: How many of the rules must be satisfied; 0 for all. Deny rules are not counted.
        require: Which of the verifier's evidence has to satisfy the rule.
        require_signed: Whether evidence counts only if it has signers or one of its own rules holds.
        where: Values that the facts of a result must have for it to be of the rule's kind, by path (`a.b`).
        deny: Whether the rule forbids: no artifact may be what `reasons` or `where` name, and one must show that.
        reasons: For a deny rule, the codes of failures that forbid.
    """

    verifier: str | None = None
    rules: tuple["Rule", ...] = ()
    threshold: int = 0
    require: Require = Require.ANY
    require_signed: bool = False
    where: tuple[tuple[str, Value], ...] = ()
    deny: bool = False
    reasons: tuple[str, ...] = ()

    @property
    def counted(self) -> tuple["Rule", ...]:
        """The rules that a threshold counts: all but those that deny."""
        return tuple(rule for rule in self.rules if not rule.deny)

    @property
    def needed(self) -> int:
        """How many of the counted rules must be satisfied."""
        return self.threshold or len(self.counted)

    @property
    def below(self) -> "Rule":
        """The rules for what is attached to the evidence, as a group."""
        return Rule(None, self.rules, self.threshold)

    @property
    def needs_signature(self) -> bool:
        """Whether unsigned evidence does not count: times that are not signed say nothing about which is the newest."""
        return self.require_signed or self.require is Require.NEWEST

    @property
    def is_monotone(self) -> bool:
        """Whether further evidence can only help, here and in all rules below."""
        # A further artifact can break `all` and `newest`, or be what a deny rule forbids.
        here = self.require is Require.ANY and not self.deny
        return here and all(rule.is_monotone for rule in self.rules)

    def leaves(self) -> Iterator["Rule"]:
        """Iterate over the rules for this level that name a verifier, through all groups, deny rules included."""
        for rule in self.rules:
            # Groups are transparent: their members apply to the same artifacts as the group itself.
            if rule.verifier is None:
                yield from rule.leaves()
            else:
                yield rule

    def is_of_kind(self, facts: Any) -> bool | None:
        """Return whether facts have the values of `where`; None where one is missing, or of another type."""
        if not self.where:
            return True
        found = [(_find(facts, path), wanted) for path, wanted in self.where]
        # 1 and true are equal in Python and not in JSON. What is known of a result that failed is texts alone.
        alike = [value == wanted for value, wanted in found if type(value) is type(wanted)]
        if not all(alike):
            return False
        return True if len(alike) == len(found) else None

    @property
    def facts(self) -> str:
        """The values of `where`, in words."""
        return " and ".join(f"{path!r} is {_shown(value)}" for path, value in self.where)

    def difference(self, facts: Any) -> str:
        """Return the first value of `where` that facts do not have, in words; empty where they have all."""
        for path, wanted in self.where:
            value = _find(facts, path)
            if value is _MISSING:
                return f"it has no {path!r}"
            if type(value) is not type(wanted) or value != wanted:
                return f"its {path!r} is {_shown(value)} and not {_shown(wanted)}"
        return ""


# Not None: null is a value that facts may have.
_MISSING = object()
_SHOWN = 120


def _find(facts: Any, path: str) -> object:
    for name in path.split("."):
        try:
            facts = facts[name]
        # Facts are a plugin's: anything may be in them.
        except (KeyError, TypeError, IndexError):
            return _MISSING
    return facts


def _shown(value: object) -> str:
    """Return a value as it is written in a configuration."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, str | int | float):
        return repr(value)[:_SHOWN]
    return "an object" if isinstance(value, Mapping) else "a list"


def check_rule(rule: Rule, path: str) -> None:
    """Refuse a rule that cannot be meant, and those below it.

    Raises:
        ConfigurationError: With the path of what is wrong.
    """
    if rule.verifier == "" or (rule.verifier is None and not rule.rules):
        raise ConfigurationError(
            "a group needs at least one rule, or a rule needs a verifierName",
            path=path,
            remedy="Write a verifierName, or rules.",
        )
    # `type`, not isinstance: True is no threshold.
    if type(rule.threshold) is not int or not 0 <= rule.threshold <= len(rule.counted):
        raise ConfigurationError(
            f"threshold {rule.threshold} is not between 0 (all) and the number of rules, {len(rule.counted)}",
            path=f"{path}.threshold",
            remedy=_threshold_remedy(rule),
            stand_in=0,
        )
    if len(rule.rules) > MAX_RULES:
        raise ConfigurationError(f"a group has at most {MAX_RULES} rules", path=f"{path}.rules")
    _check_evidence_options(rule, path)
    _check_where(rule, path)
    for index, child in enumerate(rule.rules):
        check_rule(child, f"{path}.rules[{index}]")


def _threshold_remedy(rule: Rule) -> str:
    if not rule.rules:
        return "Leave threshold out: it is for the rules below."
    denying = ", not counting those that deny" if len(rule.counted) < len(rule.rules) else ""
    return f"Write at most {len(rule.counted)}, the number of its rules{denying}."


def _check_evidence_options(rule: Rule, path: str) -> None:
    if rule.verifier is None and (rule.require_signed or rule.where or rule.deny or rule.require != "any"):
        raise ConfigurationError(
            "require, requireSigned, where and deny are for rules that name a verifier",
            path=path,
            remedy="Write them into the rules of the group.",
        )
    if rule.rules and not rule.counted:
        raise ConfigurationError(
            "all of these rules deny, so nothing could ever satisfy them",
            path=f"{path}.rules",
            remedy="Add a rule for the evidence that allows.",
        )
    if rule.reasons and not rule.deny:
        raise ConfigurationError(
            "reasons are for rules with deny: true",
            path=f"{path}.reasons",
            remedy="Add deny: true, or leave reasons out.",
        )
    if not rule.deny:
        return
    if rule.require is not Require.ANY:
        raise ConfigurationError(
            f"a rule with deny looks at everything, so require: {rule.require} has no meaning",
            path=f"{path}.require",
            remedy="Leave require out.",
        )
    if not rule.reasons and not rule.where:
        raise ConfigurationError(
            "a rule with deny needs reasons or where",
            path=path,
            remedy="Name the reason codes, or the facts of a result, that forbid.",
        )


def _check_where(rule: Rule, path: str) -> None:
    for name, wanted in rule.where:
        place = f"{path}.where.{name[:80]}"
        if not all(name.split(".")):
            raise ConfigurationError(
                f"{name[:80]!r} has an empty name between its dots",
                path=place,
                remedy="Write the names of a path with one dot between, as builder.id.",
            )
        # Compared as it is, it would forbid nothing.
        if rule.deny and isinstance(wanted, str) and "*" in wanted:
            raise ConfigurationError(
                f"{wanted[:80]!r} is compared as a whole text, in which * is no wildcard, so this would forbid nothing",
                path=place,
                remedy="Write one rule for each value that forbids, or an expression in CEL.",
            )
