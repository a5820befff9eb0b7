"""Laws of the threshold policy, and Ratify v2's own predicate as its oracle."""

from dataclasses import replace
from itertools import permutations, product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, Failure
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Outcome, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.policies.rule import Require, Rule
from pyratify.policies.threshold import ThresholdPolicy
from pyratify.testing.contracts import SUBJECT
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


FACTS = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2036-01-01T00:00:00Z")
WHERE = (("kind", "x"),)


def _dated(
    name: str, outcome: Outcome, signers: tuple[str, ...], facts: dict[str, str], reason: Reason
) -> VerifierResult:
    if outcome is Outcome.PASSED:
        return VerifierResult(name, outcome, Details("x", signers, facts))
    return VerifierResult(name, outcome, failure=Failure(reason, "x", "x"), facts=facts)


def _options(leaf: Rule, require: Require, signed: bool, where: bool, deny: int) -> Rule:
    kind = WHERE if where else ()
    if deny == 0:
        return replace(leaf, deny=True, where=kind, reasons=() if where else (Reason.SIG_INVALID.value,))
    return replace(leaf, require=require, require_signed=signed, where=kind)


facts = st.fixed_dictionaries(
    {}, optional={"createdAt": st.sampled_from(FACTS), "kind": st.sampled_from(("x", "y"))}
)
dated = st.builds(
    _dated,
    st.sampled_from(("a", "b")),
    st.sampled_from(Outcome),
    st.lists(st.sampled_from(SIGNERS), max_size=2).map(tuple),
    facts,
    st.sampled_from((Reason.SIG_INVALID, Reason.CERT_REVOKED)),
)
dated_reports = st.builds(
    _report,
    st.integers(0, 99),
    st.lists(dated, max_size=2, unique_by=lambda each: each.verifier).map(tuple),
    st.just([]),
)
leaves = st.builds(
    _options,
    st.sampled_from(("a", "b")).map(Rule),
    st.sampled_from(Require),
    st.booleans(),
    st.booleans(),
    st.integers(0, 3),
)
groups = st.builds(_group, st.lists(leaves, min_size=1, max_size=3), st.integers(0, 3))
optioned = st.builds(_group, st.lists(leaves | groups, min_size=1, max_size=3), st.integers(0, 3))


@given(optioned, st.lists(dated_reports, max_size=4), dated_reports)
def test_a_failed_report_never_turns_deny_into_allow(
    root: Rule, found: list[ArtifactReport], more: ArtifactReport
) -> None:
    """Whatever the options: only evidence that passed can help."""
    policy = _policy(root)
    bad = replace(more, results=tuple(each for each in more.results if not each.passed))
    if policy is not None and _allows(policy, [*found, bad]):
        assert _allows(policy, found)


@given(optioned, st.lists(dated_reports, max_size=4), dated_reports)
def test_settled_holds_whatever_comes(root: Rule, found: list[ArtifactReport], more: ArtifactReport) -> None:
    """With every option: what is settled is allowed and stays so."""
    policy = _policy(root)
    if policy is not None and policy.settled(tuple(found)):
        assert _allows(policy, found)
        assert _allows(policy, [*found, more])


@given(optioned, st.lists(dated_reports, max_size=4))
def test_with_options_too_order_makes_no_difference(root: Rule, found: list[ArtifactReport]) -> None:
    """All orders of up to four reports give one verdict."""
    policy = _policy(root)
    if policy is not None:
        assert len({_allows(policy, order) for order in permutations(found)}) == 1


@given(st.sampled_from(Require), st.booleans(), st.booleans(), st.lists(dated_reports, max_size=4))
def test_an_option_never_allows_more_than_the_rule_without_it(
    require: Require, signed: bool, where: bool, found: list[ArtifactReport]
) -> None:
    """require, requireSigned and where only narrow; a deny rule beside it too."""
    plain = ThresholdPolicy(Rule(None, (Rule("a"),)))
    strict = ThresholdPolicy(Rule(None, (_options(Rule("a"), require, signed, where, 1),)))
    forbidding = ThresholdPolicy(Rule(None, (Rule("a"), _options(Rule("b"), require, signed, where, 0))))
    for policy in (strict, forbidding):
        assert not _allows(policy, found) or _allows(plain, found)


@given(st.booleans(), st.lists(dated_reports, max_size=4), dated_reports)
def test_with_deny_a_report_helps_only_where_the_forbidding_verifier_had_passed_nothing(
    where: bool, found: list[ArtifactReport], more: ArtifactReport
) -> None:
    """Missing evidence forbids; once it is there, or satisfies what is counted, no report turns DENY into ALLOW."""
    policy = ThresholdPolicy(Rule(None, (Rule("a"), _options(Rule("b"), Require.ANY, False, where, 0))))
    complete = all(any(report.passed(name) for report in found) for name in ("a", "b"))
    if complete and not _allows(policy, found):
        assert not _allows(policy, [*found, more])


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
    return policy.decide(SUBJECT, tuple(found)).decision is Decision.ALLOW


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
