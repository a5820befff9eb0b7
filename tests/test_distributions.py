"""The distributions below plugins/: complete, installed as other people's plugins are, and no burden to the main one."""

import ast
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
MAIN = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOOK = """
import sys
from pyratify.entrypoints.cli import main
for arguments in (["verify", "--key", "nosuch.pub", "app"], ["plugins"]):
    main(arguments)
    print(sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
"""


def project(folder: Path) -> dict[str, Any]:
    """Return what a distribution says of itself."""
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return found


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_distribution_is_complete(folder: Path) -> None:
    """Sources with types, tests, a page, a changelog, and floors for everything that it needs."""
    found = project(folder)
    package = folder / "src" / folder.name.replace("-", "_")
    assert found["name"] == folder.name
    assert (package / "py.typed").exists()
    assert list((folder / "tests").glob("test_*.py"))
    assert (folder / "README.md").read_text().startswith(f"# {folder.name}\n")
    assert "## Unreleased" in (folder / "CHANGELOG.md").read_text()
    needed = {each.name: each for each in map(Requirement, found["dependencies"])}
    assert "pyratify" in needed
    assert all(each.specifier for each in needed.values())


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_an_extra_of_the_main_distribution_brings_it(folder: Path) -> None:
    """`pip install 'pyratify[aws]'` is enough; `all` brings no cloud."""
    extra = folder.name.removeprefix("pyratify-")
    (brought,) = map(Requirement, MAIN["optional-dependencies"][extra])
    assert brought.name == folder.name
    assert brought.specifier.contains(project(folder)["version"], prereleases=True)
    assert extra not in Requirement(MAIN["optional-dependencies"]["all"][0]).extras


def test_no_sdk_is_imported_before_it_is_needed() -> None:
    """A verification with a key file imports no cloud's plugin, and the list of plugins none of their SDKs."""
    ran = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    lines = [line for line in ran.stderr.splitlines() if line.startswith("[")]
    verified, listed = (set(ast.literal_eval(line)) for line in lines)
    assert "pyratify" in verified
    assert not {name for name in verified if name.startswith("pyratify_")}
    assert not listed & {"azure", "boto3", "botocore", "google", "hvac", "requests", "urllib3"}
