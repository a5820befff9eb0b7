"""From a file to resources and back, without losing anything."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyratify.config import yaml
from pyratify.config.load import decode_config
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli.commands.convert import converted
from pyratify.kubernetes.executors.convert_configuration import to_file, to_resources
from support.clusters import API, spec

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12) | st.sampled_from(
    ["$${A}", "$$${A}", "$${", "$", "a$${b", "no", "1e5", "x\ny"]
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**15), 10**15) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
PARAMETERS = st.dictionaries(TEXT, VALUE, max_size=3)
SCOPES = st.lists(
    st.sampled_from(["a.example", "b.example/team/*", "*.c.example", "d.example/app"]),
    min_size=1,
    unique=True,
)
EXECUTOR = st.fixed_dictionaries(
    {
        "scopes": SCOPES,
        "verifiers": st.lists(
            st.fixed_dictionaries(
                {"name": st.sampled_from(["v", "w"]), "type": st.just("cosign")},
                optional={"parameters": PARAMETERS},
            ),
            min_size=1,
            max_size=2,
        ),
    },
    optional={
        "stores": st.lists(
            st.fixed_dictionaries(
                {"type": st.just("registry-store")}, optional={"scopes": SCOPES, "parameters": PARAMETERS}
            ),
            min_size=1,
            max_size=2,
        ),
        "policyEnforcer": st.none()
        | st.fixed_dictionaries({"type": st.just("threshold-policy")}, optional={"parameters": PARAMETERS}),
        "concurrency": st.integers(0, 256),
        "timeout": st.none() | st.integers(1, 100) | st.floats(0.5, 100),
        "limits": st.fixed_dictionaries(
            {}, optional={"referrers": st.integers(1, 9), "depth": st.integers(1, 9)}
        ),
    },
)


def readable(document: Any) -> bool:
    """Return whether a document is a valid file with nothing that resources cannot express."""
    try:
        to_resources(document)
    except ConfigurationError:
        return False
    return True


@given(st.lists(EXECUTOR, min_size=1, max_size=2).map(lambda found: {"executors": found}).filter(readable))
@settings(suppress_health_check=[HealthCheck.filter_too_much])
def test_a_file_comes_back_from_resources_as_it_was(document: dict[str, Any]) -> None:
    """Through YAML, with every text, number and default."""
    resources = to_resources(document)
    text = "---\n".join(yaml.dumps(each) for each in resources)
    back = to_file(yaml.loads_all(text.encode()))
    assert decode_config(back, Path("/"), {}).config == decode_config(document, Path("/"), {}).config
    again = to_resources(yaml.loads(yaml.dumps(back).encode()))
    assert again == resources


def test_one_executor_is_one_resource_and_several_are_numbered() -> None:
    """With a name of one's own, for the cluster or for a namespace."""
    one, two = spec("a.example"), spec("b.example")
    (only,) = to_resources({"executors": [one]}, "mine")
    assert only == {"apiVersion": API, "kind": "Executor", "metadata": {"name": "mine"}, "spec": one}
    found = to_resources({"executors": [one, two]}, "mine", "team")
    assert [each["metadata"] for each in found] == [
        {"name": "mine-1", "namespace": "team"},
        {"name": "mine-2", "namespace": "team"},
    ]
    assert {each["kind"] for each in found} == {"NamespacedExecutor"}


def test_stores_that_a_file_leaves_out_are_written_out() -> None:
    """A resource has to have some; they are the same."""
    (made,) = to_resources({"executors": [{key: spec("a.example")[key] for key in ("scopes", "verifiers")}]})
    credential = {"allowCosignTag": True, "credential": {"provider": "docker"}}
    assert made["spec"]["stores"] == [{"type": "registry-store", "parameters": credential}]


EXAMPLE = spec("a.example")


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ({"executors": [EXAMPLE], "cache": {"memoryBytes": 5}}, "cache: it configures the whole program"),
        ({"executors": [EXAMPLE], "node": {"mode": "audit"}}, "node: it configures the whole program"),
        ({"executors": [EXAMPLE], "$schema": "x"}, r"\$schema: it is for editors"),
        (
            {"executors": [EXAMPLE | {"scopes": ["${A}"]}]},
            r"executors\[0\]\.scopes\[0\]: environment variables",
        ),
        (
            {
                "executors": [
                    spec("a.example", stores=[{"type": "registry-store", "parameters": {"caPem": "file:a"}}])
                ]
            },
            r"stores\[0\]\.parameters\.caPem: files are not put",
        ),
        (
            {
                "executors": [
                    spec("a.example", stores=[{"type": "registry-store", "parameters": {"a": "$${B}"}}])
                ]
            },
            r"executors\[0\]\.stores\[0\]\.parameters\.a: environment variables",
        ),
        (
            {
                "executors": [
                    spec("a.example", stores=[{"type": "registry-store", "parameters": {"a": "${"}}])
                ]
            },
            r"is not \$\{NAME\}",
        ),
        ({"executors": []}, "executors"),
        ({"executors": [EXAMPLE, EXAMPLE]}, "given twice"),
        ({"executors": [EXAMPLE | {"unknown": 1}]}, "unknown key"),
        ({}, "executors"),
        ([], "object"),
        (None, "object"),
    ],
    ids=str,
)
def test_what_resources_cannot_express_is_refused_by_name(document: Any, says: str) -> None:
    """Nothing is dropped in silence."""
    with pytest.raises(ConfigurationError, match=says):
        to_resources(document)


