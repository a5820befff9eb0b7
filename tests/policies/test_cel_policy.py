"""The policy cel-policy."""

import threading
from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

pytest.importorskip("cel_expr_python", reason="the extra cel is not installed")

from pyratify.config.decode import decode
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Registry
from pyratify.core.policy import Subject
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ArtifactReport, Decision, Verdict
from pyratify.expressions.language import Answer, Source
from pyratify.policies.cel_plugin import CelOptions, plugin
from pyratify.policies.expression_policy import ExpressionPolicy
from pyratify.policies.policy_values import Unseen, artifact_values
from pyratify.testing.contracts import SUBJECT, PolicyCase, PolicyContract
from pyratify.testing.image_configs import add_configured_image
from pyratify.testing.indexes import add_index, entry
from pyratify.testing.memory import MemoryStore
from support.policy_reports import failed, inconclusive, passed, report, unread
from support.providers import items, provider, signed
from support.scenes import image, signed_by_annotation, validate

COSIGN = 'artifacts.exists(a, a.results.exists(r, r.verifier == "cosign" && r.outcome == "PASSED"))'
GOOD = report(1, passed("cosign", "k", predicateType="x"))


class _Resources:
    verifiers = ("cosign",)
    verifier_types: Mapping[str, str] = MappingProxyType({"cosign": "cosign-type"})


async def policy(document: dict[str, Any] | str) -> ExpressionPolicy:
    """Build the policy from its parameters, or from one expression."""
    parameters = {"expression": document} if isinstance(document, str) else document
    return await plugin.build("p", decode(CelOptions, parameters, "parameters"), _Resources())


async def decide(text: str, *reports: ArtifactReport, subject: Subject = SUBJECT) -> Verdict:
    """Return the verdict of one expression."""
    return (await policy(text)).decide(subject, reports)


@pytest.mark.parametrize(
    ("text", "reports", "allowed"),
    [
        (COSIGN, (GOOD,), True),
        (COSIGN, (report(1, failed("cosign")),), False),
        (COSIGN, (report(1, inconclusive("cosign")), unread(2)), False),
        (COSIGN, (), False),
        ('artifacts[0].results[0].type == "cosign-type"', (GOOD,), True),
        ('artifacts[0].results[0].data.predicateType == "x"', (GOOD,), True),
        ('artifacts[0].results[0].signers == ["k"]', (GOOD,), True),
        ('artifacts[0].results[0].reason == "SIG_INVALID"', (report(1, failed("cosign")),), True),
        ("artifacts.all(a, a.readable)", (GOOD, unread(2)), False),
        ('subject.repository == "team/app" && subject.registry == "example.com"', (GOOD,), True),
        ('subject.digest.startsWith("sha256:") && subject.namespace == ""', (GOOD,), True),
        ('now < timestamp("2027-01-01T00:00:00Z") && now.getDayOfWeek() == 1', (GOOD,), True),
    ],
)
async def test_an_expression_sees_subject_artifacts_and_time(
    text: str, reports: tuple[ArtifactReport, ...], allowed: bool
) -> None:
    """Each by the names of the documentation."""
    assert ((await decide(text, *reports)).decision is Decision.ALLOW) is allowed


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (("a", "b"), '["a", "b"]'),
        ([("a", 1)], '[["a", 1]]'),
        ({"list": ()}, '{"list": []}'),
        (MappingProxyType({"x": MappingProxyType({"y": None})}), '{"x": {"y": null}}'),
        (Reason.POLICY_ERROR, '"POLICY_ERROR"'),
        (True, "true"),
        ("", '""'),
    ],
)
async def test_facts_of_every_kind_are_json_values(value: object, expected: str) -> None:
    """Tuples, read-only mappings and texts of an enumeration are what a verifier in Python may have."""
    given = report(1, passed("cosign", first="a", fact=value))
    text = f'artifacts[0].results[0].data == {{"first": "a", "fact": {expected}}}'
    assert (await decide(text, given)).decision is Decision.ALLOW


async def test_a_fact_that_is_no_json_value_denies() -> None:
    """It is no question of the expression."""
    for policy_text in ("artifacts.size() == 1", "artifacts[0].results[0].data.x == 1"):
        with pytest.raises(TypeError, match="object"):
            await decide(policy_text, report(1, passed("cosign", fact=object())))


