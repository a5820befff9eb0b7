"""The provider as Executors and NamespacedExecutors of the cluster configure it, tenant by tenant."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster import policies
from e2e.cluster.api import Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import Gatekeeper
from e2e.cluster.pods import pod
from e2e.cluster.programs import eventually
from e2e.cluster.provider import STORE, Provider, resource
from e2e.cluster.rights import grant, rule
from pyratify.testing.tls import Authority

API = "config.ratify.sh/v2alpha1"
CRDS = Path(__file__).resolve().parents[3] / "deploy" / "crds"
TENANTS = "tenants"
_NAME, _KIND, _HOME = "tenants-provider", "TenantVerification", "ratify-tenants"
CONTROLLER = (
    rule("config.ratify.sh", "executors namespacedexecutors", "get list watch"),
    rule("config.ratify.sh", "executors/status namespacedexecutors/status", "patch update"),
    rule("events.k8s.io", "events", "create patch"),
)


@dataclass
class Tenants:
    """A provider that follows the resources of the cluster, and a constraint that asks it for each namespace.

    Attributes:
        server: The API server.
        provider: The provider.
    """

    server: ApiServer
    provider: Provider

    def namespace(self, name: str) -> str:
        """Make a namespace of a tenant."""
        return self.server.namespace(name, **{policies.LABEL: TENANTS})

    def let_read(self, namespace: str, *secrets: str) -> None:
        """Let the provider read Secrets of a namespace."""
        grant(self.server, _HOME, "provider", rule("", "secrets", "get", *secrets), where=namespace)

    def apply(self, document: Document) -> Document:
        """Apply an executor, wait until its newest generation has a status, and return that."""
        self.server.api.apply(document)
        return eventually(f"{document['metadata']['name']} has a status", lambda: self.status(document))

    def status(self, document: Document) -> Document:
        """Return the status of the newest generation of an executor; nothing until there is one."""
        found = self.server.api.get(document)
        status: Document = found.get("status", {})
        return status if status.get("observedGeneration") == found["metadata"]["generation"] else {}

    def admitted(self, namespace: str, image: str) -> bool:
        """Return whether a Pod of an image would be admitted in a namespace."""
        return not self.refusal(namespace, image)

    def refusal(self, namespace: str, image: str) -> str:
        """Return why a Pod of an image would be refused in a namespace; nothing when it would not."""
        try:
            self.server.api.trying().create(pod(namespace, image))
        except Refused as error:
            return error.message
        return ""


def executor(
    name: str, *verifiers: Document, scopes: tuple[str, ...], namespace: str = "", **spec: Any
) -> Document:
    """Return an Executor or, for a namespace, a NamespacedExecutor: one signature by any of the verifiers is enough."""
    rules = [{"verifierName": verifier["name"]} for verifier in verifiers]
    policy = {"type": "threshold-policy", "parameters": {"policy": {"threshold": 1, "rules": rules}}}
    given = {
        "scopes": list(scopes),
        "verifiers": list(verifiers),
        "stores": [STORE],
        "policyEnforcer": policy,
    }
    return {
        "apiVersion": API,
        "kind": "NamespacedExecutor" if namespace else "Executor",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "spec": given | spec,
    }


@contextmanager
def tenants(server: ApiServer, gatekeeper: Gatekeeper, folder: Path, *flags: str) -> Iterator[Tenants]:
    """Run a provider that follows executors, with a service account of few rights, until the end of the block."""
    define(server)
    provider = Provider(
        folder,
        Authority("e2e provider of tenants"),
        ("--namespaces", "required", "--tenant-allowed-host", "127.0.0.0/8", *flags),
    )
    provider.replace_certificate()
    provider.admit_clients_of(gatekeeper.authority.pem)
    provider.environment["KUBECONFIG"] = str(server.kubeconfig_of(_HOME, "provider"))
    grant(server, _HOME, "provider", *CONTROLLER)
    server.api.apply(resource(_NAME, provider.port, "v2/verify", provider.bundle()))
    wanted = (
        policies.template("multi-tenancy-validation", _KIND, _NAME),
        policies.constraint("multi-tenancy-validation", TENANTS, kind=_KIND),
    )
    policies.put_in_force(server.api, *wanted)
    try:
        provider.start()
        yield Tenants(server, provider)
    finally:
        provider.end()
        server.api.delete(*reversed(wanted))


def define(server: ApiServer) -> None:
    """Apply the definitions of the kinds, and wait until they are served."""
    for path in sorted(CRDS.glob("*.yaml")):
        definition = yaml.load(path.read_text(), Loader=yaml.CSafeLoader)
        server.api.apply(definition)
        _await_kind(server, definition["spec"]["names"]["kind"])


def _await_kind(server: ApiServer, kind: str) -> None:
    eventually(f"{kind} is served", lambda: server.api.knows(API, kind))
