"""The demo, and that what it prints can be pasted."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def command(tmp_path: Path) -> Path:
    """The command as a program."""
    program = tmp_path / "ratify"
    program.write_text(f'#!/bin/sh\nXDG_CACHE_HOME=/nonexistent exec "{sys.executable}" -m pyratify "$@"\n')
    program.chmod(0o755)
    return program


def test_every_line_of_the_demo_works_when_pasted(command: Path) -> None:
    """Each with the exit code that the demo shows, from the folder of the repository."""
    ran = subprocess.run(
        ["sh", "examples/demo.sh"], cwd=ROOT, env={"RATIFY": str(command), "PATH": "/usr/bin:/bin"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    shown = re.findall(r"^\$ (.*)\n(?:.*\n)*?\(exit code (\d)\)$", ran.stdout, re.MULTILINE)
    shown += [(line.strip(), "0") for line in ran.stdout.splitlines() if line.startswith(f"  {command}")]
    assert len(shown) == 16
    for line, code in shown:
        again = subprocess.run(["sh", "-c", line], cwd=ROOT, capture_output=True, check=False)
        assert str(again.returncode) == code, line
