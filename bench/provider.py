"""Gatekeeper's provider against the engine inside Ratify v2's, behind the same requests, and against the HTTP library's floor."""

import contextlib
import http.client
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.load import Connection, Cost, load, resident
from bench.measure import in_turn, table
from bench.peers import MATERIAL, program, registry
from pyratify.testing.tls import Authority

TAGS = ("notation-jws-rsa", "notation-jws-ec", "notation-cose-rsa", "notation-cose-ec")
RUNS = 3
HOT, COLD = 4000, 80
_TAG = "org.opencontainers.image.ref.name"
_ROUND_TRIP = 0.05


@dataclass(frozen=True)
class Server:
    """A server and its process."""

    address: str
    pid: int


def report() -> str:
    """Measure and return the tables."""
    with tempfile.TemporaryDirectory() as name, registry() as address:
        folder = Path(name)
        (folder / "tls.pem").write_bytes(Authority().issue("provider", "127.0.0.1"))
        keys = fill(address, 250)
        return "\n".join((_speed(folder, keys), _memory(folder, keys), _latency(folder)))


def _speed(folder: Path, keys: list[str]) -> str:
    twenty, one = [asked(keys[:20])], [asked(keys[:1])]
    each = [asked(keys[start : start + 20]) for start in range(0, len(keys), 20)]
    with ours(folder, "--verdict-lifetime", "10m") as mine, peer(folder, "10m") as theirs:
        many = _against(partial(load, bodies=twenty, count=HOT), mine, theirs)
        single = _against(partial(load, bodies=one, count=HOT), mine, theirs)
        above_many, above = _above(folder, mine, twenty), _above(folder, mine, one)
    with ours(folder, "--verdict-lifetime", "0") as mine, peer(folder, "0s") as theirs:
        cold = _against(partial(load, bodies=each, count=COLD), mine, theirs, images=20)
    head = ("case", "pyratify, CPU", "beside it", "ratio", "aim", "p50, p99 of ours", "p50, p99 beside it")
    rows = (
        ("hot, 20 keys, against Ratify v2's engine", *many, "0.6 x"),
        ("hot, 1 key, against Ratify v2's engine", *single, ""),
        ("hot, 20 keys, against aiohttp answering fixed bytes", *above_many, ""),
        ("hot, 1 key, against aiohttp answering fixed bytes", *above, "1.3 x"),
        ("cold, one image of 20 in a request", *cold, "0.33 x"),
    )
    return table("The provider", head, [(a, b, c, d, g, e, f) for a, b, c, d, e, f, g in rows])


def _above(folder: Path, mine: Server, bodies: list[bytes]) -> tuple[str, ...]:
    """Measure against the library's floor: the same answer, always there."""
    answer = folder / "answer.json"
    connection = Connection(mine.address)
    answer.write_bytes(connection.post(bodies[0]))
    connection.close()
    with floor(folder, answer) as bare:
        return _against(partial(load, bodies=bodies, count=HOT), mine, bare)


def _against(measured: partial[Cost], mine: Server, theirs: Server, images: int = 1) -> tuple[str, ...]:
    seen: dict[int, list[Cost]] = {mine.pid: [], theirs.pid: []}

    def run(server: Server) -> float:
        cost = measured(address=server.address, pid=server.pid)
        seen[server.pid].append(cost)
        return cost.cpu / images

    result = in_turn(partial(run, mine), partial(run, theirs), RUNS)
    times = [f"{1000 * seen[pid][-1].p50:.1f}, {1000 * seen[pid][-1].p99:.1f} ms" for pid in seen]
    return (f"{result.ours * 1000:.2f} ms", f"{result.peer * 1000:.2f} ms", f"{result.ratio:.2f} x", *times)


def _memory(folder: Path, keys: list[str]) -> str:
    with ours(folder, "--verdict-lifetime", "0") as server:
        idle = resident(server.pid)
        bodies = [asked(keys[start : start + 20]) for start in range(0, 1000, 20)]
        connections = [Connection(server.address) for _ in bodies]
        with ThreadPoolExecutor(len(bodies)) as pool:
            answers = list(pool.map(Connection.post, connections, bodies))
        for connection in connections:
            connection.close()
        late = sum(answer.count(b"TIMEOUT") for answer in answers)
        peak = resident(server.pid, peak=True)
    head = ("idle (aim: 60)", "1,000 cold verifications at the same time (aim: 150)", "late ones")
    return table("Memory in MiB", head, [(f"{idle:.0f}", f"{peak:.0f}", str(late))])


