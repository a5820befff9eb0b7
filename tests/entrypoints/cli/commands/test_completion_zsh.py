"""Completion in a real zsh, on a terminal of its own."""

import os
import pty
import select
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
_ZSH = shutil.which("zsh")


def completed(script: Path, line: str, expected: str) -> str:
    """Return what zsh shows after the line and two tabs, as soon as the expected text is there; at most 20 seconds."""
    ours, theirs = pty.openpty()
    setup = f"autoload -U compinit; compinit -u -D; source {script}; PS1='re''ady> '; LISTMAX=0\n"
    with subprocess.Popen(
        [str(_ZSH), "-f", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
        env={"PATH": os.environ["PATH"], "TERM": "dumb", "HOME": str(script.parent)},
    ) as process:  # fmt: skip
        os.close(theirs)
        os.write(ours, setup.encode())
        shown = _until(ours, "ready> ")
        os.write(ours, f"{line}\t\t".encode())
        shown = _until(ours, expected)
        process.kill()
    os.close(ours)
    return shown


def _until(terminal: int, text: str) -> str:
    shown = ""
    while text not in shown and select.select([terminal], [], [], 20)[0]:
        shown += os.read(terminal, 65536).decode(errors="replace")
    return shown


@pytest.mark.skipif(_ZSH is None, reason="zsh is not here")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ratify config s", "schema"),
        ("ratify trust sigstore --ref", "--refresh"),
        ("ratify --debug config che", "check"),
        ("ratify webhook ch", "check"),
        ("ratify completion f", "fish"),
    ],
)
def test_zsh_completes_nested_commands(line: str, expected: str, run: Run, tmp_path: Path) -> None:
    """Loaded with `source`, as the help says."""
    script = tmp_path / "completion.zsh"
    script.write_text(run("completion", "zsh").out)
    assert expected in completed(script, line, expected)
