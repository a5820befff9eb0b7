"""What is shipped lets nothing through, and what would is found."""

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.config.yaml import dumps, loads_all
from pyratify.entrypoints.cli import main as ratify
from pyratify.entrypoints.webhook.audit_manifests import weaknesses
from pyratify.entrypoints.webhook.pod_images import POD_SPECS
from support.webhooks import ROOT

FOLDER = ROOT / "deploy" / "webhook"
FILES = ("mutating.yaml", "validating.yaml")


def shipped(name: str) -> dict[str, Any]:
    """Return the webhook configuration of a file."""
    (found,) = loads_all((FOLDER / name).read_bytes())
    return dict(found)


def changed(name: str, change: Callable[[dict[str, Any]], Any]) -> dict[str, Any]:
    """Return it with its webhook changed."""
    found = copy.deepcopy(shipped(name))
    change(found["webhooks"][0])
    return found


def test_what_is_shipped_lets_nothing_through() -> None:
    """Both together, as they are applied."""
    assert weaknesses([shipped(name) for name in FILES]) == ()


def test_what_the_api_server_defaults_to_is_not_blamed() -> None:
    """Without a failure policy it refuses, and without a match policy it converts."""
    found = changed(
        "validating.yaml", lambda hook: [hook.pop(name) for name in ("failurePolicy", "matchPolicy")]
    )
    assert weaknesses([found]) == ()


@pytest.mark.parametrize(
    "client",
    [
        {"service": {"name": "policy", "namespace": "policy", "path": "/validate/fail"}},
        {"url": "https://127.0.0.1:1/other"},
        {"service": {"name": "policy", "namespace": "policy"}},
    ],
)
def test_a_webhook_that_judges_no_images_covers_nothing(client: dict[str, Any]) -> None:
    """Another product's webhook is asked about every Pod, and ratify's is absent."""
    other = changed("validating.yaml", lambda hook: hook.update(clientConfig=client, namespaceSelector={}))
    (found,) = weaknesses([other])
    assert found.message == "none of Ratify's or Gatekeeper's looks at Pods"


def test_a_webhook_named_by_its_address_is_known() -> None:
    """As outside of the cluster."""
    client = {"url": "https://127.0.0.1:1/validate?x=1"}
    ours = changed("validating.yaml", lambda hook: hook.update(clientConfig=client, namespaceSelector={}))
    assert weaknesses([ours]) == ()


@pytest.mark.parametrize("name", FILES)
def test_what_is_shipped_asks_about_every_kind_that_is_known(name: str) -> None:
    """And about nothing whose images are not: every resource is the plural of a kind, or one that adds containers."""
    (hook,) = shipped(name)["webhooks"]
    asked = {
        (group, each) for rule in hook["rules"] for group in rule["apiGroups"] for each in rule["resources"]
    }
    kinds = {(kind.group, f"{kind.name.lower()}s") for kind in POD_SPECS}
    assert asked == kinds | {("", "pods/ephemeralcontainers")}
    assert (hook["sideEffects"], hook["admissionReviewVersions"]) == ("None", ["v1"])


