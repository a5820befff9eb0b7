"""The admission webhook as a process of its own, asked by the API server as its shipped manifests say, without Gatekeeper."""

import base64
import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import LABEL, write_pair
from e2e.cluster.programs import Program, eventually, free_port, start
from pyratify.testing.tls import Authority

SHIPPED = Path(__file__).resolve().parents[3] / "deploy" / "webhook"

# Namespaces with this value of `gatekeeper.LABEL` are asked about here.
WATCHED = "webhook"


@dataclass
class Webhook:
    """`ratify webhook serve`, at one address for its whole life, however often it is started.

    Attributes:
        folder: Its certificate, configuration, rules and log.
        authority: Who signs its certificate.
        port: Where it answers.
        health: Where its health is.
        program: The process; None before the first start.
    """

    folder: Path
    authority: Authority
    port: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    program: Program | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = (
            sys.executable, "-m", "pyratify", "webhook", "serve",
            "--config", self.folder / "config.json", "--rules", self.folder / "rules.json",
            "--address", f"127.0.0.1:{self.port}", "--health-address", f"127.0.0.1:{self.health}",
            "--cert-file", self.folder / "tls.crt", "--key-file", self.folder / "tls.key", "--drain", "100ms",
        )  # fmt: skip
        self.program = start(self.folder / "webhook.log", *command)
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
        bundle = base64.b64encode(self.authority.pem.encode()).decode()
        for document in found:
            (hook,) = document["webhooks"]
            path = hook["clientConfig"]["service"]["path"]
            hook["clientConfig"] = {"url": f"https://127.0.0.1:{self.port}{path}", "caBundle": bundle}
            hook["namespaceSelector"]["matchExpressions"].append(
                {"key": LABEL, "operator": "In", "values": [WATCHED]}
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

    def _used(self) -> int:
        return self.program.said().count('"rules in use"') if self.program else 0


@contextmanager
def webhook(server: ApiServer, folder: Path, configured: Document, rules: Document) -> Iterator[Webhook]:
    """Run a webhook, and let the API server ask it, until the end of the block."""
    found = Webhook(folder, Authority("e2e webhook"))
    write_pair(folder, found.authority.issue("webhook", "127.0.0.1"))
    (folder / "config.json").write_text(json.dumps(configured))
    found.rule(rules)
    configurations = found.configurations()
    try:
        found.start()
        server.api.apply(*configurations)
        yield found
    finally:
        server.api.delete(*configurations)
        found.end()
