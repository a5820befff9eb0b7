"""The threshold policy: its tree, its decisions, and that evidence counts once."""

from collections.abc import Mapping

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import ConfigurationError, Failure
from pyratify.core.manifest import OCI_MANIFEST
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Outcome, VerifierResult
from pyratify.core.store import Discovery
from pyratify.core.verifier import Details
from pyratify.policies.threshold import Rule, ThresholdPolicy
from pyratify.testing.contracts import SUBJECT
from support.scenes import REFERENCE, threshold


def passed(name: str, *signers: str) -> VerifierResult:
    """Return a verifier's result that passed."""
    return VerifierResult(name, Outcome.PASSED, Details("good", signers))


def report(number: int, *results: VerifierResult, nested: tuple[ArtifactReport, ...] = ()) -> ArtifactReport:
    """Return the report of one artifact."""
    data = str(number).encode()
    artifact = Descriptor(OCI_MANIFEST, Digest.of(data), len(data))
    return ArtifactReport(REFERENCE, artifact, Discovery.REFERRERS_API, results, nested)


def allows(policy: ThresholdPolicy, *reports: ArtifactReport) -> bool:
    """Return the decision; settled must agree, for the policy is monotone."""
    allowed = policy.decide(SUBJECT, reports).decision is Decision.ALLOW
    assert policy.settled(reports) is allowed
    return allowed


def signed(*signers: Mapping[str, str] | str) -> tuple[ArtifactReport, ...]:
    """Return one artifact for each signer, all verified by `a`."""
    return tuple(report(number, passed("a", str(signer))) for number, signer in enumerate(signers))


@pytest.mark.parametrize(
    ("needed", "present", "allowed"),
    [
        (0, "ab", True),
        (0, "a", False),
        (1, "a", True),
        (1, "b", True),
        (1, "", False),
        (1, "c", False),
        (2, "ab", True),
        (2, "ac", False),
    ],
)
def test_as_many_rules_as_the_threshold_says_must_be_satisfied(
    needed: int, present: str, allowed: bool
) -> None:
    """Zero means all, as in Ratify v2."""
    reports = [report(number, passed(name, "k")) for number, name in enumerate(present)]
    assert allows(threshold("a", "b", needed=needed), *reports) is allowed


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.INCONCLUSIVE])
def test_what_did_not_pass_never_counts(outcome: Outcome) -> None:
    """Also where it has details, which the executor never makes."""
    result = VerifierResult("a", outcome, Details("good", ("k",)))
    assert not allows(threshold("a"), report(1, result))


def test_a_passed_result_without_details_never_counts() -> None:
    """There is nothing positive in it."""
    assert not allows(threshold("a"), report(1, VerifierResult("a", Outcome.PASSED)))


def test_failures_beside_sufficient_evidence_do_not_deny() -> None:
    """One good signature among bad ones is enough for one rule."""
    bad = VerifierResult("a", Outcome.FAILED)
    assert allows(threshold("a"), report(1, bad), report(2, passed("a")), report(3, bad))


def test_groups_are_satisfied_by_their_own_rules() -> None:
    """1 of [a, 2 of [b, c]]."""
    policy = threshold("a", Rule(None, (Rule("b"), Rule("c")), 2), needed=1)
    assert allows(policy, report(1, passed("b")), report(2, passed("c")))
    assert allows(policy, report(1, passed("a")))
    assert not allows(policy, report(1, passed("b")))


def test_rules_of_a_verifier_hold_for_what_is_attached_to_its_evidence() -> None:
    """The SBOM's signature is attached to the same SBOM that passed, not to another."""
    policy = threshold(Rule("sbom", (Rule("sig"),)))
    signature = report(9, passed("sig", "k"))
    assert allows(policy, report(1, passed("sbom"), nested=(signature,)))
    assert not allows(policy, report(1, passed("sbom")), signature)
    assert not allows(policy, report(1, passed("sbom")), report(2, passed("x"), nested=(signature,)))
    assert not allows(policy, report(1, passed("sbom"), nested=(report(8, nested=(signature,)),)))