WEAK: tuple[tuple[str, Callable[[dict[str, Any]], Any], str], ...] = (
    ("validating.yaml", lambda hook: hook.update(failurePolicy="Ignore"), "every image is admitted"),
    ("mutating.yaml", lambda hook: hook.update(failurePolicy="Ignore"), "every image is admitted"),
    ("validating.yaml", lambda hook: hook.update(objectSelector={"matchLabels": {"a": "b"}}), "chooses its labels"),
    ("validating.yaml", lambda hook: hook.update(matchConditions=[{"name": "a"}]), "before they are judged"),
    ("validating.yaml", lambda hook: hook.update(matchPolicy="Exact"), "another version"),
    ("mutating.yaml", lambda hook: hook.pop("reinvocationPolicy"), "not pinned"),
    ("validating.yaml", lambda hook: hook.update(namespaceSelector={"matchLabels": {"a": "b"}}), "certain labels"),
    ("validating.yaml", lambda hook: hook["rules"][0]["resources"].remove("pods/ephemeralcontainers"), "ephemeral"),
    ("validating.yaml", lambda hook: hook["rules"][0].update(operations=["CREATE"]), "UPDATE of pods"),
    ("validating.yaml", lambda hook: hook["rules"].pop(), "CREATE and UPDATE of cronjobs.batch"),
    ("validating.yaml", lambda hook: hook["rules"][1].update(scope="Cluster"), "deployments.apps"),
    ("validating.yaml", lambda hook: hook["rules"][1].update(apiVersions=["v1beta1"]), "deployments.apps"),
    ("validating.yaml", lambda hook: hook["rules"][0].update(apiVersions=["v2"]), "none of Ratify's or Gatekeeper's looks at Pods"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "what"), WEAK, ids=lambda each: each if isinstance(each, str) else ""
)
def test_a_way_around_is_found(name: str, change: Callable[[dict[str, Any]], Any], what: str) -> None:
    """Each by itself, with its place and what to do."""
    found = weaknesses([changed(name, change)])
    assert found
    assert any(what in each.message for each in found)
    assert all(each.place and each.remedy for each in found)


@pytest.mark.parametrize(
    ("requirement", "what"),
    [
        (
            {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "prod"]},
            "prod",
        ),
        ({"key": "admit", "operator": "DoesNotExist"}, "by the label admit"),
        ({"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a"]}, "by the label"),
    ],
)
def test_namespaces_that_are_left_out_are_found(requirement: dict[str, Any], what: str) -> None:
    """All but the cluster's own and the webhook's."""
    selector = {"matchExpressions": [requirement]}
    (found,) = weaknesses([changed("validating.yaml", lambda hook: hook.update(namespaceSelector=selector))])
    assert what in found.message
    assert "kube-system" not in found.message


def test_gatekeepers_ways_around_are_found() -> None:
    """A constraint that only warns, and a mutation that gives up; also in a list."""
    constraint = {
        "apiVersion": "constraints.gatekeeper.sh/v1beta1",
        "kind": "Ratify",
        "spec": {"enforcementAction": "warn"},
    }
    external = {"provider": "p", "failurePolicy": "UseDefault"}
    assign = {
        "apiVersion": "mutations.gatekeeper.sh/v1",
        "kind": "Assign",
        "spec": {"parameters": {"assign": {"externalData": external}}},
    }
    found = weaknesses([{"kind": "List", "items": [constraint, assign, None]}, 7, None])
    assert [each.place for each in found] == ["Ratify None", "Assign None"]


def test_other_webhooks_are_ignored() -> None:
    """What does not look at Pods decides nothing about images; where no webhook does, that is reported."""
    other = changed("validating.yaml", lambda hook: hook.update(failurePolicy="Ignore"))
    other["webhooks"][0]["rules"] = [{"apiGroups": [""], "operations": ["*"], "resources": ["secrets"]}]
    assert weaknesses([other, shipped("validating.yaml"), {"kind": "ConfigMap"}]) == ()
    (found,) = weaknesses([other])
    assert found.message == "none of Ratify's or Gatekeeper's looks at Pods"
    assert weaknesses([shipped("mutating.yaml")]) == ()


REFUSED: tuple[tuple[list[str], list[str], str], ...] = (
    ([""], ["pods/*"], "every scheduling of a Pod and every eviction of a Pod"),
    (["*"], ["pods/binding"], "every scheduling of a Pod"),
    ([""], ["pods/eviction"], "every eviction of a Pod"),
    (["apps"], ["deployments/scale"], "every scaling of it"),
    (["apps"], ["statefulsets/*"], "every scaling of it"),
    ([""], ["replicationcontrollers/*"], "every scaling of it"),
    (["apps"], ["*/scale"], "every scaling of it"),
    ([""], ["*/*"], "every object of other kinds"),
    (["apps"], ["*"], "every object of other kinds"),
    (["*"], ["*"], "every object of other kinds"),
    (["*"], ["*/status"], "every one of other kinds"),
    ([""], ["secrets"], "every one of it"),
    ([""], ["serviceaccounts/token"], "every one of it"),
    (["argoproj.io"], ["rollouts"], "every one of it"),
    (["argoproj.io"], ["rollouts/status"], "every one of it"),
    (["apps"], ["pods"], "every one of it"),
)


