"""The policy rego-policy, embedded: Ratify v1's contract to the letter, and ours."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

pytest.importorskip("regorus", reason="the extra rego is not installed")

from pyratify.config.decode import decode
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.report import ArtifactReport, Decision, Outcome, Verdict
from pyratify.core.shared_resources import Shared
from pyratify.expressions.language import Answer, Program, Source
from pyratify.expressions.rego.rego_language import Rego
from pyratify.policies.rego_contract import Contract, RegoInput
from pyratify.policies.rego_plugin import RegoOptions, plugin
from pyratify.policies.rego_policy import RegoPolicy
from pyratify.testing.contracts import SUBJECT, PolicyCase, PolicyContract
from pyratify.testing.image_configs import add_configured_image
from pyratify.testing.memory import MemoryStore
from support.policy_reports import failed, inconclusive, passed, report, unread
from support.scenes import image, validate

# In the manner of the samples of Ratify v1: nothing that failed anywhere, and no artifact without a result.
SAMPLE = """
package ratify.policy

default valid := false

valid {
  not failed_verify(input)
}

failed_verify(reports) {
  [path, value] := walk(reports)
  value == false
  path[count(path) - 1] == "isSuccess"
}

failed_verify(reports) {
  [path, value] := walk(reports)
  path[count(path) - 1] == "verifierReports"
  count(value) == 0
}
"""
OURS = """
package pyratify

default allow := false

allow if {
  some artifact in input.artifacts
  some result in artifact.results
  result.verifier == "cosign"
  result.outcome == "PASSED"
}