def _latency(folder: Path) -> str:
    with registry(delay_ms=int(_ROUND_TRIP * 1000)) as slow:
        body = asked(fill(slow, 5, by_tag=True))
        with ours(folder, "--verdict-lifetime", "0") as server, peer(folder, "0s") as theirs:
            costs = [load(each.address, each.pid, [body], 10, 1) for each in (server, theirs)]
    rows = [
        (name, f"{cost.p50 * 1000:.0f} ms", f"{cost.p50 / _ROUND_TRIP / 4:.2f} x")
        for name, cost in zip(("pyratify", "Ratify v2's engine"), costs, strict=True)
    ]
    head = ("20 cold images by tag, 50 ms registry", "p50", "of four round trips (aim: 1.5 x)")
    return table("Waiting", head, rows)


def asked(keys: list[str]) -> bytes:
    """Return the body of a request."""
    kind = {"apiVersion": "externaldata.gatekeeper.sh/v1beta1", "kind": "ProviderRequest"}
    return json.dumps({**kind, "request": {"keys": keys}}).encode()


def fill(address: str, repositories: int, *, by_tag: bool = False) -> list[str]:
    """Put the material into that many repositories and return its signed images, by digest or by tag."""
    layout = MATERIAL / "layout"
    index = json.loads((layout / "index.json").read_text())["manifests"]
    connection = http.client.HTTPConnection(address)
    named = {e["annotations"][_TAG]: e["digest"] for e in index if _TAG in e.get("annotations", {})}
    for number in range(repositories):
        for entry in index:
            data = (layout / "blobs" / entry["digest"].replace(":", "/")).read_bytes()
            tag = entry.get("annotations", {}).get(_TAG)
            connection.request("PUT", f"/v2/app{number}/manifests/{tag or entry['digest']}", data,
                               {"Content-Type": entry["mediaType"]})  # fmt: skip
            answer = connection.getresponse()
            if answer.status >= 300:
                raise RuntimeError(f"the registry refused: {answer.read()!r}")
            answer.read()
    connection.close()
    names = [f":{tag}" if by_tag else f"@{named[tag]}" for tag in TAGS]
    return [f"{address}/app{number}{name}" for number in range(repositories) for name in names]


@contextmanager
def ours(folder: Path, *flags: str) -> Iterator[Server]:
    """Run our provider without any cache of content."""
    config = folder / "config.json"
    parameters = {
        "certificates": [{"type": "ca", "files": [str(MATERIAL / "certs" / "ca.pem")]}],
        "trustedIdentities": ["x509.subject: C=US, ST=WA, O=Pyratify Test"],
    }
    executor = {
        "scopes": ["*"],
        "verifiers": [{"name": "notation", "type": "notation", "parameters": parameters}],
        "stores": [{"type": "registry-store", "parameters": {"plainHttp": True}}],
    }
    config.write_text(json.dumps({"cache": {"memoryBytes": 0}, "executors": [executor]}))
    pem, port = str(folder / "tls.pem"), free_port()
    command = (sys.executable, "-m", "pyratify", "gatekeeper", "serve", "--config", str(config),
               "--address", f"127.0.0.1:{port}", "--health-address", "127.0.0.1:0", "--cert-file", pem, "--key-file", pem,
               "--drain", "1ms", "--log-level", "warning", *flags)  # fmt: skip
    with subprocess.Popen(command) as process:
        try:
            wait_for(port)
            yield Server(f"127.0.0.1:{port}", process.pid)
        finally:
            process.terminate()


@contextmanager
def peer(folder: Path, ttl: str) -> Iterator[Server]:
    """Run the peer."""
    pem = str(folder / "tls.pem")
    command = (program("ratify-peer"), "-plain-http", "-ca", str(MATERIAL / "certs" / "ca.pem"), "-ttl", ttl,
               "-cert", pem, "-key", pem)  # fmt: skip
    with started(command) as server:
        yield server


@contextmanager
def floor(folder: Path, answer: Path) -> Iterator[Server]:
    """Run the bare library."""
    command = (sys.executable, "-m", "bench.floor", str(folder / "tls.pem"), str(answer))
    with started(command) as server:
        yield server


@contextmanager
def started(command: tuple[str, ...]) -> Iterator[Server]:
    """Run a server whose first line of output is its address."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("no output to read")
            yield Server(process.stdout.readline().strip(), process.pid)
        finally:
            process.terminate()


def free_port() -> int:
    """Return an unused port."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def wait_for(port: int) -> None:
    """Wait until the port accepts connections."""
    for _ in range(600):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError("the server did not start")
