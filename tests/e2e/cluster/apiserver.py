"""etcd and kube-apiserver: an API server without nodes, which is all that admission and controllers ask for."""

import json
import os
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from e2e.cluster.api import Api, Document, Refused
from e2e.cluster.programs import BIN, Program, eventually, running
from pyratify.testing.tls import Authority
from support.ports import free_port

_ADMIN = "e2e-admin-token"
_AUDITED = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "Metadata", "verbs": ["create"], "resources": [{"group": "", "resources": ["pods"]}]},
        {"level": "None"},
    ],
}
NEEDED = ("etcd", "kube-apiserver", "kubectl")


@dataclass(frozen=True)
class ApiServer:
    """A real API server of a session, with RBAC and without nodes, scheduler or controller manager.

    Nothing starts Pods, and objects of a namespace are not deleted: give every test a namespace of its own.

    Attributes:
        api: A client that may do everything.
        url: Where it is.
        authority: The PEM file of its authority.
        folder: Where its files are.
        programs: etcd and kube-apiserver.
    """

    api: Api
    url: str
    authority: Path
    folder: Path
    programs: tuple[Program, ...]

    def audited(self) -> list[Document]:
        """Return what the audit log has of Pods that were created or refused, oldest first."""
        lines = (self.folder / "audit.log").read_text().splitlines()
        return [json.loads(line) for line in lines]

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig of who may do everything."""
        return self._kubeconfig("admin", self.api.token)

    def kubeconfig_of(self, namespace: str, account: str) -> Path:
        """Make a service account where there is none, and return a kubeconfig with a real token of it.

        It has no roles but those that the test binds to it.
        """
        return self._kubeconfig(f"{namespace}-{account}", self.token_of(namespace, account))

    def token_of(self, namespace: str, account: str) -> str:
        """Make a service account where there is none, and return a real token of it."""
        self.namespace(namespace)
        metadata = {"name": account, "namespace": namespace}
        self.api.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return str(self.api.ask("POST", path, request)["status"]["token"])

    def namespace(self, name: str, **labels: str) -> str:
        """Make a namespace with labels where there is none, and return its name."""
        metadata = {"name": name, "labels": labels}
        self.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
        return name

    def kubectl(self, *words: object, text: str = "") -> "subprocess.CompletedProcess[str]":
        """Run kubectl as who may do everything.

        Args:
            words: Its arguments.
            text: What it reads where `-f -` stands.
        """
        command = (
            BIN / "kubectl",
            "--kubeconfig",
            self.kubeconfig,
            "--cache-dir",
            self.folder / "cache",
            *words,
        )
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}
        return subprocess.run(
            [str(word) for word in command],
            input=text, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _kubeconfig(self, name: str, token: str) -> Path:
        cluster = {"server": self.url, "certificate-authority": str(self.authority)}
        document: Document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "e2e", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "e2e", "context": {"cluster": "e2e", "user": name}}],
            "current-context": "e2e",
        }
        path = self.folder / f"{name}.kubeconfig"
        path.write_text(json.dumps(document))
        return path


@contextmanager
def api_server(folder: Path, *, accounts: bool = False) -> Iterator[ApiServer]:
    """Run an API server until the end of the block.

    Args:
        folder: Where its files are.
        accounts: Whether it puts service accounts and their Secrets into Pods, which then need an account.
    """
    with ExitStack() as stack:
        etcd, store = _etcd(stack, folder)
        authority = Authority("e2e API server")
        (folder / "ca.pem").write_text(authority.pem)
        (folder / "server.pem").write_bytes(authority.issue("kube-apiserver", "127.0.0.1", "localhost"))
        (folder / "accounts.key").write_bytes(_account_key())
        (folder / "tokens.csv").write_text(f"{_ADMIN},admin,admin,system:masters\n")
        (folder / "audit.json").write_text(json.dumps(_AUDITED))
        port = free_port()
        without = () if accounts else ("--disable-admission-plugins=ServiceAccount",)
        command = (*_command(folder, store, port), *without)
        server = stack.enter_context(running(folder / "kube-apiserver.log", *command))
        url = f"https://127.0.0.1:{port}"
        api = Api(url, ssl.create_default_context(cadata=authority.pem), _ADMIN)
        eventually("the API server is ready", lambda: _ready(server, api))
        yield ApiServer(api, url, folder / "ca.pem", folder, (etcd, server))


def _etcd(stack: ExitStack, folder: Path) -> tuple[Program, str]:
    clients, peers = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    command = (
        BIN / "etcd", "--data-dir", folder / "etcd", "--unsafe-no-fsync", "--log-level", "warn",
        "--listen-client-urls", clients, "--advertise-client-urls", clients,
        "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"default={peers}",
    )  # fmt: skip
    return stack.enter_context(running(folder / "etcd.log", *command)), clients


def _command(folder: Path, store: str, port: int) -> tuple[object, ...]:
    server, accounts = folder / "server.pem", folder / "accounts.key"
    return (
        BIN / "kube-apiserver", f"--etcd-servers={store}", "--bind-address=127.0.0.1", f"--secure-port={port}",
        f"--tls-cert-file={server}", f"--tls-private-key-file={server}", f"--cert-dir={folder}",
        "--authorization-mode=RBAC", f"--token-auth-file={folder / 'tokens.csv'}", "--anonymous-auth=false",
        "--service-account-issuer=https://e2e.test", f"--service-account-key-file={accounts}",
        f"--service-account-signing-key-file={accounts}", "--service-cluster-ip-range=10.0.0.0/24",
        "--endpoint-reconciler-type=none", "--profiling=false",
        "--feature-gates=ImageVolume=true",
        f"--audit-policy-file={folder / 'audit.json'}", f"--audit-log-path={folder / 'audit.log'}",
    )  # fmt: skip


def _account_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())


def _ready(server: Program, api: Api) -> bool:
    server.check()
    try:
        api.ask("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles/cluster-admin")
        api.ask("GET", "/api/v1/namespaces/default")
    except Refused:
        return False
    return True
