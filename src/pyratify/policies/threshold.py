"""The threshold tree of Ratify v2: how many rules must be satisfied, by which verifiers' evidence.

Decisions are Ratify v2's, with one exception: where one verifier stands more than once beside itself, each rule needs
evidence by another signer. The whole is a pure function of the report tree.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, islice, product

from pyratify.core.errors import ConfigurationError, Failure
from pyratify.core.policy import Chain
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Verdict

Reports = tuple[ArtifactReport, ...]
_MAX_SELECTIONS = 20_000


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
            if rule.verifier is None:
                yield from rule.leaves()
            else:
                yield rule


@dataclass(frozen=True, slots=True)
class ThresholdPolicy:
    """Allows a subject whose evidence satisfies the tree.

    Attributes:
        root: The group at the top.
        across_verifiers: Whether two rules need different signers even where they name different verifiers.

    Raises:
        ConfigurationError: A tree that is empty, names a verifier at its root, or asks for more than it has.
    """

    root: Rule
    across_verifiers: bool = False

    def __post_init__(self) -> None:
        if self.root.verifier is not None:
            raise ConfigurationError("the top of the policy is a group and names no verifier", path="policy")
        _check(self.root, "policy")

    def wants(self, chain: Chain) -> frozenset[str]:
        """Return the verifiers that some rule for this place names."""
        return frozenset(
            leaf.verifier for group in self._groups(chain) for leaf in group.leaves() if leaf.verifier
        )

    def descends(self, chain: Chain) -> bool:
        """Tell whether a satisfied rule has rules of its own for what is attached here."""
        return bool(self._groups(chain))

    def settled(self, reports: Reports) -> bool:
        """Tell whether the tree is satisfied; more evidence never takes that back."""
        return self._holds(self.root, reports)

    def decide(self, reports: Reports) -> Verdict:
        """Allow exactly when the tree is satisfied."""
        if self._holds(self.root, reports):
            return Verdict(Decision.ALLOW)
        if not any(report.results for report in reports):
            return _deny(
                Reason.NO_EVIDENCE, "no signature or other evidence that the policy asks for is attached"
            )
        satisfied = sum(self._satisfied(rule, reports) for rule in self.root.rules)
        return _deny(
            Reason.POLICY_UNSATISFIED,
            f"no sufficient evidence: the policy needs {self.root.needed} of {len(self.root.rules)} rules satisfied "
            f"by distinct evidence; satisfied by themselves: {satisfied}",
        )

    def _groups(self, chain: Chain) -> tuple[Rule, ...]:
        groups: tuple[Rule, ...] = (self.root,)
        for report in chain:
            groups = tuple(
                leaf
                for group in groups
                for leaf in group.leaves()
                if leaf.rules and leaf.verifier and report.passed(leaf.verifier)
            )
        return groups

    def _holds(self, group: Rule, reports: Reports) -> bool:
        if sum(self._satisfied(rule, reports) for rule in group.rules) < group.needed:
            return False
        evidence = {id(leaf): self._evidence(leaf, reports) for leaf in group.leaves()}
        names = [
            "" if self.across_verifiers else leaf.verifier for leaf in group.leaves() if evidence[id(leaf)]
        ]
        if len(set(names)) == len(names):
            return True
        return any(
            self._distinct(selection, evidence)
            for selection in islice(_selections(group, evidence), _MAX_SELECTIONS)
        )

    def _satisfied(self, rule: Rule, reports: Reports) -> bool:
        if rule.verifier is None:
            return self._holds(rule, reports)
        return bool(self._evidence(rule, reports))

    def _evidence(self, leaf: Rule, reports: Reports) -> frozenset[str]:
        """Return the identities of all signers that satisfy a rule; the artifact's digest where there are none."""
        found: set[str] = set()
        for report in reports:
            result = report.passed(leaf.verifier or "")
            if result is None or result.details is None:
                continue
            if not leaf.rules or self._holds(Rule(None, leaf.rules, leaf.threshold), report.nested):
                found.update(result.details.signers or (report.artifact.digest,))
        return frozenset(found)

    def _distinct(self, selection: tuple[Rule, ...], evidence: dict[int, frozenset[str]]) -> bool:
        names = {"" if self.across_verifiers else leaf.verifier for leaf in selection}
        return all(
            _matches(
                [evidence[id(leaf)] for leaf in selection if self.across_verifiers or leaf.verifier == name]
            )
            for name in names
        )


def _selections(group: Rule, evidence: dict[int, frozenset[str]]) -> Iterator[tuple[Rule, ...]]:
    """Iterate over the smallest sets of satisfied rules that satisfy the group, were they all distinct."""
    for chosen in combinations(group.rules, group.needed):
        options = [list(_options(rule, evidence)) for rule in chosen]
        for parts in product(*options):
            yield tuple(leaf for part in parts for leaf in part)


def _options(rule: Rule, evidence: dict[int, frozenset[str]]) -> Iterator[tuple[Rule, ...]]:
    if rule.verifier is None:
        yield from islice(_selections(rule, evidence), _MAX_SELECTIONS)
    elif evidence[id(rule)]:
        yield (rule,)


def _matches(wanted: list[frozenset[str]]) -> bool:
    """Tell whether each rule can have a signer of its own (a bipartite matching by augmenting paths)."""
    taken: dict[str, int] = {}

    def assign(index: int, tried: set[str]) -> bool:
        for signer in sorted(wanted[index] - tried):
            tried.add(signer)
            if signer not in taken or assign(taken[signer], tried):
                taken[signer] = index
                return True
        return False

    return all(assign(index, set()) for index in range(len(wanted)))


def _check(rule: Rule, path: str) -> None:
    if rule.verifier is None and not rule.rules:
        raise ConfigurationError("a group needs at least one rule, or a rule needs a verifierName", path=path)
    if not 0 <= rule.threshold <= len(rule.rules):
        raise ConfigurationError(
            f"threshold {rule.threshold} is not between 0 (all) and the number of rules, {len(rule.rules)}",
            path=f"{path}.threshold",
        )
    for index, child in enumerate(rule.rules):
        _check(child, f"{path}.rules[{index}]")


def _deny(reason: Reason, message: str) -> Verdict:
    return Verdict(Decision.DENY, Failure(reason, message, reason.remedy))