@pytest.mark.parametrize(
    ("needed", "below", "allowed"),
    [
        (0, "", False),
        (0, "n", False),
        (0, "c", False),
        (0, "nc", True),
        (1, "", False),
        (1, "n", True),
        (1, "c", True),
        (1, "x", False),
        (2, "n", False),
        (2, "nn", False),
        (2, "nc", True),
    ],
)
def test_the_threshold_below_a_verifier_is_its_own(needed: int, below: str, allowed: bool) -> None:
    """An SBOM signed by `needed` of [notation, cosign]: 0 for both, as at the top, wherever the group stands."""
    names = {"n": "notation", "c": "cosign", "x": "other"}
    rule = Rule("sbom", (Rule("notation"), Rule("cosign")), needed)
    nested = tuple(report(number, passed(names[each], "k")) for number, each in enumerate(below, start=10))
    sbom = report(1, passed("sbom"), nested=nested)
    assert allows(threshold(rule), sbom) is allowed
    assert allows(threshold(Rule(None, (rule,))), sbom) is allowed
    deeper = threshold(Rule("list", (rule,)))
    assert allows(deeper, report(2, passed("list"), nested=(sbom,))) is allowed


def test_evidence_below_two_artifacts_does_not_add_up() -> None:
    """One SBOM with a signature of each kind, not two SBOMs with one each."""
    policy = threshold(Rule("sbom", (Rule("notation"), Rule("cosign"))))
    one = report(1, passed("sbom"), nested=(report(2, passed("notation", "k")),))
    other = report(3, passed("sbom"), nested=(report(4, passed("cosign", "k")),))
    assert not allows(policy, one, other)


def test_distinct_signers_are_asked_for_below_a_verifier_too() -> None:
    """`2 of [a, a]` below an SBOM, by default and across verifiers."""
    for across, names in ((False, ("a", "a")), (True, ("a", "b"))):
        policy = threshold(Rule("sbom", tuple(map(Rule, names))), across=across)
        for signer, allowed in (("k1", False), ("k2", True)):
            nested = (report(2, passed(names[0], "k1")), report(3, passed(names[1], signer)))
            assert allows(policy, report(1, passed("sbom", "s"), nested=nested)) is allowed


@pytest.mark.parametrize(
    ("signers", "allowed"),
    [
        ((), False),
        (("k1",), False),
        (("k1", "k1"), False),
        (("k1", "k2"), True),
        (("k1", "k1", "k2"), True),
        (("",), False),
    ],
)
def test_two_rules_of_one_verifier_need_two_signers(signers: tuple[str, ...], allowed: bool) -> None:
    """`2 of [a, a]`: one signature, or two by one key, are one piece of evidence."""
    reports = signed(*signers) if signers != ("",) else (report(1, passed("a")), report(2, passed("a")))
    assert allows(threshold("a", "a", needed=2), *reports) is allowed
    assert allows(threshold("a", "a", needed=1), *reports) is bool(signers)


def test_one_artifact_with_two_signers_is_two_pieces_of_evidence() -> None:
    """A cosign tag holds several signatures in one manifest."""
    assert allows(threshold("a", "a"), report(1, passed("a", "k1", "k2")))


def test_distinct_evidence_is_found_wherever_it_can_be() -> None:
    """The rule that anything satisfies takes what the pickier rule can do without."""
    policy = threshold("a", Rule("a", (Rule("b"),)))
    plain = report(1, passed("a", "k1"))
    nested = report(2, passed("a", "k2"), nested=(report(3, passed("b")),))
    assert allows(policy, plain, nested)
    assert allows(policy, nested, plain)
    both = report(2, passed("a", "k1"), nested=(report(3, passed("b")),))
    assert not allows(policy, plain, both)
    other = report(1, passed("a", "k2"))
    assert allows(policy, other, both)


def test_distinctness_reaches_through_groups() -> None:
    """2 of [a, 1 of [a, b]] needs another signer, or b."""
    policy = threshold("a", Rule(None, (Rule("a"), Rule("b")), 1))
    assert not allows(policy, *signed("k1"))
    assert allows(policy, *signed("k1", "k2"))
    assert allows(policy, *signed("k1"), report(9, passed("b", "k1")))


def test_across_verifiers_one_key_counts_once() -> None:
    """Where it is asked for, two verifiers need two signers; by default each has its own."""
    same = (report(1, passed("a", "k")), report(2, passed("b", "k")))
    other = (report(1, passed("a", "k")), report(2, passed("b", "l")))
    unsigned = (report(1, passed("a", "k")), report(2, passed("b")))
    assert allows(threshold("a", "b"), *same)
    policy = threshold("a", "b", across=True)
    assert not allows(policy, *same)
    assert allows(policy, *other)
    assert allows(policy, *unsigned)
    assert allows(threshold("a", "b", needed=1, across=True), *same)


