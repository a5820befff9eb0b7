"""The threshold policy's options beyond Ratify v2: require, requireSigned, where, deny."""

from collections.abc import Mapping
from typing import Any

import pytest

from pyratify.config.decode import decode
from pyratify.core.errors import ConfigurationError, Failure
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Outcome, VerifierResult
from pyratify.core.verifier import Details
from pyratify.policies.rule import Require, Rule
from pyratify.policies.threshold import ThresholdPolicy
from pyratify.policies.threshold_plugin import ThresholdOptions, plugin
from pyratify.testing.contracts import SUBJECT
from support.plugins import FakeResources
from support.policy_reports import failed, inconclusive, passed, report, unread
from support.scenes import threshold

DIRTY = Reason.POLICY_UNSATISFIED
OLD, NEW, FUTURE = "2026-01-01T00:00:00Z", "2026-05-01T00:00:00Z", "2036-01-01T00:00:00Z"


def reason(rule: Rule, *reports: ArtifactReport) -> Reason | None:
    """Return why a policy of one rule denies; None where it allows. Nothing is settled that may change."""
    policy = threshold(rule)
    verdict = policy.decide(SUBJECT, reports)
    assert verdict.decision in (Decision.ALLOW, Decision.DENY)
    assert policy.settled(reports) is (rule.is_monotone and verdict.decision is Decision.ALLOW)
    return verdict.failure.reason if verdict.failure else None


def allows(rule: Rule, *reports: ArtifactReport) -> bool:
    """Return whether a policy of one rule allows."""
    return reason(rule, *reports) is None


ALL = Rule("a", require=Require.ALL)
NEWEST = Rule("a", require=Require.NEWEST)
GOOD = report(1, passed("a", "k", createdAt=NEW))


@pytest.mark.parametrize(
    ("second", "allowed"),
    [
        (report(2, passed("a", "k")), True),
        (report(2, passed("b", "k")), True),
        (report(2), True),
        (report(2, failed("b")), True),
        (report(2, failed("a")), False),
        (report(2, inconclusive("a")), False),
        (unread(2), False),
    ],
)
def test_with_all_whatever_the_verifier_reads_has_to_pass(second: ArtifactReport, allowed: bool) -> None:
    """What failed, is undecided or could not be read may be what the rule is about; other verifiers' results are not."""
    for reports in ((GOOD, second), (second, GOOD)):
        assert allows(ALL, *reports) is allowed
        assert allows(Rule("a"), *reports)


def test_with_all_there_has_to_be_one() -> None:
    """All of none is no evidence."""
    assert reason(ALL) is Reason.NO_EVIDENCE
    assert not allows(ALL, report(1, passed("b", "k")))


@pytest.mark.parametrize(
    ("others", "allowed"),
    [
        ((report(2, passed("a", "k", createdAt=OLD)),), True),
        ((report(2, failed("a", createdAt=OLD)),), True),
        ((report(2, failed("a", createdAt="2026-05-02T00:00:00Z")),), False),
        ((report(2, failed("a", createdAt=NEW)),), False),
        ((report(2, failed("a")),), False),
        ((report(2, failed("a", createdAt="yesterday")),), False),
        ((report(2, failed("a", createdAt="2026-01-01T00:00:00")),), False),
        ((report(2, passed("a", "k")),), False),
        ((report(2, inconclusive("a")),), False),
        ((unread(2),), False),
        ((report(2, failed("b")),), True),
    ],
)
def test_the_newest_has_to_pass(others: tuple[ArtifactReport, ...], allowed: bool) -> None:
    """An older failure is over; one of an unknown time may be the newest."""
    assert allows(NEWEST, GOOD, *others) is allowed
    assert allows(NEWEST, *others, GOOD) is allowed


@pytest.mark.parametrize("second", [passed("a", "k", createdAt=FUTURE), failed("a", createdAt=FUTURE)])
def test_evidence_of_the_future_is_not_the_newest(second: VerifierResult) -> None:
    """A date that is still to come says nothing about what is new."""
    assert reason(NEWEST, GOOD, report(2, second)) is Reason.TIME_INVALID


def test_the_newest_has_to_be_signed() -> None:
    """A time in an unsigned document is chosen by its author."""
    assert reason(NEWEST, report(1, passed("a", createdAt=NEW))) is Reason.EVIDENCE_UNSIGNED


