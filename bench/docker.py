"""A node with Docker: what the authorization plugin costs a create, beside a Docker daemon without it (needs root)."""

import http.client
import json
import os
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.measure import table
from bench.node import RATIFY, configure, running, until
from bench.peers import PEERS, PeerMissingError, registry

RUNS = 200
_ROOT = PEERS.parent / "docker"
# A /run of its own, in which the plugin's socket is.
_START = """\
mount --make-rprivate / && mount -t tmpfs tmpfs /run && mkdir -p /run/docker/plugins \
&& mount --bind "$1" /run/docker/plugins && shift && exec "$@"
"""


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("docker")
        self._path = str(path)

    def connect(self) -> None:
        """Connect to the unix socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self._path)


def report() -> str:
    """Measure and return the table.

    Raises:
        PeerMissingError: There is no dockerd, or this user is not root.
    """
    if os.geteuid() != 0 or not (_ROOT / "usr/sbin/dockerd").exists():
        raise PeerMissingError("dockerd needs root, and `make peers-docker`")
    rows = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        image = f"{stack.enter_context(registry())}/demo:cosign-v3"
        found = [
            (label, stack.enter_context(_docker(Path(name) / str(asks), asks=asks)))
            for label, asks in (("without a plugin", False), ("ratify, a remembered image", True))
        ]
        for _, where in found:
            _post(where, f"/images/create?fromImage={image.rpartition(':')[0]}&tag=cosign-v3")
            _create(where, image)
        taken: dict[str, list[float]] = {label: [] for label, _ in found}
        for _ in range(RUNS):  # in turns: what else the machine does meets both
            for label, where in found:
                taken[label].append(_create(where, image))
        for label, seconds in taken.items():
            ordered = sorted(1000 * each for each in seconds)
            rows.append(
                (label, f"{statistics.median(ordered):.1f} ms", f"{ordered[int(0.95 * len(ordered))]:.1f} ms")
            )
    return table("`docker create`, as requests to the daemon", ("", "median", "p95"), rows)


def _create(where: Path, image: str) -> float:
    began = time.perf_counter()
    _post(where, "/containers/create", {"Image": image, "Cmd": ["/x"]})
    return time.perf_counter() - began


def _post(where: Path, target: str, body: object = None) -> None:
    connection = _Connection(where)
    data = b"" if body is None else json.dumps(body).encode()
    connection.request("POST", target, data, {} if body is None else {"Content-Type": "application/json"})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    if response.status >= 300:
        raise RuntimeError(f"{target} answered {response.status}: {text[-300:]!r}")


@contextmanager
def _docker(folder: Path, *, asks: bool) -> Iterator[Path]:
    """Run a Docker daemon until the end of the block, and yield its socket."""
    plugins, where = folder / "plugins", folder / "docker.sock"
    plugins.mkdir(parents=True)
    places = ("--data-root", folder / "data", "--exec-root", folder / "exec", "--pidfile", folder / "pid")
    quiet = ("--storage-driver", "vfs", "--iptables=false", "--ip6tables=false", "--bridge=none")
    plugin = ("--authorization-plugin", "ratify") if asks else ()
    empty = folder / "daemon.json"
    empty.write_text("{}")
    command = ("dockerd", *places, "-H", f"unix://{where}", *quiet, *plugin, "--config-file", empty)
    libraries = ":".join(
        str(path) for part in ("usr/lib", "lib") for path in _ROOT.glob(f"{part}/*-linux-gnu*")
    )
    settings = {
        "PATH": f"{_ROOT}/usr/sbin:{_ROOT}/usr/bin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": libraries,
    }
    start = ("unshare", "--mount", "sh", "-c", _START, "sh", plugins, *command)
    with ExitStack() as stack:
        if asks:
            flags = ("--socket", "", "--docker", plugins / "ratify.sock", "--docker-daemon", where)
            ours = (*RATIFY, "node", "serve", *flags, *configure(folder))
            stack.enter_context(running(folder / "daemon.log", *map(str, ours)))
            until((plugins / "ratify.sock").exists)
        stack.enter_context(running(folder / "docker.log", *map(str, start), **settings))
        until(lambda: where.exists() and _answers(where))
        yield where


def _answers(where: Path) -> bool:
    try:
        connection = _Connection(where)
        connection.request("GET", "/_ping")
        return connection.getresponse().status == 200
    except OSError:
        return False
