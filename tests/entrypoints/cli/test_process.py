"""The command as a process: what it imports, and how it behaves in pipes and on terminals."""

import json
import os
import pty
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from pyratify.terminal import exits
from pyratify.testing.registry import RegistrySimulator

MATERIAL = Path(__file__).resolve().parents[3] / "examples" / "material"
LAYOUT = f"oci:{MATERIAL / 'layout'}"
KEY = ("--key", str(MATERIAL / "keys" / "cosign.pub"))
CERT = ("--cert", str(MATERIAL / "certs" / "ca.pem"), "--trusted-identity", "*")
PROGRAM = """
import json, sys
from pyratify.entrypoints.cli import main
code = main(sys.argv[1:])
print(json.dumps(sorted(sys.modules)), file=sys.stderr)
sys.exit(code)
"""
HEAVY = {"aiohttp", "msgspec", "yaml", "importlib.metadata", "cbor2", "click", "sqlite3", "http.client"}
X509 = {"cryptography.x509", "email"}
METADATA = {"importlib.metadata", "email"}


def imported(*arguments: str) -> set[str]:
    """Return the modules that a run of the command has imported."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_CACHE_HOME": "/nonexistent"},
    )
    assert ran.returncode == 0, ran.stderr
    return set(json.loads(ran.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    ("arguments", "never"),
    [
        (("verify", *KEY, f"{LAYOUT}:cosign-v3"), HEAVY | X509 | {"pyratify.config", "pyratify.stores.registry"}),
        (("verify", *KEY, f"{LAYOUT}:cosign-v2"), HEAVY | X509 | {"pyratify.verifiers.notation"}),
        (("verify", *CERT, f"{LAYOUT}:notation-jws-ec"), HEAVY | {"pyratify.verifiers.cosign"}),
        (("verify", *CERT, f"{LAYOUT}:notation-cose-ec"), HEAVY - {"cbor2"}),
        (("discover", f"{LAYOUT}:both"), HEAVY | X509 | {"cryptography", "pyratify.verifiers.cosign"}),
        (("resolve", f"{LAYOUT}:both"), HEAVY | X509 | {"cryptography"}),
        (("completion", "bash"), (HEAVY | X509) - METADATA | {"cryptography", "pyratify.stores"}),
        (("--help",), HEAVY | X509 | {"cryptography", "pyratify.stores"}),
        (("version",), HEAVY | X509 | METADATA | {"cryptography", "pyratify.stores", "asyncio"}),
        (("--version",), HEAVY | X509 | METADATA | {"argparse", "asyncio", "dataclasses", "pyratify.core.report"}),
    ],
)  # fmt: skip
def test_a_command_imports_only_what_it_uses(arguments: tuple[str, ...], never: set[str]) -> None:
    """Start-up is what is imported; this holds what, and never how long."""
    found = imported(*arguments)
    assert not {name for name in never if name in found}


def test_a_registry_needs_no_aiohttp() -> None:
    """The command speaks to registries over asyncio alone."""
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        found = imported("verify", *KEY, "--no-cache", f"{registry.host}/app:cosign-v3")
        assert not (HEAVY | X509) & found


def test_importing_the_library_imports_next_to_nothing() -> None:
    """Public names are imported when they are asked for."""
    program = "import sys, pyratify; print([name for name in sys.modules if name.startswith('pyratify.')])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def on_terminal(*arguments: str, **environment: str) -> bytes:
    """Run the command with standard output and standard error on one terminal and return what it shows."""
    ours, theirs = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    environment = {**kept, "TERM": "xterm", "XDG_CACHE_HOME": "/nonexistent", **environment}
    with subprocess.Popen(
        [sys.executable, "-m", "pyratify", *arguments], stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        shown = b""
        try:
            while chunk := os.read(ours, 65536):
                shown += chunk
        except OSError:  # Linux: the other end is closed
            pass
        process.wait()
    os.close(ours)
    return shown


def test_terminals_get_color_unless_they_object() -> None:
    """Verdicts are colored on a terminal, not with NO_COLOR, not on a dumb one; pipes never are."""
    arguments = ("verify", *KEY, f"{LAYOUT}:cosign-v3")
    assert b"\x1b[1;32mALLOWED" in on_terminal(*arguments)
    assert b"\x1b" not in on_terminal(*arguments, NO_COLOR="1")
    assert b"\x1b" not in on_terminal(*arguments, TERM="dumb")
    assert b"\x1b[1;32mALLOWED" in on_terminal(*arguments, TERM="dumb", FORCE_COLOR="1")
    assert b"\x1b" not in on_terminal(*arguments, NO_COLOR="1", FORCE_COLOR="1")
    for forced, colored in (("1", True), ("", False)):
        ran = subprocess.run(
            [sys.executable, "-m", "pyratify", *arguments],
            capture_output=True,
            check=True,
            env={**os.environ, "FORCE_COLOR": forced, "NO_COLOR": ""},
        )
        assert (b"\x1b" in ran.stdout) is colored


def test_many_references_show_progress_on_a_terminal_only() -> None:
    """Progress is shown and wiped away again; in a pipe there is none."""
    arguments = ("verify", *KEY, *([f"{LAYOUT}:cosign-v3"] * 3))
    shown = on_terminal(*arguments, NO_COLOR="1")
    assert b"2 of 3 references" in shown
    assert shown.endswith(b"\r\x1b[Kratify: 3 references: 3 allowed\r\n")
    ran = subprocess.run(
        [sys.executable, "-m", "pyratify", *arguments], capture_output=True, text=True, check=True
    )
    assert ran.stderr == "ratify: 3 references: 3 allowed\n"


def test_a_terminal_without_unicode_is_no_problem() -> None:
    """Where standard output takes ASCII only, everything else is escaped."""
    ran = subprocess.run(
        [sys.executable, "-m", "pyratify", "discover", f"{LAYOUT}:both"],
        capture_output=True,
        check=True,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert b"\\u2514" in ran.stdout


def test_an_interrupt_does_not_wait_for_a_key_that_does_not_come(tmp_path: Path) -> None:
    """As from `--key <(command)`: one interrupt ends the command, and without a traceback."""
    pipe = tmp_path / "key"
    os.mkfifo(pipe)
    command = [sys.executable, "-m", "pyratify", "verify", "--key", str(pipe), "127.0.0.1:1/app:v1"]
    # A test run in the background of a shell ignores interrupts, and its children inherit that.
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=heeded) as process:  # noqa: PLW1509 - it takes no lock
        try:
            with pipe.open("wb"):  # waits until the command has opened it, too
                process.send_signal(signal.SIGINT)
                _, said = process.communicate(timeout=20)
        finally:
            process.kill()
    assert process.returncode == exits.INTERRUPTED
    assert said == "ratify: interrupted: what is not printed was not decided\n"
