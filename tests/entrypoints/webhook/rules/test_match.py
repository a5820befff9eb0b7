"""Rules and exceptions: what they are for, and which are refused."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.webhook.pod_images import Kind
from pyratify.entrypoints.webhook.rules.match import ObjectAttributes
from pyratify.entrypoints.webhook.rules.watch_rules import FollowedRules, load_rules
from pyratify.testing.fakes import FakeClock
from support.webhooks import ROOT, rules

POD, DEPLOYMENT = Kind("", "Pod"), Kind("apps", "Deployment")
EXCEPTION = """
exceptions:
  - name: legacy
    namespaces: [billing]
    images: [{image}]
    until: {until}
    reason: the vendor signs from March on
    approvedBy: security@example.com
"""


def matching(text: str, namespace: str = "team", kind: Kind = POD, **labels: str) -> list[str]:
    """Return the names of the rules for an object, the strictest first."""
    attributes = ObjectAttributes(namespace=namespace, kind=kind, labels=(labels,))
    return [rule.name for rule in rules(text).matching(attributes)]


def exception(image: Any = "example.com/app", until: str = "2026-07-01T00:00:00Z") -> str:
    """Return rules with an exception; the clock of the tests is at 2026-06-01."""
    return EXCEPTION.format(image=image, until=until)


def test_without_a_document_everything_is_denied_everywhere() -> None:
    """The default rule wants digests, too."""
    (rule,) = rules().matching(ObjectAttributes(namespace="any", kind=POD))
    assert (rule.name, rule.mode.value, rule.config.require_digest) == ("default", "deny", True)


def test_the_strictest_rule_is_the_first_whatever_their_order() -> None:
    """Deny before warn before audit."""
    text = "rules: [{name: a, mode: audit}, {name: d}, {name: w, mode: warn}, {name: d2, mode: deny}]"
    assert matching(text) == ["d", "d2", "w", "a"]


@pytest.mark.parametrize(
    ("namespace", "found"),
    [("prod", True), ("prod-eu", True), ("prod-eu-test", False), ("xprod", False), ("team", False), ("PROD", False)],
)  # fmt: skip
def test_namespaces_are_matched_whole(namespace: str, found: bool) -> None:
    """A star is any part of a name, and what is excluded is excluded."""
    text = "rules: [{name: a, namespaces: [prod, prod-*], excludeNamespaces: ['*-test']}]"
    assert bool(matching(text, namespace)) is found
    assert not matching("rules: [{name: a, namespaces: [pro]}]", namespace)


def test_kinds_are_matched_with_or_without_their_group() -> None:
    """An empty list is every kind."""
    text = "rules: [{name: a, kinds: [Deployment.apps]}, {name: b, kinds: [Pod]}, {name: c}]"
    assert matching(text, kind=DEPLOYMENT) == ["a", "c"]
    assert matching(text) == ["b", "c"]


@pytest.mark.parametrize(
    ("requirement", "labels", "found"),
    [
        ("{key: tier, operator: In, values: [web, db]}", {"tier": "db"}, True),
        ("{key: tier, operator: In, values: [web]}", {"tier": "db"}, False),
        ("{key: tier, operator: In, values: [web]}", {}, False),
        ("{key: tier, operator: NotIn, values: [web]}", {"tier": "web"}, False),
        ("{key: tier, operator: NotIn, values: [web]}", {}, True),
        ("{key: tier, operator: NotIn, values: [web]}", {"tier": "db"}, True),
        ("{key: tier, operator: Exists}", {"tier": ""}, True),
        ("{key: tier, operator: Exists}", {}, False),
        ("{key: tier, operator: DoesNotExist}", {}, True),
        ("{key: tier, operator: DoesNotExist}", {"tier": ""}, False),
    ],
)
def test_labels_are_matched_as_kubernetes_does(requirement: str, labels: dict[str, str], found: bool) -> None:
    """All lines of a selector have to be fulfilled."""
    text = f"rules: [{{name: a, namespaceSelector: {{matchLabels: {{app: x}}, matchExpressions: [{requirement}]}}}}]"
    for app, wanted in (("x", found), ("y", False)):
        attributes = ObjectAttributes(namespace="team", kind=POD, namespace_labels={"app": app, **labels})
        assert bool(rules(text).matching(attributes)) is wanted
    text = "rules: [{name: a, objectSelector: {matchLabels: {a: x, b: y}}}]"
    assert matching(text, a="x", b="y")
    assert not matching(text, a="x", b="z")


def test_namespaces_are_matched_by_their_labels() -> None:
    """Names and labels have to match, and an empty selector is every namespace."""
    text = "rules: [{name: a, namespaces: [team-*], namespaceSelector: {matchLabels: {env: prod}}}, {name: b, namespaceSelector: {}}]"
    found = rules(text)
    assert found.selects_namespaces
    for name, labels, wanted in (
        ("team-a", {"env": "prod"}, ["a", "b"]),
        ("team-a", {"env": "test"}, ["b"]),
        ("team-a", {}, ["b"]),
        ("other", {"env": "prod"}, ["b"]),
    ):
        attributes = ObjectAttributes(
            namespace=name, kind=POD, labels=({"env": "prod"},), namespace_labels=labels
        )
        assert [rule.name for rule in found.matching(attributes)] == wanted
    assert not rules().selects_namespaces


def test_labels_of_namespaces_need_a_cluster(tmp_path: Path) -> None:
    """Without one such rules are refused, also when they come later."""
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [{name: a, namespaceSelector: {}}]")
    with pytest.raises(ConfigurationError, match="needs the API server"):
        FollowedRules(path, FakeClock())
    assert FollowedRules(path, FakeClock(), has_cluster=True).current.selects_namespaces
    path.write_text("rules: [{name: b}]")
    followed = FollowedRules(path, FakeClock())
    path.write_text("rules: [{name: a, namespaceSelector: {}}]")
    assert not followed.refresh()
    assert followed.current.config.rules[0].name == "b"


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("rules: []", "rules"),
        ("rule: []", "unknown key"),
        ("rules: [{name: a}, {name: a}]", r"rules\[1\].name"),
        ("rules: [{name: ''}]", "name"),
        ("rules: [{name: a, mode: off}]", "mode"),
        ("rules: [{name: a, mode: Deny}]", "mode"),
        ("rules: [{name: a, namespaces: []}]", "namespaces"),
        ("rules: [{name: a, namespaces: [Prod]}]", "namespaces"),
        ("rules: [{name: a, namespaces: ['a**']}]", r"rules\[0\].namespaces"),
        ("rules: [{name: a, kinds: [Pods]}]", r"rules\[0\].kinds\[0\]"),
        ("rules: [{name: a, requireDigest: 1}]", "requireDigest"),
        ("rules: [{name: a, objectSelector: {matchExpressions: [{key: x, operator: In}]}}]", "In with 0"),
        ("rules: [{name: a, objectSelector: {matchExpressions: [{key: x, operator: Is, values: [a]}]}}]", "operator"),
        ("rules: [{name: a, objectSelector: {matchLabel: {}}}]", "unknown key"),
        (
            "rules: [{name: a}, {name: b, objectSelector: {matchExpressions: [{key: x, operator: DoesNotExist}]}}]",
            r"rules\[1\].objectSelector.matchExpressions\[0\]: .*DoesNotExist",
        ),
        (
            "rules: [{name: a, objectSelector: {matchExpressions: [{key: x, operator: NotIn, values: [y]}]}}]",
            r"rules\[0\].objectSelector.matchExpressions\[0\]: .*NotIn",
        ),
        ("podTemplates: [{group: apps, kind: Deployment}]", r"podTemplates\[0\]"),
        ("podTemplates: [{group: x.io, kind: A, path: spec}]", "path"),
        ("maxImages: 0", "maxImages"),
    ],
)  # fmt: skip
def test_a_document_that_says_nothing_clear_is_refused(text: str, where: str) -> None:
    """With the path, or what is wrong, in the message."""
    with pytest.raises(ConfigurationError, match=where):
        rules(text)


@pytest.mark.parametrize(
    ("image", "covered"),
    [
        ("example.com/app", "example.com/app:v9"),
        ("example.com/legacy/*", "example.com/legacy/a/b:v1"),
        (f"example.com/app@sha256:{'a' * 64}", f"example.com/app:v1@sha256:{'a' * 64}"),
    ],
)
def test_an_exception_covers_what_it_names(image: str, covered: str) -> None:
    """In its namespace, until its end, and not a moment longer."""
    clock = FakeClock()
    found = rules(exception(image), clock)
    codes = (Reason.NO_EVIDENCE,)
    reference = Reference.parse(covered)
    assert found.exemption("billing", reference, codes, clock.now()) is not None
    assert found.exemption("billings", reference, codes, clock.now()) is None
    assert found.exemption("billing", Reference.parse("example.com/other"), codes, clock.now()) is None
    clock.advance(30 * 86400 - 1)
    assert found.exemption("billing", reference, codes, clock.now()) is not None
    assert found.expired(clock.now()) == ()
    clock.advance(1)
    assert found.exemption("billing", reference, codes, clock.now()) is None
    assert found.expired(clock.now()) == ("legacy",)


@pytest.mark.parametrize(
    "image",
    ["'*'", "'*.example.com'", "example.com", "example.com/*", "docker.io", "localhost:5000", "Bad/Image", "x@sha256:1"],
)  # fmt: skip
def test_an_exception_that_is_too_broad_is_refused(image: str) -> None:
    """No registry, no zone, not everything; and what is no image."""
    with pytest.raises(ConfigurationError, match=r"exceptions\[0\].images"):
        rules(exception(image))


@pytest.mark.parametrize(
    ("text", "where"),
    [
        (exception(until="2026-07-01T00:00:00"), "until"),
        (exception(until="2026-07-01"), "until"),
        (exception(until="2028-01-01T00:00:00Z"), r"exceptions\[0\].until"),
        (exception().replace("    until", "    till"), "unknown key"),
        (exception().replace("[billing]", "[]"), "namespaces"),
        (exception().replace("[billing]", "['*']"), "namespaces"),
        (exception().replace("[billing]", "['bill*']"), "namespaces"),
        (exception().replace("    reason: the vendor signs from March on\n", ""), "reason"),
        (exception().replace("    approvedBy: security@example.com\n", ""), "approvedBy"),
        (exception() + "    codes: [WHATEVER]\n", "codes"),
    ],
)
def test_an_exception_has_an_end_an_owner_a_reason_and_namespaces(text: str, where: str) -> None:
    """All of them are required, and none is a pattern."""
    with pytest.raises(ConfigurationError, match=where):
        rules(text)


def test_the_documents_that_are_shipped_are_good() -> None:
    """Read from files, with the strict reader."""
    assert (
        load_rules(ROOT / "deploy" / "webhook" / "rules.yaml", FakeClock()).config.rules[0].name == "default"
    )


def test_the_rules_in_the_documentation_are_good() -> None:
    """Every member that there is stands in the example."""
    page = (ROOT / "docs" / "webhook.md").read_text()
    (example,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    found = rules(example)
    assert [rule.name for rule in found.config.rules] == ["production", "regulated", "dev", "payments"]
    assert found.pod_specs[Kind("argoproj.io", "Rollout")] == ("spec", "template", "spec")


def test_rules_are_followed_and_the_last_good_ones_are_kept(tmp_path: Path) -> None:
    """A file that is wrong changes nothing at first, and readiness after a minute; one that is right again does."""
    clock, path = FakeClock(), tmp_path / "rules.yaml"
    path.write_text("rules: [{name: one}]")
    followed = FollowedRules(path, clock)
    assert not followed.refresh()
    for text in (
        "",
        "# nothing",
        "rules: [",
        "rules: [",
        "rules: []",
        "x: 1",
        "rules: [{name: one}]\n---\n{}",
        "a: &a 1",
    ):
        path.write_text(text)
        assert not followed.refresh()
        assert followed.current.config.rules[0].name == "one"
    path.unlink()
    assert not followed.refresh()
    assert followed.unready_reason() == ""
    clock.advance(60)
    assert "older than their file" in followed.unready_reason()
    path.write_text("rules: [{name: two}]")
    assert followed.refresh()
    assert (followed.current.config.rules[0].name, followed.unready_reason()) == ("two", "")
    path.write_text("rules: [")
    followed.refresh()
    path.write_text("rules: [{name: two}]")
    assert not followed.refresh()
    assert followed.fault is None


def test_rules_that_are_wrong_at_the_beginning_are_an_error(tmp_path: Path) -> None:
    """The message names the file; JSON is read as JSON."""
    path = tmp_path / "rules.json"
    path.write_text('{"rules": [{"name": "a", "name": "b"}]}')
    with pytest.raises(ConfigurationError, match=r"rules\.json"):
        FollowedRules(path, FakeClock())


async def test_rules_are_looked_at_again_and_again(tmp_path: Path) -> None:
    """Until the watching task is cancelled; without a file there is nothing to look at."""
    path = tmp_path / "rules.yaml"
    path.write_text("rules: [{name: one}]")

    class Once(FakeClock):
        async def sleep(self, seconds: float) -> None:
            if self.slept:
                raise asyncio.CancelledError
            path.write_text("rules: [{name: two}]")
            await super().sleep(seconds)

    followed = FollowedRules(path, Once())
    with pytest.raises(asyncio.CancelledError):
        await followed.watch()
    assert followed.current.config.rules[0].name == "two"
    assert not FollowedRules().refresh()
    assert followed.clock.slept == [2.0]  # type: ignore[attr-defined]
