"""The Helm chart, rendered by helm for many values: what it makes of them, and what it refuses."""

import asyncio
import json
import re
import sys
from argparse import ArgumentParser
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.x509 import load_pem_x509_certificate

from manifests.chart_values import (
    AZURE,
    CERTIFICATE,
    COSIGN,
    IN_A_FILE,
    KEY,
    KEYLESS,
    NOTATION,
    OTHER,
    OWN_TLS,
    RATIFY_V2,
    SCOPES,
    VALUES,
    WEBHOOK,
    merged,
)
from manifests.helm import CHART, HELM, IMAGE, NAMESPACE, NotRendered, documents, one, render, run
from pyratify.config.check import check_config
from pyratify.config.load import decode_config
from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.clock import SystemClock
from pyratify.core.scope import canonical_scope, check_scope
from pyratify.entrypoints.gatekeeper import provider_flags as gatekeeper
from pyratify.entrypoints.webhook import webhook_flags as webhook
from pyratify.entrypoints.webhook.audit_manifests import weaknesses
from pyratify.entrypoints.webhook.rules.watch_rules import load_rules
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.tls import Authority

pytestmark = pytest.mark.interop
FILES_OF_FLAGS = (
    "config",
    "cert_file",
    "key_file",
    "client_ca_file",
    "rules",
    "shared_cache_key_file",
    "shared_cache_password_file",
    "shared_cache_ca_file",
)
SERVICE = "r-ratify-gatekeeper-provider"


@pytest.fixture(scope="session", autouse=True)
def helm() -> None:
    """The program, or skipped tests."""
    if not HELM.exists():
        pytest.skip("run `make peers` first: there is no helm")


