"""The threshold policy of Ratify v2: a tree of rules, each satisfied by the evidence of a verifier.

Without options that Ratify v2 does not have, decisions are those of Ratify v2 with one exception: where sibling rules name the same
verifier, each needs evidence by a different signer. The policy is a pure function of the report tree and, where it asks for the
newest evidence, of the time.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.policy import Chain, Reports, Subject
from pyratify.core.report import Decision, Verdict
from pyratify.policies.rule import Rule, check_rule
from pyratify.policies.rule_evidence import forbids, satisfying
from pyratify.policies.threshold_refusal import refuse

Evidence = dict[int, frozenset[str]]
_NO_TIME = datetime.min.replace(tzinfo=UTC)
# Checked when the configuration is read: a bound while deciding would make the decision inexact.
_MAX_SELECTIONS = 2_000


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
        check_rule(self.root, "policy")
        _check_all_ways(self.root, "policy", self.across_verifiers)

    def wants(self, chain: Chain) -> frozenset[str]:
        """Return the verifiers that a rule for this position names."""
        return frozenset(
            leaf.verifier for group in self._groups(chain) for leaf in group.leaves() if leaf.verifier
        )

    def descends(self, chain: Chain) -> bool:
        """Return whether a satisfied rule has rules of its own for what is attached here."""
        return bool(self._groups(chain))

    def settled(self, reports: Reports) -> bool:
        """Return whether the tree is satisfied and monotone, so that further evidence cannot change that."""
        # Without a time: only `newest` asks for one, and is not monotone.
        return self.root.is_monotone and _Judging(self, _NO_TIME).holds(self.root, reports)

    def decide(self, subject: Subject, reports: Reports) -> Verdict:
        """Allow exactly when the tree is satisfied."""
        judging = _Judging(self, subject.now)
        if judging.holds(self.root, reports):
            return Verdict(Decision.ALLOW)
        return refuse(self.root, reports, judging.holds, subject.now)

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


@dataclass(frozen=True, slots=True)
class _Judging:
    """One decision: the policy, at a time."""

    policy: ThresholdPolicy
    now: datetime

    def holds(self, group: Rule, reports: Reports) -> bool:
        """Return whether a group's rules hold for the reports."""
        live = self._live(group, reports)
        if live is None:
            return False
        # By identity: equal rules may stand in the tree twice, and each needs evidence of its own.
        evidence = {id(leaf): satisfying(leaf, reports, self.now, self.holds) for leaf in live.leaves()}
        # Cheap and necessary; only rules that compete for a signer need the search below.
        if sum(self._satisfied(rule, reports, evidence) for rule in live.rules) < live.needed:
            return False
        satisfied = [leaf for leaf in live.leaves() if evidence[id(leaf)]]
        if not _compete(satisfied, self.policy.across_verifiers):
            return True
        return any(self._distinct(selection, evidence) for selection in _selections(live, evidence))

    def _live(self, group: Rule, reports: Reports) -> Rule | None:
        """Return the group without its deny rules, and without groups that one of theirs forbids; None where it is forbidden."""
        if not any(leaf.deny for leaf in group.leaves()):
            return group
        if any(rule.deny and forbids(rule, reports, self.holds) for rule in group.rules):
            return None
        members = (rule if rule.verifier is not None else self._live(rule, reports) for rule in group.counted)
        return Rule(None, tuple(rule for rule in members if rule is not None), group.needed)

    def _satisfied(self, rule: Rule, reports: Reports, evidence: Evidence) -> bool:
        return self.holds(rule, reports) if rule.verifier is None else bool(evidence[id(rule)])

    def _distinct(self, selection: tuple[Rule, ...], evidence: Evidence) -> bool:
        across = self.policy.across_verifiers
        # One name for all: with it, every rule competes with every other.
        names = {"" if across else leaf.verifier for leaf in selection}
        return all(
            _matches([evidence[id(leaf)] for leaf in selection if across or leaf.verifier == name])
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

    satisfiable = tuple(rule for rule in group.counted if any(True for _ in _options(rule, evidence)))
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


def _check_all_ways(rule: Rule, path: str, across_verifiers: bool) -> None:
    for index, child in enumerate(rule.rules):
        _check_all_ways(child, f"{path}.rules[{index}]", across_verifiers)
    if rule.rules:
        # The rules of a verifier are judged as a group of their own, on what is attached to its evidence.
        _check_ways(rule.below, path, across_verifiers)


def _check_ways(group: Rule, path: str, across_verifiers: bool) -> None:
    """Refuse a group with too many assignments to try: a bound while deciding would make the decision inexact."""
    leaves = [leaf for leaf in group.leaves() if not leaf.deny]
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
