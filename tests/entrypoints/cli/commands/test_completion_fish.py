"""Completion in a real fish."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]
_FISH = shutil.which("fish")


@pytest.mark.skipif(_FISH is None, reason="fish is not here")
@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("ratify ver", {"verify", "verify-file", "version"}),
        ("ratify config s", {"show", "schema"}),
        ("ratify trust sigstore --ref", {"--refresh"}),
        ("ratify verify -o ", {"text", "tree", "json"}),
    ],
)
def test_fish_completes_nested_commands(line: str, expected: set[str], run: Run, tmp_path: Path) -> None:
    """Commands, actions, flags and values."""
    script = tmp_path / "ratify.fish"
    script.write_text(run("completion", "fish").out)
    ran = subprocess.run(
        [str(_FISH), "--no-config", "-c", f"source {script}; complete -C '{line}'"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert expected <= {each.partition("\t")[0] for each in ran.stdout.splitlines()}
