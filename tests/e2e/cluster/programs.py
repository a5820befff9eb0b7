"""Programs of the cluster: where they are, how they are started, waited for and ended."""

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
HOME = Path(os.environ.get("PEERS_HOME") or CACHE / "pyratify" / "peers")
BIN = HOME / "bin"
MANIFEST = HOME / "share" / "gatekeeper.yaml"

# A mount namespace in which another file is at /etc/hosts, so that names of Services lead to loopback; needs no privilege.
_OWN_HOSTS = (
    "unshare",
    "--map-root-user",
    "--mount",
    "--",
    "sh",
    "-c",
    'mount --bind "$0" /etc/hosts && exec "$@"',
)

DEADLINE = 60.0
_LEASH = (
    "setpriv",
    "--pdeathsig",
    "KILL",
    "--",
)  # util-linux: who is killed with no time to end its programs takes them along

T = TypeVar("T")


def missing(*programs: str) -> tuple[str, ...]:
    """Return those of the programs that `make peers` has not built here."""
    return tuple(name for name in programs if not (BIN / name).exists())


def can_have_hosts(hosts: Path) -> bool:
    """Return whether programs can be started that see a file as their `/etc/hosts`."""
    if not shutil.which(_OWN_HOSTS[0]):
        return False
    command = [*_OWN_HOSTS, str(hosts), "true"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def eventually(what: str, ask: Callable[[], T | None], seconds: float = DEADLINE) -> T:
    """Return the first answer that is true, asking again and again.

    Args:
        what: What is waited for, as the message says it.
        ask: Asks; what is false, an AssertionError or an OSError means not yet.
        seconds: How long to wait at most.

    Raises:
        AssertionError: It did not happen.
    """
    end, last = time.monotonic() + seconds, ""
    while time.monotonic() < end:
        try:
            if found := ask():
                return found
        except (AssertionError, OSError) as error:
            last = str(error)
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds:g} s: {what}. {last}")


@dataclass
class Program:
    """A program that runs in a process group of its own.

    Attributes:
        process: The process.
        log: Where its output goes.
    """

    process: "subprocess.Popen[bytes]"
    log: Path

    def said(self) -> str:
        """Return its output until now."""
        return self.log.read_text(errors="replace")

    def check(self) -> None:
        """Fail with the end of its output when it has ended."""
        if (code := self.process.poll()) is not None:
            raise RuntimeError(f"{self.log.stem} ended with {code}:\n{self.said()[-3000:]}")

    def memory(self) -> int:
        """Return its resident memory in KiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def end(self, *, patience: float = 5.0) -> None:
        """End it and all that it started; who does not obey is killed."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(patience)

    def kill(self) -> None:
        """Kill it without a warning."""
        self.end_group(signal.SIGKILL)
        self.process.wait()

    def end_group(self, number: signal.Signals) -> None:
        """Send a signal to its process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)


@contextmanager
def running(log: Path, *command: object, hosts: Path | None = None, **environment: str) -> Iterator[Program]:
    """Run a program until the end of the block.

    Args:
        log: Where its output goes.
        command: The program and its arguments.
        hosts: What it sees as `/etc/hosts`, where `can_have_hosts` says so.
        environment: Added to PATH and HOME, which is the folder of the log.
    """
    program = start(log, *command, hosts=hosts, **environment)
    try:
        yield program
    finally:
        program.end()


def start(log: Path, *command: object, hosts: Path | None = None, **environment: str) -> Program:
    """Start a program; who calls ends it. Arguments as in `running`."""
    settings: Mapping[str, str] = {"PATH": os.environ["PATH"], "HOME": str(log.parent), **environment}
    leash = _LEASH if shutil.which(_LEASH[0]) else ()
    if hosts is not None:
        leash = (*_OWN_HOSTS, str(hosts), *leash)
    with log.open("ab") as output:
        process = subprocess.Popen(
            [*leash, *(str(word) for word in command)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=settings,
            cwd=log.parent,
            start_new_session=True,
        )
    return Program(process, log)


def shown_serial(port: int, authority: str, name: str = "127.0.0.1") -> str:
    """Return the serial number of the certificate that a server on loopback shows under a name, trusting an authority in PEM."""
    context = ssl.create_default_context(cadata=authority)
    with (
        socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
        context.wrap_socket(plain, server_hostname=name) as wrapped,
    ):
        return str((wrapped.getpeercert() or {})["serialNumber"])


def write_pair(folder: Path, pem: bytes) -> None:
    """Write a key and its certificate as `tls.key` and `tls.crt`, each exchanged at once as in a mounted Secret."""
    key, dash, rest = pem.partition(b"-----BEGIN CERTIFICATE-----")
    for name, content in (("tls.key", key), ("tls.crt", dash + rest)):
        aside = folder / f".{name}"
        aside.write_bytes(content)
        aside.replace(folder / name)
