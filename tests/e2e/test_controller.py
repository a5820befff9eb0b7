"""Executors as resources of a real API server: definitions, RBAC, status, Events, and what follows them."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.cluster import apiserver, programs
from e2e.cluster.api import Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.images import Images
from e2e.cluster.programs import eventually
from pyratify.core.addresses import Destinations
from pyratify.core.isolation import end
from pyratify.core.platform_choice import PlatformChoice
from pyratify.core.reason import Reason
from pyratify.kubernetes.client.api import Api, ApiFault, collection_path
from pyratify.kubernetes.client.kinds import API_VERSION, EXECUTOR
from pyratify.kubernetes.client.watch_resources import Informer
from pyratify.kubernetes.executors.controller import ClusterConfig, ControllerOptions
from support.clusters import KEY, SlowClock, ask, deciders, invalid, spec, until

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parents[2]
CRDS = ROOT / "deploy" / "crds"
OTHER_KEY = ROOT / "examples" / "material" / "keys" / "other.pub"
RULES = [
    {
        "apiGroups": ["config.ratify.sh"],
        "resources": ["executors", "namespacedexecutors"],
        "verbs": ["get", "list", "watch"],
    },
    {
        "apiGroups": ["config.ratify.sh"],
        "resources": ["executors/status", "namespacedexecutors/status"],
        "verbs": ["patch"],
    },
    {"apiGroups": ["events.k8s.io"], "resources": ["events"], "verbs": ["create"]},
]
RBAC = "rbac.authorization.k8s.io"


@pytest.fixture(scope="module")
def account(api_server: ApiServer) -> str:
    """The kubeconfig of a service account that may do what the documentation says, and nothing else."""
    return prepared(api_server)


def prepared(api_server: ApiServer) -> str:
    """Install the definitions, and return the kubeconfig of a service account with the documented rights."""
    done = api_server.kubectl("apply", "--server-side", "-f", CRDS)
    assert done.returncode == 0, done.stderr
    eventually("the definitions are served", lambda: served(api_server))
    api_server.namespace("ratify-controller")
    path = api_server.kubeconfig_of("ratify-controller", "provider")
    role = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "e2e-controller"},
        "rules": RULES,
    }
    subject = {"kind": "ServiceAccount", "name": "provider", "namespace": "ratify-controller"}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "e2e-controller"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "e2e-controller"},
        "subjects": [subject],
    }
    api_server.api.apply(role, binding)
    return str(path)


@pytest.fixture
def clean(api_server: ApiServer, account: str) -> Iterator[None]:
    """No resources of others before and after."""
    yield
    for kind in ("Executor", "NamespacedExecutor"):
        for each in api_server.api.all(API_VERSION, kind):
            api_server.api.delete({**each, "apiVersion": API_VERSION, "kind": kind})


@asynccontextmanager
async def followed(account: str) -> AsyncIterator[ClusterConfig]:
    """Follow the cluster meanwhile."""
    rules = ControllerOptions(tenant_destinations=Destinations.parse(["127.0.0.0/8"]))
    config = ClusterConfig(Api.connect({"KUBECONFIG": account}), SlowClock(), rules)
    await config.refresh()
    assert config.unready_reason() == ""
    task = asyncio.create_task(config.watch())
    try:
        yield config
    finally:
        await end(task)
        await config.aclose()


def served(api_server: ApiServer) -> bool:
    """Return whether both kinds can be listed, and kubectl knows them."""
    for plural in ("executors", "namespacedexecutors"):
        if api_server.kubectl("get", plural, "-A").returncode != 0:
            return False
    return api_server.kubectl("explain", "namespacedexecutors").returncode == 0


def resource(name: str, wanted: Any, namespace: str = "") -> dict[str, Any]:
    """Return an Executor, or a NamespacedExecutor where a namespace is given."""
    meta = {"name": name} | ({"namespace": namespace} if namespace else {})
    kind = "NamespacedExecutor" if namespace else "Executor"
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": meta, "spec": wanted}


def shown(api_server: ApiServer, name: str) -> dict[str, Any]:
    """Return an Executor's status."""
    found: dict[str, Any] = api_server.api.get(resource(name, {})).get("status") or {}
    return found


def notes(api_server: ApiServer, name: str) -> list[str]:
    """Return what Events say about an Executor, as kubectl shows them."""
    done = api_server.kubectl("get", "events.events.k8s.io", "-n", "default", "-o", "json")
    return [
        each["note"] for each in json.loads(done.stdout)["items"] if each["regarding"].get("name") == name
    ]