deny contains msg if {
  some artifact in input.artifacts
  not artifact.readable
  msg := sprintf("%s could not be read", [artifact.digest])
}
"""
GOOD = report(1, passed("cosign", "k", signer="me"))


@dataclass(frozen=True)
class _Resources:
    base: Path = Path()
    verifiers: tuple[str, ...] = ("cosign",)
    verifier_types: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({"cosign": "cosign-type"})
    )
    shared: Shared = field(default_factory=Shared)


async def policy(text: str = SAMPLE, version: str = "v0", **more: Any) -> RegoPolicy:
    """Build the policy from its parameters."""
    document = {"policy": text, "regoVersion": version, **more}
    return await plugin.build("p", decode(RegoOptions, document, "parameters"), _Resources())


async def decide(built: RegoPolicy, *reports: ArtifactReport) -> Verdict:
    """Return the verdict; nothing is settled."""
    assert built.settled(reports) is False
    return await built.decide(SUBJECT, reports)


@pytest.mark.parametrize(
    ("reports", "allowed"),
    [
        ((GOOD, report(2, passed("cosign"), nested=(report(3, passed("cosign")),))), True),
        ((GOOD, report(2, failed("cosign"))), False),
        ((), False),
        ((GOOD, report(2, passed("cosign"), nested=(report(3, failed("cosign")),))), False),
        ((GOOD, report(2)), False),
        ((GOOD, report(2, inconclusive("cosign"))), False),
        ((GOOD, unread(2)), False),
        ((replace(GOOD, outcome=Outcome.INCONCLUSIVE, failure=unread(2).failure),), False),
        ((report(2, passed("cosign"), nested=(report(3),)),), False),
    ],
)
async def test_the_samples_of_ratify_v1_answer_as_they_do_there(
    reports: tuple[ArtifactReport, ...], allowed: bool
) -> None:
    """All good, one failed, none, a nested one failed, an artifact that no verifier reads; and their neighbours."""
    built = await policy()
    verdict = await decide(built, *reports)
    assert (verdict.decision is Decision.ALLOW) is allowed
    if not allowed:
        assert verdict.failure is not None
        assert verdict.failure.reason is Reason.POLICY_UNSATISFIED
    assert built.wants(()) is None
    assert built.descends(())


def test_the_input_has_ratify_v1s_shape() -> None:
    """Every member, with arrays that are never null."""
    made = RegoInput(Contract.RATIFY, {"cosign": "cosign-type"}).make(
        SUBJECT, (report(1, passed("cosign", "k", signer="me"), failed("x"), artifact_type="application/a"),)
    )
    (found,) = made["verifierReports"]
    good, bad = found["verifierReports"]
    assert set(found) == {"subject", "referenceDigest", "artifactType", "verifierReports", "nestedReports"}
    assert (found["artifactType"], found["nestedReports"]) == ("application/a", [])
    assert good == {
        "isSuccess": True,
        "message": "good",
        "errorReason": "",
        "remediation": "",
        "name": "cosign",
        "verifierName": "cosign",
        "type": "cosign-type",
        "verifierType": "cosign-type",
        "extensions": {"signer": "me"},
    }
    assert (bad["isSuccess"], bad["errorReason"], bad["remediation"]) == (False, "bad", "none")
    assert bad["message"] == "bad"


def test_what_could_not_be_read_is_a_report_that_is_no_success() -> None:
    """With every member: in Rego a comparison with a missing one is undefined, and its negation true."""
    make = RegoInput(Contract.RATIFY, {}).make
    (gone,) = make(SUBJECT, (unread(2),))["verifierReports"]
    (bad,) = make(SUBJECT, (report(1, failed("x")),))["verifierReports"]
    (found,) = gone["verifierReports"]
    assert set(found) == set(bad["verifierReports"][0])
    assert found["isSuccess"] is False
    assert (found["message"], found["errorReason"], found["remediation"]) == ("gone", "gone", "none")
    assert {found[name] for name in ("name", "verifierName", "type", "verifierType")} == {""}
    assert found["extensions"] == {}
    half = replace(GOOD, outcome=Outcome.INCONCLUSIVE, failure=unread(2).failure)
    (listed,) = make(SUBJECT, (half,))["verifierReports"]
    assert [each["isSuccess"] for each in listed["verifierReports"]] == [True, False]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ('valid := "yes"', Reason.POLICY_ERROR),
        ('valid := {"allow": true}', Reason.POLICY_ERROR),
        ('valid := {"allow": true, "deny": []}', Reason.POLICY_ERROR),
        ("valid := [true]", Reason.POLICY_ERROR),
        ("valid := {true}", Reason.POLICY_ERROR),
        ("valid[x] { x := true }", Reason.POLICY_ERROR),
        ("valid := 1", Reason.POLICY_ERROR),
        ("valid { input.nothing }", Reason.POLICY_ERROR),
        ("valid = true { true }\nvalid = false { true }", Reason.POLICY_ERROR),
        ("valid := false", Reason.POLICY_UNSATISFIED),
    ],
)
async def test_only_exactly_true_allows(body: str, reason: Reason) -> None:
    """Another type, undefined, a conflict, and false."""
    verdict = await decide(await policy(f"package ratify.policy\n{body}"), GOOD)
    assert verdict.decision is Decision.DENY
    assert verdict.failure is not None
    assert verdict.failure.reason is reason


async def test_a_package_in_place_of_ratify_v1s_rule_allows_nothing() -> None:
    """Its contract is a bool: an object of ours, which has `allow`, is none."""
    for package in ("package ratify.policy.valid\nallow := true", "package ratify.policy\nallow := true"):
        verdict = await decide(await policy(package), GOOD)
        assert verdict.failure is not None
        assert verdict.failure.reason is Reason.POLICY_ERROR
        assert "data.ratify.policy.valid is" in verdict.failure.message


NEWEST = """
package ratify.policy

import future.keywords.if

default valid := false

valid {
  not failed_verify(input)
}

failed_verify(reports) {
  not newest_is_good(reports)
}

newest_is_good(subject) if {
  found := [each | subject.verifierReports[i].verifierReports[j].type == "vulnerability"; each := subject.verifierReports[i].verifierReports[j]]
  ages := {age: i | age := time.now_ns() - time.parse_rfc3339_ns(found[i].extensions.createdAt)}
  found[ages[min([age | ages[age]])]].isSuccess == true
}
"""


@pytest.mark.parametrize(
    ("found", "allowed"),
    [
        ((("2026-05-01", True), ("2026-05-20", False)), False),
        ((("2026-05-01", False), ("2026-05-20", True)), True),
        ((("2026-05-20", True),), True),
        ((), False),
    ],
)
async def test_a_policy_over_the_newest_report_in_the_manner_of_ratify_v1s_library(
    found: tuple[tuple[str, bool], ...], allowed: bool
) -> None:
    """Its clock is that of the decision, and the verdict ends with the second."""
    reports = tuple(
        report(number, (passed if good else failed)("scan", createdAt=f"{day}T00:00:00Z"))
        for number, (day, good) in enumerate(found)
    )
    options = decode(RegoOptions, {"policy": NEWEST, "regoVersion": "v0"}, "parameters")
    built = await plugin.build("p", options, _Resources(verifier_types={"scan": "vulnerability"}))
    for order in (reports, reports[::-1]):
        verdict = await decide(built, *order)
        assert (verdict.decision is Decision.ALLOW) is allowed
        assert verdict.valid_until == SUBJECT.now + timedelta(seconds=1)


async def test_the_report_is_the_same_at_any_concurrency() -> None:
    """Reports are in the store's order, and nothing stops early."""
    kinds = [f"application/{number}" for number in range(12)]
    store, _ = image(*kinds)
    built = await policy()
    found = {(await validate(store, policy=built, concurrency=number)).to_json() for number in (1, 3, 32)}
    assert len(found) == 1
    assert '"decision":"ALLOW"' in found.pop()


