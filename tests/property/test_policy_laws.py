"""Laws of the threshold policy, and Ratify v2's own predicate as its oracle."""

from itertools import permutations, product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.report import ArtifactReport, Decision, Outcome, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.policies.threshold import Rule, ThresholdPolicy
from support.scenes import REFERENCE

NAMES = ("a", "b", "c", "d", "e")
SIGNERS = ("k1", "k2", "k3")


def _result(name: str, outcome: Outcome, signers: tuple[str, ...]) -> VerifierResult:
    return VerifierResult(name, outcome, Details("x", signers) if outcome is Outcome.PASSED else None)


results = st.lists(
    st.builds(
        _result,
        st.sampled_from(NAMES),
        st.sampled_from(Outcome),
        st.lists(st.sampled_from(SIGNERS)).map(tuple),
    ),
    max_size=2,
    unique_by=lambda result: result.verifier,
).map(tuple)


def _report(number: int, results: tuple[VerifierResult, ...], nested: list[ArtifactReport]) -> ArtifactReport:
    data = str(number).encode()
    artifact = Descriptor(OCI_MANIFEST, Digest.of(data), len(data))
    return ArtifactReport(REFERENCE, artifact, Discovery.REFERRERS_API, results, tuple(nested))


reports = st.recursive(
    st.builds(_report, st.integers(0, 99), results, st.just([])),
    lambda below: st.builds(_report, st.integers(0, 99), results, st.lists(below, max_size=3)),
    max_leaves=8,
)
trees = st.lists(reports, max_size=5).map(tuple)


def _group(children: list[Rule], share: int) -> Rule:
    return Rule(None, tuple(children), share % (len(children) + 1))


def _leaf(name: str, children: list[Rule], share: int) -> Rule:
    return Rule(name, tuple(children), share % (len(children) + 1))


members = st.recursive(
    st.sampled_from(NAMES).map(Rule),
    lambda below: (
        st.builds(_group, st.lists(below, min_size=1, max_size=3), st.integers(0, 3))
        | st.builds(_leaf, st.sampled_from(NAMES), st.lists(below, min_size=1, max_size=3), st.integers(0, 3))
    ),
    max_leaves=6,
)
roots = st.builds(_group, st.lists(members, min_size=1, max_size=4), st.integers(0, 4))


def v2_allows(rule: Rule, found: tuple[ArtifactReport, ...]) -> bool:
    """Ratify v2's predicate: a group needs enough of its rules; a verifier's rule any passed artifact whose own hold."""

    def satisfied(child: Rule) -> bool:
        if child.verifier is None:
            return v2_allows(child, found)
        return any(
            report.passed(child.verifier) and (not child.rules or v2_allows(child, report.nested))
            for report in found
        )

    return [satisfied(child) for child in rule.rules].count(True) >= (rule.threshold or len(rule.rules))


def has_repeated_verifiers(rule: Rule) -> bool:
    """Return whether at any place two rules of one level name the same verifier."""
    names = [leaf.verifier for leaf in rule.leaves()]
    return len(set(names)) < len(names) or any(has_repeated_verifiers(leaf) for leaf in rule.leaves())


def _policy(root: Rule, across: bool = False) -> ThresholdPolicy | None:
    try:
        return ThresholdPolicy(root, across)
    except ConfigurationError:
        return None


def _allows(policy: ThresholdPolicy, found: Any) -> bool:
    return policy.decide(tuple(found)).decision is Decision.ALLOW


@given(roots, trees)
def test_without_repeated_verifiers_the_decision_is_ratify_v2s(
    root: Rule, found: tuple[ArtifactReport, ...]
) -> None:
    """And with them it is never laxer."""
    policy = _policy(root)
    if policy is None:
        return
    allowed = _allows(policy, found)
    if has_repeated_verifiers(root):
        assert v2_allows(root, found) or not allowed
    else:
        assert allowed is v2_allows(root, found)


@given(roots, trees, trees, st.booleans())
def test_more_evidence_never_turns_allow_into_deny(
    root: Rule, found: tuple[ArtifactReport, ...], more: tuple[ArtifactReport, ...], across: bool
) -> None:
    """Monotone: so the walk may stop as soon as the tree is satisfied."""
    policy = _policy(root, across)
    if policy is not None and _allows(policy, found):
        assert _allows(policy, found + more)
        assert _allows(policy, more + found)


@given(roots, trees, st.booleans())
def test_settled_is_exactly_allow(root: Rule, found: tuple[ArtifactReport, ...], across: bool) -> None:
    """Enough is known exactly when the decision is ALLOW."""
    policy = _policy(root, across)
    if policy is not None:
        assert policy.settled(found) is _allows(policy, found)


@given(roots, st.lists(reports, max_size=4), st.booleans())
def test_the_order_of_reports_makes_no_difference(
    root: Rule, found: list[ArtifactReport], across: bool
) -> None:
    """All orders of up to four reports give one verdict."""
    policy = _policy(root, across)
    if policy is not None:
        assert len({_allows(policy, order) for order in permutations(found)}) == 1


@given(roots, trees)
def test_across_verifiers_is_never_laxer(root: Rule, found: tuple[ArtifactReport, ...]) -> None:
    """Asking for more distinct signers allows no more."""
    strict, plain = _policy(root, True), _policy(root)
    if strict is not None and plain is not None and _allows(strict, found):
        assert _allows(plain, found)


@given(roots, trees)
def test_nothing_is_allowed_without_anything_that_passed(
    root: Rule, found: tuple[ArtifactReport, ...]
) -> None:
    """ALLOW implies a passed result of a verifier that a rule of the first level names."""
    policy = _policy(root)
    if policy is not None and _allows(policy, found):
        wanted = policy.wants(())
        assert any(report.passed(name) for report in found for name in wanted)


@given(st.integers(1, 4), st.lists(st.lists(st.sampled_from(SIGNERS), min_size=1, max_size=2), max_size=5))
def test_equal_rules_need_as_many_signers(needed: int, signed: list[list[str]]) -> None:
    """`n of [a] * 4` is allowed exactly when n distinct keys have signed."""
    policy = ThresholdPolicy(Rule(None, (Rule("a"),) * 4, needed))
    found = [
        _report(number, (_result("a", Outcome.PASSED, tuple(signers)),), [])
        for number, signers in enumerate(signed)
    ]
    assert _allows(policy, found) is (len({key for keys in signed for key in keys}) >= needed)


@given(
    st.integers(1, 3),
    st.lists(
        st.tuples(st.sampled_from(SIGNERS), st.sets(st.sampled_from(("b", "c")))),
        max_size=5,
    ),
)
def test_evidence_is_shared_out_if_it_can_be(needed: int, signed: list[tuple[str, set[str]]]) -> None:
    """Against every assignment tried by hand: `n of [a, a with b below, a with c below]`, each by another signer."""
    rules = (Rule("a"), Rule("a", (Rule("b"),)), Rule("a", (Rule("c"),)))
    found = [
        _report(
            number,
            (_result("a", Outcome.PASSED, (signer,)),),
            [_report(90, (_result(name, Outcome.PASSED, ()),), []) for name in sorted(below)],
        )
        for number, (signer, below) in enumerate(signed)
    ]
    able = [
        {signer for signer, _ in signed} | {None},
        {signer for signer, below in signed if "b" in below} | {None},
        {signer for signer, below in signed if "c" in below} | {None},
    ]
    chosen = ([signer for signer in choice if signer] for choice in product(*able))
    most = max(len(choice) for choice in chosen if len(set(choice)) == len(choice))
    assert _allows(ThresholdPolicy(Rule(None, rules, needed)), found) is (most >= needed)