@pytest.mark.parametrize(("groups", "resources", "what"), REFUSED, ids=lambda each: str(each)[:30])
@pytest.mark.parametrize("name", FILES)
def test_rules_that_send_what_has_no_images_are_found(
    name: str, groups: list[str], resources: list[str], what: str
) -> None:
    """The webhook would refuse all of it, as every binding and scaling, for no image's sake."""
    rule = {
        "apiGroups": groups,
        "apiVersions": ["*"],
        "operations": ["CREATE", "UPDATE"],
        "resources": resources,
    }
    found = weaknesses([changed(name, lambda hook: hook["rules"].append(rule))])
    assert [each.message for each in found] == [
        f"{resources[0]} brings what has no images that are known, and {what} would be refused"
    ]
    assert found[0].place.endswith("verify.ratify.sh" if name == FILES[1] else "pin.ratify.sh")
    assert found[0].remedy


@pytest.mark.parametrize(("resource", "group"), [("pods/*", ""), ("deployments/scale", "apps")])
def test_a_webhook_for_nothing_but_subresources_is_looked_at(resource: str, group: str) -> None:
    """Though it looks at no Pod."""
    rule = {"apiGroups": [group], "apiVersions": ["*"], "operations": ["*"], "resources": [resource]}
    other = changed("validating.yaml", lambda hook: hook.update(rules=[rule]))
    (found,) = weaknesses([shipped("validating.yaml"), other])
    assert found.message.startswith(f"{resource} brings what has no images")


@pytest.mark.parametrize(
    ("groups", "resources", "operations"),
    [
        ([""], ["pods/status", "pods/resize", "pods/ephemeralcontainers"], ["UPDATE"]),
        ([""], ["pods/*"], ["UPDATE"]),
        (["apps"], ["deployments/scale"], ["CREATE"]),
        ([""], ["pods/exec", "pods/attach"], ["CONNECT"]),
        ([""], ["pods/exec", "pods/portforward"], ["*"]),
        ([""], ["secrets"], ["DELETE"]),
        (["apps"], ["deployments/status", "daemonsets/*"], ["*"]),
        (["batch"], ["*", "*/*", "jobs/*"], ["*"]),
        (["*"], ["pods", "jobs"], ["*"]),
    ],
)
def test_rules_for_what_holds_pods_refuse_nothing_for_nothing(
    groups: list[str], resources: list[str], operations: list[str]
) -> None:
    """Subresources that are written with the object itself are judged by its images; connections bring none."""
    rule = {"apiGroups": groups, "apiVersions": ["*"], "operations": operations, "resources": resources}
    assert weaknesses([changed("validating.yaml", lambda hook: hook["rules"].append(rule))]) == ()


def test_a_rule_for_the_clusters_own_is_for_no_subresource_of_a_namespace() -> None:
    """The API server never asks; but it asks about nodes, and all of them would be refused."""
    rule = {
        "apiGroups": [""],
        "apiVersions": ["*"],
        "operations": ["*"],
        "resources": ["pods/*", "nodes"],
        "scope": "Cluster",
    }
    (found,) = weaknesses([changed("validating.yaml", lambda hook: hook["rules"].append(rule))])
    assert found.message.startswith("nodes brings")