async def test_passthrough_leaves_the_decision_to_the_reader() -> None:
    """As in Ratify v1: never allowed, and the report says everything."""
    store, _ = image("application/test")
    result = await validate(store, policy=await policy(passthroughEnabled=True))
    assert result.decision is Decision.NONE
    assert not result.succeeded
    assert len(result.artifacts) == 1


async def test_our_contract_has_subject_artifacts_and_messages() -> None:
    """And a message forbids what allow would allow."""
    built = await policy(OURS, "v1", contract="pyratify")
    assert (await decide(built, GOOD)).decision is Decision.ALLOW
    verdict = await decide(built, GOOD, unread(2))
    assert verdict.failure is not None
    assert verdict.failure.message.endswith("could not be read")
    assert (await decide(built)).decision is Decision.DENY
    assert not built.descends(())


async def test_what_an_input_has_costs_only_policies_that_name_it() -> None:
    """The tag is a part of what is remembered, and a verdict over the time ends with its second."""
    head = "package pyratify\ndefault allow := false\n"
    tagged = await policy(f'{head}allow if input.subject.tag == "v1"', "v1", contract="pyratify")
    timed = await policy(f'{head}allow if startswith(input.now, "2026-06-01")', "v1", contract="pyratify")
    nested = await policy(f"{head}allow if input.artifacts[0].nested == []", "v1", contract="pyratify")
    assert (tagged.reads_tag, timed.reads_tag) == (True, False)
    assert (await decide(tagged, GOOD)).decision is Decision.ALLOW
    verdict = await decide(timed, GOOD)
    assert (verdict.decision, verdict.valid_until) == (Decision.ALLOW, SUBJECT.now + timedelta(seconds=1))
    assert (await decide(tagged, GOOD)).valid_until is None
    assert nested.descends(())
    assert (await decide(nested, GOOD)).decision is Decision.ALLOW


@pytest.mark.parametrize(
    ("condition", "reads"),
    [
        ('input.subject.tag == "v1"', True),
        ('input.subject[_] == "v1"', True),
        ('input["subject"][_] == "v1"', True),
        ('asked := input.subject; asked[_] == "v1"', True),
        ('input.subject.repository == "app"', False),
    ],
)
async def test_verdicts_of_a_policy_that_may_read_the_tag_are_remembered_for_it(
    condition: str, *, reads: bool
) -> None:
    """Also where it reaches the tag without naming it."""
    text = f"package pyratify\ndefault allow := false\nallow if {{ {condition} }}"
    assert (await policy(text, "v1", contract="pyratify")).reads_tag is reads


@pytest.mark.parametrize(
    "denied",
    [
        'walk(input, [_, "FAILED"])',
        'input.artifacts[_].nested[_].results[_].outcome == "FAILED"',
        'input.artifacts[_]["nest\\u0065d"][_].results[_].outcome == "FAILED"',
    ],
)
async def test_a_policy_that_may_read_what_is_nested_sees_it(denied: str) -> None:
    """A walk over everything that does not see a failure would allow."""
    body = f'package pyratify\nallow := true\ndeny contains "failed" if {denied}\n'
    built = await policy(body, "v1", contract="pyratify")
    assert built.descends(())
    below = report(1, passed("cosign"), nested=(report(2, failed("cosign")),))
    assert (await decide(built, below)).decision is Decision.DENY
    assert (await decide(built, GOOD)).decision is Decision.ALLOW


async def test_a_policy_that_does_not_name_the_time_does_not_see_it() -> None:
    """Its verdict is kept for longer than a second, so none may depend on a time under a name that is put together."""
    body = 'package pyratify\nimport rego.v1\ndefault allow := false\nallow if input[concat("", ["n", "ow"])] != ""\n'
    hidden = await policy(body, "v1", contract="pyratify")
    verdict = await decide(hidden, GOOD)
    assert (verdict.decision, verdict.valid_until) == (Decision.DENY, None)
    named = await policy(body + "# now\n", "v1", contract="pyratify")
    verdict = await decide(named, GOOD)
    assert (verdict.decision, verdict.valid_until) == (Decision.ALLOW, SUBJECT.now + timedelta(seconds=1))