async def test_nothing_is_allowed_without_evidence_that_passed() -> None:
    """`all` over an empty list is true in CEL, as is `true`; the core refuses it."""
    store, _ = image("application/test")
    bare, _ = image()
    anything = await policy('artifacts.all(a, a.results.all(r, r.outcome == "PASSED"))')
    unsigned = await validate(bare, policy=anything)
    assert unsigned.failure is not None
    assert unsigned.failure.reason is Reason.NO_EVIDENCE
    assert (await validate(store, policy=anything)).succeeded
    refused = await validate(store, signed_by_annotation(), policy=await policy("true"))
    assert not refused.succeeded


async def test_a_missing_field_denies_and_is_named() -> None:
    """Also in a negation: `!` of an error is an error."""
    for text in (
        "artifacts[0].results[0].data.critical == 0",
        "!artifacts.exists(a, a.results[0].data.critical > 0)",
    ):
        verdict = await decide(text, GOOD)
        assert verdict.decision is Decision.DENY
        assert verdict.failure is not None
        assert verdict.failure.reason is Reason.POLICY_ERROR
        assert "critical" in verdict.failure.message


async def test_a_refusal_says_which_expression_is_not_true() -> None:
    """By the message of its author, or the expression."""
    two = await policy(
        {"validations": [{"expression": COSIGN}, {"expression": "1 == 2", "message": "never"}]}
    )
    failure = two.decide(SUBJECT, (GOOD,)).failure
    assert failure is not None
    assert (failure.reason, failure.message) == (Reason.POLICY_UNSATISFIED, "never")
    failure = two.decide(SUBJECT, ()).failure
    assert failure is not None
    assert failure.message.startswith("the expression is not true: artifacts.exists")


async def test_nested_artifacts_are_looked_at_only_where_they_are_named() -> None:
    """What was not looked at has no name: a mistake denies."""
    below = report(1, passed("cosign"), nested=(report(2, passed("cosign", "k")),))
    text = 'artifacts[0].nested[0].results[0].outcome == "PASSED" && artifacts[0].signed == "nested"'
    named = await policy(text)
    assert named.descends((below,))
    assert named.decide(SUBJECT, (below,)).decision is Decision.ALLOW
    other = await policy(COSIGN)
    assert not other.descends((below,))
    assert not (await policy("artifacts[0].size() == 4")).descends((below,))
    assert (await policy("artifacts[0].size() == 4")).decide(SUBJECT, (below,)).decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("text", "descends"),
    [
        ('artifacts[0].signed == "self"', True),
        ("artifacts[0].nested.size() == 0", True),
        ('artifacts[0]["nested"].size() == 0', True),
        ("artifacts.size() == 1", False),
    ],
)
async def test_each_name_of_what_is_attached_below_is_enough(text: str, descends: bool) -> None:
    """In one of several expressions, too."""
    assert (await policy(text)).descends(()) is descends
    two = await policy({"validations": [{"expression": COSIGN}, {"expression": text}]})
    assert two.descends(()) is descends
    assert (await policy(text)).decide(SUBJECT, (GOOD,)).decision is Decision.ALLOW


async def test_a_decision_has_a_second_or_what_is_written() -> None:
    """Its time is bounded."""
    assert (await policy("true")).budget == 1.0
    assert (await policy({"expression": "true", "timeout": 2.5})).budget == 2.5


async def test_a_verdict_that_reads_the_time_ends_with_its_second() -> None:
    """The expression gets whole seconds, so nothing changes before."""
    moment = SUBJECT.now + timedelta(milliseconds=250)
    subject = Subject(SUBJECT.reference, SUBJECT.descriptor, "", moment)
    whole = f'now == timestamp("{SUBJECT.now:%Y-%m-%dT%H:%M:%SZ}")'
    allowed, denied = (
        await decide(whole, GOOD, subject=subject),
        await decide(f"!({whole})", GOOD, subject=subject),
    )
    assert (allowed.decision, denied.decision) == (Decision.ALLOW, Decision.DENY)
    assert allowed.valid_until == denied.valid_until == SUBJECT.now + timedelta(seconds=1)
    assert (await decide(COSIGN, GOOD)).valid_until is None


