"""A node: what the verifier costs a pull of containerd, beside none and beside `cosign verify` as the verifier (needs root)."""

import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.measure import table
from bench.peers import MATERIAL, PeerMissingError, get, program, registry

RUNS, PULLS, ROUNDS, COSIGN_PULLS = 60, 100, 5, 10
IMAGE = "cosign-v3"
MEDIA_TYPE = "application/vnd.oci.descriptor.v1+json"
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
[plugins."io.containerd.image-verifier.v1.bindir"]
  bin_dir = "{folder}/verifier/bin"
  per_verifier_timeout = "30s"
[[plugins."io.containerd.transfer.v1.local".unpack_config]]
  platform = "linux/{machine}"
  snapshotter = "native"
"""
_CONFIGURATION = """\
executors:
  - scopes: ["*"]
    verifiers:
      - {{name: cosign, type: cosign, parameters: {{trustPolicies: [{{ignoreTLog: true, keys: {{files: [{key}]}}}}]}}}}
"""
_COSIGN = """\
#!/bin/sh
exec {cosign} verify --key {key} --insecure-ignore-tlog=true "${{2%:*}}@$4" >/dev/null 2>&1
"""


def report() -> str:
    """Measure and return the tables.

    Raises:
        PeerMissingError: containerd is not built, or this user is not root.
    """
    if os.geteuid() != 0:
        raise PeerMissingError("containerd needs root")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        address = stack.enter_context(registry())
        reference = f"{address}/demo:{IMAGE}"
        programs = (stack.enter_context(_containerd(folder)), stack.enter_context(_daemon(folder)))
        digest = _digest(address)
        return "\n".join((_client(folder, reference, digest), _pulls(folder, reference, programs)))


def _client(folder: Path, reference: str, digest: str) -> str:
    arguments = ("-name", reference, "-digest", digest, "-stdin-media-type", MEDIA_TYPE)
    ours = (str(_ours(folder)), *arguments)
    cosign = (str(_cosign(folder)), *arguments)
    stdin = f'{{"mediaType":"x","digest":"{digest}","size":1}}\n'.encode()
    commands = {
        "the interpreter alone (`python -IS -c pass`)": ("/usr/bin/python3", "-IS", "-c", "pass"),
        "`00-ratify`, a remembered digest": ours,
        "`ratify node verify`, in a process of its own": (*_once(folder), *arguments),
        "`cosign verify` as the verifier": cosign,
    }
    rows = []
    for name, command in commands.items():
        runs = (
            RUNS if command in (ours, commands["the interpreter alone (`python -IS -c pass`)"]) else RUNS // 6
        )
        taken = sorted(_seconds(command, stdin) * 1000 for _ in range(runs + 1))[:-1]
        rows.append((name, f"{statistics.median(taken):.0f} ms", f"{taken[int(len(taken) * 0.95)]:.0f} ms"))
    return table("A verifier, from its start to its verdict", ("verifier", "median", "p95"), rows)


def _pulls(folder: Path, reference: str, programs: tuple[int, ...]) -> str:
    folder_of = folder / "verifier" / "bin"

    def with_verifier(verifier: Path | None) -> None:
        for path in folder_of.iterdir():
            path.unlink()
        if verifier is not None:
            (folder_of / "00-ratify").write_bytes(verifier.read_bytes())
            (folder_of / "00-ratify").chmod(0o755)

    kinds: dict[str, tuple[Path | None, int]] = {
        "none": (None, PULLS),
        "`00-ratify`": (_ours(folder), PULLS),
        "none ": (None, COSIGN_PULLS),
        "`cosign verify`": (_cosign(folder), COSIGN_PULLS),
    }
    found: dict[str, list[float]] = {name: [] for name in kinds}
    worked: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, (verifier, pulls) in kinds.items():
            with_verifier(verifier)
            before = _cpu_seconds(programs)
            found[name].append(_parallel(folder, reference, pulls))
            worked[name].append((_cpu_seconds(programs) - before) / pulls)
    rows = []
    for name, (_, pulls) in kinds.items():
        base = found["none" if pulls == PULLS else "none "]
        ratio = statistics.median(a / b for a, b in zip(found[name], base, strict=True))
        cpu = f"{statistics.median(worked[name]) * 1000:.0f} ms"
        rows.append(
            (name.strip(), str(pulls), f"{statistics.median(found[name]):.2f} s", f"{ratio:.2f} x", cpu)
        )
    head = ("verifier", "pulls", "time", "ratio", "CPU time of a pull")
    return table("Pulls at once, real containerd", head, rows)


def _cpu_seconds(programs: tuple[int, ...]) -> float:
    """Return the CPU time of the programs and of all clients and verifiers so far; it depends little on what else runs."""
    clients = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = clients.ru_utime + clients.ru_stime
    for pid in programs:
        # proc(5): utime, stime, and those of the children that were waited for.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:15]
        total += sum(map(int, fields)) / os.sysconf("SC_CLK_TCK")
    return total


def _parallel(folder: Path, reference: str, pulls: int) -> float:
    subprocess.run(_ctr(folder, "images", "remove", "--sync", reference), capture_output=True, check=False)
    command = _ctr(folder, "images", "pull", "--plain-http", "--snapshotter", "native", reference)
    with ThreadPoolExecutor(pulls) as pool:
        began = time.perf_counter()
        done = list(
            pool.map(lambda _: subprocess.run(command, capture_output=True, check=False), range(pulls))
        )
        taken = time.perf_counter() - began
    if failed := [one for one in done if one.returncode]:
        raise RuntimeError(f"{len(failed)} pulls failed: {failed[0].stderr.decode()[-500:]}")
    return taken


def _ours(folder: Path) -> Path:
    """Return the program as it is installed."""
    target = folder / "ours" / "00-ratify"
    if not target.exists():
        flags = (
            "--containerd-config",
            folder / "other.toml",
            "--bin-dir",
            target.parent,
            "--socket",
            folder / "node.sock",
        )
        (folder / "other.toml").write_text("version = 3\n")
        _run(*RATIFY, "node", "install", "containerd", *flags, "--write")
    return target


def _cosign(folder: Path) -> Path:
    target = folder / "cosign-verifier"
    target.write_text(_COSIGN.format(cosign=program("cosign"), key=MATERIAL / "keys" / "cosign.pub"))
    target.chmod(0o755)
    return target


def _once(folder: Path) -> tuple[str, ...]:
    return (*RATIFY, "node", "verify", "-c", str(folder / "ratify.yaml"), "--state", str(folder / "once"))


@contextmanager
def _containerd(folder: Path) -> Iterator[int]:
    machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
    (folder / "verifier" / "bin").mkdir(parents=True)
    (folder / "config.toml").write_text(_CONTAINERD.format(folder=folder, machine=machine))
    with running(folder / "containerd.log", program("containerd"), "-c", str(folder / "config.toml")) as pid:
        until(
            lambda: subprocess.run(_ctr(folder, "version"), capture_output=True, check=False).returncode == 0
        )
        yield pid


@contextmanager
def _daemon(folder: Path) -> Iterator[int]:
    flags = ("--socket", str(folder / "node.sock"), *configure(folder))
    with running(folder / "daemon.log", *RATIFY, "node", "serve", *flags) as pid:
        until((folder / "node.sock").exists)
        yield pid


def configure(folder: Path) -> tuple[str, ...]:
    """Write the daemon's configuration, and return the flags of a daemon that keeps what it knows in that folder."""
    path = folder / "ratify.yaml"
    path.write_text(_CONFIGURATION.format(key=MATERIAL / "keys" / "cosign.pub"))
    places = ("--state", str(folder / "kept"), "--health-address", "127.0.0.1:0")
    return ("-c", str(path), *places, "--verdict-lifetime", "1h", "--log-level", "warning")


