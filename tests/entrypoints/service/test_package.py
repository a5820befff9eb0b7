"""What is installed: the page's files are part of the distribution."""

from pathlib import Path

import pytest

from pyratify.entrypoints.service import assets

ROOT = Path(__file__).resolve().parents[3]


def test_the_pages_files_are_in_the_wheel() -> None:
    """As the build backend selects them."""
    wheel = pytest.importorskip("hatchling.builders.wheel", reason="the build backend is not installed")
    found = {file.distribution_path for file in wheel.WheelBuilder(str(ROOT)).recurse_included_files()}
    folder = Path(assets.__file__).parent / "page"
    names = {f"pyratify/entrypoints/service/page/{path.name}" for path in folder.iterdir()}
    assert len(names) == 4
    assert names <= found


def test_the_source_distribution_has_no_torn_out_files() -> None:
    """Names without a slash before them would match in every folder, and take single files out of the examples."""
    sdist = pytest.importorskip("hatchling.builders.sdist", reason="the build backend is not installed")
    found = {file.distribution_path for file in sdist.SdistBuilder(str(ROOT)).recurse_included_files()}
    assert {path.split("/")[0] for path in found} <= {
        "src", "docs", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".gitignore",
    }  # fmt: skip
