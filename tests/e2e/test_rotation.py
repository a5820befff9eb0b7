"""Rotation at a real API server: permissions, competitors, restored bundles, and an exchange without a failed request."""

import asyncio
import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from e2e.cluster.api import Document, Refused
from e2e.cluster.apiserver import ApiServer
from pyratify.core.clock import SystemClock
from pyratify.core.isolation import end
from pyratify.kubernetes.client.api import Api
from pyratify.kubernetes.rotation.authority import Lifetimes
from pyratify.kubernetes.rotation.ca_bundle import mutating_webhook, validating_webhook
from pyratify.kubernetes.rotation.rotator import Rotator
from pyratify.kubernetes.rotation.secret_contents import ServiceNames
from pyratify.serving.http.server import Address, Reply, Request, Site, listening
from pyratify.serving.tls.in_memory import TlsMemory
from pyratify.serving.tls.reloading import ReloadingTls

pytestmark = pytest.mark.e2e

LOST = base64.b64encode(b"lost").decode()
RBAC = "rbac.authorization.k8s.io/v1"
QUICK = Lifetimes(settle=timedelta(seconds=2), overlap=timedelta(0))
Make = Callable[[str], "Replica"]


class BriskClock(SystemClock):
    """A clock whose sleeps are short, so that the test is."""

    async def sleep(self, seconds: float) -> None:
        """Wait a tenth of a second at most."""
        await asyncio.sleep(min(seconds, 0.1))


async def admit(asked: Request) -> Reply:
    """Admit whatever it is."""
    review = json.loads(asked.body)
    review["response"] = {"uid": review["request"]["uid"], "allowed": True}
    return Reply(200, json.dumps(review).encode())


SITE = Site(routes={("POST", "/"): admit}, refusals={}, queries=True)


@dataclass
class Replica:
    """A replica that serves with the certificate of the Secret."""

    rotator: Rotator
    tls: ReloadingTls
    where: Address | None = None

    async def asked(self, trusted: str) -> int:
        """Ask it over a new connection, trusting what clients are told; return the status."""
        assert self.where is not None
        context = ssl.create_default_context(cadata=trusted)
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        body = json.dumps({"request": {"uid": "1"}})
        url = f"https://127.0.0.1:{self.where.port}/"
        async with (
            aiohttp.ClientSession() as session,
            session.post(url, data=body, ssl=context) as answer,
        ):
            return answer.status