def test_unsigned_evidence_counts_where_a_rule_below_it_holds() -> None:
    """A signature of the document itself, or a signature that is attached to it."""
    rule = Rule("a", (Rule("b"),), require_signed=True)
    plain = report(1, passed("a"))
    assert reason(Rule("a", require_signed=True), plain) is Reason.EVIDENCE_UNSIGNED
    assert allows(Rule("a", require_signed=True), report(1, passed("a", "k")))
    assert not allows(rule, plain)
    assert allows(rule, report(1, passed("a"), nested=(report(2, passed("b", "k")),)))


@pytest.mark.parametrize(
    ("data", "allowed"),
    [
        ({"predicateType": "x", "build": {"id": "i"}, "level": 3}, True),
        ({"predicateType": "y", "build": {"id": "i"}, "level": 3}, False),
        ({"predicateType": "x", "build": {"id": "j"}, "level": 3}, False),
        ({"predicateType": "x", "build": "i", "level": 3}, False),
        ({"predicateType": "x", "build": None, "level": 3}, False),
        ({"predicateType": "x", "level": 3}, False),
        ({"predicateType": "x", "build": {"id": "i"}, "level": "3"}, False),
        ({"predicateType": "x", "build": {"id": "i"}, "level": True}, False),
        ({"predicateType": ["x"], "build": {"id": "i"}, "level": 3}, False),
        ({}, False),
    ],
)
def test_where_compares_exact_values(data: Mapping[str, Any], allowed: bool) -> None:
    """An attestation of another kind, or of another source, does not stand in."""
    rule = Rule("a", where=(("predicateType", "x"), ("build.id", "i"), ("level", 3)))
    assert allows(rule, report(1, VerifierResult("a", Outcome.PASSED, Details("x", ("k",), data)))) is allowed


def test_where_narrows_what_all_is_about() -> None:
    """What passed and is of another kind is no matter; what failed is of an unknown kind unless a trusted signer says which."""
    rule = Rule("a", require=Require.ALL, where=(("kind", "x"),))
    good = report(1, passed("a", "k", kind="x"))
    assert allows(rule, good, report(2, passed("a", "k", kind="y")))
    assert allows(rule, good, report(2, failed("a", kind="y")))
    assert not allows(rule, good, report(2, failed("a", kind="x")))
    assert not allows(rule, good, report(2, failed("a")))
    assert not allows(rule, report(2, passed("a", "k", kind="y")))


SCAN = Rule("scan", deny=True, reasons=("CERT_REVOKED",))


@pytest.mark.parametrize(
    ("reports", "allowed"),
    [
        ((report(2, passed("scan")),), True),
        ((), False),
        ((report(2, passed("other")),), False),
        ((report(2, failed("scan")),), False),
        ((report(2, passed("scan")), report(3, failed("scan"))), True),
        ((report(2, passed("scan")), report(3, failed("scan", Reason.CERT_REVOKED))), False),
        ((report(2, passed("scan")), report(3, inconclusive("scan"))), False),
        ((report(2, passed("scan")), unread(3)), False),
    ],
)
def test_a_deny_rule_forbids_and_is_not_counted(reports: tuple[ArtifactReport, ...], allowed: bool) -> None:
    """Evidence that is missing, undecided or unread forbids as well as what the rule names."""
    policy = ThresholdPolicy(Rule(None, (Rule("a"), Rule("b"), SCAN), 1))
    for order in (reports, reports[::-1]):
        verdict = policy.decide(SUBJECT, (GOOD, *order))
        assert (verdict.decision is Decision.ALLOW) is allowed
        assert not policy.settled((GOOD, *order))
    assert policy.wants(()) == {"a", "b", "scan"}


