"""The admission webhook, asked by the API server itself with the configurations of `deploy/webhook`."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.served import Served
from pyratify.testing.tls import Authority

SHIPPED = Path(__file__).resolve().parents[3] / "deploy" / "webhook"

# Which of its webhooks the API server asks about a namespace.
LABEL, VALIDATED, PINNED = "e2e-webhook", "validated", "pinned"


@dataclass
class Webhook(Served):
    """`ratify webhook serve`."""

    command: tuple[object, ...] = ("webhook", "serve")

    def rule(self, *rules: Document, exceptions: tuple[Document, ...] = ()) -> None:
        """Write the rules; a process that runs takes them over by itself."""
        aside = self.folder / ".rules.json"
        aside.write_text(json.dumps({"rules": list(rules), "exceptions": list(exceptions)}))
        aside.replace(self.folder / "rules.json")

    def configurations(self) -> tuple[Document, ...]:
        """Return the webhook configurations that are shipped, led to loopback and narrowed to the namespaces of the trials."""
        return (
            self._on_loopback("validating.yaml", VALIDATED, PINNED),
            self._on_loopback("mutating.yaml", PINNED),
        )

    def _on_loopback(self, name: str, *labels: str) -> Document:
        document: Document = yaml.load((SHIPPED / name).read_text(), Loader=yaml.CSafeLoader)
        for hook in document["webhooks"]:
            path = hook["clientConfig"]["service"]["path"]
            url = f"https://127.0.0.1:{self.port}{path}"
            hook["clientConfig"] = {"url": url, "caBundle": self.bundle()}
            expressions: list[Any] = hook["namespaceSelector"]["matchExpressions"]
            expressions.append({"key": LABEL, "operator": "In", "values": list(labels)})
        return document


@contextmanager
def webhook(server: ApiServer, folder: Path, configured: Document, *rules: Document) -> Iterator[Webhook]:
    """Run a webhook and have the API server ask it, until the end of the block."""
    flags = ("--config", folder / "config.json", "--rules", folder / "rules.json")
    found = Webhook(folder, Authority("e2e webhook"), flags)
    found.replace_certificate()
    found.configure(configured)
    found.rule(*rules)
    try:
        found.start()
        server.api.apply(*found.configurations())
        yield found
    finally:
        server.api.delete(*found.configurations())
        found.end()
