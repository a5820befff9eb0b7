"""What the tests of the rotation share: a service, its certificates at some time, and those of other tools."""

import subprocess
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pyratify.kubernetes.rotation.authority import Lifetimes
from pyratify.kubernetes.rotation.ca_bundle import (
    CaBundleTarget,
    mutating_webhook,
    provider,
    validating_webhook,
)
from pyratify.kubernetes.rotation.plan import ClusterState, PlannedStep, Situation, Step, carry_out, decide
from pyratify.kubernetes.rotation.rotator import Rotator
from pyratify.kubernetes.rotation.secret_contents import SecretContents, ServiceNames
from pyratify.testing.apiserver import ApiServer

SERVICE = ServiceNames("ratify-gatekeeper-provider", "gatekeeper-system")
NOW = datetime(2026, 6, 1, tzinfo=UTC)
LIVES = Lifetimes()
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)
NEVER = ClusterState()
ANNOUNCED = ClusterState(announced=True)
ADOPTED = ClusterState(announced=True, adopted=True)


def at(
    contents: SecretContents,
    now: datetime = NOW,
    cluster_state: ClusterState = NEVER,
    service: ServiceNames = SERVICE,
) -> Situation:
    """Return a situation."""
    return Situation(contents=contents, service=service, now=now, cluster_state=cluster_state)


def fresh(now: datetime = NOW, service: ServiceNames = SERVICE) -> SecretContents:
    """Return a new authority with a new server certificate."""
    return carry_out(Step.START, at(SecretContents(), now, service=service))


def stepped(
    contents: SecretContents, now: datetime = NOW, cluster_state: ClusterState = NEVER
) -> tuple[PlannedStep, SecretContents]:
    """Return what is decided, and what the Secret holds after it."""
    situation = at(contents, now, cluster_state)
    decision = decide(situation)
    return decision, carry_out(decision.step, situation)


def of_cert_controller(folder: Path) -> SecretContents:
    """Return what open-policy-agent/cert-controller writes: RSA, the serial numbers 0 and 1, one name, PKCS #1 keys."""
    short = f"{SERVICE.name}.{SERVICE.namespace}"
    (folder / "ca.ext").write_text(
        f"basicConstraints=critical,CA:TRUE\nkeyUsage=digitalSignature,keyEncipherment,keyCertSign\nsubjectAltName=DNS:{short}\n"
    )
    (folder / "tls.ext").write_text(
        f"keyUsage=digitalSignature,keyEncipherment\nextendedKeyUsage=serverAuth\nsubjectAltName=DNS:{short}\n"
    )
    for command in (
        "genrsa -traditional -out ca.key 2048",
        "genrsa -traditional -out tls.key 2048",
        f"req -new -key ca.key -subj /O=Ratify/CN={short} -out ca.csr",
        "x509 -req -in ca.csr -signkey ca.key -set_serial 0 -days 3650 -extfile ca.ext -out ca.crt",
        f"req -new -key tls.key -subj /CN={short} -out tls.csr",
        "x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -set_serial 1 -days 365 -extfile tls.ext -out tls.crt",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    ca_crt, ca_key, tls_crt, tls_key = (
        (folder / name).read_bytes() for name in ("ca.crt", "ca.key", "tls.crt", "tls.key")
    )
    return SecretContents(authorities=ca_crt, authority_key=ca_key, certificate=tls_crt, key=tls_key)


TARGETS = (
    provider("ratify-gatekeeper-provider"),
    provider("ratify-gatekeeper-mutation-provider"),
    validating_webhook("ratify"),
    mutating_webhook("ratify"),
)


@dataclass
class Replica:
    """A replica, with what it was given to serve, and whether it is able to."""

    rotator: Rotator
    served: list[tuple[bytes, bytes]] = field(default_factory=list)
    able: bool = True

    def serve(self, pair: tuple[bytes, bytes]) -> bool:
        """Serve a certificate, if it is able to."""
        if self.able:
            self.served.append(pair)
        return self.able

    async def check(self) -> str:
        """Look once, and return the fault."""
        await self.rotator.check()
        return self.rotator.fault


def install(server: ApiServer, target: CaBundleTarget, bundle: str = "bm9uZQ==") -> None:
    """Put a resource there, as a chart does, with things in it that are not ours."""
    resource: dict[str, Any] = {"metadata": {"name": target.name, "labels": {"by": "helm"}}}
    if target.kind == "Provider":
        resource["spec"] = {"url": "https://x:6001/verify", "timeout": 5, "caBundle": bundle}
    else:
        service = {"name": SERVICE.name, "namespace": SERVICE.namespace}
        resource["webhooks"] = [
            {"name": f"{number}.ratify.sh", "sideEffects": "None", "clientConfig": {"service": service}}
            for number in ("one", "two")
        ]
    server.put(target.api, target.plural, resource)