def test_a_deny_rule_without_accepted_evidence_says_what_is_wrong_with_what_there_is() -> None:
    """Its remedy too; evidence of another type is not what was meant."""
    policy = ThresholdPolicy(Rule(None, (Rule("a"), SCAN)))
    other, stale = failed("scan", Reason.PREDICATE_TYPE), failed("scan", Reason.EVIDENCE_STALE)
    for reports in ((report(2, other), report(3, stale)), (report(2, stale), report(3, other))):
        verdict = policy.decide(SUBJECT, (GOOD, *reports))
        assert stale.failure is not None
        assert verdict.failure is not None
        assert verdict.failure.message.endswith(f"rules out what the policy forbids: {stale.failure.message}")
        assert verdict.failure.remedy == stale.failure.remedy
    alone = policy.decide(SUBJECT, (GOOD, report(2, other))).failure
    assert alone is not None
    assert alone.remedy.startswith("Attach evidence that the verifier 'scan' accepts")
    absent = policy.decide(SUBJECT, (GOOD,)).failure
    assert absent is not None
    assert absent.message.startswith("nothing that the verifier 'scan' reads is attached")
    assert absent.remedy.startswith("Attach what this verifier reads")


@pytest.mark.parametrize(
    ("rule", "reports", "says", "remedy"),
    [
        (
            Rule("scan", deny=True, where=(("verdict", "bad"),)),
            (report(2, passed("scan", verdict="bad")),),
            "what the verifier 'scan' accepted has what the policy forbids: 'verdict' is 'bad'",
            "Remove or replace it",
        ),
        (
            Rule("scan", deny=True, where=(("verdict", "bad"),)),
            (report(2, passed("scan")),),
            "what the verifier 'scan' accepted does not rule out what the policy forbids: it has no 'verdict'",
            "Remove or replace it",
        ),
        (
            Rule("scan", (Rule("a"),), deny=True, reasons=("SIG_INVALID",)),
            (report(2, passed("scan", verdict="clean")),),
            "what the verifier 'scan' accepted lacks what the rules below ask for, so it does not rule out what the policy forbids",
            "Remove or replace it",
        ),
        (
            SCAN,
            (report(2, inconclusive("scan")),),
            "some evidence for the verifier 'scan' could not be read, and it may be what the policy forbids",
            "Attach again what cannot be read",
        ),
        (
            Rule("a", require=Require.ALL),
            (report(2, failed("a")),),
            "the policy needs all evidence of the verifier 'a' to be accepted; of 2, 1 was not",
            "Remove or replace what was not accepted",
        ),
        (
            Rule("a"),
            (),
            "the policy needs 2 of its 2 rules satisfied by different signers, and one signer stands for several",
            "Let further signers sign",
        ),
    ],
)
def test_a_refusal_has_a_remedy_of_its_own(
    rule: Rule, reports: tuple[ArtifactReport, ...], says: str, remedy: str
) -> None:
    """To sign once more would help in none of these cases."""
    failure = ThresholdPolicy(Rule(None, (Rule("a"), rule))).decide(SUBJECT, (GOOD, *reports)).failure
    assert failure is not None
    assert failure.message == says
    assert failure.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("reports", "allowed"),
    [
        ((report(2, passed("scan", verdict="clean")),), True),
        ((report(2, passed("scan", verdict="bad")),), False),
        ((report(2, passed("scan")),), False),
        ((report(2, passed("scan", verdict="clean")), report(3, passed("scan", verdict="bad"))), False),
        ((report(2, passed("scan", verdict="clean")), report(3, passed("scan"))), False),
        ((report(2, failed("scan")),), False),
        ((), False),
    ],
)
def test_a_deny_rule_forbids_facts(reports: tuple[ArtifactReport, ...], allowed: bool) -> None:
    """A fact that is missing is no other value."""
    rule = Rule("scan", deny=True, where=(("verdict", "bad"),))
    verdict = threshold("a", rule).decide(SUBJECT, (GOOD, *reports))
    assert (verdict.decision is Decision.ALLOW) is allowed


def test_a_deny_rule_forbids_its_group() -> None:
    """Another member of the group above may still satisfy the policy."""
    forbidden = Rule(None, (Rule("a"), SCAN))
    bad = (GOOD, report(2, passed("scan")), report(3, failed("scan", Reason.CERT_REVOKED)))
    policy = ThresholdPolicy(Rule(None, (forbidden, Rule("c")), 1))
    assert policy.decide(SUBJECT, bad).decision is Decision.DENY
    assert policy.decide(SUBJECT, (*bad, report(4, passed("c", "k")))).decision is Decision.ALLOW
    # With two rules that compete for a signer, the search takes no forbidden group either.
    competing = ThresholdPolicy(Rule(None, (forbidden, Rule("a"), Rule("a")), 2))
    assert competing.decide(SUBJECT, bad).decision is Decision.DENY


