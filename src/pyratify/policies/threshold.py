"""The threshold policy of Ratify v2: a tree of rules, each satisfied by the evidence of a verifier.

Decisions are those of Ratify v2 with one exception: where sibling rules name the same verifier, each needs evidence by
a different signer. The policy is a pure function of the report tree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from pyratify.core.errors import ConfigurationError, Failure
from pyratify.core.policy import Chain
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Verdict

Reports = tuple[ArtifactReport, ...]
Evidence = dict[int, frozenset[str]]
# Checked when the configuration is read: a bound while deciding would make the decision inexact.
_MAX_SELECTIONS = 2_000
_MAX_RULES = 256


@dataclass(frozen=True, slots=True)
class Rule:
    """One node of the tree.

    Attributes:
        verifier: The verifier whose evidence satisfies the rule; None for a group.
        rules: For a group its members; for a verifier what must hold for what is attached to its evidence.
        threshold: How many of the rules must be satisfied; 0 for all.
    """

    verifier: str | None = None
    rules: tuple["Rule", ...] = ()
    threshold: int = 0

    @property
    def needed(self) -> int:
        """How many of the rules must be satisfied."""
        return self.threshold or len(self.rules)

    def leaves(self) -> Iterator["Rule"]:
        """Iterate over the rules for this level that name a verifier, through all groups."""
        for rule in self.rules:
            # Groups are transparent: their members apply to the same artifacts as the group itself.
            if rule.verifier is None:
                yield from rule.leaves()
            else:
                yield rule


@dataclass(frozen=True, slots=True)
class ThresholdPolicy:
    """Allows a subject whose evidence satisfies the tree.

    Where rules need distinct evidence, it is distinguished by its signers; evidence without signers counts once for each verifier.

    Attributes:
        root: The group at the top.
        across_verifiers: Whether two rules need different signers even where they name different verifiers.

    Raises:
        ConfigurationError: A tree that is empty, names a verifier at its root, asks for more than it has, or lets one
            verifier's evidence be shared out among its rules in too many ways to try them all.
    """

    root: Rule
    across_verifiers: bool = False

    def __post_init__(self) -> None:
        # A verifier at the top would need a report of the subject itself, and there is none.
        if self.root.verifier is not None:
            raise ConfigurationError("the top of the policy is a group and names no verifier", path="policy")
        _check(self.root, "policy", self.across_verifiers)

    def wants(self, chain: Chain) -> frozenset[str]:
        """Return the verifiers that a rule for this position names."""
        return frozenset(
            leaf.verifier for group in self._groups(chain) for leaf in group.leaves() if leaf.verifier
        )

    def descends(self, chain: Chain) -> bool:
        """Return whether a satisfied rule has rules of its own for what is attached here."""
        return bool(self._groups(chain))

    def settled(self, reports: Reports) -> bool:
        """Return whether the tree is satisfied; it is monotonic, so further evidence cannot change that."""
        return self._holds(self.root, reports)

    def decide(self, reports: Reports) -> Verdict:
        """Allow exactly when the tree is satisfied."""
        if self._holds(self.root, reports):
            return Verdict(Decision.ALLOW)
        # Two codes: without any evidence the remedy is to sign, otherwise to look at the single failures.
        if not any(report.results for report in reports):
            return _deny(
                Reason.NO_EVIDENCE, "no signature or other evidence that the policy asks for is attached"
            )
        return _deny(Reason.POLICY_UNSATISFIED, self._unsatisfied(reports))

    def _unsatisfied(self, reports: Reports) -> str:
        needed, count = self.root.needed, len(self.root.rules)
        satisfied = sum(self._satisfied(rule, reports) for rule in self.root.rules)
        if satisfied == 0:
            return "nothing that is attached was accepted as the evidence that the policy asks for"
        if satisfied < needed:
            return f"the policy needs {needed} of its {count} rules satisfied; satisfied: {satisfied}"
        return f"the policy needs {needed} of its {count} rules satisfied by different signers, and one signer stands for several"

    def _groups(self, chain: Chain) -> tuple[Rule, ...]:
        groups: tuple[Rule, ...] = (self.root,)
        # From the outside in: each artifact of the chain must have passed for the rules below it to apply.
        for report in chain:
            groups = tuple(
                leaf
                for group in groups
                for leaf in group.leaves()
                if leaf.rules and leaf.verifier and report.passed(leaf.verifier)
            )
        return groups

    def _holds(self, group: Rule, reports: Reports) -> bool:
        # Cheap and necessary; only rules that compete for a signer need the search below.
        if sum(self._satisfied(rule, reports) for rule in group.rules) < group.needed:
            return False
        # By identity: equal rules may stand in the tree twice, and each needs evidence of its own.
        evidence = {id(leaf): self._evidence(leaf, reports) for leaf in group.leaves()}
        satisfied = [leaf for leaf in group.leaves() if evidence[id(leaf)]]
        if not _compete(satisfied, self.across_verifiers):
            return True
        return any(self._distinct(selection, evidence) for selection in _selections(group, evidence))

    def _satisfied(self, rule: Rule, reports: Reports) -> bool:
        if rule.verifier is None:
            return self._holds(rule, reports)
        return bool(self._evidence(rule, reports))

    def _evidence(self, leaf: Rule, reports: Reports) -> frozenset[str]:
        """Return the identities of all signers that satisfy a rule; the verifier's name for evidence without one."""
        found: set[str] = set()
        for report in reports:
            result = report.passed(leaf.verifier or "")
            if result is None or result.details is None:
                continue
            if not leaf.rules or self._holds(Rule(None, leaf.rules, leaf.threshold), report.nested):
                # Evidence without a signer cannot be told apart from other such evidence: all counts once.
                found.update(result.details.signers or (f"unsigned:{leaf.verifier}",))
        return frozenset(found)

    def _distinct(self, selection: tuple[Rule, ...], evidence: Evidence) -> bool:
        # One name for all: with it, every rule competes with every other.
        names = {"" if self.across_verifiers else leaf.verifier for leaf in selection}
        return all(
            _matches(
                [evidence[id(leaf)] for leaf in selection if self.across_verifiers or leaf.verifier == name]
            )
            for name in names
        )


