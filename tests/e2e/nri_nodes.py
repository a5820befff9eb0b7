"""A real containerd with CRI and NRI: Pods in the host's network, made through CRI as a kubelet does."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.cluster import programs
from e2e.cluster.images import NEEDED as OF_REGISTRIES
from e2e.dockers import ROOT
from support.services import configuration

NEEDED = ("containerd", "containerd-shim-runc-v2", "ctr", "cri", *OF_REGISTRIES)
_CONFIG = """\
version = 3
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/c.sock"
[ttrpc]
  address = "{folder}/t.sock"
[plugins."io.containerd.cri.v1.images"]
  snapshotter = "native"
  [plugins."io.containerd.cri.v1.images".pinned_images]
    sandbox = "{pause}"
[plugins."io.containerd.cri.v1.runtime"]
  restrict_oom_score_adj = true
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux/amd64"
  snapshotter = "native"
[plugins."io.containerd.nri.v1.nri"]
  socket_path = "{folder}/nri.sock"
  plugin_path = "{folder}/no-plugins"
  plugin_config_path = "{folder}/no-plugins"
  plugin_request_timeout = "3s"
"""
# runc makes its own folders in /run, which is left alone.
_START = 'mount --make-rprivate / && mount -t tmpfs tmpfs /run && exec "$@"'


@dataclass
class CriNode:
    """A node with containerd's CRI.

    Attributes:
        folder: Where all of it is.
    """

    folder: Path

    @property
    def containerd_config(self) -> Path:
        """The configuration of containerd."""
        return self.folder / "config.toml"

    def install(self, *arguments: object) -> subprocess.CompletedProcess[str]:
        """Run `ratify node install nri`."""
        command = (sys.executable, "-m", "pyratify", "node", "install", "nri")
        given = [*command, "--containerd-config", self.containerd_config, *arguments]
        return subprocess.run(list(map(str, given)), capture_output=True, text=True, check=False)

    def pull(self, image: str) -> subprocess.CompletedProcess[str]:
        """Pull an image through CRI."""
        return self._cri("pull", image)

    def start(
        self, image: str, namespace: str = "default", pod: str = "web"
    ) -> subprocess.CompletedProcess[str]:
        """Make and start a container of a Pod."""
        return self._cri("run", namespace, pod, image, "/ends")

    @contextmanager
    def running(self, image: str) -> Iterator[str]:
        """Have a Pod with a container until the end of the block, and yield what is said of its start."""
        command = [
            str(programs.BIN / "cri"),
            str(self.folder / "c.sock"),
            "run",
            "default",
            "stays",
            image,
            "/ends",
        ]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
            yield process.stdout.readline() if process.stdout else ""
            if process.stdin:
                process.stdin.close()

    def _cri(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(programs.BIN / "cri"), str(self.folder / "c.sock"), *arguments]
        return subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=90, stdin=subprocess.DEVNULL
        )

    @contextmanager
    def serving(self, key: str = "cosign", **parameters: Any) -> Iterator[programs.Program]:
        """Run our daemon until the end of the block.

        Args:
            key: The key of the material that is trusted.
            parameters: Parameters of the store.
        """
        path = configuration(self.folder)
        document = json.loads(path.read_text().replace("cosign.pub", f"{key}.pub"))
        document["executors"][0]["stores"][0]["parameters"].update(parameters)
        path.write_text(json.dumps(document))
        command = (sys.executable, "-m", "pyratify", "node", "serve", "-c", path, "--socket", "")
        others = ("--state", self.folder / "kept", "--health-address", "127.0.0.1:0", "--drain", "1ms")
        log = self.folder / "daemon.log"
        log.unlink(missing_ok=True)
        with programs.running(log, *command, *others, "--nri", self.folder / "nri.sock") as program:
            programs.eventually("the plugin is connected", lambda: "NRI is connected" in program.said())
            yield program


@contextmanager
def cri_node(folder: Path, pause: str) -> Iterator[CriNode]:
    """Run containerd, whose NRI requires our plugin, until the end of the block.

    Args:
        folder: Where all of it goes.
        pause: The image of every Pod's sandbox.
    """
    found = CriNode(folder)
    found.containerd_config.write_text(_CONFIG.format(folder=folder, pause=pause))
    done = found.install("--write")
    assert done.returncode == 0, done.stderr
    command = (programs.BIN / "containerd", "-c", found.containerd_config)
    libraries = ":".join(str(path) for path in ROOT.glob("usr/lib/*-linux-gnu*"))
    settings = {
        "PATH": f"{programs.BIN}:{ROOT}/usr/sbin:{ROOT}/usr/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": libraries,
    }
    started = ("unshare", "--mount", "sh", "-c", _START, "sh", *command)
    with programs.running(folder / "containerd.log", *started, **settings) as program:

        def answers() -> bool:
            program.check()
            return "containerd successfully booted" in program.said()

        programs.eventually("containerd answers", answers)
        yield found