async def test_a_policy_that_names_the_tag_says_so() -> None:
    """Its verdicts are remembered for tag and digest; asked by digest the tag is empty."""
    tagged = await policy('subject.tag == "v1"')
    assert tagged.reads_tag
    assert not (await policy(COSIGN)).reads_tag
    assert tagged.decide(SUBJECT, (GOOD,)).decision is Decision.ALLOW
    by_digest = Subject(
        Reference.parse("example.com/app").at(SUBJECT.descriptor.digest), SUBJECT.descriptor, "", SUBJECT.now
    )
    assert tagged.decide(by_digest, (GOOD,)).decision is Decision.DENY


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({}, "expression"),
        ({"expression": "true", "validations": [{"expression": "true"}]}, "expression"),
        ({"message": "no", "validations": [{"expression": "true"}]}, "message"),
        ({"message": "no"}, "expression"),
        ({"validations": []}, "expression"),
        ({"expression": "1"}, "expression"),
        ({"expression": "subject.tga == ''"}, "expression"),
        ({"validations": [{"expression": "true"}, {"expression": "artifact"}]}, "validations[1].expression"),
    ],
)
async def test_what_cannot_be_used_is_refused_when_the_configuration_is_read(
    document: dict[str, Any], path: str
) -> None:
    """With the place of the expression."""
    with pytest.raises(ConfigurationError) as error:
        await policy(document)
    assert error.value.path == path


class TestContract(PolicyContract):
    """What every policy has to do."""

    @pytest.fixture
    async def case(self) -> PolicyCase:
        """Return a policy that asks for one signature."""
        return PolicyCase(await policy(COSIGN), (GOOD,))


async def test_the_namespace_of_gatekeepers_key_reaches_the_policy() -> None:
    """And one namespace's verdict answers no other."""
    one = provider(signed(), policy=await policy('subject.namespace == "team"'))
    keys = ("[team]example.com/app:v1", "[other]example.com/app:v1", "example.com/app:v1")
    for _ in range(2):
        answered = [item["value"]["succeeded"] for item in await items(one, *keys)]
        assert answered == [True, False, False]
    await one.aclose()


async def test_each_of_several_expressions_must_be_true() -> None:
    """In any order, and over variables of every kind."""
    good = (COSIGN, 'subject.tag == "v1"', "now > timestamp(0)", "artifacts.size() == 1")
    bad = ("artifacts.size() == 2", 'subject.namespace == "team"', "artifacts[0].results[0].data.x == 1")
    wholly = await policy({"validations": [{"expression": each} for each in good]})
    assert wholly.decide(SUBJECT, (GOOD,)).decision is Decision.ALLOW
    for wrong in bad:
        for place in range(len(good) + 1):
            texts = [*good[:place], wrong, *good[place:]]
            built = await policy({"validations": [{"expression": each} for each in texts]})
            assert built.decide(SUBJECT, (GOOD,)).decision is Decision.DENY


async def test_what_one_expression_names_is_there_for_all() -> None:
    """Only what none of them can see is left out of the values; one that may see everything leaves out nothing."""
    digest = f'artifacts.exists(a, a.digest == "{GOOD.artifact.digest}")'
    signer = 'artifacts.exists(a, a.results.exists(r, "k" in r.signers))'
    few = await policy({"validations": [{"expression": digest}, {"expression": signer}]})
    assert few.left_out.artifact == ("artifactType", "readable")
    assert few.left_out.result == ("data", "message", "outcome", "reason", "type", "verifier")
    assert few.decide(SUBJECT, (GOOD,)).decision is Decision.ALLOW
    members = "artifacts.exists(a, a.size() == 4 && a.results.all(r, r.size() == 7))"
    every = await policy({"validations": [{"expression": digest}, {"expression": members}]})
    assert every.left_out == Unseen()
    assert every.decide(SUBJECT, (GOOD,)).decision is Decision.ALLOW


