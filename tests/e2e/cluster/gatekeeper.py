"""Gatekeeper outside the cluster whose admissions it decides, with its own manifest and mutual TLS towards providers."""

import base64
import http.client
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.policies import LABEL, VALIDATION, WEBHOOK
from e2e.cluster.programs import (
    BIN,
    MANIFEST,
    Program,
    can_have_hosts,
    eventually,
    running,
    shown_serial,
    write_pair,
)
from pyratify.testing.tls import Authority
from support.ports import free_port

NEEDED = ("gatekeeper", "../share/gatekeeper.yaml")
NAMESPACE = "gatekeeper-system"

_OPERATIONS = ("webhook", "mutation-webhook", "mutation-controller", "mutation-status", "status", "generate")
_KINDS = {
    "CustomResourceDefinition",
    "Namespace",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
}
_WORKLOADS: dict[str, Sequence[str]] = {
    "": ("pods", "pods/ephemeralcontainers", "replicationcontrollers"),
    "apps": ("deployments", "replicasets", "statefulsets", "daemonsets"),
    "batch": ("jobs", "cronjobs"),
}
_LOOKED_AT = [
    {"key": LABEL, "operator": "Exists"},
    {"key": LABEL, "operator": "NotIn", "values": [WEBHOOK]},
]
_OWN = ("templates", "constraints", "externaldata", "mutations")


@dataclass
class Gatekeeper:
    """Gatekeeper as a process.

    Attributes:
        authority: Who signs its certificates; providers trust `ca`.
        folder: Its certificates, and `ca.crt`.
        program: The process.
        port: Where it answers the API server.
        server: The API server that asks it.
        webhooks: Its webhook configurations, as its manifest has them.
        knows_names: Whether the names of the provider's Service lead it to loopback.
    """

    authority: Authority
    folder: Path
    program: Program
    port: int
    server: ApiServer
    webhooks: tuple[Document, ...]
    knows_names: bool

    def serve(self, *authorities: Authority) -> None:
        """Let the API server ask it, trusting the authorities given or else its own."""
        pem = "".join(authority.pem for authority in authorities or (self.authority,))
        self.server.api.apply(*(_on_loopback(webhook, self.port, pem) for webhook in self.webhooks))

    def serial(self) -> str:
        """Return the serial number of the certificate that it shows the API server now."""
        return shown_serial(self.port, self.authority.pem)

    @property
    def ca(self) -> Path:
        """The PEM file that providers get as Gatekeeper's authority."""
        return self.folder / "ca.crt"

    def replace_certificate(self, authority: Authority | None = None) -> None:
        """Replace the certificate in place, with one of another authority if one is given."""
        write_pair(self.folder, (authority or self.authority).issue("gatekeeper", "127.0.0.1"))


@contextmanager
def gatekeeper(server: ApiServer, folder: Path) -> Iterator[Gatekeeper]:
    """Run Gatekeeper until the end of the block, its manifest applied, its webhooks served."""
    authority, port, health = Authority("e2e Gatekeeper"), free_port(), free_port()
    write_pair(folder, authority.issue("gatekeeper", "127.0.0.1"))
    (folder / "ca.crt").write_text(authority.pem)
    webhooks = apply_manifest(server)
    command = (
        BIN / "gatekeeper", "--kubeconfig", server.kubeconfig, "--host", "127.0.0.1", "--port", port,
        "--cert-dir", folder, "--disable-cert-rotation", "--enable-external-data", "--debug-use-fake-pod",
        "--external-data-provider-response-cache-ttl", "0s", "--health-addr", f"127.0.0.1:{health}",
        "--prometheus-port", free_port(), "--shutdown-delay", 0,
        *(word for operation in _OPERATIONS for word in ("--operation", operation)),
    )  # fmt: skip
    names, hosts = {"POD_NAME": "gatekeeper-0", "POD_NAMESPACE": NAMESPACE}, _hosts(folder)
    with running(folder / "gatekeeper.log", *command, hosts=hosts, **names) as program:
        eventually("Gatekeeper is ready", lambda: _ready(program, health))
        found = Gatekeeper(authority, folder, program, port, server, webhooks, hosts is not None)
        found.serve()
        yield found
        server.api.delete(*webhooks)


def apply_manifest(server: ApiServer) -> tuple[Document, ...]:
    """Apply the kinds, and return the webhook configurations."""
    documents = [document for document in _documents() if document["kind"] in _KINDS]
    webhooks = tuple(document for document in documents if "webhooks" in document)
    server.api.apply(*(document for document in documents if "webhooks" not in document))
    for document in documents:
        if document["kind"] == "CustomResourceDefinition":
            _wait_for(server, document["spec"])
    return webhooks


def _hosts(folder: Path) -> Path | None:
    path = folder / "hosts"
    path.write_text(f"127.0.0.1 localhost {VALIDATION}.{NAMESPACE}\n")
    return path if can_have_hosts(path) else None


def _documents() -> list[Document]:
    return [document for document in yaml.load_all(MANIFEST.read_text(), Loader=yaml.CSafeLoader) if document]


def _wait_for(server: ApiServer, spec: dict[str, Any]) -> None:
    version, kind = f"{spec['group']}/{spec['versions'][0]['name']}", spec["names"]["kind"]
    eventually(f"{kind} is served", lambda: server.api.knows(version, kind))


def _on_loopback(webhooks: Document, port: int, pem: str) -> Document:
    bundle = base64.b64encode(pem.encode()).decode()
    hooks = [
        {
            **hook,
            "clientConfig": {
                "url": f"https://127.0.0.1:{port}{hook['clientConfig']['service']['path']}",
                "caBundle": bundle,
            },
            "failurePolicy": "Fail",
            "timeoutSeconds": 10,
            "namespaceSelector": {"matchExpressions": _LOOKED_AT},
            "rules": _rules(),
        }
        for hook in webhooks["webhooks"]
        if hook["name"] != "check-ignore-label.gatekeeper.sh"
    ]
    return {**webhooks, "webhooks": hooks}


def _rules() -> list[dict[str, Any]]:
    groups = [*_WORKLOADS.items(), *((f"{group}.gatekeeper.sh", ("*",)) for group in _OWN)]
    return [
        {
            "apiGroups": [group],
            "apiVersions": ["*"],
            "operations": ["CREATE", "UPDATE"],
            "resources": list(resources),
        }
        for group, resources in groups
    ]


def _ready(program: Program, health: int) -> bool:
    program.check()
    connection = http.client.HTTPConnection("127.0.0.1", health, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    finally:
        connection.close()