def test_what_is_not_a_tenants_is_not_converted_for_one() -> None:
    """The same rules as in the cluster."""
    files = spec("a.example")
    files["verifiers"][0]["parameters"]["trustPolicies"][0]["keys"] = {"files": ["cosign.pub"]}
    assert to_resources({"executors": [files]})
    with pytest.raises(
        ConfigurationError,
        match=r"^executors\[0\]\.verifiers\[0\]\..*keys\.files: not in a NamespacedExecutor",
    ):
        to_resources({"executors": [files]}, namespace="team")


@pytest.mark.parametrize("name", ["A", "a/b", "../x", "-a", "a" * 64])
def test_names_are_names(name: str) -> None:
    """Of resources and namespaces."""
    with pytest.raises(ConfigurationError, match="not a valid name"):
        to_resources({"executors": [EXAMPLE]}, name)
    with pytest.raises(ConfigurationError, match="not a valid name"):
        to_resources({"executors": [EXAMPLE]}, namespace=name)


def resource(wanted: Any = EXAMPLE, namespace: str = "", **more: Any) -> dict[str, Any]:
    """Return a resource as an API server has it."""
    kind = "NamespacedExecutor" if namespace else "Executor"
    metadata = {"name": "e", "uid": "u", "labels": {"a": "b"}} | (
        {"namespace": namespace} if namespace else {}
    )
    found = {
        "apiVersion": API,
        "kind": kind,
        "metadata": metadata,
        "spec": wanted,
        "status": {"succeeded": True},
    }
    return found | more


@pytest.mark.parametrize("kind", ["List", "ExecutorList"])
def test_lists_as_kubectl_prints_them_are_taken_apart(kind: str) -> None:
    """In their order, with the kind of the list where members have none."""
    items = [resource(), resource(spec("b.example"))]
    if kind != "List":
        items = [{key: each[key] for key in ("metadata", "spec")} for each in items]
    version = "v1" if kind == "List" else API
    found = to_file([{"apiVersion": version, "kind": kind, "metadata": {}, "items": items}])
    assert found == {"executors": [EXAMPLE, spec("b.example")]}


@pytest.mark.parametrize(
    ("documents", "says"),
    [
        ([], "no resource"),
        ([{"executors": [EXAMPLE]}], "it is not a resource"),
        ([resource(), resource(namespace="team")], "the cluster, the namespace team"),
        (
            [resource(spec("b.example"), "a"), resource(namespace="team")],
            "the namespace a, the namespace team",
        ),
        (
            [resource(apiVersion="config.ratify.deislabs.io/v1beta1")],
            "no Executor of config.ratify.sh/v2alpha1",
        ),
        ([resource(kind="Verifier")], "no Executor"),
        ([resource(data={})], "unknown key 'data'"),
        ([resource(EXAMPLE | {"policyEnforcr": {}})], "Executor e.spec"),
        ([resource(None)], "Executor e.spec"),
        ([resource(), resource()], "given twice"),
    ],
    ids=str,
)
def test_what_a_file_cannot_express_is_refused_by_name(documents: Any, says: str) -> None:
    """Several namespaces, other kinds, what is not valid."""
    with pytest.raises(ConfigurationError, match=says):
        to_file(documents)


def test_ratify_v2s_own_resources_are_converted_and_back(shared: Path) -> None:
    """Every Executor of its acceptance tests, with its placeholders for certificates."""
    files = sorted((shared / "ratify" / "bats-config").glob("*executor*.yaml"))
    assert len(files) >= 11
    for file in files:
        (document,) = yaml.loads_all(file.read_bytes())
        namespace = document["metadata"].get("namespace", "x") if document["kind"] != "Executor" else ""
        (back,) = to_resources(to_file([document]), namespace=namespace)
        assert (back["kind"], back["spec"]) == (document["kind"], document["spec"]), file.name


def test_the_command_reads_and_writes_both(tmp_path: Path) -> None:
    """YAML or JSON in, YAML out; what is a resource is told from what is a file."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps({"executors": [EXAMPLE, spec("b.example")]}))
    made = tmp_path / "resources.yaml"
    made.write_text(converted(str(path), "mine", ""))
    assert "name: mine-2" in made.read_text()
    back = tmp_path / "back.yaml"
    back.write_text(converted(str(made), "mine", ""))
    assert yaml.loads(back.read_bytes()) == json.loads(path.read_text())
    with pytest.raises(ConfigurationError, match="--namespace"):
        converted(str(made), "mine", "team")
    made.write_text("a: 1\n---\nb: 2\n")
    with pytest.raises(ConfigurationError, match="2 documents"):
        converted(str(made), "mine", "")