@contextmanager
def running(log: Path, *command: str, **environment: str) -> Iterator[int]:
    """Run a program until the end of the block, with what is added to the environment."""
    settings = os.environ | environment
    with (
        log.open("wb") as output,
        subprocess.Popen(command, stdout=output, stderr=output, env=settings) as process,
    ):
        try:
            yield process.pid
        finally:
            process.terminate()


def until(ready: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until it is ready."""
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise RuntimeError("a program of the node did not start")
        time.sleep(0.05)


def _seconds(command: tuple[str, ...], stdin: bytes) -> float:
    began = time.perf_counter()
    done = subprocess.run(command, input=stdin, capture_output=True, check=False)
    taken = time.perf_counter() - began
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stdout.decode()[-500:]}")
    return taken


def _ctr(folder: Path, *arguments: str) -> tuple[str, ...]:
    return (program("ctr"), "-a", str(folder / "c.sock"), *arguments)


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


def _digest(address: str) -> str:
    document = get(f"http://{address}/v2/demo/tags/list")
    if IMAGE not in document["tags"]:
        raise RuntimeError(f"there is no {IMAGE} in the registry")
    done = subprocess.run(
        (program("crane"), "digest", "--insecure", f"{address}/demo:{IMAGE}"), capture_output=True, check=True
    )
    return done.stdout.decode().strip()


RATIFY = (sys.executable, "-m", "pyratify")