def test_a_refusal_names_what_was_found() -> None:
    """The sentence is of this very case."""
    found = (
        threshold("a", SCAN).decide(SUBJECT, (GOOD, report(2, failed("scan", Reason.CERT_REVOKED)))).failure
    )
    assert found is not None
    assert found.message == "the policy forbids what the verifier 'scan' found: bad"
    assert "of 2, 1 was not" in _message(ALL, GOOD, report(2, failed("a")))
    assert "of 3, 1 was not" in _message(ALL, GOOD, report(2, failed("a")), report(3, passed("a", "k")))
    assert "1 of 2 artifacts" in _message(NEWEST, GOOD, report(2, failed("a")))


SIGNED = Rule("scan", deny=True, require_signed=True, where=(("verdict", "bad"),))


@pytest.mark.parametrize(
    ("rule", "reports", "reason", "says"),
    [
        (SCAN, (report(2, inconclusive("scan")),), DIRTY, "could not be read"),
        (SCAN, (report(2, passed("scan")), unread(3)), DIRTY, "could not be read"),
        (SCAN, (), DIRTY, "nothing that the verifier 'scan' reads is attached"),
        (SCAN, (report(2, failed("scan")),), DIRTY, "the verifier 'scan' accepted nothing"),
        (SIGNED, (report(2, passed("scan", verdict="clean")),), Reason.EVIDENCE_UNSIGNED, "is not signed"),
        (
            SIGNED,
            (report(2, passed("scan", "k", verdict="bad")),),
            DIRTY,
            "has what the policy forbids: 'verdict' is 'bad'",
        ),
        (
            SIGNED,
            (report(2, passed("scan", verdict="clean")), report(3, passed("scan", "k", verdict="bad"))),
            DIRTY,
            "has what the policy forbids: 'verdict' is 'bad'",
        ),
        (
            Rule("scan", (Rule("a"),), deny=True, where=(("verdict", "bad"),)),
            (report(2, passed("scan", "k", verdict="clean")),),
            DIRTY,
            "lacks what the rules below ask for",
        ),
    ],
)
def test_a_refusal_by_a_deny_rule_says_what_it_lacks(
    rule: Rule, reports: tuple[ArtifactReport, ...], reason: Reason, says: str
) -> None:
    """Not that the policy needs more of its rules satisfied."""
    failure = threshold("a", rule).decide(SUBJECT, (GOOD, *reports)).failure
    assert isinstance(failure, Failure)
    assert failure.reason is reason
    assert says in failure.message


def test_a_refusal_by_a_deny_rule_names_the_first_of_what_it_forbids() -> None:
    """In the order of the listing, with its own remedy."""
    rule = Rule("scan", deny=True, reasons=("CERT_REVOKED", "EVIDENCE_STALE"))
    one, two = (
        VerifierResult("scan", Outcome.FAILED, failure=Failure(reason, f"it is {reason}", f"mend {reason}"))
        for reason in (Reason.CERT_REVOKED, Reason.EVIDENCE_STALE)
    )
    for first, second in ((one, two), (two, one)):
        failure = threshold("a", rule).decide(SUBJECT, (GOOD, report(2, first), report(3, second))).failure
        assert failure is not None
        assert first.failure is not None
        assert failure.message.endswith(first.failure.message)
        assert failure.remedy == first.failure.remedy


@pytest.mark.parametrize(
    ("where", "says"),
    [
        ((("level", 3),), "its 'level' is 2 and not 3"),
        ((("level", 2), ("builder.id", "y")), "its 'builder.id' is 'x' and not 'y'"),
        ((("builder.name", "y"),), "it has no 'builder.name'"),
        ((("level", "2"),), "its 'level' is 2 and not '2'"),
        ((("builder", "x"),), "its 'builder' is an object and not 'x'"),
        ((("none", False),), "its 'none' is null and not false"),
        ((("tags", 1),), "its 'tags' is a list and not 1"),
    ],
)
def test_accepted_evidence_of_another_kind_is_told_apart_by_its_facts(where: Any, says: str) -> None:
    """It was accepted, so the remedy is not to sign with another key."""
    facts = {"level": 2, "builder": {"id": "x"}, "none": None, "tags": ["x"]}
    failure = (
        threshold(Rule("a", where=where)).decide(SUBJECT, (report(1, passed("a", "k", **facts)),)).failure
    )
    assert failure is not None
    assert failure.message == f"what the verifier 'a' accepted is not what the policy asks for: {says}"
    assert "correct `where`" in failure.remedy