def _compete(leaves: list[Rule], across_verifiers: bool) -> bool:
    """Return whether two of the rules can compete for the same signer."""
    return len(leaves) > 1 if across_verifiers else len({leaf.verifier for leaf in leaves}) < len(leaves)


def _selections(group: Rule, evidence: Evidence) -> Iterator[tuple[Rule, ...]]:
    """Iterate over the smallest sets of satisfied rules that satisfy the group, were they all distinct.

    Of equal rules only the first is chosen, as they are interchangeable.
    """

    def choose(rules: tuple[Rule, ...], needed: int) -> Iterator[tuple[Rule, ...]]:
        if needed == 0:
            yield ()
        # Too few rules are left: pruned here, or the search would go through every subset.
        elif len(rules) >= needed:
            for option in _options(rules[0], evidence):
                for others in choose(rules[1:], needed - 1):
                    yield option + others
            yield from choose(tuple(rule for rule in rules if rule != rules[0]), needed)

    satisfiable = tuple(rule for rule in group.rules if any(True for _ in _options(rule, evidence)))
    yield from choose(satisfiable, group.needed)


def _options(rule: Rule, evidence: Evidence) -> Iterator[tuple[Rule, ...]]:
    if rule.verifier is None:
        yield from _selections(rule, evidence)
    elif evidence[id(rule)]:
        yield (rule,)


def _matches(wanted: list[frozenset[str]]) -> bool:
    """Return whether each rule can have a signer of its own (a bipartite matching by augmenting paths)."""
    taken: dict[str, int] = {}

    def assign(index: int, tried: set[str]) -> bool:
        # Sorted: the search takes the same steps in every process, whatever its hash seed.
        for signer in sorted(wanted[index] - tried):
            tried.add(signer)
            if signer not in taken or assign(taken[signer], tried):
                taken[signer] = index
                return True
        return False

    return all(assign(index, set()) for index in range(len(wanted)))


def _check(rule: Rule, path: str, across_verifiers: bool) -> None:
    if rule.verifier == "" or (rule.verifier is None and not rule.rules):
        raise ConfigurationError("a group needs at least one rule, or a rule needs a verifierName", path=path)
    # `type`, not isinstance: True is no threshold.
    if type(rule.threshold) is not int or not 0 <= rule.threshold <= len(rule.rules):
        raise ConfigurationError(
            f"threshold {rule.threshold} is not between 0 (all) and the number of rules, {len(rule.rules)}",
            path=f"{path}.threshold",
        )
    if len(rule.rules) > _MAX_RULES:
        raise ConfigurationError(f"a group has at most {_MAX_RULES} rules", path=f"{path}.rules")
    for index, child in enumerate(rule.rules):
        _check(child, f"{path}.rules[{index}]", across_verifiers)
    if rule.rules:
        # The rules of a verifier are judged as a group of their own, on what is attached to its evidence.
        _check_ways(Rule(None, rule.rules, rule.threshold), path, across_verifiers)


def _check_ways(group: Rule, path: str, across_verifiers: bool) -> None:
    """Refuse a group with too many assignments to try: a bound while deciding would make the decision inexact."""
    leaves = list(group.leaves())
    if not _compete(leaves, across_verifiers):
        return
    # The worst case, as an attacker would choose it: one signer satisfies every rule.
    everything = {id(leaf): frozenset({""}) for leaf in leaves}
    # Counted lazily: the number of ways grows exponentially with the rules.
    ways = sum(1 for _ in islice(_selections(group, everything), _MAX_SELECTIONS + 1))
    if ways > _MAX_SELECTIONS:
        raise ConfigurationError(
            f"the rules can be satisfied in more than {_MAX_SELECTIONS} ways; use fewer rules",
            path=path,
        )


def _deny(reason: Reason, message: str) -> Verdict:
    return Verdict(Decision.DENY, Failure(reason, message, reason.remedy))