@dataclass
class Cluster:
    """A namespace with a service account that may do what docs/certificates.md says, and its webhook configurations."""

    server: ApiServer
    namespace: str
    replicas: list[Replica] = field(default_factory=list)

    @property
    def service(self) -> ServiceNames:
        """The Service, which also answers at this machine's own address."""
        return ServiceNames("ratify", self.namespace, ("127.0.0.1",))

    @property
    def configurations(self) -> tuple[Document, Document]:
        """The webhook configurations, by name only."""
        api = "admissionregistration.k8s.io/v1"
        metadata = {"name": self.namespace}
        return (
            {"apiVersion": api, "kind": "ValidatingWebhookConfiguration", "metadata": metadata},
            {"apiVersion": api, "kind": "MutatingWebhookConfiguration", "metadata": metadata},
        )

    @property
    def secret(self) -> Document:
        """The Secret, by name only."""
        metadata = {"name": "ratify-tls", "namespace": self.namespace}
        return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata}

    def permit(self) -> None:
        """Bind the permissions."""
        core, leases = {"apiGroups": [""]}, {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
        named = {"resourceNames": ["ratify-tls"]}
        role = [
            {**core, "resources": ["secrets"], "verbs": ["create"]},
            {**core, **named, "resources": ["secrets"], "verbs": ["get", "patch"]},
            {**leases, "verbs": ["create"]},
            {**leases, "resourceNames": ["ratify-certificates"], "verbs": ["get", "patch"]},
        ]
        kinds = ["validatingwebhookconfigurations", "mutatingwebhookconfigurations"]
        hooks = {
            "apiGroups": ["admissionregistration.k8s.io"],
            "resources": kinds,
            "resourceNames": [self.namespace],
        }
        self._bind("Role", role)
        self._bind("ClusterRole", [{**hooks, "verbs": ["get", "patch"]}])

    def forbid(self) -> None:
        """Take the permission to change webhook configurations back."""
        self.server.api.delete(
            {"apiVersion": RBAC, "kind": "ClusterRoleBinding", **self._meta("ClusterRole")}
        )

    def configure(self, *urls: str) -> None:
        """Have the API server ask these about every ConfigMap of the namespace."""
        label = {"matchLabels": {"kubernetes.io/metadata.name": self.namespace}}
        rule = {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": ["CREATE"],
            "resources": ["configmaps"],
        }
        for number, document in enumerate(self.configurations):
            hooks = [
                {
                    "name": f"{name}.ratify.sh",
                    "clientConfig": {"url": urls[number % len(urls)]},
                    "admissionReviewVersions": ["v1"],
                    "sideEffects": "None",
                    "failurePolicy": "Fail",
                    "timeoutSeconds": 5,
                    "namespaceSelector": label,
                    "rules": [rule],
                }
                for name in ("one", "two")
            ]
            self.server.api.create({**document, "webhooks": hooks})

    def told(self) -> str:
        """Return what the API server is told to trust; the first webhook's where they differ."""
        return base64.b64decode(self.bundles()[0]).decode()

    def bundles(self) -> list[str]:
        """Return what every webhook says."""
        found = [self.server.api.get(document)["webhooks"] for document in self.configurations]
        return [hook["clientConfig"].get("caBundle", "") for hooks in found for hook in hooks]

    def data(self) -> dict[str, bytes]:
        """Return what the Secret holds."""
        found: Mapping[str, str] = self.server.api.get(self.secret)["data"]
        return {name: base64.b64decode(text) for name, text in found.items()}

    def try_one(self) -> None:
        """Create a ConfigMap, which both webhook configurations have to admit."""
        metadata = {"generateName": "load-", "namespace": self.namespace}
        self.server.api.trying().create({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})

    def _meta(self, kind: str) -> Document:
        name = f"rotation-{self.namespace}"
        return {"metadata": {"name": name, **({"namespace": self.namespace} if kind == "Role" else {})}}

    def _bind(self, kind: str, rules: list[Any]) -> None:
        meta = self._meta(kind)
        subject = {"kind": "ServiceAccount", "name": "ratify", "namespace": self.namespace}
        reference = {"apiGroup": RBAC.partition("/")[0], "kind": kind, "name": meta["metadata"]["name"]}
        self.server.api.apply({"apiVersion": RBAC, "kind": kind, **meta, "rules": rules})
        binding = {"apiVersion": RBAC, "kind": f"{kind}Binding", **meta}
        self.server.api.apply({**binding, "subjects": [subject], "roleRef": reference})


@pytest.fixture
async def cluster(api_server: ApiServer, namespace: str) -> AsyncIterator[Cluster]:
    """A namespace of its own; its webhook configurations are gone at the end."""
    found = Cluster(api_server, namespace)
    yield found
    api_server.api.delete(*found.configurations)


@pytest.fixture
async def replica(cluster: Cluster) -> AsyncIterator[Make]:
    """Make replicas that listen, each with a connection of the service account's own."""
    async with AsyncExitStack() as stack:
        kubeconfig = cluster.server.kubeconfig_of(cluster.namespace, "ratify")
        environment = {"KUBECONFIG": str(kubeconfig), "RATIFY_NAMESPACE": cluster.namespace}
        targets = (validating_webhook(cluster.namespace), mutating_webhook(cluster.namespace))

        def make(name: str) -> Replica:
            api = Api.connect(environment)
            stack.push_async_callback(api.aclose)
            memory = TlsMemory()
            tls = ReloadingTls(memory)

            def use(certificate: bytes, key: bytes) -> bool:
                memory.give(certificate, key)
                tls.reload()
                return tls.fault is None

            clock = BriskClock()
            rotator = Rotator(api, cluster.service, targets, use, name, clock, QUICK)
            return Replica(rotator, tls)

        yield make


@asynccontextmanager
async def serving(replica: Replica) -> AsyncIterator[str]:
    """Let a replica listen, and yield its URL."""
    async with listening(
        SITE, Address("127.0.0.1", 0), replica.tls.context, outdated=replica.tls.outdated
    ) as where:
        replica.where = where
        yield f"https://127.0.0.1:{where.port}/"


async def until(what: Callable[[], bool]) -> None:
    """Wait for something at the API server, for at most a minute."""
    async with asyncio.timeout(60):
        while not await asyncio.to_thread(what):  # noqa: ASYNC110 - another process changes it
            await asyncio.sleep(0.05)


async def test_the_permissions_of_the_documentation_are_enough(cluster: Cluster, replica: Make) -> None:
    """And no others are needed: a Secret, a Lease, and what the API server is told; two competitors make one of each."""
    cluster.permit()
    cluster.configure("https://127.0.0.1:1/")
    one, two = replica("one"), replica("two")
    for _ in range(3):
        await asyncio.gather(one.rotator.check(), two.rotator.check())
    assert (one.rotator.fault, two.rotator.fault) == ("", "")
    assert sorted((one.rotator.leading, two.rotator.leading)) == [False, True]
    found = cluster.server.api.get(cluster.secret)
    assert found["type"] == "kubernetes.io/tls"
    assert sorted(found["data"]) == ["ca.crt", "ca.key", "tls.crt", "tls.key"]
    assert set(cluster.bundles()) == {found["data"]["ca.crt"]}
    assert one.tls.expires == two.tls.expires
    version = found["metadata"]["resourceVersion"]
    await one.rotator.check()
    await two.rotator.check()
    assert cluster.server.api.get(cluster.secret)["metadata"]["resourceVersion"] == version


async def test_competitors_agree_however_often_the_secret_is_deleted(cluster: Cluster, replica: Make) -> None:
    """Five that all look at once, with the Lease and the Secret taken away again and again."""
    cluster.permit()
    cluster.configure("https://127.0.0.1:1/")
    replicas = [replica(f"replica-{number}") for number in range(5)]
    meta = {"name": "ratify-certificates", "namespace": cluster.namespace}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta}
    seen: set[bytes] = set()
    for _ in range(3):
        cluster.server.api.delete(cluster.secret, lease)
        for _ in range(4):
            await asyncio.gather(*(each.rotator.check() for each in replicas))
        assert {each.rotator.fault for each in replicas} == {""}
        assert len({each.rotator.serving for each in replicas}) == 1
        assert [each.rotator.leading for each in replicas].count(True) == 1
        data = cluster.data()
        assert set(cluster.bundles()) == {base64.b64encode(data["ca.crt"]).decode()}
        seen.add(data["tls.crt"])
    assert len(seen) == 3