def test_the_newest_of_what_has_no_time_is_no_matter_of_newer_evidence() -> None:
    """A key alone proves no time."""
    failure = threshold(NEWEST).decide(SUBJECT, (report(1, passed("a", "k")),)).failure
    assert failure is not None
    assert "leave out require: newest" in failure.remedy


def _message(rule: Rule, *reports: ArtifactReport) -> str:
    failure = threshold(rule).decide(SUBJECT, reports).failure
    assert isinstance(failure, Failure)
    return failure.message


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        (Rule("a", deny=True), "policy.rules[1]"),
        (Rule("a", reasons=("SIG_INVALID",)), "policy.rules[1].reasons"),
        (Rule("a", deny=True, reasons=("X",), require=Require.ALL), "policy.rules[1].require"),
        (Rule(None, (Rule("a"),), deny=True), "policy.rules[1]"),
        (Rule(None, (Rule("a"),), require=Require.NEWEST), "policy.rules[1]"),
        (Rule(None, (SCAN,)), "policy.rules[1].rules"),
        (Rule("a", (SCAN,)), "policy.rules[1].rules"),
        (Rule(None, (Rule("a"), SCAN), 2), "policy.rules[1].threshold"),
        (Rule("a", where=(("builder..id", "x"),)), "policy.rules[1].where.builder..id"),
        (Rule("a", where=((".id", "x"),)), "policy.rules[1].where..id"),
    ],
)
def test_options_that_contradict_one_another_are_refused(rule: Rule, path: str) -> None:
    """When the configuration is read, not when an image waits."""
    with pytest.raises(ConfigurationError) as error:
        threshold("b", rule)
    assert error.value.path == path


@pytest.mark.parametrize(
    ("rule", "remedy"),
    [
        (Rule(None, (Rule("a"), Rule("b")), 3), "Write at most 2, the number of its rules."),
        (
            Rule(None, (Rule("a"), SCAN), 2),
            "Write at most 1, the number of its rules, not counting those that deny.",
        ),
        (Rule("a", threshold=1), "Leave threshold out: it is for the rules below."),
    ],
)
def test_a_threshold_that_cannot_be_reached_says_what_could_be(rule: Rule, remedy: str) -> None:
    """Of the rules that it counts, where there are any."""
    with pytest.raises(ConfigurationError) as error:
        threshold("b", rule)
    assert error.value.remedy == remedy


async def test_the_options_are_read_from_a_configuration() -> None:
    """In camel case, with strict types."""
    rule = {
        "verifierName": "a",
        "require": "newest",
        "requireSigned": True,
        "where": {"predicateType": "x", "level": 3, "ok": True},
    }
    forbidding = {"verifierName": "a", "deny": True, "reasons": ["SIG_INVALID"]}
    options = decode(ThresholdOptions, {"policy": {"rules": [rule, forbidding]}}, "parameters")
    policy = await plugin.build("p", options, FakeResources(verifiers=("a",)))
    first, second = policy.root.rules
    assert (first.require, first.require_signed) == (Require.NEWEST, True)
    assert dict(first.where) == {"predicateType": "x", "level": 3, "ok": True}
    assert (second.deny, second.reasons) == (True, ("SIG_INVALID",))


async def test_a_group_is_read_from_a_configuration() -> None:
    """It names no verifier, and its rules do; one that is misspelt is refused at its place, with those there are."""
    group = {
        "threshold": 1,
        "rules": [{"verifierName": "a"}, {"verifierName": "b", "rules": [{"verifierName": "a"}]}],
    }
    options = decode(ThresholdOptions, {"policy": {"threshold": 1, "rules": [group]}}, "parameters")
    policy = await plugin.build("p", options, FakeResources(verifiers=("a", "b")))
    inner = Rule(None, (Rule("a"), Rule("b", (Rule("a"),))), 1)
    assert policy.root == Rule(None, (inner,), 1)
    with pytest.raises(ConfigurationError, match="no verifier is called 'b'") as caught:
        await plugin.build("p", options, FakeResources(verifiers=("a", "c")))
    assert caught.value.path == "policy.rules[0].rules[1].verifierName"
    assert caught.value.remedy == "Name one of: a, c."