async def test_a_language_that_does_not_say_what_it_sees_gets_everything(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is an entry point, so that another implementation can take its place."""

    class Program:
        reads = frozenset({"artifacts"})

        def evaluate(self, values: Mapping[str, Any]) -> Answer:
            return Answer(
                values["artifacts"] == artifact_values((GOOD,), _Resources.verifier_types, with_nested=False)
            )

    class Language:
        def compile(self, source: Source) -> Program:
            return Program()

    monkeypatch.setattr(Registry, "load", lambda *_: Language())
    assert (await decide("anything", GOOD)).decision is Decision.ALLOW


COSIGN_ANY = 'artifacts.exists(a, a.results.exists(r, r.outcome == "PASSED"))'
NOT_ROOT = 'subject.image.user != "" && subject.image.user != "0"'


@pytest.mark.parametrize(
    "document", [NOT_ROOT, {"validations": [{"expression": COSIGN_ANY}, {"expression": NOT_ROOT}]}]
)
@pytest.mark.parametrize(
    ("users", "allowed"),
    [(("1000", "app"), True), (("1000", "0"), False), (("", "1000"), False), (("1000", ""), False)],
)
async def test_what_an_expression_asks_of_the_image_must_hold_on_every_platform(
    users: tuple[str, str], allowed: bool, document: dict[str, Any] | str
) -> None:
    """Which platform runs is not known."""
    store, names = MemoryStore(), ("amd64", "arm64")
    images = [
        add_configured_image(store, {"User": user}, architecture=name, tag=None)
        for user, name in zip(users, names, strict=True)
    ]
    entries = [entry(image, f"linux/{name}") for image, name in zip(images, names, strict=True)]
    store.attach(add_index(store, *entries), "application/test")
    result = await validate(store, policy=await policy(document))
    assert result.succeeded is allowed
    if not allowed:
        assert result.failure is not None
        assert result.failure.message.startswith("for linux/")


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        (NOT_ROOT, "Build the image so"),
        (COSIGN, "Attach evidence"),
        ('subject.namespace == "prod" && now.getDayOfWeek() == 5', "where and when"),
    ],
)
async def test_the_remedy_is_about_what_the_expression_reads(text: str, remedy: str) -> None:
    """No signature makes an image run as another user; one platform alone needs no name."""
    store = MemoryStore()
    store.attach(add_configured_image(store, {"User": "0"}), "application/test")
    result = await validate(store, policy=await policy(text))
    assert result.failure is not None
    assert result.failure.message.startswith("the expression is not true: ")
    assert remedy in result.failure.remedy


async def test_a_predicate_that_was_not_asked_for_is_told_from_other_fields() -> None:
    """The policy is right, and the verifier has to be told."""
    for text, remedy in (
        ('artifacts[0].results[0].data.predicate.a == "b"', "expose: [predicate]"),
        ("artifacts[0].results[0].data.other == 1", "has()"),
    ):
        verdict = await decide(text, GOOD)
        assert verdict.failure is not None
        assert remedy in verdict.failure.remedy


@pytest.mark.parametrize("document", [NOT_ROOT, "artifacts.size() == 1"])
async def test_an_expression_is_evaluated_beside_the_event_loop(
    document: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over large reports it would hold it."""
    threads, decide_ = [], ExpressionPolicy.decide

    def recorded(built: ExpressionPolicy, subject: Subject, reports: tuple[ArtifactReport, ...]) -> Verdict:
        threads.append(threading.current_thread())
        return decide_(built, subject, reports)

    monkeypatch.setattr(ExpressionPolicy, "decide", recorded)
    store = MemoryStore()
    store.attach(add_configured_image(store, {"User": "7"}), "application/test")
    assert (await validate(store, policy=await policy(document))).succeeded
    assert len(threads) == 1
    assert threading.current_thread() not in threads


async def test_an_image_of_which_nothing_is_known_denies() -> None:
    """`all` of no platforms is true."""
    failure = (await decide(NOT_ROOT, GOOD)).failure
    assert failure is not None
    assert (failure.reason, failure.message) == (Reason.POLICY_ERROR, "nothing is known of the image itself")


async def test_the_image_is_fetched_only_where_an_expression_names_it() -> None:
    """And what the reports say of themselves is no image."""
    assert (await policy(NOT_ROOT)).reads_image
    assert not (await policy('artifacts.exists(a, a.digest == "subject.image")')).reads_image
