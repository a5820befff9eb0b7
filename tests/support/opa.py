"""A real Open Policy Agent on the loopback or a Unix socket, with policies in it."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pyratify/peers/bin/opa"


@contextmanager
def running(
    folder: Path, policies: Mapping[str, str], *flags: str, socket_path: Path | None = None
) -> Iterator[str]:
    """Run OPA with policies by file name until the context ends; yields its address.

    Args:
        folder: Where the policies are written.
        policies: Their texts.
        flags: Further flags.
        socket_path: A Unix socket in place of a port.
    """
    for name, text in policies.items():
        (folder / name).write_text(text)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    health = f"http://127.0.0.1:{port}"
    where = [f"--addr=127.0.0.1:{port}"] + ([f"--addr=unix://{socket_path}"] if socket_path else [])
    files = [str(folder / name) for name in policies]
    command = [
        str(PROGRAM),
        "run",
        "--server",
        "--disable-telemetry",
        "--log-level=error",
        *where,
        *flags,
        *files,
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            _wait(health, process)
            yield f"unix:{socket_path}" if socket_path else health
        finally:
            process.terminate()


def ask(address: str, path: str, document: object, *, strict: bool = True) -> object:
    """Return the result of a query of the Data API; None where there is none or it is an error.

    Args:
        address: Of the server.
        path: What is asked for.
        document: The input.
        strict: Whether an error of a built-in function is one of the query, and not only without a value.
    """
    body = json.dumps({"input": document}).encode()
    request = urllib.request.Request(
        f"{address}/v1/data/{path}?strict-builtin-errors={str(strict).lower()}", body
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return json.loads(response.read()).get("result")
    except urllib.error.HTTPError:
        return None


def evaluate(policy: Path, document: Path, query: str) -> object:
    """Return the value of a query, False where it has none; None where the policy is refused."""
    command = (str(PROGRAM), "eval", "--format=json", "--data", str(policy), "--input", str(document), query)
    found = json.loads(subprocess.run(command, capture_output=True, check=False).stdout)
    if "errors" in found:
        return None
    return found["result"][0]["expressions"][0]["value"] if found.get("result") else False


def _wait(address: str, process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"OPA did not start: {process.stderr and process.stderr.read()}")