@pytest.mark.parametrize(
    "wrong",
    [
        {"require": "some"},
        {"where": {"a": None}},
        {"where": {"a": ["x"]}},
        {"deny": 1},
        {"where": {}},
        {"where": {"": "x"}},
        {"rules": []},
        {"reasons": ["no code"]},
        {"deny": True, "reasons": []},
        {"deny": True, "reasons": ["LICENCE"]},
        {"deny": True, "reasons": ["license"]},
    ],
)
def test_options_of_other_types_are_refused(wrong: dict[str, Any]) -> None:
    """Nothing is guessed."""
    with pytest.raises(ConfigurationError):
        decode(ThresholdOptions, {"policy": {"rules": [{"verifierName": "a", **wrong}]}}, "parameters")


def test_a_code_that_no_failure_has_is_refused_with_the_nearest() -> None:
    """A deny rule for it would forbid nothing."""
    rule = {"verifierName": "a", "deny": True, "reasons": ["LICENCE"]}
    with pytest.raises(ConfigurationError, match="'LICENCE' is none of the") as error:
        decode(ThresholdOptions, {"policy": {"rules": [rule]}}, "parameters")
    assert (error.value.path, error.value.remedy) == (
        "parameters.policy.rules[0].reasons[0]",
        "Did you mean 'LICENSE'?",
    )


def test_a_deny_rule_with_a_wildcard_is_refused() -> None:
    """Values are compared as whole texts: it would forbid nothing, and what it names would be allowed."""
    for wanted in ("GPL-*", "*", "https://evil.example/**"):
        rule = Rule("a", deny=True, where=(("license", wanted),))
        with pytest.raises(ConfigurationError, match="no wildcard") as error:
            threshold("b", rule)
        assert error.value.path == "policy.rules[1].where.license"
    assert threshold("b", Rule("a", deny=True, where=(("license", "GPL-3.0"), ("level", 3))))
    assert threshold("b", Rule("a", where=(("license", "v*"),)))


@pytest.mark.parametrize(
    ("wanted", "other", "stated"),
    [(3, 4, "3"), (True, False, "true"), (1, 2, True), (True, False, 1), ("1", "2", 1), ("x", "y", None)],
)
def test_a_fact_of_another_type_shows_nothing(wanted: Any, other: Any, stated: Any) -> None:
    """It may be what is meant: what is known of a result that failed is texts, whatever its facts were."""
    where = (("level", wanted),)
    old = report(1, passed("a", "k", createdAt=OLD, level=wanted))
    for require in (Require.NEWEST, Require.ALL):
        rule = Rule("a", require=require, where=where)
        assert allows(rule, old)
        assert allows(rule, old, report(2, failed("a", createdAt=NEW, level=other)))
        assert not allows(rule, old, report(2, failed("a", createdAt=NEW, level=stated)))
    forbidding = threshold("b", Rule("a", deny=True, where=where))
    for level, allowed in ((other, True), (wanted, False), (stated, False)):
        reports = (report(1, passed("b")), report(2, passed("a", level=level)))
        assert (forbidding.decide(SUBJECT, reports).decision is Decision.ALLOW) is allowed


@pytest.mark.parametrize(
    ("time", "allowed"),
    [
        ("2026-05-31T23:59:00Z", True),
        ("2026-06-01T00:05:00Z", True),
        ("2026-06-01T00:05:01Z", False),
    ],
)
def test_the_newest_may_be_of_a_clock_that_is_five_minutes_ahead(time: str, allowed: bool) -> None:
    """It is midnight; evidence of a minute ago is dated, whatever the skew."""
    assert allows(NEWEST, report(1, passed("a", "k", createdAt=time))) is allowed


@pytest.mark.parametrize("evidence", [(), (report(1, passed("b", "k", createdAt=NEW)),)])
def test_the_newest_of_none_is_no_evidence(evidence: tuple[ArtifactReport, ...]) -> None:
    """It is denied with a reason, and does not fail."""
    assert not allows(NEWEST, *evidence)