@pytest.mark.usefixtures("clean", "account")
def test_the_api_server_knows_the_definitions(api_server: ApiServer, shared: Path) -> None:
    """They are established, kubectl explains them, Ratify's own resources fit, and what is out of bounds does not."""
    explained = api_server.kubectl("explain", "namespacedexecutors.spec.stores")
    assert "scopes" in explained.stdout, explained.stderr
    files = sorted((shared / "ratify" / "bats-config").glob("*executor*.yaml"))
    assert files
    for file in files:
        done = api_server.kubectl("apply", "--dry-run=server", "-n", "default", "-f", file)
        assert done.returncode == 0, (file.name, done.stderr)
    for change in ({"scopes": []}, {"concurrency": 257}, {"timeout": 0}, {"verifiers": []}, {"stores": None}):
        with pytest.raises(Refused, match="spec"):
            api_server.api.trying().create(resource("bad", spec("a.example") | change))
    made = api_server.api.create(resource("odd", spec("a.example") | {"policyEnforcr": {"a": 1}}))
    assert made["spec"]["policyEnforcr"] == {"a": 1}


@pytest.mark.usefixtures("clean")
async def test_resources_are_followed_and_reported(
    api_server: ApiServer, account: str, namespace: str
) -> None:
    """Made, broken, corrected and deleted, with no more rights than documented; kubectl shows how they are."""
    api = api_server.api
    async with followed(account) as config:
        api.create(resource("one", spec("a.example")))
        await until(lambda: shown(api_server, "one").get("succeeded") is True)
        assert deciders(config) == {"a.example": "cosign"}
        row = api_server.kubectl("get", "executor", "one", "--no-headers").stdout.split()
        assert row[:2] == ["one", "true"]
        api.patch(resource("one", invalid("a.example", "b.example")))
        await until(lambda: shown(api_server, "one").get("succeeded") is False)
        assert deciders(config) == {"a.example": "cosign", "b.example": "none"}
        status = shown(api_server, "one")
        assert status["observedGeneration"] == 2
        assert status["conditions"][0]["reason"] == "CONFIG_INVALID"
        table = api_server.kubectl("get", "executor", "one").stdout
        assert "spec.stores[0].type" in table
        await until(
            lambda: "its last valid specification stays in service" in " ".join(notes(api_server, "one"))
        )
        api.create(resource("mine", spec("t.example"), namespace))
        await until(lambda: deciders(config, namespace) == {"t.example": "cosign"})
        api.patch(resource("one", spec("c.example")))
        await until(lambda: deciders(config) == {"c.example": "cosign"})
        api.delete(resource("mine", {}, namespace))
        await until(lambda: deciders(config, namespace) == {"c.example": "cosign"})
        api.delete(resource("one", {}))
        await until(lambda: config.acquire("") is None)


@pytest.mark.usefixtures("clean")
async def test_a_misspelled_policy_is_refused(api_server: ApiServer, account: str) -> None:
    """It reaches the controller, which says what was meant."""
    api_server.api.create(
        resource("odd", spec("a.example") | {"policyEnforcr": {"type": "threshold-policy"}})
    )
    async with followed(account) as config:
        result = await ask(config, "a.example/app:v1")
        assert result.failure is not None
        assert result.failure.reason is Reason.SCOPE_NO_MATCH
        await until(lambda: "policyEnforcr" in shown(api_server, "odd").get("error", ""))
        message = shown(api_server, "odd")["conditions"][0]["message"]
        assert "Did you mean 'policyEnforcer'?" in message


@pytest.mark.usefixtures("clean")
async def test_platforms_are_a_word_or_a_list(api_server: ApiServer, account: str) -> None:
    """The server keeps either as it was written, and the controller refuses what is neither."""
    api = api_server.api
    async with followed(account) as config:
        for platforms in ("each", ["linux/amd64", "linux/arm64"]):
            api.create(resource("some", spec("a.example", platforms=platforms)))
            await until(lambda: shown(api_server, "some").get("succeeded") is True)
            snapshot = config.acquire("")
            assert snapshot is not None
            (executor,) = snapshot.engine.executors.values()
            assert executor.platforms == PlatformChoice.parse(platforms)
            api.delete(resource("some", {}))
            await until(lambda: config.acquire("") is None)
        api.create(resource("odd", spec("a.example", platforms=["linux"])))
        await until(lambda: "platforms" in shown(api_server, "odd").get("error", ""))


