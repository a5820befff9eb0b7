"""The admission webhook as a process of its own, asked by the API server as its shipped manifests say, without Gatekeeper."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from e2e.cluster.api import Document
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.policies import LABEL, WEBHOOK
from e2e.cluster.programs import eventually
from e2e.cluster.served import Served
from pyratify.testing.tls import Authority

SHIPPED = Path(__file__).resolve().parents[3] / "deploy" / "webhook"


@dataclass
class Webhook(Served):
    """`ratify webhook serve`; its folder has its rules too (`rules.json`)."""

    command: tuple[object, ...] = ("webhook", "serve")

    def __post_init__(self) -> None:
        """Name its configuration and its rules."""
        self.flags = ("--config", self.folder / "config.json", "--rules", self.folder / "rules.json")

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
            (hook,) = document["webhooks"]
            path = hook["clientConfig"]["service"]["path"]
            hook["clientConfig"] = {"url": f"https://127.0.0.1:{self.port}{path}", "caBundle": self.bundle()}
            hook["namespaceSelector"]["matchExpressions"].append(
                {"key": LABEL, "operator": "In", "values": [WEBHOOK]}
            )
        return tuple(found)

    def _used(self) -> int:
        return self.program.said().count('"rules in use"') if self.program else 0


@contextmanager
def webhook(server: ApiServer, folder: Path, configured: Document, rules: Document) -> Iterator[Webhook]:
    """Run a webhook, and let the API server ask it, until the end of the block."""
    found = Webhook(folder, Authority("e2e webhook"))
    found.replace_certificate()
    found.configure(configured)
    found.rule(rules)
    configurations = found.configurations()
    try:
        found.start()
        server.api.apply(*configurations)
        yield found
    finally:
        server.api.delete(*configurations)
        found.end()