def test_other_kinds_are_known_or_admitted_by_the_rules(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`podTemplates` names kinds that hold a Pod, `unknownKinds: allow` admits the rest."""
    rule = {
        "apiGroups": ["argoproj.io"],
        "apiVersions": ["*"],
        "operations": ["*"],
        "resources": ["rollouts"],
    }
    manifest, rules = tmp_path / "webhook.yaml", tmp_path / "rules.json"
    manifest.write_text(dumps(changed("validating.yaml", lambda hook: hook["rules"].append(rule))))
    assert ratify(["webhook", "check", str(manifest)]) == 3
    assert "rollouts brings what has no images that are known" in capsys.readouterr().err
    for document in (
        {"podTemplates": [{"group": "argoproj.io", "kind": "Rollout"}]},
        {"unknownKinds": "allow"},
    ):
        rules.write_text(json.dumps(document))
        assert ratify(["webhook", "check", "--rules", str(rules), str(manifest)]) == 0
        assert capsys.readouterr().out == "nothing is wrong\n"


def test_what_gatekeeper_is_sent_is_not_refused() -> None:
    """Its templates look at the kinds that their constraints name."""
    client = {"service": {"name": "gatekeeper", "namespace": "ratify-system", "path": "/v1/admit"}}
    rule = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*", "pods/*"]}
    found = changed(
        "validating.yaml", lambda hook: hook.update(clientConfig=client, rules=[*hook["rules"], rule])
    )
    assert weaknesses([found]) == ()


@pytest.mark.parametrize(
    "junk", [{"webhooks": 7}, {"webhooks": [7, {"rules": 7}, {"rules": [{"resources": 7}]}]}]
)
def test_what_is_no_manifest_says_nothing(junk: dict[str, Any]) -> None:
    """Whatever its shape."""
    assert weaknesses([{"kind": "MutatingWebhookConfiguration", **junk}]) == ()


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0 where nothing is wrong, 3 where something is, also in the rules; expired exceptions are named."""
    files = [str(FOLDER / name) for name in FILES]
    assert ratify(["webhook", "check", "--rules", str(FOLDER / "rules.yaml"), *files]) == 0
    assert capsys.readouterr().out == "nothing is wrong\n"
    weak = tmp_path / "weak.yaml"
    weak.write_text((FOLDER / FILES[1]).read_text().replace("failurePolicy: Fail", "failurePolicy: Ignore"))
    assert ratify(["webhook", "check", str(weak)]) == 3
    said = capsys.readouterr().err
    assert (
        "ValidatingWebhookConfiguration ratify-webhook, webhook verify.ratify.sh: while the webhook is down"
        in said
    )
    assert "what to do: Set failurePolicy: Fail." in said
    rules = tmp_path / "rules.json"
    rules.write_text('{"rules": []}')
    assert ratify(["webhook", "check", "--rules", str(rules)]) == 3
    assert "rules.json: rules: " in capsys.readouterr().err
    rules.write_text(
        '{"exceptions": [{"name": "old", "namespaces": ["a"], "images": ["r.io/a"], "until": "2020-01-01T00:00:00Z",'
        ' "reason": "was", "approvedBy": "somebody"}]}'
    )
    assert ratify(["webhook", "check", "--rules", str(rules)]) == 0
    assert "exception old has expired" in capsys.readouterr().err
    assert ratify(["webhook", "check"]) == 3


def test_the_help_of_the_check_promises_no_watching(capsys: pytest.CaptureFixture[str]) -> None:
    """Rules are read once; only the server reads them again."""
    assert ratify(["webhook", "check", "--help"]) == 0
    assert "read again" not in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_the_command_reads_what_kubectl_prints(
    form: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """From standard input, as JSON or YAML; what is no document, too large or nothing at all is an error."""
    items = [shipped(name) for name in FILES]
    items[1]["webhooks"][0]["failurePolicy"] = "Ignore"
    listed = {"apiVersion": "v1", "kind": "List", "items": items}
    text = json.dumps(listed, indent=4) if form == "json" else dumps(listed)
    for data, said in (
        (text.encode(), "webhook verify.ratify.sh: while the webhook is down"),
        (b"{", "JSON"),
        (b"a: [", "not YAML"),
        (b"", "there is no manifest in standard input"),
        (b"---\n", "there is no manifest in standard input"),
        (b"executors: []\n", "there is no manifest in standard input"),
        (b'{"apiVersion": "v1", "kind": "List", "items": []}', "there is no manifest in standard input"),
        (b" " * 2**21, "more than"),
    ):
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))
        assert ratify(["webhook", "check", "-"]) == 3
        assert said in capsys.readouterr().err
