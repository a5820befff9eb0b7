"""The real programs that are measured beside ours, and the registry that both read from."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
MATERIAL = ROOT / "examples" / "material"
PEERS = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyratify" / "peers" / "bin"


class PeerMissingError(RuntimeError):
    """A program that `make peers` builds is not there."""


def program(name: str) -> str:
    """Return the path of a peer."""
    path = PEERS / name
    if not path.is_file():
        raise PeerMissingError(f"{name} is not built; run `make peers`")
    return str(path)


@contextmanager
def serving(*command: str) -> Iterator[str]:
    """Run a server whose first line of output is its address."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip().removeprefix("http://")
        finally:
            server.terminate()


@contextmanager
def registry(*, delay_ms: int = 0, log: Path | None = None) -> Iterator[str]:
    """Run go-containerregistry's registry with all images of `examples/material` in the repository `demo`."""
    command = [program("registry"), "-delay", f"{delay_ms}ms"]
    if log is not None:
        command += ["-log", str(log)]
    with serving(*command) as address:
        push(address)
        yield address


def push(address: str) -> None:
    """Copy every image of the material with what is attached to it."""
    index = json.loads((MATERIAL / "layout" / "index.json").read_text())
    tags = [
        entry.get("annotations", {}).get("org.opencontainers.image.ref.name") for entry in index["manifests"]
    ]
    for tag in filter(None, tags):
        run(program("oras"), "cp", "-r", "--from-oci-layout", f"{MATERIAL / 'layout'}:{tag}", "--to-plain-http",
            f"{address}/demo:{tag}")  # fmt: skip


def run(*command: str) -> str:
    """Run a program that must succeed and return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stderr[-500:]}")
    return done.stdout


def post(url: str, document: Any) -> Any:
    """POST JSON and return the JSON answer."""
    request = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=600) as response:
        return json.load(response)


def get(url: str) -> Any:
    """GET JSON."""
    with urllib.request.urlopen(url, timeout=60) as response:
        return json.load(response)