@pytest.fixture(scope="session")
def rendered(helm: None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Every rendering of `VALUES`, by name; a key that is written twice anywhere fails here."""
    folder = tmp_path_factory.mktemp("chart")
    return {name: render(values, folder) for name, values in VALUES.items()}


def executors(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the executors of a rendering, from resources or from the file."""
    resources = [document["spec"] for document in found if document["kind"] == "Executor"]
    files = [
        json.loads(document["stringData"]["config.json"])["executors"]
        for document in found
        if document["metadata"]["name"] == f"{SERVICE}-config"
    ]
    return resources or [spec for specs in files for spec in specs]


def arguments(found: list[dict[str, Any]]) -> list[str]:
    """Return the arguments of the program."""
    (container,) = one(found, "Deployment")["spec"]["template"]["spec"]["containers"]
    return list(container["args"])


@pytest.mark.parametrize("name", VALUES)
def test_every_container_is_confined(name: str, rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Not root, nothing it could write to but what is empty and small, no capabilities, the runtime's own seccomp profile."""
    pod = one(rendered[name], "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        }
        assert set(container["resources"]) == {"limits", "requests"}
        assert {mount["name"] for mount in container["volumeMounts"]} == {
            volume["name"] for volume in pod["volumes"]
        }
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all("hostPath" not in volume for volume in pod["volumes"])


@pytest.mark.parametrize("name", VALUES)
def test_probes_ask_what_the_program_serves(name: str, rendered: dict[str, list[dict[str, Any]]]) -> None:
    """`/healthz` and `/readyz` on the port of health."""
    (container,) = one(rendered[name], "Deployment")["spec"]["template"]["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "health"}
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "health"}
    assert f"--health-address=:{ports['health']}" in container["args"]
    assert f"--address=:{ports['https']}" in container["args"]


@pytest.mark.parametrize("name", VALUES)
def test_the_program_takes_its_arguments(name: str, rendered: dict[str, list[dict[str, Any]]]) -> None:
    """They are parsed by the program's own parser, and every file they name is mounted."""
    parser = ArgumentParser(exit_on_error=False)
    command, verb, *given = arguments(rendered[name])
    assert verb == "serve"
    {"gatekeeper": gatekeeper.add_flags, "webhook": webhook.add_flags}[command](parser)
    flags = vars(parser.parse_args(given))
    (container,) = one(rendered[name], "Deployment")["spec"]["template"]["spec"]["containers"]
    mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    files = [flags[flag] for flag in FILES_OF_FLAGS if flags.get(flag)]
    assert all(str(Path(file).parent) in mounts for file in files)
    assert (flags["config"] is None) == ("--disable-crd-manager" not in given)
    assert bool(flags["cert_file"]) == flags["disable_cert_rotation"]
    assert command == "webhook" or bool(flags["client_ca_file"]) != flags["allow_any_client"]


@pytest.mark.parametrize("name", VALUES)
def test_names_and_labels_are_those_of_kubernetes(
    name: str, rendered: dict[str, list[dict[str, Any]]]
) -> None:
    """Names are short enough, everything has the release's labels, and the selectors find the Pods."""
    found = rendered[name]
    for document in found:
        assert len(document["metadata"]["name"]) <= (63 if document["kind"] == "Service" else 253)
        assert document["metadata"]["labels"]["app.kubernetes.io/instance"] == "r"
        assert document["metadata"].get("namespace", NAMESPACE) in (NAMESPACE, "default")
    labels = one(found, "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    selectors = [
        document["spec"]["selector"].get("matchLabels", document["spec"]["selector"])
        for document in found
        if document["kind"] in ("Service", "Deployment", "PodDisruptionBudget")
    ]
    assert all(selector.items() <= labels for selector in selectors)


@pytest.mark.parametrize(
    "name", sorted(VALUES.keys() - {"azure", "files", "own-config", "no-executor", "secrets"})
)
async def test_the_engine_accepts_the_executors(
    name: str, rendered: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """Every verifier, store and policy can be built from what the chart writes."""
    found = executors(rendered[name])
    assert found
    assert await check_config(decode_config({"executors": found}, tmp_path)) == ()


def mounted(folder: Path, files: dict[str, str]) -> None:
    """Lay files out as a node mounts a Secret: links to a folder that is itself a link and is exchanged whole."""
    folder.mkdir(parents=True, exist_ok=True)
    version = folder / f"..{len(list(folder.iterdir()))}"
    version.mkdir()
    for name, text in files.items():
        (version / name).write_text(text)
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(f"..data/{name}")
    aside = folder / "..data_tmp"
    aside.symlink_to(version.name)
    aside.replace(folder / "..data")


async def test_the_mounted_file_is_read_again(
    rendered: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """The Secret with the configuration is exchanged by the node, and what is in it takes over."""
    (secret,) = [each for each in rendered["file"] if each["metadata"]["name"] == f"{SERVICE}-config"]
    text = secret["stringData"]["config.json"]
    mounted(tmp_path, {"config.json": text})
    config = WatchedConfig(tmp_path / "config.json", FakeClock())
    try:
        await config.refresh()
        assert config.current is not None
        assert SCOPES[0] in config.current.engine.executors
        mounted(tmp_path, {"config.json": text.replace(SCOPES[0], "other.example.com")})
        await config.refresh()
        assert config.fault is None
        assert "other.example.com" in config.current.engine.executors
        assert SCOPES[0] not in config.current.engine.executors
    finally:
        await config.aclose()


async def test_files_are_where_the_engine_looks(
    rendered: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """With the mounts of the Deployment in place, the certificates that are files are found, each by its type."""
    found = rendered["files"]
    pod = one(found, "Deployment")["spec"]["template"]["spec"]
    secret = one(found, "Secret", f"{SERVICE}-notation-certs")["stringData"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in pod["containers"][0]["volumeMounts"]:
        folder = tmp_path / mount["mountPath"].lstrip("/")
        source = volumes[mount["name"]].get("secret", {})
        if source.get("secretName") == f"{SERVICE}-notation-certs":
            mounted(folder, {item["path"]: secret[item["key"]] for item in source["items"]})
        if source.get("secretName") == "company-roots":
            mounted(folder, {"root.pem": OTHER})
    (spec,) = executors(found)
    text = json.dumps(spec).replace('"/usr/local', f'"{tmp_path}/usr/local')
    assert await check_config(decode_config({"executors": [json.loads(text)]}, tmp_path)) == ()
    ca, tsa = spec["verifiers"][0]["parameters"]["certificates"]
    assert (ca["type"], len(ca["files"])) == ("ca", 2)
    assert (tsa["type"], len(tsa["files"])) == ("tsa", 1)


def test_the_policy_is_ratify_v2s(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """One of the two verifiers, by Ratify v2's names, is enough."""
    (spec,) = executors(rendered["ratify-v2"])
    assert spec["scopes"] == SCOPES
    assert spec["concurrency"] == 3
    assert [(each["name"], each["type"]) for each in spec["verifiers"]] == [
        ("notation-1", "notation"),
        ("cosign-1", "cosign"),
    ]
    assert spec["policyEnforcer"] == {
        "type": "threshold-policy",
        "parameters": {
            "policy": {
                "threshold": 1,
                "rules": [{"verifierName": "notation-1"}, {"verifierName": "cosign-1"}],
            }
        },
    }
    one(rendered["ratify-v2"], "Executor", f"{SERVICE}-executor-1")


def test_only_what_is_configured_verifies(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """No verifier without trust stands in the policy."""
    for name, verifiers in (
        ("notation", ["notation-1"]),
        ("cosign", ["cosign-1"]),
        ("keyless", ["cosign-1"]),
    ):
        (spec,) = executors(rendered[name])
        rules = spec["policyEnforcer"]["parameters"]["policy"]["rules"]
        assert [each["name"] for each in spec["verifiers"]] == verifiers
        assert [rule["verifierName"] for rule in rules] == verifiers


def test_every_certificate_counts(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """All of `notation.certs`, by their types, each type once."""
    (spec,) = executors(rendered["several-certificates"])
    ca, tsa = spec["verifiers"][0]["parameters"]["certificates"]
    assert ca == {"type": "ca", "inline": {"certs": CERTIFICATE + OTHER}}
    assert tsa == {"type": "tsa", "inline": {"certs": OTHER}}


def test_keys_win_over_an_identity(tmp_path: Path) -> None:
    """As in Ratify v2; the engine takes only one of both."""
    (spec,) = executors(render(merged(KEYLESS, COSIGN), tmp_path))
    (policy,) = spec["verifiers"][0]["parameters"]["trustPolicies"]
    assert policy == {"ignoreTLog": False, "keys": {"inline": {"keys": KEY}}}


def test_every_store_has_its_scopes_and_its_trust(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Scopes are written as `scopes`, `caPem` wins, and cosign's tags are looked at where cosign verifies."""
    (spec,) = executors(rendered["several-stores"])
    first, second = spec["stores"]
    assert first == {
        "type": "registry-store",
        "scopes": ["registry.example.com"],
        "parameters": {
            "allowCosignTag": True,
            "caPem": CERTIFICATE,
            "credential": {"provider": "static"},
        },
    }
    assert second["parameters"] == {
        "allowCosignTag": True,
        "plainHttp": True,
        "credential": {"provider": "anonymous"},
    }
    assert "allowCosignTag" not in executors(rendered["notation"])[0]["stores"][0]["parameters"]


def test_key_vaults_keep_ratify_v2s_shape(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Vault, tenant, certificates and versions where they are given, and the Pod acts with its identity."""
    (spec,) = executors(rendered["azure"])
    assert spec["verifiers"][0]["parameters"]["certificates"] == [
        {
            "type": "ca",
            "azurekeyvault": {
                "vaultURL": "https://v.vault.azure.net/",
                "tenantID": "t",
                "certificates": [{"name": "root"}, {"name": "next", "version": "2"}],
            },
        }
    ]
    metadata = one(rendered["azure"], "Deployment")["spec"]["template"]["metadata"]
    assert metadata["labels"]["azure.workload.identity/use"] == "true"
    assert metadata["annotations"] == {
        "azure.workload.identity/use-identity-binding": "true",
        "prometheus.io/path": "/metrics",
        "prometheus.io/port": "8888",
        "prometheus.io/scrape": "true",
    }


def test_own_annotations_win(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """There is one mapping of annotations, and what was asked for stands in it."""
    annotations = one(rendered["everything"], "Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert annotations["prometheus.io/scrape"] == "false"
    assert annotations["x"] == "y"


def test_passwords_are_in_a_secret(tmp_path: Path) -> None:
    """The file with the configuration is never a ConfigMap."""
    found = render(merged(RATIFY_V2, IN_A_FILE), tmp_path)
    assert [each["metadata"]["name"] for each in found if each["kind"] == "ConfigMap"] == []
    assert executors(found)[0]["stores"][0]["parameters"]["credential"]["password"] == "p"
    assert "--disable-crd-manager" in arguments(found)


def test_the_providers_are_ratify_v2s(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Names, addresses and timeouts."""
    found = {
        each["metadata"]["name"]: each["spec"] for each in rendered["own-tls"] if each["kind"] == "Provider"
    }
    for name, path, timeout in (
        ("ratify-gatekeeper-provider", "verify", 5),
        ("ratify-gatekeeper-mutation-provider", "mutate", 2),
    ):
        assert found[name]["url"] == f"https://{SERVICE}.{NAMESPACE}:6001/ratify/gatekeeper/v2/{path}"
        assert found[name]["timeout"] == timeout
        assert b64decode(found[name]["caBundle"]) == CERTIFICATE.encode()


def test_before_the_first_rotation_no_authority_is_trusted(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Gatekeeper takes no Provider without an authority, so there is one without a known key, for a day."""
    bundle = one(rendered["cosign"], "Provider", "ratify-gatekeeper-provider")["spec"]["caBundle"]
    certificate = load_pem_x509_certificate(b64decode(bundle))
    assert "not yet known" in certificate.subject.rfc4514_string()
    assert (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days <= 2


def test_mutation_spares_the_namespaces_that_must_start_without_us(
    rendered: dict[str, list[dict[str, Any]]],
) -> None:
    """Gatekeeper's, the system's, the release's and those that are named; everything else fails closed."""
    found = [each["spec"] for each in rendered["ratify-v2"] if each["kind"] == "Assign"]
    assert len(found) == 12
    for spec in found:
        assert spec["match"]["excludedNamespaces"] == ["gatekeeper-system", "kube-system", "cni-system"]
        assert spec["parameters"]["assign"]["externalData"]["failurePolicy"] == "Fail"


def test_without_mutation_there_is_none(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Neither resources nor a route."""
    found = rendered["no-mutation"]
    assert [each for each in found if each["kind"] == "Assign"] == []
    assert one(found, "Provider")["metadata"]["name"] == "ratify-gatekeeper-provider"
    assert "--disable-mutation" in arguments(found)


def test_templates_are_the_shipped_ones(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Those that are named, and of the two of one kind the one that is meant."""
    names = {
        each["metadata"]["name"] for each in rendered["everything"] if each["kind"] == "ConstraintTemplate"
    }
    assert names == {
        "ratifyverification",
        "notationissuervalidation",
        "cosignidentityvalidation",
        "sbomvalidation",
        "vulnerabilityreportvalidation",
    }
    for name, folder in (("everything", "default"), ("tenants", "multi-tenancy-validation")):
        shipped = yaml.safe_load(
            (CHART / "files/constraint-templates" / folder / "template.yaml").read_text()
        )
        assert one(rendered[name], "ConstraintTemplate", "ratifyverification")["spec"] == shipped["spec"]


def test_rights_are_few(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """No wildcards; Secrets by name only; nothing at all where nothing is asked of the API server."""
    for name, found in rendered.items():
        roles = [each for each in found if each["kind"] in ("Role", "ClusterRole")]
        for rule in (rule for role in roles for rule in role["rules"]):
            assert not any("*" in values for values in rule.values()), name
            if "secrets" in rule["resources"]:
                assert rule["resourceNames"]
                assert not {"list", "watch", "create", "update", "delete"} & set(rule["verbs"])
            if "providers" in rule["resources"]:
                assert rule["resourceNames"]
    quiet = rendered["nothing-asked-of-the-api"]
    assert [each for each in quiet if "Role" in each["kind"]] == []
    assert one(quiet, "Deployment")["spec"]["template"]["spec"]["automountServiceAccountToken"] is False
    assert one(quiet, "ServiceAccount")["automountServiceAccountToken"] is False


def test_secrets_that_are_named_may_be_read(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Those in the values and those of tenants, each in its namespace; they stand in the executor by name only."""
    (spec,) = executors(rendered["secrets"])
    notation, cosign = (each["parameters"] for each in spec["verifiers"])
    assert notation["certificates"] == [
        {"type": "ca", "kubernetes": {"secret": "authorities", "namespace": "gatekeeper-system"}}
    ]
    assert cosign["trustPolicies"][0]["keys"] == {"kubernetes": {"secret": "cosign", "key": "cosign.pub"}}
    assert spec["stores"][0]["parameters"]["credential"] == {"provider": "kubernetes", "secret": "pull"}
    roles = {
        each["metadata"]["namespace"]: each["rules"]
        for each in rendered["secrets"]
        if each["kind"] == "Role" and each["metadata"]["name"] == f"{SERVICE}-secrets"
    }
    rule = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    assert roles == {
        NAMESPACE: [{**rule, "resourceNames": ["authorities", "cosign", "pull"]}],
        "default": [{**rule, "resourceNames": ["pull"]}],
    }


PULLS = {"pullSecrets": {"enabled": True}, "namespaces": "required"}


@pytest.mark.parametrize("namespaces", [[], ["team-a", "team-b"]])
@pytest.mark.parametrize("mode", ["gatekeeper", "webhook"])
def test_pull_secrets_are_read_only_where_the_administrator_says(
    mode: str, namespaces: list[str], tmp_path: Path
) -> None:
    """Reading them is a right of its own: everywhere, or in the namespaces that are listed."""
    values = merged(
        COSIGN, {"mode": mode, "provider": merged(PULLS, {"pullSecrets": {"namespaces": namespaces}})}
    )
    found = render(values, tmp_path)
    assert "--pull-secrets" in arguments(found)
    rule = {"apiGroups": [""], "resources": ["secrets", "serviceaccounts"], "verbs": ["get"]}
    roles = [each for each in found if each["kind"] in ("Role", "ClusterRole") and rule in each["rules"]]
    assert [each["metadata"].get("namespace") for each in roles] == (namespaces or [None])
    bound = [
        each
        for each in found
        if each["kind"] == "RoleBinding" and each["metadata"]["name"].endswith("pull-secrets")
    ]
    assert [each["metadata"]["namespace"] for each in bound] == namespaces
    for binding in bound:
        assert binding["subjects"][0]["namespace"] == NAMESPACE
        assert binding["roleRef"]["name"] == binding["metadata"]["name"]
    off = render({**COSIGN, "mode": mode}, tmp_path)
    assert "--pull-secrets" not in arguments(off)
    assert not [each for each in off if rule in each.get("rules", ())]


@pytest.mark.parametrize("name", ["executors", "executor"])
def test_secrets_of_values_that_do_not_count_may_not_be_read(name: str, tmp_path: Path) -> None:
    """Where executors are written out, or not made by the chart, the Secrets of the other values are not read."""
    own = {"executors": executors(render(COSIGN, tmp_path))} if name == "executors" else {}
    values = merged(VALUES["secrets"], own or {"executor": {"create": False}}, {"rbac": {"readSecrets": []}})
    found = render(values, tmp_path)
    assert not [each for each in found if each["metadata"]["name"] == f"{SERVICE}-secrets"]


def test_a_budget_says_one_thing(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Either how many must stay or how many may go: the API server takes no more than one."""
    assert one(rendered["everything"], "PodDisruptionBudget")["spec"]["minAvailable"] == "50%"
    assert "maxUnavailable" not in one(rendered["everything"], "PodDisruptionBudget")["spec"]
    assert one(rendered["ratify-v2"], "PodDisruptionBudget")["spec"]["minAvailable"] == 1


def test_scaling_owns_the_number_of_replicas(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """An upgrade does not set back what was scaled."""
    assert "replicas" not in one(rendered["everything"], "Deployment")["spec"]
    metrics = one(rendered["everything"], "HorizontalPodAutoscaler")["spec"]["metrics"]
    assert {each["resource"]["name"] for each in metrics} == {"cpu", "memory"}


def test_only_gatekeeper_reaches_the_provider(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """As far as the network can tell; who is served is decided by certificates."""
    policy = one(rendered["everything"], "NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    (rule,) = [rule for rule in policy["ingress"] if rule["ports"] == [{"port": "https"}]]
    (peer,) = rule["from"]
    assert peer["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": NAMESPACE}
    assert "podSelector" in peer


def test_replicas_stand_apart(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Over nodes and zones unless something else is asked for."""
    found = one(rendered["cosign"], "Deployment")["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert [each["topologyKey"] for each in found] == [
        "kubernetes.io/hostname",
        "topology.kubernetes.io/zone",
    ]
    assert {each["whenUnsatisfiable"] for each in found} == {"ScheduleAnyway"}


def test_the_image_is_named_by_its_digest_where_there_is_one(
    rendered: dict[str, list[dict[str, Any]]],
) -> None:
    """And by the version of the chart where there is nothing."""
    images = {
        name: one(rendered[name], "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]
        for name in ("everything", "ratify-v2", "cosign")
    }
    assert images["everything"].endswith("@sha256:" + "ab" * 32)
    assert images["ratify-v2"].endswith(":v2.0.0")
    assert images["cosign"].endswith(":" + yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"])


WEBHOOKS = (
    "webhook",
    "webhook-of-files",
    "webhook-by-labels",
    "webhook-everything",
    "webhook-of-cert-manager",
)


@pytest.mark.parametrize("name", VALUES)
def test_nothing_lets_images_through(name: str, rendered: dict[str, list[dict[str, Any]]]) -> None:
    """What `ratify webhook check` says of everything that is rendered, save of the namespaces that were asked for."""
    named = {"cni", "cni-system"}
    found = weaknesses(rendered[name])
    assert [
        weakness for weakness in found if not named & set(weakness.message.split(": ")[-1].split(", "))
    ] == []


@pytest.mark.parametrize("name", WEBHOOKS)
def test_the_webhook_asks_nothing_of_gatekeeper(
    name: str, rendered: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """No Provider, Assign or template; two configurations, and rules that the program takes."""
    found = rendered[name]
    kinds = {each["kind"] for each in found}
    assert not kinds & {"Provider", "Assign", "ConstraintTemplate"}
    assert {"MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"} <= kinds
    rules = tmp_path / "rules.yaml"
    rules.write_text(one(found, "ConfigMap", f"{SERVICE}-rules")["data"]["rules.yaml"])
    assert load_rules(rules, SystemClock()).config.rules[0].name == "default"


@pytest.mark.parametrize("name", WEBHOOKS)
def test_the_api_server_finds_the_webhook(name: str, rendered: dict[str, list[dict[str, Any]]]) -> None:
    """By the Service's name and port, with the authority of its certificate or the note by which it is filled in."""
    found = rendered[name]
    service = one(found, "Service", SERVICE)
    for kind, path in (
        ("MutatingWebhookConfiguration", "/mutate"),
        ("ValidatingWebhookConfiguration", "/validate"),
    ):
        document = one(found, kind)
        (hook,) = document["webhooks"]
        client = hook["clientConfig"]
        assert client["service"] == {
            "name": SERVICE,
            "namespace": NAMESPACE,
            "path": path,
            "port": service["spec"]["ports"][0]["port"],
        }
        assert ("caBundle" in client) != ("annotations" in document["metadata"])
        assert hook["failurePolicy"] == "Fail"
        assert f"--webhook-configuration={document['metadata']['name']}" in arguments(found)


def test_the_webhook_may_get_namespaces_where_its_rules_select_them_by_labels(
    rendered: dict[str, list[dict[str, Any]]],
) -> None:
    """And nowhere else; with its files it asks for nothing more."""
    rights = {
        name: [rule for each in rendered[name] if each["kind"] == "ClusterRole" for rule in each["rules"]]
        for name in WEBHOOKS
    }
    looks = {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]}
    assert rights["webhook-by-labels"] == [looks]
    assert [name for name in WEBHOOKS if looks in rights[name]] == ["webhook-by-labels"]
    pod = one(rendered["webhook-by-labels"], "Deployment")["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is True


def test_the_webhook_can_be_without_mutation(rendered: dict[str, list[dict[str, Any]]]) -> None:
    """Then it only decides."""
    kinds = {each["kind"] for each in rendered["webhook-without-mutation"]}
    assert "ValidatingWebhookConfiguration" in kinds
    assert "MutatingWebhookConfiguration" not in kinds


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no-image": (merged(COSIGN, {"image": {"repository": ""}}), "image.repository must not be empty"),
    "globals": (
        {**COSIGN, "global": {"imageRegistry": "registry.example.com"}},
        "global.imageRegistry is not read by this chart",
    ),
    "monitor-without-metrics": (
        merged(COSIGN, {"metrics": {"serviceMonitor": {"enabled": True}}}),
        "metrics.serviceMonitor.enabled has no effect without metrics",
    ),
    "rule-without-metrics": (
        merged(COSIGN, {"metrics": {"prometheusRule": {"enabled": True}}}),
        "metrics.prometheusRule.enabled has no effect without metrics",
    ),
    "readers-without-metrics": (
        merged(COSIGN, {"networkPolicy": {"metricsFrom": [{"podSelector": {}}]}}),
        "networkPolicy.metricsFrom has no effect without metrics",
    ),
    "egress-without-a-policy": (
        merged(COSIGN, {"networkPolicy": {"enabled": False, "egress": [{}]}}),
        "networkPolicy.egress has no effect without networkPolicy.enabled",
    ),
    "minimum-without-a-budget": (
        merged(COSIGN, {"podDisruptionBudget": {"minAvailable": 1}}),
        "podDisruptionBudget.minAvailable has no effect without podDisruptionBudget.enabled",
    ),
    "timeout-without-a-monitor": (
        merged(COSIGN, {"metrics": {"enabled": True, "serviceMonitor": {"scrapeTimeout": "5s"}}}),
        "metrics.serviceMonitor.scrapeTimeout has no effect without metrics.serviceMonitor.enabled",
    ),
    "rules-without-a-rule": (
        merged(
            COSIGN, {"metrics": {"enabled": True, "prometheusRule": {"additionalRules": [{"alert": "x"}]}}}
        ),
        "metrics.prometheusRule.additionalRules has no effect without metrics.prometheusRule.enabled",
    ),
    "tenants-without-templates": (
        merged(COSIGN, {"constraintTemplates": {"namespaced": True}}),
        "constraintTemplates.namespaced has no effect without constraintTemplates.enabled",
    ),
    "templates-of-the-webhook": (
        merged(COSIGN, WEBHOOK, {"constraintTemplates": {"enabled": True}}),
        "constraintTemplates.enabled has no effect with mode: webhook",
    ),
    "namespaces-of-assign-for-the-webhook": (
        merged(COSIGN, WEBHOOK, {"provider": {"mutationExcludedNamespaces": ["cni"]}}),
        "provider.mutationExcludedNamespaces has no effect with mode: webhook",
    ),
    "annotations-of-another-account": (
        merged(COSIGN, {"serviceAccount": {"create": False, "name": "mine", "annotations": {"a": "b"}}}),
        "serviceAccount.annotations has no effect without serviceAccount.create",
    ),
    "secrets-without-rights": (
        merged(COSIGN, {"rbac": {"create": False, "readSecrets": [{"namespace": "a", "names": ["pull"]}]}}),
        "rbac.readSecrets has no effect without rbac.create",
    ),
    "secrets-of-a-file": (
        merged(COSIGN, IN_A_FILE, {"rbac": {"readSecrets": [{"namespace": "a", "names": ["pull"]}]}}),
        "rbac.readSecrets has no effect with provider.disableCRDManager",
    ),
    "certificate-beside-its-secret": (
        merged(
            COSIGN, {"provider": {"tls": {"existingSecret": "mine", "crt": "c", "key": "k", "caCert": "a"}}}
        ),
        "provider.tls.crt and provider.tls.key have no effect with provider.tls.existingSecret",
    ),
    "peers-of-the-webhook": (
        merged(COSIGN, WEBHOOK, {"networkPolicy": {"from": [{"podSelector": {}}]}}),
        "networkPolicy.from has no effect with mode: webhook",
    ),
    "file-beside-resources": (
        merged(COSIGN, {"provider": {"existingConfig": "mine"}}),
        "provider.existingConfig has no effect where executors are resources",
    ),
    "tenants-of-a-file": (
        merged(COSIGN, IN_A_FILE, {"provider": {"tenantAllowedHosts": ["10.0.0.0/8"]}}),
        "provider.tenantAllowedHosts has no effect with provider.disableCRDManager",
    ),
    "shared-cache-without-an-address": (
        merged(COSIGN, {"cache": {"shared": {"secretName": "shared"}}}),
        "cache.shared has no effect without a url",
    ),
    "signers-without-certificates": (
        merged(COSIGN, {"notation": {"trustedIdentities": ["*"]}}),
        "set notation.certs",
    ),
    "half-an-identity-beside-notation": (
        merged(NOTATION, {"cosign": {"certificateIdentity": "me@example.com"}}),
        "cosign.certificateIdentity has no effect by itself",
    ),
    "gatekeepers-authority-for-the-webhook": (
        merged(COSIGN, WEBHOOK, {"provider": {"clientCA": {"cert": CERTIFICATE}}}),
        "provider.clientCA.cert has no effect with mode: webhook",
    ),
    "authority-of-the-api-server-for-gatekeeper": (
        merged(COSIGN, {"webhook": {"clientCA": CERTIFICATE}}),
        "webhook.clientCA has no effect with mode: gatekeeper",
    ),
    "authority-and-any-client": (
        merged(COSIGN, {"provider": {"clientCA": {"cert": CERTIFICATE, "allowAnyClient": True}}}),
        "provider.clientCA.cert has no effect with provider.clientCA.allowAnyClient",
    ),
    "namespaces-without-mutation": (
        merged(COSIGN, {"provider": {"disableMutation": True, "mutationExcludedNamespaces": ["cni"]}}),
        "provider.mutationExcludedNamespaces has no effect",
    ),
    "certificate-of-another-provider": (
        merged(
            NOTATION,
            {"notation": {"certs": [{"provider": "kubernetes", "secret": "s", "cert": CERTIFICATE}]}},
        ),
        "notation.certs[0].cert has no effect with the provider kubernetes",
    ),
    "certificate-beside-a-secret": (
        merged(
            NOTATION, {"notation": {"certs": [{"provider": "files", "secretName": "s", "cert": CERTIFICATE}]}}
        ),
        "notation.certs[0].cert has no effect beside secretName",
    ),
    "key-of-another-provider": (
        merged(COSIGN, {"cosign": {"keys": {"secret": "cosign"}}}),
        "cosign.keys.secret has no effect with the provider inline",
    ),
    "unknown-service": (merged(COSIGN, {"service": {"type": "ExternalName"}}), "service"),
    "unknown-strategy": (merged(COSIGN, {"updateStrategy": {"type": "OnDelete"}}), "updateStrategy"),
    "no-scopes": ({"cosign": COSIGN["cosign"]}, "executor.scopes must not be empty"),
    "no-trust": ({"executor": {"scopes": SCOPES}}, "nothing could be verified"),
    "half-an-identity": (
        {"executor": {"scopes": SCOPES}, "cosign": {"certificateIdentity": "x"}},
        "nothing could be verified",
    ),
    "no-identities": (merged(NOTATION, {"notation": {"trustedIdentities": []}}), "trustedIdentities"),
    "unknown-provider": (
        {**NOTATION, "notation": {"trustedIdentities": ["*"], "certs": [{"provider": "unknownProvider"}]}},
        "Unsupported notation certificate provider: unknownProvider",
    ),
    "unknown-key-provider": (
        merged(COSIGN, {"cosign": {"keys": {"provider": "unknownProvider"}}}),
        "Unsupported cosign key provider: unknownProvider",
    ),
    "empty-certificate": (
        {**NOTATION, "notation": {"trustedIdentities": ["*"], "certs": [{"provider": "inline"}]}},
        "must not be empty",
    ),
    "empty-key": (
        merged(COSIGN, {"cosign": {"keys": {"provider": "inline", "key": ""}}}),
        "must not be empty",
    ),
    "two-vaults": (
        {**AZURE, "notation": {"trustedIdentities": ["*"], "certs": AZURE["notation"]["certs"] * 2}},
        "twice",
    ),
    "no-certificates": (
        merged(COSIGN, {"provider": {"tls": {"disableCertRotation": True}}}),
        "must not be empty where certificates are not rotated",
    ),
    "no-authority": (
        merged(COSIGN, {"provider": {"tls": {"crt": "x", "key": "y"}}}),
        "provider.tls.caCert must not be empty",
    ),
    "webhook-without-certificate": (
        merged(COSIGN, WEBHOOK, {"provider": {"tls": {"disableCertRotation": True}}}),
        "must not be empty where certificates are not rotated",
    ),
    "shared-cache-without-a-key": (
        merged(COSIGN, {"cache": {"shared": {"url": "redis://r"}}}),
        "cache.shared.secretName must not be empty",
    ),
    "secrets-in-a-file": (
        merged(COSIGN, IN_A_FILE, {"cosign": {"keys": {"provider": "kubernetes", "secret": "c"}}}),
        "provider.disableCRDManager is set",
    ),
    "secret-without-a-name": (
        merged(COSIGN, {"cosign": {"keys": {"provider": "kubernetes"}}}),
        "needs the name of a secret",
    ),
    "no-target": (
        merged(COSIGN, {"autoscaling": {"enabled": True, "targetCPUUtilizationPercentage": 0}}),
        "needs a target",
    ),
    "unknown-key": ({**COSIGN, "replicas": 3}, "additional properties 'replicas' not allowed"),
    "unknown-nested-key": (
        merged(COSIGN, {"provider": {"tls": {"cert": "x"}}}),
        "additional properties 'cert' not allowed",
    ),
    "store-scope": (
        {**COSIGN, "stores": [{"scope": ["x"], "credential": {"provider": "anonymous"}}]},
        "additional properties 'scope' not allowed",
    ),
    "no-credential": ({**COSIGN, "stores": [{"scopes": []}]}, "credential"),
    "no-store": ({**COSIGN, "stores": []}, "stores"),
    "text-for-a-switch": (
        merged(COSIGN, {"provider": {"disableMutation": "no"}}),
        "got string, want boolean",
    ),
    "pull-secrets-for-any-key": (
        merged(COSIGN, {"provider": {"pullSecrets": {"enabled": True}}}),
        "provider.pullSecrets.enabled needs provider.namespaces: required",
    ),
    "pull-secrets-switched-off": (
        merged(COSIGN, {"provider": {"pullSecrets": {"namespaces": ["team"]}}}),
        "provider.pullSecrets.namespaces has no effect",
    ),
    "unknown-mode": ({**COSIGN, "mode": "warn"}, "mode"),
    "no-timeout": (merged(COSIGN, {"provider": {"timeout": {"validationTimeoutSeconds": 0}}}), "minimum"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_values_that_could_not_work_are_refused(name: str, tmp_path: Path) -> None:
    """Helm says what is wrong before anything is in the cluster."""
    values, words = REFUSED[name]
    with pytest.raises(NotRendered, match=re.escape(words)):
        render(values, tmp_path)


NO_SCOPES = (
    "", " ", "https://registry.example.com", "registry.example.com/", "registry.example.com/app:v1", "app",
    "registry.example.com/app@sha256:" + "0" * 64, "registry.example.com/App", "*.", "**", "*/app", "reg*.example.com",
    "registry.example.com/*", "registry.example.com/a*", "Registry.example.com",
)  # fmt: skip
SCOPE_LISTS: dict[str, Callable[[str], dict[str, Any]]] = {
    "executor": lambda scope: merged(COSIGN, {"executor": {"scopes": [scope]}}),
    "cosign": lambda scope: merged(COSIGN, {"cosign": {"scopes": [scope]}}),
    "notation": lambda scope: merged(NOTATION, {"notation": {"scopes": [scope]}}),
    "stores": lambda scope: {
        **COSIGN, "stores": [{"scopes": [scope], "credential": {"provider": "anonymous"}}]
    },
    "executors": lambda scope: {"executors": [{**VALUES["whole-executors"]["executors"][0], "scopes": [scope]}]},
}  # fmt: skip


@pytest.mark.parametrize("scope", NO_SCOPES)
def test_scopes_that_are_none_are_refused(scope: str, tmp_path: Path) -> None:
    """The engine would refuse them too, when they are in the cluster."""
    assert canonical_scope(scope) != scope
    with pytest.raises(NotRendered, match=r"executor\.scopes: .* is no scope: write a repository"):
        render(SCOPE_LISTS["executor"](scope), tmp_path)


@pytest.mark.parametrize("name", SCOPE_LISTS)
def test_scopes_are_looked_at_wherever_they_stand(name: str, tmp_path: Path) -> None:
    """In every list of them."""
    with pytest.raises(NotRendered, match=rf"{name}\S*\.scopes: .https://registry.example.com. is no scope"):
        render(SCOPE_LISTS[name]("https://registry.example.com"), tmp_path)
    assert render(SCOPE_LISTS[name]("registry.example.com"), tmp_path)


@pytest.mark.parametrize(
    "scope",
    ["*", "*.example.com", "*.example.com:5000", "registry.example.com", "localhost:5000", "registry:5000/team/*",
     "registry.example.com:5000/team/app_x", "[2001:db8::10]:5000/team/app", "docker.io/library/nginx"],
)  # fmt: skip
def test_every_kind_of_scope_is_taken(scope: str, tmp_path: Path) -> None:
    """As the engine takes it."""
    check_scope(scope)
    (spec,) = executors(render(SCOPE_LISTS["executor"](scope), tmp_path))
    assert spec["scopes"] == [scope]


def deployed(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return the specification of the Deployment for further values."""
    found: dict[str, Any] = one(render(merged(COSIGN, values), folder), "Deployment")["spec"]
    return found


def test_nothing_of_the_confinement_is_fixed(tmp_path: Path) -> None:
    """What OpenShift assigns by itself can be taken away, everything else stays."""
    none = dict.fromkeys(("runAsUser", "runAsGroup", "fsGroup"))
    values = {"podSecurityContext": none, "securityContext": {"runAsUser": None, "runAsGroup": None}}
    pod = deployed(values, tmp_path)["template"]["spec"]
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert pod["containers"][0]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "privileged": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


@pytest.mark.parametrize(
    ("values", "policy"),
    [
        ({"hostNetwork": True}, "ClusterFirstWithHostNet"),
        ({"hostNetwork": True, "dnsPolicy": "Default"}, "Default"),
        ({"dnsPolicy": "ClusterFirst"}, "ClusterFirst"),
        ({}, None),
    ],
)
def test_the_hosts_network_keeps_the_clusters_names(
    values: dict[str, Any], policy: str | None, tmp_path: Path
) -> None:
    """Unless another DNS policy is asked for."""
    pod = deployed(values, tmp_path)["template"]["spec"]
    assert pod.get("dnsPolicy") == policy
    assert pod.get("hostNetwork", False) is values.get("hostNetwork", False)


@pytest.mark.parametrize(
    ("values", "strategy"),
    [
        ({}, {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}),
        ({"type": "Recreate"}, {"type": "Recreate"}),
        (
            {"rollingUpdate": {"maxSurge": "25%"}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 0}},
        ),
    ],
)
def test_updates_go_as_they_are_asked_to(
    values: dict[str, Any], strategy: dict[str, Any], tmp_path: Path
) -> None:
    """The API server takes no rolling update with another strategy."""
    spec = deployed({"updateStrategy": values, "revisionHistoryLimit": 3}, tmp_path)
    assert spec["strategy"] == strategy
    assert spec["revisionHistoryLimit"] == 3


@pytest.mark.parametrize("name", ["podSecurityContext", "securityContext", "updateStrategy"])
def test_what_is_taken_away_whole_is_the_clusters_to_choose(name: str, tmp_path: Path) -> None:
    """Null leaves the API server's own defaults."""
    spec = deployed({name: None}, tmp_path)
    pod = spec["template"]["spec"]
    found = {
        "podSecurityContext": pod.get("securityContext"),
        "securityContext": pod["containers"][0].get("securityContext"),
        "updateStrategy": spec.get("strategy"),
    }
    assert [each for each, value in found.items() if value is None] == [name]


def test_containers_stand_before_and_beside_the_program(tmp_path: Path) -> None:
    """Whole, as they are given; the program stays the first."""
    before, beside = {"name": "wait", "image": "a@b"}, {"name": "agent", "image": "c@d", "args": ["--x"]}
    pod = deployed({"initContainers": [before], "extraContainers": [beside]}, tmp_path)["template"]["spec"]
    assert pod["initContainers"] == [before]
    assert [each["name"] for each in pod["containers"]] == ["ratify-gatekeeper-provider", "agent"]
    assert pod["containers"][1] == beside


def test_the_service_is_of_the_type_that_is_asked_for(tmp_path: Path) -> None:
    """The one that is asked; metrics stay inside."""
    found = render(merged(COSIGN, {"service": {"type": "NodePort"}, "metrics": {"enabled": True}}), tmp_path)
    assert one(found, "Service", SERVICE)["spec"]["type"] == "NodePort"
    assert one(found, "Service", f"{SERVICE}-metrics")["spec"]["type"] == "ClusterIP"


def test_the_monitor_scrapes_as_it_is_told(rendered: dict[str, list[dict[str, Any]]], tmp_path: Path) -> None:
    """With a timeout where there is one."""
    monitor = {"enabled": True, "interval": "1m", "scrapeTimeout": "20s"}
    found = render(merged(COSIGN, {"metrics": {"enabled": True, "serviceMonitor": monitor}}), tmp_path)
    (endpoint,) = one(found, "ServiceMonitor")["spec"]["endpoints"]
    assert (endpoint["interval"], endpoint["scrapeTimeout"]) == ("1m", "20s")
    (endpoint,) = one(rendered["everything"], "ServiceMonitor")["spec"]["endpoints"]
    assert "scrapeTimeout" not in endpoint


def test_alerts_ask_for_metrics_that_there_are(tmp_path: Path) -> None:
    """Of this release, with a name, a severity and a sentence each; further ones stand behind them."""
    more = {"alert": "Mine", "expr": "vector(1)"}
    rule = {"enabled": True, "labels": {"release": "p"}, "additionalRules": [more]}
    found = one(
        render(merged(COSIGN, {"metrics": {"enabled": True, "prometheusRule": rule}}), tmp_path),
        "PrometheusRule",
    )
    assert found["metadata"]["labels"]["release"] == "p"
    (group,) = found["spec"]["groups"]
    *own, last = group["rules"]
    assert last == more
    page = (CHART.parents[2] / "docs" / "observability.md").read_text()
    for each in own:
        for metric in re.findall(r"ratify_\w+", each["expr"]):
            # a row may give several metrics one prefix
            assert metric in page or f"`_{metric.rpartition('_cache_')[2]}`" in page
        assert f'job="{SERVICE}-metrics",namespace="{NAMESPACE}"' in each["expr"]
        assert each["labels"]["severity"] in ("warning", "critical")
        assert each["annotations"]["summary"].endswith(".")


def test_tenants_may_reach_what_is_listed(tmp_path: Path) -> None:
    """Each entry is one argument, which the program takes."""
    listed = ["10.20.0.0/16", "registry.corp.example:5000", "fd00::/8"]
    found = arguments(render(merged(COSIGN, {"provider": {"tenantAllowedHosts": listed}}), tmp_path))
    parser = ArgumentParser(exit_on_error=False)
    gatekeeper.add_flags(parser)
    assert parser.parse_args(found[2:]).tenant_allowed_host == listed


@pytest.mark.parametrize("name", VALUES)
def test_the_network_lets_in_who_asks_unless_it_is_switched_off(
    name: str, rendered: dict[str, list[dict[str, Any]]]
) -> None:
    """Every release has a policy for its Pods; the probe's and the metrics' ports stay open."""
    policy = one(rendered[name], "NetworkPolicy")["spec"]
    labels = one(rendered[name], "Deployment")["spec"]["template"]["metadata"]["labels"].items()
    assert policy["podSelector"]["matchLabels"].items() <= labels
    assert {rule["ports"][0]["port"] for rule in policy["ingress"]} >= {"https", "health"}


def test_the_network_policy_can_be_switched_off_and_opened(tmp_path: Path) -> None:
    """For networks without one, and for further peers."""
    found = render(merged(COSIGN, {"networkPolicy": {"enabled": False}}), tmp_path)
    assert [each for each in found if each["kind"] == "NetworkPolicy"] == []
    peer = {"ipBlock": {"cidr": "10.0.0.0/24"}}
    found = render(merged(COSIGN, {"networkPolicy": {"from": [peer]}}), tmp_path)
    (rule, *_) = one(found, "NetworkPolicy")["spec"]["ingress"]
    assert rule["from"][-1] == peer


@pytest.mark.parametrize("name", VALUES)
def test_helm_test_asks_the_service_and_is_none_of_its_pods(
    name: str, rendered: dict[str, list[dict[str, Any]]]
) -> None:
    """With the authority of its certificate alone, confined as the program is, and let in by the network."""
    found = rendered[name]
    pod, service = one(found, "Pod"), next(each for each in found if each["kind"] == "Service")
    assert pod["metadata"]["annotations"]["helm.sh/hook"] == "test"
    assert not service["spec"]["selector"].items() <= pod["metadata"]["labels"].items()
    (container,) = pod["spec"]["containers"]
    assert (
        container["image"] == one(found, "Deployment")["spec"]["template"]["spec"]["containers"][0]["image"]
    )
    host, port, authority = container["args"][1:]
    assert host.split(".")[:2] == [service["metadata"]["name"], NAMESPACE]
    assert int(port) == service["spec"]["ports"][0]["port"]
    (volume,) = pod["spec"]["volumes"]
    assert volume["secret"]["items"] == [{"key": "ca.crt", "path": Path(authority).name}]
    assert container["volumeMounts"][0]["mountPath"] == str(Path(authority).parent)
    rules = [
        each for each in one(found, "NetworkPolicy")["spec"]["ingress"] if each["ports"][0]["port"] == "https"
    ]
    peers = [
        peer.get("podSelector", {}).get("matchLabels", {}) for rule in rules for peer in rule.get("from", [])
    ]
    assert any("from" not in rule for rule in rules) or any(
        peer and peer.items() <= pod["metadata"]["labels"].items() for peer in peers
    )


async def test_the_program_of_helm_test_believes_the_authority_alone(
    rendered: dict[str, list[dict[str, Any]]], tmp_path: Path
) -> None:
    """It ends well where the server's certificate is for the name and of the authority."""
    program = one(rendered["cosign"], "Pod")["spec"]["containers"][0]["args"][0]
    authority, other = Authority(), Authority()
    with RegistrySimulator(tls=authority.server_context("localhost")) as server:
        for pem, seconds, code in ((authority.pem, 60, 0), (other.pem, 0, 1)):
            (tmp_path / "ca.crt").write_text(pem)
            source = program.replace("SECONDS = 60", f"SECONDS = {seconds}")
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", source, "localhost", str(server.port), str(tmp_path / "ca.crt"),
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            )  # fmt: skip
            out, err = await process.communicate()
            assert process.returncode == code, err
            assert (b"is trusted" in out) is (code == 0)


def test_another_namespace_needs_gatekeepers_authority(tmp_path: Path) -> None:
    """A Secret of another namespace cannot be mounted, so that no client is served by mistake."""
    with pytest.raises(NotRendered, match=r"provider\.clientCA\.cert"):
        render(COSIGN, tmp_path, "ratify")
    found = render(merged(COSIGN, {"provider": {"clientCA": {"cert": CERTIFICATE}}}), tmp_path, "ratify")
    assert one(found, "ConfigMap")["data"]["ca.crt"] == CERTIFICATE
    assert {
        tuple(each["spec"]["match"]["excludedNamespaces"]) for each in found if each["kind"] == "Assign"
    } == {("gatekeeper-system", "kube-system", "ratify")}


@pytest.mark.parametrize("name", ["notation", "everything", "ratify-v2", "files"])
def test_helm_finds_nothing_to_say(name: str, tmp_path: Path) -> None:
    """`helm lint --strict` is content."""
    path = tmp_path / "values.json"
    path.write_text(json.dumps(merged(VALUES[name], {"image": IMAGE})))
    run("lint", "--strict", "--namespace", NAMESPACE, "--kube-version", "1.34.4", "-f", path, CHART)


def test_the_package_is_whole(tmp_path: Path) -> None:
    """An archive has the kinds and the templates in it, which the folder only points to, and renders the same."""
    run("package", CHART, "-d", tmp_path)
    (archive,) = tmp_path.glob("*.tgz")
    values = merged(VALUES["everything"], OWN_TLS)
    packed = render(values, tmp_path, NAMESPACE, archive, "--include-crds")
    assert packed == render(values, tmp_path, NAMESPACE, CHART, "--include-crds")
    kinds = [each["metadata"]["name"] for each in packed if each["kind"] == "CustomResourceDefinition"]
    assert sorted(kinds) == ["executors.config.ratify.sh", "namespacedexecutors.config.ratify.sh"]


def test_defaults_are_in_the_schema() -> None:
    """Every value that the chart has a default for is known to the schema, and the other way round."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    (defaults,) = documents((CHART / "values.yaml").read_text())
    assert _missing(defaults, schema) == []
    assert set(schema["properties"]) - {"global"} == set(defaults)


def _missing(values: dict[str, Any], schema: dict[str, Any], path: str = "") -> list[str]:
    known = schema.get("properties")
    if known is None:
        return []
    found = [f"{path}{name}" for name in values if name not in known]
    for name, value in values.items():
        if isinstance(value, dict) and name in known:
            found += _missing(value, known[name], f"{path}{name}.")
    return found
