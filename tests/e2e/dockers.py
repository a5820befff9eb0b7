"""A real Docker daemon in a mount namespace of its own, with `ratify node serve` as its authorization plugin."""

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from e2e.cluster import programs
from interop import live
from support.services import configuration

ROOT = programs.HOME / "docker"
# x86-64: exit(0), and pause() again and again.
_EXIT = b"\x31\xff\xb8\x3c\x00\x00\x00\x0f\x05"
_WAIT = b"\xb8\x22\x00\x00\x00\x0f\x05\xeb\xf7"
# Nothing of the machine's own Docker is seen or changed: /run is empty, and /etc/docker is that of the test.
_START = """\
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs "$1/upper"
mkdir "$1/upper/files" "$1/upper/work"
mount -t overlay overlay -o "lowerdir=/etc,upperdir=$1/upper/files,workdir=$1/upper/work" /etc
mkdir -p /etc/docker
mount --bind "$1/etc" /etc/docker
shift
exec "$@"
"""


def reason_not_to() -> str:
    """Return why no Docker daemon can run here; empty where it can."""
    if not (ROOT / "usr/sbin/dockerd").exists():
        return "run `make peers-docker` first: there is no dockerd"
    if os.geteuid() != 0:
        return "dockerd needs root"
    trial = ("unshare", "--mount", "sh", "-c", "mount --make-rprivate / && mount -t tmpfs tmpfs /run")
    if not shutil.which("unshare") or subprocess.run(trial, capture_output=True, check=False).returncode:
        return "there are no mount namespaces here"
    return ""


def push_runnable(
    repository: live.loopback.Repository, tag: str, key: str = "cosign", *, waits: bool = False
) -> None:
    """Push and sign an image whose program, `/ends`, ends at once, or waits for a signal."""
    with tempfile.TemporaryDirectory() as folder:
        layer = Path(folder) / "layer.tar"
        with tarfile.open(layer, "w") as tar:
            member = tarfile.TarInfo("ends")
            program = _program(_WAIT if waits else _EXIT)
            member.size, member.mode = len(program), 0o755
            tar.addfile(member, BytesIO(program))
            tar.addfile(tarfile.TarInfo(tag))  # no two images are the same
        live.loopback.run(
            "crane", "append", "--oci-empty-base", "-f", str(layer), "-t", f"{repository.name}:{tag}"
        )
    reference = f"{repository.name}:{tag}"
    live.loopback.run(
        "crane",
        "mutate",
        "--entrypoint",
        "/ends",
        "--set-platform",
        "linux/amd64",
        "-t",
        reference,
        reference,
    )
    live.signers.cosign_v3(repository, tag, key=key)


def _program(code: bytes) -> bytes:
    """Return an ELF file for x86-64 with this code."""
    base, head = 0x400000, 64 + 56
    size = head + len(code)
    file = struct.pack(
        "<4s5B7xHHIQQQIHHHHHH",
        b"\x7fELF",
        2,
        1,
        1,
        0,
        0,
        2,
        62,
        1,
        base + head,
        64,
        0,
        0,
        64,
        56,
        1,
        64,
        0,
        0,
    )
    return file + struct.pack("<IIQQQQQQ", 1, 5, 0, base, base, size, size, 4096) + code


@dataclass
class Docker:
    """A Docker daemon.

    Attributes:
        folder: Where all of it is.
    """

    folder: Path

    @property
    def plugin(self) -> Path:
        """Where the daemon asks its plugin."""
        return self.folder / "run" / "docker.sock"

    @property
    def socket(self) -> Path:
        """Where the daemon is asked."""
        return self.folder / "docker.sock"

    def docker(self, *arguments: str, stdin: bytes | None = None) -> subprocess.CompletedProcess[str]:
        """Run the docker client, as a user does."""
        command = [str(ROOT / "usr/bin/docker"), "-H", f"unix://{self.socket}", *arguments]
        settings = {"PATH": os.environ["PATH"], "HOME": str(self.folder), "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(
            command, capture_output=True, check=False, timeout=90, input=stdin, env=settings
        )
        return subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
        )

    def ratify(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run our command to its end."""
        command = [sys.executable, "-m", "pyratify", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder)

    def post(self, target: str, body: bytes = b"", *headers: str) -> tuple[int, str]:
        """Send a request as no client would, and return the status and the message."""
        length = (
            ()
            if any(each.lower().startswith("transfer-") for each in headers)
            else (f"Content-Length: {len(body)}",)
        )
        lines = (f"POST {target} HTTP/1.1", "Host: docker", "Connection: close", *length, *headers, "", "")
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(self.socket))
            connection.sendall("\r\n".join(lines).encode() + body)
            found = b""
            while chunk := connection.recv(65536):
                found += chunk
        return int(found.split()[1]), found.partition(b"\r\n\r\n")[2].decode(errors="replace")

    @contextmanager
    def serving(
        self, *flags: object, key: str = "cosign", signatures: str = "", **docker: Any
    ) -> Iterator[programs.Program]:
        """Run our daemon until the end of the block.

        Args:
            flags: More flags.
            key: The key of the material that is trusted.
            signatures: Where signatures are looked for; beside the images when omitted.
            docker: The settings of `node.docker`.
        """
        path = configuration(self.folder)
        document = json.loads(path.read_text().replace("cosign.pub", f"{key}.pub"))
        document["node"] = {"docker": docker}
        if signatures:
            document["executors"][0]["stores"][0]["parameters"]["signatureRepository"] = signatures
        path.write_text(json.dumps(document))
        sockets = ("--socket", "", "--docker", self.plugin, "--docker-daemon", self.socket)
        others = ("--state", self.folder / "kept", "--health-address", "127.0.0.1:0", "--drain", "1ms")
        command = (sys.executable, "-m", "pyratify", "node", "serve", "-c", path)
        log = self.folder / "plugin.log"
        log.unlink(missing_ok=True)
        with programs.running(log, *command, *sockets, *others, *flags) as program:
            programs.eventually("the plugin serves", lambda: '"serving"' in program.said())
            yield program


@contextmanager
def docker(folder: Path) -> Iterator[Docker]:
    """Run a Docker daemon that asks our plugin until the end of the block."""
    found = Docker(folder)
    for name in ("etc", "upper", "run"):
        (folder / name).mkdir(mode=0o755)
    places = ("--docker-config", folder / "etc/daemon.json", "--plugins-dir", folder / "etc/plugins")
    done = found.ratify("node", "install", "docker", *places, "--docker", found.plugin, "--write")
    assert done.returncode == 0, done.stderr
    libraries = [str(path) for path in ROOT.glob("usr/lib/*-linux-gnu*")] + [
        str(path) for path in ROOT.glob("lib/*-linux-gnu*")
    ]
    settings = {
        "PATH": f"{ROOT}/usr/sbin:{ROOT}/usr/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": ":".join(libraries),
    }
    command = (
        *("dockerd", "--data-root", folder / "data", "--exec-root", folder / "exec"),
        *("--pidfile", folder / "docker.pid", "-H", f"unix://{found.socket}", "--storage-driver", "vfs"),
        *("--iptables=false", "--ip6tables=false", "--bridge=none"),
    )
    started = ("unshare", "--mount", "sh", "-c", _START, "sh", folder, *command)
    with programs.running(folder / "dockerd.log", *started, **settings) as program:

        def answers() -> bool:
            program.check()
            return found.docker("version").returncode == 0

        # With the plugin, which is asked about the first request, too; afterwards each test has its own.
        with found.serving():
            programs.eventually("the Docker daemon answers", answers)
        yield found