def test_the_denial_says_whether_there_was_evidence_at_all() -> None:
    """Nothing attached reads differently from nothing sufficient."""
    policy = threshold("a", "b")
    none = policy.decide(SUBJECT, (report(1),)).failure
    some = policy.decide(SUBJECT, (report(1, passed("a")),)).failure
    assert none is not None
    assert some is not None
    assert (none.reason, some.reason) == (Reason.NO_EVIDENCE, Reason.POLICY_UNSATISFIED)
    assert "2 of its 2 rules satisfied; satisfied: 1; not satisfied: 'b'" in some.message


def test_the_denial_says_whether_signers_or_signatures_are_missing() -> None:
    """Nothing accepted and one signer twice are told apart from too little."""
    failure = Failure(Reason.SIG_INVALID, "not good", "none")
    rejected = report(1, VerifierResult("a", Outcome.FAILED, failure=failure))
    nothing = threshold("a").decide(SUBJECT, (rejected,)).failure
    twice = (
        threshold("a", "a")
        .decide(SUBJECT, (report(1, passed("a", "k")), report(2, passed("a", "k"))))
        .failure
    )
    assert nothing is not None
    assert twice is not None
    assert "nothing that is attached was accepted" in nothing.message
    assert "different signers" in twice.message


def test_only_verifiers_that_a_rule_names_are_wanted_at_each_place() -> None:
    """At the top those of all groups; below an artifact those of the rules that it satisfies so far."""
    policy = threshold("a", Rule(None, (Rule("b"), Rule("c", (Rule("d"),)))), Rule("b", (Rule("e"),)))
    assert policy.wants(()) == {"a", "b", "c"}
    for name, wanted in (("a", set()), ("b", {"e"}), ("c", {"d"})):
        chain = (report(1, passed(name)),)
        assert policy.wants(chain) == wanted
        assert policy.descends(chain) is bool(wanted)
    assert not policy.descends((report(1, VerifierResult("c", Outcome.FAILED)),))
    deeper = (report(1, passed("c")), report(2, passed("d")))
    assert (policy.wants(deeper), policy.descends(deeper)) == (frozenset(), False)


@pytest.mark.parametrize(
    ("root", "path"),
    [
        (Rule(None), "policy"),
        (Rule("a"), "policy"),
        (Rule(None, (Rule("a"),), 2), "policy.threshold"),
        (Rule(None, (Rule("a"),), -1), "policy.threshold"),
        (Rule(None, (Rule("a"),), True), "policy.threshold"),
        (Rule(None, (Rule("a"),), 1.0), "policy.threshold"),  # type: ignore[arg-type]
        (Rule(None, (Rule("a"),), "1"), "policy.threshold"),  # type: ignore[arg-type]
        (Rule(None, (Rule("a"),), None), "policy.threshold"),  # type: ignore[arg-type]
        (Rule(None, (Rule("a"), Rule(None))), "policy.rules[1]"),
        (Rule(None, (Rule("a"), Rule(""))), "policy.rules[1]"),
        (Rule(None, (Rule("a", (), 1),)), "policy.rules[0].threshold"),
        (Rule(None, (Rule("a", (Rule(None),)),)), "policy.rules[0].rules[0]"),
        (Rule(None, tuple(Rule(f"v{number}") for number in range(257))), "policy.rules"),
        (Rule(None, tuple(Rule("a", (Rule(f"v{n}"),)) for n in range(20)), 10), "policy"),
        (
            Rule(None, (Rule("x", tuple(Rule("a", (Rule(f"v{n}"),)) for n in range(20)), 10),)),
            "policy.rules[0]",
        ),
    ],
)
def test_a_tree_that_could_not_mean_what_it_says_is_refused(root: Rule, path: str) -> None:
    """Nothing to satisfy, more than there is, no whole number, or too many ways to try: refused at its path."""
    with pytest.raises(ConfigurationError) as caught:
        ThresholdPolicy(root)
    assert caught.value.path == path


def test_large_trees_without_repeated_verifiers_are_decided_at_once() -> None:
    """Where no two rules can want the same signer there is nothing to share out."""
    names = [f"v{number}" for number in range(256)]
    policy = threshold(*names, needed=128)
    reports = [report(number, passed(name, "k")) for number, name in enumerate(names)]
    assert allows(policy, *reports[:128])
    assert not allows(policy, *reports[:127])


def test_equal_rules_are_interchangeable() -> None:
    """`10 of [a] * 20` is one way to share out evidence and not 184,756."""
    policy = threshold(*["a"] * 20, needed=10)
    assert allows(policy, *signed(*(f"k{number}" for number in range(10))))
    assert not allows(policy, *signed(*(f"k{number}" for number in range(9))))