async def test_without_permission_the_api_server_says_what_is_missing(
    cluster: Cluster, replica: Make
) -> None:
    """In the fault; and with it everything goes on."""
    one = replica("one")
    await one.rotator.check()
    assert 'secrets "ratify-tls" is forbidden' in one.rotator.fault
    assert one.tls.fault is not None
    cluster.permit()
    cluster.configure("https://127.0.0.1:1/")
    await one.rotator.check()
    assert one.rotator.fault == ""
    assert one.tls.fault is None
    cluster.forbid()
    cluster.server.api.patch({**cluster.secret, "data": {"ca.key": LOST}})

    def refused() -> bool:
        return "webhookconfigurations.admissionregistration.k8s.io" in one.rotator.fault

    watching = asyncio.create_task(one.rotator.watch())
    try:
        await until(refused)
        assert cluster.data()["ca.crt"].count(b"BEGIN") == 2
        assert one.rotator.leading
    finally:
        await end(watching)


async def test_who_ends_gives_the_lease_up(cluster: Cluster, replica: Make) -> None:
    """As the real API server allows it; the next one takes it at once."""
    cluster.permit()
    one, two = replica("one"), replica("two")
    watching = asyncio.create_task(one.rotator.watch())
    await until(lambda: one.rotator.leading)
    await end(watching)
    await two.rotator.check()
    assert two.rotator.leading