async def test_the_image_is_an_input_where_it_is_asked_for() -> None:
    """And the answer must be true for every platform."""
    head = "package pyratify\ndefault allow := false\n"
    built = await policy(
        f'{head}allow if input.subject.image.user == "7"', "v1", contract="pyratify", image=True
    )
    for user, allowed in (("7", True), ("0", False)):
        store = MemoryStore()
        store.attach(add_configured_image(store, {"User": user}), "application/test")
        assert (await validate(store, policy=built)).succeeded is allowed


@pytest.mark.parametrize(
    ("users", "allowed"), [(("7", "7"), True), (("7", "0"), False), (("0", "7"), False), (("0", "0"), False)]
)
async def test_the_answer_must_be_true_for_every_platform(users: tuple[str, str], allowed: bool) -> None:
    """Wherever in the index the other one is; and none of nothing."""
    body = 'package pyratify\ndefault allow := false\nallow if input.subject.image.user == "7"'
    built = await policy(body, "v1", contract="pyratify", image=True)
    images = tuple({"platform": f"linux/{number}", "user": user} for number, user in enumerate(users))
    verdict = await built.decide(replace(SUBJECT, images=images), (GOOD,))
    assert (verdict.decision is Decision.ALLOW) is allowed
    if verdict.failure is not None:
        assert verdict.failure.message == f"for linux/{users.index('0')}: data.pyratify.allow is not true"
        assert verdict.failure.remedy.startswith("Build the image")
    unknown = await built.decide(SUBJECT, (GOOD,))
    assert unknown.failure is not None
    assert (unknown.decision, unknown.failure.reason) == (Decision.DENY, Reason.POLICY_ERROR)


async def test_a_denial_says_every_message_of_the_policy() -> None:
    """In their order; without any, what was asked."""
    body = 'package pyratify\nallow := true\ndeny contains "one"\ndeny contains "two"'
    for text, said in (
        (body, "one; two"),
        ("package pyratify\nallow := false", "data.pyratify.allow is not true"),
    ):
        failure = (await decide(await policy(text, "v1", contract="pyratify"), GOOD)).failure
        assert failure is not None
        assert failure.message == said
    failure = (await decide(await policy("package ratify.policy\nvalid := false"), GOOD)).failure
    assert failure is not None
    assert failure.message == "data.ratify.policy.valid is not true"


async def test_a_policy_in_a_file_is_a_part_of_the_fingerprint(tmp_path: Path) -> None:
    """Another text is another configuration."""
    path = tmp_path / "policy.rego"
    path.write_text(SAMPLE)
    options = decode(RegoOptions, {"policyPath": "policy.rego", "regoVersion": "v0"}, "parameters")
    resources = _Resources(tmp_path)
    built = await plugin.build("p", options, resources)
    assert (await decide(built, GOOD)).decision is Decision.ALLOW
    first = resources.shared.fingerprint.generation(b"k")
    path.write_text(f"{SAMPLE}\n# more\n")
    other = _Resources(tmp_path)
    await plugin.build("p", options, other)
    assert other.shared.fingerprint.generation(b"k") != first


@pytest.mark.parametrize(
    ("document", "path"),
    [
        ({"policy": SAMPLE}, "regoVersion"),
        ({"regoVersion": "v0"}, "policy"),
        ({"policy": SAMPLE, "policyPath": "x", "regoVersion": "v0"}, "policy"),
        ({"policyPath": "missing.rego", "regoVersion": "v0"}, "policyPath"),
        ({"policy": SAMPLE, "regoVersion": "v1"}, "policy"),
        ({"policy": OURS, "regoVersion": "v1"}, "policy"),
        ({"policy": SAMPLE, "regoVersion": "v2"}, "parameters.regoVersion"),
        ({"policy": SAMPLE, "regoVersion": "v0", "opa": {"url": "unix:/x"}}, "opa"),
        ({"policy": SAMPLE, "regoVersion": "v0", "image": True}, "image"),
        ({"engine": "opa"}, "opa"),
        ({"engine": "opa", "opa": {"url": "http://opa.example.com"}}, "opa.url"),
        ({"engine": "opa", "opa": {"url": "unix:"}}, "opa.url"),
        ({"engine": "opa", "opa": {"url": "unix:///"}}, "opa.url"),
        ({"engine": "opa", "opa": {"url": "unix:run/opa.sock"}}, "opa.url"),
        ({"engine": "opa", "opa": {"url": "unix://run/opa.sock"}}, "opa.url"),
        ({"engine": "opa", "opa": {"url": "unix:/x"}, "policy": SAMPLE}, "policy"),
        ({"engine": "opa", "opa": {"url": "unix:/x"}, "policyPath": "x"}, "policyPath"),
        ({"engine": "opa", "opa": {"url": "unix:/x"}, "regoVersion": "v1"}, "regoVersion"),
        ({"engine": "opa", "opa": {"url": "unix:/x", "caFile": "none.pem"}}, "opa.caFile"),
    ],
)
async def test_what_cannot_be_used_is_refused_with_its_path(document: dict[str, Any], path: str) -> None:
    """When the configuration is read."""
    with pytest.raises(ConfigurationError) as error:
        await plugin.build("p", decode(RegoOptions, document, "parameters"), _Resources())
    assert error.value.path == path


