"""The admission webhook as a process of its own, asked by the API server as its shipped manifests say, without Gatekeeper."""

import base64
import http.client
import json
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import yaml

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import LABEL, write_pair
from e2e.cluster.programs import Program, eventually, start
from pyratify.testing.tls import Authority
from support.ports import free_port

SHIPPED = Path(__file__).resolve().parents[3] / "deploy" / "webhook"

# Namespaces with this value of `gatekeeper.LABEL` are asked about here.
WATCHED = "webhook"


@dataclass
class Webhook:
    """`ratify webhook serve`, at one address for its whole life, however often it is started.

    Attributes:
        folder: Its certificate, configuration, rules and log.
        authority: Who signs its certificate; None where it makes one itself, and tells the API server.
        environment: Its environment variables.
        more: Further flags.
        mark: The value of the label of the namespaces that it is asked about, and a part of its configurations' names.
        port: Where it answers.
        health: Where its health is.
        program: The process; None before the first start.
    """

    folder: Path
    authority: Authority | None
    environment: dict[str, str] = field(default_factory=dict)
    more: tuple[str, ...] = ()
    mark: str = WATCHED
    port: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    program: Program | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = (
            sys.executable, "-m", "pyratify", "webhook", "serve", "--rules", self.folder / "rules.json",
            "--address", f"127.0.0.1:{self.port}", "--health-address", f"127.0.0.1:{self.health}",
            "--drain", "100ms", "--tenant-allowed-host", "127.0.0.0/8", *self._flags(), *self.more,
        )  # fmt: skip
        self.program = start(self.folder / "webhook.log", *command, **self.environment)
        eventually("the webhook is ready", self.ready)

    def ready(self) -> bool:
        """Return whether `/readyz` says so."""
        if self.program is not None:
            self.program.check()
        connection = http.client.HTTPConnection("127.0.0.1", self.health, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        finally:
            connection.close()

    def rule(self, document: Document) -> None:
        """Replace the rules; a process that runs is waited for until it uses them."""
        before = self._used()
        aside = self.folder / ".rules.json"
        aside.write_text(json.dumps(document))
        aside.replace(self.folder / "rules.json")
        if self.program is not None:
            eventually("the rules are used", lambda: self._used() > before)

    def configurations(self) -> tuple[Document, ...]:
        """Return the shipped webhook configurations, with this address, for namespaces that are marked."""
        found = [
            yaml.safe_load((SHIPPED / name).read_text()) for name in ("mutating.yaml", "validating.yaml")
        ]
        for document in found:
            document["metadata"]["name"] = f"ratify-{self.mark}"
            (hook,) = document["webhooks"]
            path = hook["clientConfig"]["service"]["path"]
            hook["clientConfig"] = {"url": f"https://127.0.0.1:{self.port}{path}"}
            if self.authority is not None:
                hook["clientConfig"]["caBundle"] = base64.b64encode(self.authority.pem.encode()).decode()
            hook["namespaceSelector"]["matchExpressions"].append(
                {"key": LABEL, "operator": "In", "values": [self.mark]}
            )
        return tuple(found)

    def end(self) -> None:
        """End it as Kubernetes does."""
        if self.program is not None:
            self.program.end()

    def kill(self) -> None:
        """Kill it without a warning."""
        if self.program is not None:
            self.program.kill()

    def _flags(self) -> tuple[object, ...]:
        if self.authority is None:
            return "--cert-name", "127.0.0.1", "--webhook-configuration", f"ratify-{self.mark}"
        pair = ("--cert-file", self.folder / "tls.crt", "--key-file", self.folder / "tls.key")
        return (*pair, "--config", self.folder / "config.json")

    def _used(self) -> int:
        return self.program.said().count('"rules in use"') if self.program else 0


@contextmanager
def webhook(
    server: ApiServer,
    folder: Path,
    configured: Document,
    rules: Document,
    *more: str,
    environment: dict[str, str] | None = None,
) -> Iterator[Webhook]:
    """Run a webhook with files, and let the API server ask it, until the end of the block.

    Args:
        server: The API server.
        folder: Where its files are.
        configured: Its configuration.
        rules: Its rules.
        more: Further flags.
        environment: Its environment variables.
    """
    authority = Authority("e2e webhook")
    write_pair(folder, authority.issue("webhook", "127.0.0.1"))
    (folder / "config.json").write_text(json.dumps(configured))
    with _asked(server, Webhook(folder, authority, environment or {}, more), rules) as found:
        yield found


@contextmanager
def webhook_of_cluster(
    server: ApiServer, folder: Path, rules: Document, namespace: str, mark: str
) -> Iterator[Webhook]:
    """Run a webhook as in a Pod: with the Executors of the cluster, and certificates that it makes and announces itself.

    Args:
        server: The API server.
        folder: Where its rules are.
        rules: Its rules.
        namespace: Its own namespace.
        mark: Which namespaces it is asked about.
    """
    names = {"RATIFY_NAME": f"ratify-{mark}", "RATIFY_NAMESPACE": namespace}
    environment = {"KUBECONFIG": str(server.kubeconfig), **names}
    with _asked(server, Webhook(folder, None, environment, mark=mark), rules) as found:
        yield found


@contextmanager
def _asked(server: ApiServer, found: Webhook, rules: Document) -> Iterator[Webhook]:
    found.rule(rules)
    configurations = found.configurations()
    try:
        server.api.apply(*configurations)
        found.start()
        yield found
    finally:
        server.api.delete(*configurations)
        found.end()


class _Adds(BaseHTTPRequestHandler):
    """Answers every review with a patch that adds a container, where there is none of its name."""

    image = ""

    def do_POST(self) -> None:
        """Answer one review."""
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        response = {"uid": request["uid"], "allowed": True}
        containers = request["object"]["spec"]["containers"]
        if not any(each["name"] == "sidecar" for each in containers):
            added = {"name": "sidecar", "image": self.image}
            patch = json.dumps([{"op": "add", "path": "/spec/containers/-", "value": added}]).encode()
            response |= {"patchType": "JSONPatch", "patch": base64.b64encode(patch).decode()}
        body = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def sidecars(server: ApiServer, folder: Path, namespace: str, image: str) -> Iterator[None]:
    """Let another webhook, which is asked after ours, add a container of an image to every Pod of a namespace."""
    authority, handler = Authority("e2e sidecars"), type("Adds", (_Adds,), {"image": image})
    (folder / "sidecars.pem").write_bytes(authority.issue("sidecars", "127.0.0.1"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "sidecars.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        http_server.socket = context.wrap_socket(http_server.socket, server_side=True)
        thread = Thread(target=http_server.serve_forever)
        thread.start()
        bundle = base64.b64encode(authority.pem.encode()).decode()
        url = f"https://127.0.0.1:{http_server.server_address[1]}/"
        rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
        hook = {
            "name": "sidecars.e2e.test",
            "clientConfig": {"url": url, "caBundle": bundle},
            "admissionReviewVersions": ["v1"],
            "sideEffects": "None",
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "rules": [rule],
        }
        document = {
            "apiVersion": "admissionregistration.k8s.io/v1",
            "kind": "MutatingWebhookConfiguration",
            "metadata": {"name": "zz-sidecars"},  # asked in the order of their names
            "webhooks": [hook],
        }
        try:
            server.api.apply(document)
            yield
        finally:
            server.api.delete(document)
            http_server.shutdown()
            thread.join()