@pytest.mark.parametrize("rule", [ALL, Rule("a", require=Require.ALL, require_signed=True)])
def test_with_all_a_result_without_details_satisfies_nothing(rule: Rule) -> None:
    """It passed, and says nothing."""
    assert not allows(rule, GOOD, report(2, VerifierResult("a", Outcome.PASSED)))


@pytest.mark.parametrize(
    ("result", "allowed"),
    [
        (passed("scan", kind="image"), True),
        (passed("scan", kind="source"), False),
        (passed("scan"), False),
        (VerifierResult("scan", Outcome.FAILED, Details("good", (), {"kind": "image"})), False),
    ],
)
def test_what_clears_a_deny_rule_with_reasons_is_of_its_kind(result: VerifierResult, allowed: bool) -> None:
    """A clean report of something else does not rule out what the rule forbids."""
    rule = Rule("scan", deny=True, reasons=("CERT_REVOKED",), where=(("kind", "image"),))
    verdict = threshold("a", rule).decide(SUBJECT, (GOOD, report(2, result)))
    assert (verdict.decision is Decision.ALLOW) is allowed


@pytest.mark.parametrize(
    ("nested", "allowed"),
    [
        ((report(3, passed("sig", "k")),), True),
        ((report(3, failed("sig")),), False),
        ((report(3, passed("other", "k")),), False),
        ((), False),
    ],
)
def test_what_clears_a_deny_rule_satisfies_the_rules_below_it(
    nested: tuple[ArtifactReport, ...], allowed: bool
) -> None:
    """A report that has to be signed clears nothing unsigned."""
    rule = Rule("scan", (Rule("sig"),), deny=True, reasons=("CERT_REVOKED",))
    verdict = threshold("a", rule).decide(SUBJECT, (GOOD, report(2, passed("scan"), nested=nested)))
    assert (verdict.decision is Decision.ALLOW) is allowed


def test_the_date_of_what_could_not_be_decided_is_no_date() -> None:
    """Whether it is old is undecided too."""
    undecided = VerifierResult(
        "a", Outcome.INCONCLUSIVE, failure=Failure(DIRTY, "no key", "none"), facts={"createdAt": OLD}
    )
    assert not allows(NEWEST, GOOD, report(2, undecided))


def test_a_group_that_is_forbidden_lends_no_evidence_to_rules_that_compete() -> None:
    """Two signers are asked for and one is there; the other signed only what is forbidden."""
    forbidden = Rule(None, (Rule("b"), SCAN))
    policy = ThresholdPolicy(Rule(None, (forbidden, Rule("a"), Rule("a")), 2))
    evidence = (GOOD, report(2, passed("b", "other")))
    bad, clean = report(3, failed("scan", Reason.CERT_REVOKED)), report(3, passed("scan"))
    assert policy.decide(SUBJECT, (*evidence, bad)).decision is Decision.DENY
    assert policy.decide(SUBJECT, (*evidence, clean)).decision is Decision.ALLOW


def test_a_group_that_holds_explains_no_refusal() -> None:
    """Of two ways to a document one is open; what is missing at the other does not deny, the missing signature does."""

    def way(name: str) -> Rule:
        return Rule(None, (Rule(name), Rule(name, deny=True, reasons=("SIG_INVALID",))))

    document = Rule(None, (way("signed"), way("attached")), 1)
    image = Rule(None, (Rule("image"),), 1)
    failure = (
        ThresholdPolicy(Rule(None, (image, document))).decide(SUBJECT, (report(1, passed("signed")),)).failure
    )
    assert failure is not None
    assert (
        failure.message == "the policy needs 2 of its 2 rules satisfied; satisfied: 1; not satisfied: 'image'"
    )


def several(*statements: dict[str, Any], signers: tuple[str, ...] = ("k",)) -> ArtifactReport:
    """Return an artifact with several statements, whose own facts are those of the first, as a tag of cosign's has."""
    first = {name: value for name, value in statements[0].items() if name not in ("succeeded", "signers")}
    return report(1, passed("a", *signers, format="dsse", **first, statements=list(statements)))


