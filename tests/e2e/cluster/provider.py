"""The provider as a process of its own, behind mutual TLS, as Gatekeeper asks it."""

import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.cluster.api import Document
from e2e.cluster.policies import MUTATION, VALIDATION
from e2e.cluster.programs import eventually
from e2e.cluster.served import Served
from interop import live
from pyratify.testing.tls import Authority

COSIGN: Document = {
    "name": "cosign-1",
    "type": "cosign",
    "parameters": {
        "trustPolicies": [
            {"ignoreTLog": True, "keys": {"inline": {"keys": (live.signers.KEYS / "cosign.pub").read_text()}}}
        ]
    },
}
STORE: Document = {"type": "registry-store", "parameters": {"allowCosignTag": True}}


def notation(*authorities: str, name: str = "notation-1") -> Document:
    """Return a verifier that trusts authorities of the material: `ca`, `other-ca`."""
    pem = "".join((live.signers.CERTS / f"{authority}.pem").read_text() for authority in authorities)
    certificates = [{"type": "ca", "inline": {"certs": pem}}]
    parameters = {"certificates": certificates, "trustedIdentities": [live.signers.IDENTITY]}
    return {"name": name, "type": "notation", "parameters": parameters}


def configuration(*verifiers: Document, scopes: tuple[str, ...] = ("*",)) -> Document:
    """Return a configuration: one signature by any of the verifiers is enough."""
    return {"executors": [{"scopes": list(scopes), "verifiers": list(verifiers), "stores": [STORE]}]}


SIGNED_BY_EITHER = configuration(COSIGN, notation("ca"))


@dataclass
class Provider(Served):
    """`ratify gatekeeper serve`.

    Its folder has the authority of its clients too (`clients.pem`).
    """

    command: tuple[object, ...] = ("gatekeeper", "serve")

    def __post_init__(self) -> None:
        """Name the authority of its clients."""
        self.flags = ("--gatekeeper-ca-cert-file", self.folder / "clients.pem", *self.flags)

    def admit_clients_of(self, *pems: str) -> None:
        """Replace the authorities of its clients in place, and wait until a process that runs uses them."""
        path, aside = self.folder / "clients.pem", self.folder / ".clients.pem"
        aside.write_text("".join(pems))
        if self.program is None or path.read_text() == aside.read_text():
            aside.replace(path)
            return
        before = self._exchanges()
        aside.replace(path)
        eventually("the provider knows its clients", lambda: self._exchanges() > before)

    def asked(self, path: str, body: bytes, client: Path | None = None) -> tuple[int, Document]:
        """Send a body as Gatekeeper would; return the status and the document.

        Args:
            path: As `v2/verify`.
            body: What to send.
            client: A PEM file with a client's key and certificate.
        """
        context = ssl.create_default_context(cadata=self.authority.pem)
        if client is not None:
            context.load_cert_chain(client)
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=30)
        try:
            connection.request(
                "POST", f"/ratify/gatekeeper/{path}", body, {"Content-Type": "application/json"}
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def resources(self, *authorities: Authority) -> tuple[Document, ...]:
        """Return the Provider resources that lead Gatekeeper here, trusting the authorities given or else its own."""
        bundle = self.bundle(*authorities)
        return (
            resource(VALIDATION, self.port, "v2/verify", bundle),
            resource(MUTATION, self.port, "v2/mutate", bundle),
        )

    def _exchanges(self) -> int:
        return self.program.said().count("certificates were exchanged") if self.program else 0


@contextmanager
def provider(clients: Authority, folder: Path, configured: Document) -> Iterator[Provider]:
    """Run a provider that follows a file and answers clients of an authority, until the end of the block."""
    found = Provider(folder, Authority("e2e provider"), ("--config", folder / "config.json"))
    found.replace_certificate()
    found.admit_clients_of(clients.pem)
    found.configure(configured)
    try:
        found.start()
        yield found
    finally:
        found.end()


def resource(name: str, port: int, path: str, bundle: str = "", host: str = "127.0.0.1") -> Document:
    """Return a Provider resource that leads Gatekeeper to a path of a provider on loopback.

    Args:
        name: Its name.
        port: The provider's port.
        path: As `v2/verify`.
        bundle: The authorities of the provider's certificate, PEM in base64.
        host: The name of its host, which has to lead to loopback.
    """
    url = f"https://{host}:{port}/ratify/gatekeeper/{path}"
    return {
        "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
        "kind": "Provider",
        "metadata": {"name": name},
        "spec": {"url": url, "timeout": 5, "caBundle": bundle},
    }
