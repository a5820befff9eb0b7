"""The public interface as a type checker sees it: the library page's examples, and what each method returns."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RETURNS = """
from typing import Any, assert_type

import pyratify
import pyratify.sync


async def awaited(engine: pyratify.Engine, reference: pyratify.Reference) -> None:
    assert_type(await engine.validate("example.com/app:v1"), pyratify.ValidationResult)
    assert_type(await engine.validate(reference), pyratify.ValidationResult)
    assert_type(await engine.discover(reference), pyratify.ValidationResult)
    assert_type(await engine.resolve(reference), pyratify.Descriptor)


def asked(engine: pyratify.sync.SyncEngine, result: pyratify.ValidationResult) -> None:
    assert_type(engine.validate("example.com/app:v1"), pyratify.ValidationResult)
    assert_type(engine.discover("example.com/app:v1"), pyratify.ValidationResult)
    assert_type(engine.resolve("example.com/app:v1"), pyratify.Descriptor)
    assert_type(result.succeeded, bool)
    assert_type(result.failure, pyratify.Failure | None)
    assert_type(result.to_dict(), dict[str, Any])
    assert_type(result.to_json(), str)
"""
WRONG = """
import pyratify


async def wrong(engine: pyratify.Engine) -> str:
    await engine.validate(b"example.com/app:v1")
    return (await engine.resolve("example.com/app:v1")).name
"""


def check(source: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Check a program in strict mode."""
    mypy = Path(sys.executable).parent / "mypy"
    if not mypy.exists():
        pytest.skip("mypy is not installed beside the interpreter")
    file = folder / "program.py"
    file.write_text(source)
    cache = ["--cache-dir", str(ROOT / ".mypy_cache" / "programs")]  # other options than the linter's
    command = [str(mypy), "--strict", "--config-file", "", *cache, str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_public_interface_is_typed(tmp_path: Path) -> None:
    """As the page says; a program with `mypy --strict` needs no casts."""
    page = (ROOT / "docs" / "library.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = check("\n".join([*blocks, RETURNS]), tmp_path)
    assert done.returncode == 0, done.stdout


def test_a_wrong_use_is_seen_by_the_type_checker(tmp_path: Path) -> None:
    """So that the test above does not pass because everything is Any."""
    done = check(WRONG, tmp_path)
    assert done.returncode == 1
    assert "[arg-type]" in done.stdout, done.stdout
    assert "[attr-defined]" in done.stdout, done.stdout
