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
from e2e.cluster.programs import BIN, MANIFEST, Program, eventually, free_port, running
from pyratify.testing.tls import Authority

NEEDED = ("gatekeeper", "../share/gatekeeper.yaml")
NAMESPACE = "gatekeeper-system"

# Namespaces with this label are looked at by Gatekeeper, all others are not.
LABEL, WATCHED = "e2e-admission", "gatekeeper"

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
_OWN = ("templates", "constraints", "externaldata", "mutations")


@dataclass(frozen=True)
class Gatekeeper:
    """Gatekeeper as a process.

    Attributes:
        authority: Who signs its certificates; providers trust `ca`.
        folder: Its certificates, and `ca.crt`.
        program: The process.
    """

    authority: Authority
    folder: Path
    program: Program

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
    webhooks = apply_manifest(server, port, authority)
    command = (
        BIN / "gatekeeper", "--kubeconfig", server.kubeconfig, "--host", "127.0.0.1", "--port", port,
        "--cert-dir", folder, "--disable-cert-rotation", "--enable-external-data", "--debug-use-fake-pod",
        "--external-data-provider-response-cache-ttl", "0s", "--health-addr", f"127.0.0.1:{health}",
        "--prometheus-port", free_port(), "--shutdown-delay", 0,
        *(word for operation in _OPERATIONS for word in ("--operation", operation)),
    )  # fmt: skip
    names = {"POD_NAME": "gatekeeper-0", "POD_NAMESPACE": NAMESPACE}
    with running(folder / "gatekeeper.log", *command, **names) as program:
        eventually("Gatekeeper is ready", lambda: _ready(program, health))
        server.api.apply(*webhooks)
        yield Gatekeeper(authority, folder, program)
        server.api.delete(*webhooks)


def apply_manifest(server: ApiServer, port: int, authority: Authority) -> tuple[Document, ...]:
    """Apply the kinds, and return the webhook configurations with addresses on loopback."""
    documents = [document for document in _documents() if document["kind"] in _KINDS]
    webhooks = [document for document in documents if "webhooks" in document]
    server.api.apply(*(document for document in documents if "webhooks" not in document))
    for document in webhooks:
        document["webhooks"] = [
            _on_loopback(hook, port, authority)
            for hook in document["webhooks"]
            if hook["name"] != "check-ignore-label.gatekeeper.sh"
        ]
    kinds = [document["spec"] for document in documents if document["kind"] == "CustomResourceDefinition"]
    for kind in kinds:
        version = f"{kind['group']}/{kind['versions'][0]['name']}"
        eventually(version, lambda v=version, k=kind["names"]["kind"]: server.api.knows(v, k))  # type: ignore[misc]
    return tuple(webhooks)


def write_pair(folder: Path, pem: bytes) -> None:
    """Write a key and its certificate as `tls.key` and `tls.crt`, each exchanged at once as in a mounted Secret."""
    key, dash, rest = pem.partition(b"-----BEGIN CERTIFICATE-----")
    for name, content in (("tls.key", key), ("tls.crt", dash + rest)):
        aside = folder / f".{name}"
        aside.write_bytes(content)
        aside.replace(folder / name)


def _documents() -> list[Document]:
    return [document for document in yaml.load_all(MANIFEST.read_text(), Loader=yaml.CSafeLoader) if document]


def _on_loopback(hook: dict[str, Any], port: int, authority: Authority) -> dict[str, Any]:
    path = hook["clientConfig"]["service"]["path"]
    bundle = base64.b64encode(authority.pem.encode()).decode()
    rules = list(_WORKLOADS.items())
    rules += [(f"{group}.gatekeeper.sh", ("*",)) for group in _OWN]
    return {
        **hook,
        "clientConfig": {"url": f"https://127.0.0.1:{port}{path}", "caBundle": bundle},
        "failurePolicy": "Fail",
        "timeoutSeconds": 10,
        "namespaceSelector": {"matchLabels": {LABEL: WATCHED}},
        "rules": [
            {
                "apiGroups": [group],
                "apiVersions": ["*"],
                "operations": ["CREATE", "UPDATE"],
                "resources": list(resources),
            }
            for group, resources in rules
        ],
    }


def _ready(program: Program, health: int) -> bool:
    program.check()
    connection = http.client.HTTPConnection("127.0.0.1", health, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    finally:
        connection.close()
