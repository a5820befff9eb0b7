"""A provider that has no certificate and makes its own, found by the name of its Service."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from e2e.cluster.api import Document, Refused
from e2e.cluster.apiserver import ApiServer
from e2e.cluster.gatekeeper import NAMESPACE, Gatekeeper
from e2e.cluster.policies import MUTATION, VALIDATION
from e2e.cluster.programs import shown_serial
from e2e.cluster.provider import SIGNED_BY_EITHER, Provider, resource
from e2e.cluster.rights import grant, rule
from pyratify.kubernetes.rotation.authority import Lifetimes, encode, make_leaf
from pyratify.kubernetes.rotation.secret_contents import SecretContents, ServiceNames, examine
from pyratify.testing.tls import Authority

SECRET: Document = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": f"{VALIDATION}-tls", "namespace": NAMESPACE},
}
_HOST = f"{VALIDATION}.{NAMESPACE}"
_ACCOUNT = "rotating"
_DYING = Lifetimes(leaf=timedelta(days=3), renew_leaf=timedelta(days=2))


def replica(server: ApiServer, gatekeeper: Gatekeeper, folder: Path) -> Provider:
    """Return a provider with everything but a certificate; it is not started."""
    found = Provider(folder, Authority("nobody's"))
    found.admit_clients_of(gatekeeper.authority.pem)
    found.configure(SIGNED_BY_EITHER)
    found.flags = ("--config", folder / "config.json", *found.flags)
    found.environment = {
        "KUBECONFIG": str(server.kubeconfig_of(NAMESPACE, _ACCOUNT)),
        "RATIFY_NAME": VALIDATION,
        "RATIFY_NAMESPACE": NAMESPACE,
    }
    _allow(server)
    return found


@contextmanager
def rotating(server: ApiServer, gatekeeper: Gatekeeper, folder: Path) -> Iterator[Provider]:
    """Run a provider to which the Providers lead, with no trusted authority yet, until the end of the block."""
    found = replica(server, gatekeeper, folder)
    server.api.apply(*providers(found))
    try:
        found.start()
        yield found
    finally:
        found.end()
        server.api.delete(SECRET)


def providers(found: Provider) -> tuple[Document, ...]:
    """Return the Providers that lead to a provider by the name of its Service, and trust no server there."""
    unknown = found.bundle(Authority("not yet known"))
    return (
        resource(VALIDATION, found.port, "v2/verify", unknown, _HOST),
        resource(MUTATION, found.port, "v2/mutate", unknown, _HOST),
    )


def secret(server: ApiServer) -> dict[str, bytes]:
    """Return what the Secret holds; nothing while there is none."""
    try:
        data = server.api.get(SECRET).get("data", {})
    except Refused:
        return {}
    return {name: base64.b64decode(value) for name, value in data.items()}


def bundles(server: ApiServer, found: Provider) -> set[bytes]:
    """Return the authorities that Gatekeeper trusts."""
    resources = (server.api.get(each) for each in providers(found))
    return {base64.b64decode(each["spec"]["caBundle"]) for each in resources}


def serves(found: Provider, held: dict[str, bytes]) -> bool:
    """Return whether a provider shows the certificate that a Secret held."""
    serial = load_pem_x509_certificate(held["tls.crt"]).serial_number
    return int(shown_serial(found.port, held["ca.crt"].decode(), _HOST), 16) == serial


def let_it_die(server: ApiServer) -> bytes:
    """Put a certificate into the Secret, of its authority, that has to be renewed; return it."""
    held = secret(server)
    authority = examine(SecretContents(authorities=held["ca.crt"], authority_key=held["ca.key"])).authority
    assert authority is not None
    certificate, key = encode(
        make_leaf(ServiceNames(VALIDATION, NAMESPACE), authority, datetime.now(UTC), _DYING)
    )
    data = {"tls.crt": certificate, "tls.key": key}
    encoded = {name: base64.b64encode(value).decode() for name, value in data.items()}
    server.api.patch({**SECRET, "data": encoded})
    return certificate


def _allow(server: ApiServer) -> None:
    own = (
        rule("", "secrets", "create"),
        rule("", "secrets", "get patch", SECRET["metadata"]["name"]),
        rule("coordination.k8s.io", "leases", "create"),
        rule("coordination.k8s.io", "leases", "get patch", f"{VALIDATION}-certificates"),
    )
    grant(server, NAMESPACE, _ACCOUNT, *own, where=NAMESPACE)
    everywhere = rule("externaldata.gatekeeper.sh", "providers", "get patch", VALIDATION, MUTATION)
    grant(server, NAMESPACE, _ACCOUNT, everywhere)
