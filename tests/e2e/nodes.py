"""A node of real programs: containerd with our verifier in its bin_dir, and `ratify node serve`."""

import json
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.cluster import programs
from e2e.cluster.images import NEEDED as OF_REGISTRIES
from interop import live
from support.services import configuration

NEEDED = ("containerd", "ctr", *OF_REGISTRIES)
_CONTAINERD = """\
version = 3
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = [
  "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime", "io.containerd.nri.v1.nri"]
[grpc]
  address = "{folder}/c.sock"
[ttrpc]
  address = "{folder}/t.sock"
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "{platform}"
  snapshotter = "native"
"""
_VERIFIER = """\
[plugins."io.containerd.image-verifier.v1.bindir"]
  bin_dir = "{folder}/verifier/bin"
  per_verifier_timeout = "3s"
"""


@dataclass
class Node:
    """A node.

    Attributes:
        folder: Where all of it is.
    """

    folder: Path

    @property
    def socket(self) -> Path:
        """Where the daemon listens."""
        return self.folder / "run" / "node.sock"

    @property
    def containerd_config(self) -> Path:
        """The configuration of containerd."""
        return self.folder / "config.toml"

    def ratify(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run our command to its end."""
        command = [sys.executable, "-m", "pyratify", *map(str, arguments)]
        return subprocess.run(command, capture_output=True, text=True, check=False, cwd=self.folder)

    def install(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run `ratify node install containerd`."""
        fixed = ("--containerd-config", self.containerd_config, "--socket", self.socket)
        return self.ratify("node", "install", "containerd", *fixed, *arguments)

    def pull(self, reference: str, *flags: str) -> subprocess.CompletedProcess[str]:
        """Run `ctr images pull`, as a user does."""
        return self.ctr("images", "pull", "--plain-http", "--snapshotter", "native", *flags, reference)

    def ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ctr against this containerd."""
        command = [str(programs.BIN / "ctr"), "-a", str(self.folder / "c.sock"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def has(self, reference: str) -> bool:
        """Return whether an image is there by this name."""
        return reference in self.ctr("images", "list", "-q").stdout.split()

    def forget(self) -> None:
        """Remove all images."""
        if names := self.ctr("images", "list", "-q").stdout.split():
            self.ctr("images", "remove", "--sync", *names)

    @contextmanager
    def serving(self, *flags: object, **changes: Any) -> Iterator[programs.Program]:
        """Run the daemon until the end of the block.

        Args:
            flags: More flags.
            changes: Members of the configuration, or parameters of its store.
        """
        config = self.configure(**changes)
        command = (sys.executable, "-m", "pyratify", "node", "serve", "--socket", self.socket, "-c", config)
        state, health = (
            ("--state", self.folder / "kept"),
            ("--health-address", "127.0.0.1:0", "--drain", "1ms"),
        )
        log = self.folder / "daemon.log"
        log.unlink(missing_ok=True)
        with programs.running(log, *command, *state, *health, *flags) as program:
            programs.eventually("the daemon serves", lambda: '"serving"' in program.said())
            yield program

    def configure(self, node: Mapping[str, Any] | None = None, **parameters: Any) -> Path:
        """Write the daemon's configuration, which trusts the signers of the material."""
        path = configuration(self.folder)
        document = json.loads(path.read_text())
        document["node"] = node or {}
        document["executors"][0]["stores"][0]["parameters"].update(parameters)
        path.write_text(json.dumps(document))
        return path


@contextmanager
def node(folder: Path, *, migrated: bool = False, **environment: str) -> Iterator[Node]:
    """Run containerd with our verifier installed until the end of the block.

    Args:
        folder: Where all of it is.
        migrated: Whether its configuration is of the newest version that this containerd knows.
        environment: Its environment.
    """
    found = Node(folder)
    found.containerd_config.write_text((_CONTAINERD + _VERIFIER).format(folder=folder, platform=_platform()))
    if migrated:
        migrate = (programs.BIN / "containerd", "-c", found.containerd_config, "config", "migrate")
        text = subprocess.run(migrate, capture_output=True, text=True, check=True).stdout
        found.containerd_config.write_text(text)
    done = found.install("--write")
    assert done.returncode == 0, done.stderr
    command = (programs.BIN / "containerd", "-c", found.containerd_config)
    with programs.running(folder / "containerd.log", *command, **environment) as program:

        def answers() -> bool:
            program.check()
            return found.ctr("version").returncode == 0

        programs.eventually("containerd answers", answers)
        yield found


def _platform() -> str:
    """Return the platform of this machine as containerd writes it."""
    machine = platform.machine()
    return f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(machine, machine) }"


def tag(repository: live.loopback.Repository, source: str, target: str) -> None:
    """Move a tag of a repository to the image of another one."""
    command = [str(programs.BIN / "crane"), "tag", "--insecure", f"{repository.name}:{source}", target]
    subprocess.run(command, check=True, capture_output=True)