async def test_an_immutable_secret_is_a_fault(cluster: Cluster, replica: Make) -> None:
    """Nothing is made up beside it."""
    cluster.permit()
    cluster.server.api.create({**cluster.secret, "type": "Opaque", "immutable": True})
    one = replica("one")
    await one.rotator.check()
    assert "immutable" in one.rotator.fault
    assert one.tls.fault is not None


async def test_no_request_fails_while_everything_is_exchanged(cluster: Cluster, replica: Make) -> None:
    """While the API server asks two replicas about objects without a pause, and clients come with what they are told to trust.

    The certificate is renewed, the authority is replaced twice (announced, used, retired), and `caBundle` is overwritten.
    """
    cluster.permit()
    one, two = replica("one"), replica("two")
    counts, wrong, stop = [0, 0], list[str](), asyncio.Event()

    async def admitted() -> None:
        while not stop.is_set():
            try:
                await asyncio.to_thread(cluster.try_one)
                counts[0] += 1
            except Refused as error:
                wrong.append(f"API server: {error.message}")

    async def connected(each: Replica) -> None:
        while not stop.is_set():
            trusted = await asyncio.to_thread(cluster.told)
            try:
                assert await each.asked(trusted) == 200
                counts[1] += 1
            except (aiohttp.ClientError, OSError) as error:
                wrong.append(f"client: {error}")

    async def through(authorities: int) -> None:
        """Wait until the API server is told to trust so many, and until some more was done with that."""
        await until(lambda: cluster.told().count("BEGIN") == authorities)
        before = list(counts)
        await until(lambda: all(now > then + 5 for now, then in zip(counts, before, strict=True)))
        assert wrong == []

    async with serving(one) as first, serving(two) as second:
        cluster.configure(first, second)
        watching = [asyncio.create_task(each.rotator.watch()) for each in (one, two)]
        await until(lambda: one.tls.fault is None and two.tls.fault is None and "BEGIN" in cluster.told())
        await until(lambda: _works(cluster))
        load = [asyncio.create_task(work) for work in (admitted(), connected(one), connected(two))]
        await through(1)
        serial = cluster.data()["tls.crt"]
        cluster.server.api.patch({**cluster.secret, "data": {"tls.key": LOST}})
        await until(lambda: cluster.data()["tls.crt"] != serial)
        await through(1)
        for _ in range(2):
            authority = cluster.data()["ca.crt"]
            cluster.server.api.patch({**cluster.secret, "data": {"ca.key": LOST}})
            await through(2)
            await through(1)
            assert cluster.data()["ca.crt"] != authority
        stop.set()
        await asyncio.gather(*load)
        await end(*watching)
    assert wrong == []
    assert min(counts) > 30


def _works(cluster: Cluster) -> bool:
    try:
        cluster.try_one()
    except Refused:
        return False
    return True


async def test_what_the_api_server_is_told_is_put_back(
    cluster: Cluster, replica: Make, tmp_path: Path
) -> None:
    """Overwritten by kubectl, on every webhook of a real configuration."""
    cluster.permit()
    cluster.configure("https://127.0.0.1:1/")
    one = replica("one")
    await one.rotator.check()
    right = cluster.bundles()
    for document in cluster.configurations:
        operations = [{"op": "remove", "path": "/webhooks/0/clientConfig/caBundle"}]
        done = cluster.server.kubectl(
            "patch", document["kind"], cluster.namespace, "--type=json", "-p", json.dumps(operations)
        )
        assert done.returncode == 0, done.stderr
    assert cluster.bundles() != right
    await one.rotator.check()
    assert one.rotator.fault == ""
    assert cluster.bundles() == right
