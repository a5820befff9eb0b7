"""A private Sigstore on loopback: fulcio, rekor and a timestamp authority, with what signers and verifiers need to know of it."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from interop import live
from interop.sigstore_services import CertificateLog, Issuer, SignatureLog, serving
from pyratify.testing.certificates import authority, make_key, pem, public_pem
from pyratify.testing.sigstore_log import TestLog
from pyratify.testing.timestamps import timestamp_authority

PROGRAMS = ("fulcio", "rekor", "timestamp-server", "cosign", "cosign2")
START = "2024-01-01T00:00:00Z"
_PASSWORD = "test-only"
_DEADLINE = 60.0


def missing() -> tuple[str, ...]:
    """The programs that `make peers` has not built here."""
    return tuple(name for name in PROGRAMS if not (live.loopback.PEERS / name).exists())


@dataclass(frozen=True)
class Instance:
    """A running instance.

    Attributes:
        folder: Where its files are.
        issuer: Its identity provider.
        urls: Where its servers are, by name: `oidc`, `ct`, `rekor1`, `rekor`, `fulcio`, `tsa`.
        files: The public halves of its keys and chains, by name.
    """

    folder: Path
    issuer: Issuer
    urls: Mapping[str, str]
    files: Mapping[str, Path] = field(default_factory=dict)

    def trusted_root(self, name: str, *leave_out: str, **changes: str) -> Path:
        """Have cosign write a trusted root, of which some services may be left out or differ."""
        path = self.folder / f"{name}.json"
        services = {**self.services, **changes}
        flags = [
            f"--{'rekor' if kind == 'rekor1' else kind}={value}"
            for kind, value in services.items()
            if kind not in leave_out
        ]
        live.loopback.run("cosign", "trusted-root", "create", *flags, "--out", str(path))
        return path

    @property
    def services(self) -> Mapping[str, str]:
        """What cosign is told of each service for a trusted root."""
        return {
            "fulcio": f"url={self.urls['fulcio']},certificate-chain={self.files['fulcio']},start-time={START}",
            "ctfe": f"url={self.urls['ct']}/ct,public-key={self.files['ct']},start-time={START}",
            "rekor": f"url={self.urls['rekor']},public-key={self.files['rekor']},start-time={START},origin=127.0.0.1",
            "rekor1": f"url={self.urls['rekor1']},public-key={self.files['rekor1']},start-time={START}",
            "tsa": f"url={self.urls['tsa']},certificate-chain={self.files['tsa']},start-time={START}",
        }

    def signing_config(self, *leave_out: str) -> Path:
        """Have cosign write a signing configuration, of which some services may be left out."""
        path = self.folder / f"signing-config{''.join(leave_out)}.json"
        flags = [f"--fulcio={self._service('fulcio', 1)}"]
        versions = {name: version for name, version in (("rekor", 2), ("rekor1", 1)) if name not in leave_out}
        for name in [*versions][:1]:
            flags += [f"--rekor={self._service(name, versions[name])}", "--rekor-config=ANY"]
        if "tsa" not in leave_out:
            flags += [f"--tsa={self._service('tsa', 1)}", "--tsa-config=ANY"]
        live.loopback.run("cosign", "signing-config", "create", *flags, "--out", str(path))
        return path

    def no_services(self) -> Path:
        """A signing configuration without any service, for signatures by keys that no service hears of."""
        path = self.folder / "no-services.json"
        live.signers.write_json(path, live.signers.NO_LOG)
        return path

    def _service(self, name: str, version: int) -> str:
        return f"url={self.urls[name]},api-version={version},start-time={START},operator=test"


@contextmanager
def running(folder: Path) -> Iterator[Instance]:
    """Start everything, and end it with the block."""
    issuer = Issuer()
    logs = {name: TestLog(make_key("p256", f"interop {name}"), "127.0.0.1") for name in ("ct", "rekor1")}
    files = {name: _write(folder / f"{name}.pub", public_pem(log.key)) for name, log in logs.items()}
    with ExitStack() as stack:
        urls = {
            "oidc": stack.enter_context(serving(issuer)),
            "ct": stack.enter_context(serving(CertificateLog(logs["ct"]))),
            "rekor1": stack.enter_context(serving(SignatureLog(logs["rekor1"]))),
        }
        issuer.address = urls["oidc"]
        for name, start in (("fulcio", _fulcio), ("rekor", _rekor), ("tsa", _tsa)):
            file, command, port = start(folder, urls)
            stack.enter_context(_process(folder, name, command, port))
            suffix = "/api/v1/timestamp" if name == "tsa" else ""
            urls[name], files[name] = f"http://127.0.0.1:{port}{suffix}", file
        yield Instance(folder, issuer, urls, files)


def _fulcio(folder: Path, urls: Mapping[str, str]) -> tuple[Path, list[str], int]:
    ca = authority("interop fulcio", path_length=0)
    types = {"email": {}, "github": {}, "username": {"SubjectDomain": "127.0.0.1"}}
    kinds = {"github": "github-workflow"}
    issuers = {
        f"{urls['oidc']}/{name}": {
            "IssuerURL": f"{urls['oidc']}/{name}",
            "ClientID": "sigstore",
            "Type": kinds.get(name, name),
            **more,
        }
        for name, more in types.items()
    }
    config = live.signers.to_json({"OIDCIssuers": issuers})
    port, grpc, metrics = _ports(3)
    command = [
        *("fulcio", "serve", "--ca", "fileca", "--fileca-watch=false", "--fileca-key-passwd", _PASSWORD),
        *("--fileca-cert", str(_write(folder / "fulcio.pem", ca.pem))),
        *("--fileca-key", str(_write(folder / "fulcio.key", _private(ca.key, _PASSWORD)))),
        *("--config-path", str(_write(folder / "fulcio.json", config))),
        *("--ct-log-url", f"{urls['ct']}/", "--ct-log-public-key-path", str(folder / "ct.pub")),
        *("--host", "127.0.0.1", "--port", str(port), "--grpc-host", "127.0.0.1", "--grpc-port", str(grpc)),
        *("--metrics-port", str(metrics), "--legacy-unix-domain-socket", str(folder / "fulcio.sock")),
    ]
    return folder / "fulcio.pem", command, port


def _rekor(folder: Path, urls: Mapping[str, str]) -> tuple[Path, list[str], int]:
    del urls
    key = make_key("ed25519", "interop rekor")
    port, grpc, metrics = _ports(3)
    command = [
        *("rekor", "serve", "--storage-dir", str(folder / "rekor"), "--hostname", "127.0.0.1"),
        *(
            "--signer-filepath",
            str(_write(folder / "rekor.key", _private(key))),
            "--checkpoint-interval",
            "1s",
        ),
        *("--http-port", str(port), "--grpc-port", str(grpc), "--http-metrics-port", str(metrics)),
    ]
    return _write(folder / "rekor.pub", public_pem(key)), command, port


def _tsa(folder: Path, urls: Mapping[str, str]) -> tuple[Path, list[str], int]:
    del urls
    tsa = timestamp_authority(authority("interop tsa root"))
    (port,) = _ports(1)
    chain = _write(folder / "tsa.pem", pem(*tsa.chain))
    command = [
        *(
            "timestamp-server",
            "serve",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--disable-ntp-monitoring",
        ),
        *("--timestamp-signer", "file", "--file-signer-passwd", _PASSWORD),
        *("--file-signer-key-path", str(_write(folder / "tsa.key", _private(tsa.key, _PASSWORD)))),
        *("--certificate-chain-path", str(chain)),
    ]
    return chain, command, port


@contextmanager
def _process(folder: Path, name: str, command: list[str], port: int) -> Iterator[None]:
    """Run a server until the block ends; its log is a file, which says why where it does not start."""
    log = folder / f"{name}.log"
    program, *flags = command
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [live.loopback.PEERS / program, *flags], stdout=output, stderr=output, env=environment
        ) as server,
    ):
        try:
            _wait(server, port, log)
            yield
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()


def _wait(server: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _DEADLINE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=1):
                return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(log.read_text()[-2000:])


def _ports(count: int) -> list[int]:
    """Return ports that are free now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _private(key: Any, password: str = "") -> bytes:
    lock = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    data: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock)
    return data


def _write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
