"""Entry points of ours that serve, as processes of their own."""

import base64
import http.client
import json
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path

from e2e.cluster.api import Document
from e2e.cluster.programs import Program, eventually, shown_serial, start, write_pair
from pyratify.testing.tls import Authority
from support.ports import free_port


@dataclass
class Served:
    """A command that serves, at one address for its whole life, however often it is started.

    Attributes:
        folder: Its certificates (`tls.crt`, `tls.key`), its configuration (`config.json`) and its log.
        authority: Who signs its certificates.
        flags: More flags than those that name its address, its health and its certificates.
        command: The words after `ratify`.
        port: Where it answers.
        health: Where its health is.
        program: The process; None before the first start.
        environment: Its environment beside PATH and HOME.
    """

    folder: Path
    authority: Authority
    flags: tuple[object, ...] = ()
    command: tuple[object, ...] = ()
    port: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    program: Program | None = None
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *, ready: bool = True) -> None:
        """Start it and wait until it is ready, or at least until it answers."""
        command = (
            sys.executable, "-m", "pyratify", *self.command,
            "--address", f"127.0.0.1:{self.port}", "--health-address", f"127.0.0.1:{self.health}",
            *self._files(), "--drain", "100ms", *self.flags,
        )  # fmt: skip
        self.program = start(self.folder / f"{self.command[0]}.log", *command, **self.environment)
        eventually("the process is ready", self.ready if ready else self.answers)

    def _files(self) -> tuple[object, ...]:
        """Return the flags that name its certificates; none where it has none."""
        certificate, key = self.folder / "tls.crt", self.folder / "tls.key"
        return ("--cert-file", certificate, "--key-file", key) if certificate.exists() else ()

    def ready(self) -> bool:
        """Return whether `/readyz` says so.

        Raises:
            AssertionError: It says why not.
        """
        if self.program is not None:
            self.program.check()
        connection = http.client.HTTPConnection("127.0.0.1", self.health, timeout=5)
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            assert answer.status == 200, answer.read().decode()
            return True
        finally:
            connection.close()

    def answers(self) -> bool:
        """Return whether its address is open."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5):
            return True

    def serial(self) -> str:
        """Return the serial number of the certificate that it shows now."""
        return shown_serial(self.port, self.authority.pem)

    def configure(self, document: Document) -> None:
        """Write the configuration; a process that runs takes it over by itself."""
        aside = self.folder / ".config.json"
        aside.write_text(json.dumps(document))
        aside.replace(self.folder / "config.json")

    def replace_certificate(self, authority: Authority | None = None) -> None:
        """Replace the certificate in place, with one of another authority if one is given."""
        write_pair(self.folder, (authority or self.authority).issue("served", "127.0.0.1"))

    def bundle(self, *authorities: Authority) -> str:
        """Return the authorities given, or else its own, as `caBundle` has them."""
        return base64.b64encode(
            "".join(each.pem for each in authorities or (self.authority,)).encode()
        ).decode()

    def end(self) -> None:
        """End it as Kubernetes does."""
        if self.program is not None:
            self.program.end()

    def kill(self) -> None:
        """Kill it without a warning."""
        if self.program is not None:
            self.program.kill()