def statement(*signers: str, succeeded: bool = True, **facts: Any) -> dict[str, Any]:
    """Return what a report says of one statement."""
    return {"succeeded": succeeded, **({"signers": list(signers)} if signers else {}), **facts}


def test_a_statement_is_of_a_kind_wherever_it_stands() -> None:
    """Under one tag as in artifacts of its own; one that does not count is of none, and facts of two do not add up."""
    found = several(
        statement("k", kind="x", by="one"),
        statement("k", kind="y"),
        statement("k", succeeded=False, kind="z"),
    )
    for where, allowed in (
        ((("kind", "x"),), True),
        ((("kind", "y"),), True),
        ((("kind", "y"), ("format", "dsse")), True),
        ((("kind", "y"), ("by", "one")), False),
        ((("kind", "z"),), False),
    ):
        assert allows(Rule("a", where=where), found) is allowed
        assert allows(Rule("a", where=where, require=Require.ALL), found) is allowed


def test_what_a_rule_forbids_hides_behind_no_other_statement() -> None:
    """Wherever it stands; one that lacks the fact could be what is forbidden."""
    rule = Rule(None, (Rule("a"), Rule("a", deny=True, where=(("builder", "bad"),))))
    good, bad, silent = (statement("k", **said) for said in ({"builder": "b"}, {"builder": "bad"}, {}))
    policy = threshold(rule)
    for statements, decision in (
        ((good, good), Decision.ALLOW),
        ((good, bad), Decision.DENY),
        ((bad, good), Decision.DENY),
        ((good, silent), Decision.DENY),
    ):
        assert policy.decide(SUBJECT, (several(*statements),)).decision is decision


def test_each_statement_counts_for_its_own_signer() -> None:
    """Two who signed under one tag, of whom one says what is asked for, are one for a rule that asks for it."""
    rule = Rule("a", where=(("kind", "x"),))
    two = threshold(Rule(None, (rule, Rule("a", where=(("kind", "x"),))), 2))
    both = several(statement("k", kind="x"), statement("m", kind="x"), signers=("k", "m"))
    one = several(statement("k", kind="x"), statement("m", kind="y"), signers=("k", "m"))
    assert two.decide(SUBJECT, (both,)).decision is Decision.ALLOW
    assert two.decide(SUBJECT, (one,)).decision is Decision.DENY


def test_an_unsigned_statement_beside_a_signed_one_is_of_no_kind() -> None:
    """It would borrow the signer."""
    found = several(statement("k", kind="x"), statement(kind="y"))
    assert not allows(Rule("a", where=(("kind", "y"),)), found)
    assert not allows(Rule("a", where=(("kind", "y"),), require_signed=True), found)


def test_the_newest_of_several_statements_is_that_of_its_own_time() -> None:
    """The time of the first is not that of all."""
    kind = (("kind", "x"),)
    found = several(statement("k", kind="x", createdAt=OLD), statement("k", kind="y", createdAt=NEW))
    newer = report(2, failed("a", kind="x", createdAt="2026-02-01T00:00:00Z"))
    assert not allows(Rule("a", where=kind, require=Require.NEWEST), found, newer)
    assert allows(Rule("a", where=(("kind", "y"),), require=Require.NEWEST), found, newer)


@pytest.mark.parametrize(
    "listed",
    [
        None,
        "text",
        [1, 2],
        [{"succeeded": True}],
        [{"succeeded": 1}] * 2,
        [{"succeeded": True, "signers": 5}] * 2,
    ],
)
def test_what_is_no_list_of_statements_is_not_read_as_one(listed: Any) -> None:
    """Facts are a plugin's: anything may be in them."""
    found = report(1, passed("a", "k", kind="x", statements=listed))
    assert allows(Rule("a", where=(("kind", "x"),)), found)


def test_a_group_that_does_not_hold_explains_the_refusal() -> None:
    """However deep the rule that is not satisfied stands."""
    inner = Rule(None, (Rule("a"), SCAN))
    policy = ThresholdPolicy(Rule(None, (Rule("b"), Rule(None, (inner, Rule("c")), 1))))
    evidence = (GOOD, report(2, passed("b", "k")), report(3, failed("scan", Reason.CERT_REVOKED)))
    failure = policy.decide(SUBJECT, evidence).failure
    assert failure is not None
    assert "the policy forbids what the verifier 'scan' found" in failure.message