@pytest.mark.usefixtures("clean")
async def test_a_version_that_is_long_gone_is_410(api_server: ApiServer, account: str) -> None:
    """As the real server says it; the informer reads everything anew and goes on."""
    api_server.api.create(resource("one", spec("a.example")))
    api = Api.connect({"KUBECONFIG": account})
    path = collection_path(API_VERSION, "executors")
    try:
        with pytest.raises(ApiFault) as caught:
            await anext(api.watch(path, "1"))
        assert caught.value.is_gone
    finally:
        await api.aclose()
    api = Api.connect({"KUBECONFIG": account})
    informer = Informer(api, EXECUTOR, lambda namespace: None, SlowClock(), version="1")
    task = asyncio.create_task(informer.run())
    try:
        api_server.api.create(resource("two", spec("b.example")))
        await until(lambda: {each.name for each in informer.of("")} == {"one", "two"})
    finally:
        await end(task)
        await api.aclose()


@pytest.mark.usefixtures("clean")
async def test_without_the_right_to_read_nothing_is_answered(api_server: ApiServer, namespace: str) -> None:
    """A service account without roles: no verdicts, and the reason in readiness."""
    nobody = str(api_server.kubeconfig_of(namespace, "nobody"))
    config = ClusterConfig(Api.connect({"KUBECONFIG": nobody}), SlowClock())
    await config.refresh()
    assert config.acquire("") is None
    assert "403" in config.unready_reason()
    await config.aclose()


@pytest.mark.usefixtures("clean")
async def test_images_are_judged_as_resources_say(
    api_server: ApiServer, account: str, namespace: str, images: Images
) -> None:
    """Really signed images: the cluster's key, and another one for a namespace."""
    registry = images["cosign-v3"].partition("/")[0]
    api_server.api.create(resource("one", spec(registry)))
    other = OTHER_KEY.read_text()
    strict = json.loads(json.dumps(spec(registry)).replace(json.dumps(KEY), json.dumps(other)))
    api_server.api.create(resource("mine", strict, namespace))
    async with followed(account) as config:
        found = [
            (await ask(config, images[tag], tenant)).succeeded
            for tag in ("cosign-v3", "unsigned")
            for tenant in ("", namespace)
        ]
    assert found == [True, False, False, False]


@pytest.mark.usefixtures("clean")
async def test_keys_come_from_a_secret_that_the_account_may_read(
    api_server: ApiServer, account: str, namespace: str, images: Images
) -> None:
    """With a Role of that namespace; without it the status says what is missing."""
    data = {"cosign.pub": base64.b64encode(KEY.encode()).decode()}
    metadata = {"name": "keys", "namespace": namespace}
    api_server.api.apply({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data})
    wanted: Any = spec(images["cosign-v3"].partition("/")[0])
    wanted["verifiers"][0]["parameters"]["trustPolicies"][0]["keys"] = {"kubernetes": {"secret": "keys"}}
    mine = resource("mine", wanted, namespace)
    api_server.api.create(mine)
    async with followed(account) as config:
        await until(lambda: "403" in (api_server.api.get(mine).get("status") or {}).get("error", ""))
        assert not (await ask(config, images["cosign-v3"], namespace)).succeeded
        rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["keys"]}]
        role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
        subject = {"kind": "ServiceAccount", "name": "provider", "namespace": "ratify-controller"}
        reference = {"apiGroup": RBAC, "kind": "Role", "name": "keys"}
        binding = role | {"kind": "RoleBinding", "roleRef": reference, "subjects": [subject]}
        del binding["rules"]
        api_server.api.apply(role, binding)
        await until(lambda: api_server.api.get(mine)["status"]["succeeded"])
        assert (await ask(config, images["cosign-v3"], namespace)).succeeded


async def test_an_api_server_that_is_killed_and_started_again_is_followed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is in service stays so meanwhile; what happens afterwards is seen."""
    if absent := programs.missing(*apiserver.NEEDED):
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    with apiserver.api_server(tmp_path) as server:
        account, again = prepared(server), None
        server.api.create(resource("one", spec("a.example", name="v1")))
        async with followed(account) as config:
            program = server.programs[1]
            program.kill()
            await until(lambda: caplog.messages.count("resources are not watched") >= 2)
            assert deciders(config) == {"a.example": "v1"}
            assert config.unready_reason() == ""
            try:
                again = programs.start(tmp_path / "again.log", *program.process.args)
                eventually("the API server is back", lambda: answers(server))
                server.api.patch(resource("one", spec("a.example", name="v2")))
                await until(lambda: deciders(config) == {"a.example": "v2"})
            finally:
                if again is not None:
                    again.end()


def answers(server: ApiServer) -> bool:
    """Return whether resources can be read."""
    return server.kubectl("get", "executor", "one").returncode == 0