@pytest.mark.parametrize(
    ("document", "said", "remedy"),
    [
        (
            {"policy": "package ratify.policy\nvalid { true }", "regoVersion": "v1"},
            "line|:2:",
            "regoVersion: v0",
        ),
        ({"policy": "package ratify.policy\nvalid if true", "regoVersion": "v0"}, ":2:", "regoVersion: v1"),
        ({"policy": "package ratify.policy\nvalid {", "regoVersion": "v0"}, ":2:", "Correct the policy"),
        (
            {"policy": "package pyratify\nallow := true", "regoVersion": "v0"},
            r"data\.pyratify",
            "package ratify.policy",
        ),
        (
            {"policy": "package ratify\nallow := true", "regoVersion": "v1", "contract": "pyratify"},
            r"data\.ratify",
            "package pyratify",
        ),
        (
            {"policyPath": "missing.rego", "regoVersion": "v0"},
            "missing.rego cannot be read: No such",
            "Check the path",
        ),
        ({"policyPath": "binary.rego", "regoVersion": "v0"}, "binary.rego is no text", "Rego"),
        ({"policy": SAMPLE, "policyPath": "x", "regoVersion": "v0"}, "both given", "policyPath"),
        ({"regoVersion": "v0"}, "either policy or policyPath", "policyPath"),
        ({"policy": SAMPLE, "regoVersion": "v0", "image": True}, "no image", "contract: pyratify"),
        (
            {"engine": "opa", "opa": {"url": "unix:/x", "caFile": "none.pem"}},
            "none.pem cannot be read",
            "Check the path",
        ),
        ({"engine": "opa", "opa": {"url": "unix:/x", "caFile": "binary.rego"}}, "neither DER nor", "PEM"),
    ],
)
async def test_a_refusal_says_what_to_do(
    tmp_path: Path, document: dict[str, Any], said: str, remedy: str
) -> None:
    """True for this very case: the other syntax is named only where the policy is written in it."""
    (tmp_path / "binary.rego").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match=said) as error:
        await plugin.build("p", decode(RegoOptions, document, "parameters"), _Resources(tmp_path))
    assert remedy in error.value.remedy


@dataclass
class _Plain:
    """A program of another implementation, which can only be called."""

    program: Program
    threads: list[threading.Thread] = field(default_factory=list)

    @property
    def reads(self) -> frozenset[str]:
        return self.program.reads

    def evaluate(self, values: Mapping[str, Any]) -> Answer:
        self.threads.append(threading.current_thread())
        return self.program.evaluate(values)


async def test_a_program_that_can_only_be_called_is_called_in_a_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Languages are plugins."""
    compile_, made = Rego.compile, []

    def compiled(language: Rego, source: Source) -> _Plain:
        made.append(_Plain(compile_(language, source)))
        return made[-1]

    monkeypatch.setattr(Rego, "compile", compiled)
    built = await policy()
    for reports, decision in (((GOOD,), Decision.ALLOW), ((GOOD, report(2)), Decision.DENY)):
        assert (await decide(built, *reports)).decision is decision
    (plain,) = made
    assert len(plain.threads) == 2
    assert threading.current_thread() not in plain.threads


class TestContract(PolicyContract):
    """What every policy has to do."""

    @pytest.fixture
    async def case(self) -> PolicyCase:
        """Return the sample of Ratify v1."""
        return PolicyCase(await policy(), (GOOD,))
