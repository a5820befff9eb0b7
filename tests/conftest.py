"""What all tests share."""

from pathlib import Path

import pytest
from hypothesis import settings

SHARED = Path(__file__).resolve().parents[2] / "shared" / "fixtures"


settings.register_profile("pyratify", deadline=None)  # how fast a machine is says nothing about a law
settings.load_profile("pyratify")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with other projects' signed material, which is not part of this repository."""
    if not SHARED.is_dir():
        pytest.skip(f"other projects' fixtures are not here: {SHARED}")
    return SHARED


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the real programs, which take longest and share ports and a cluster; keep the rest together by files."""
    items.sort(key=lambda item: not _needs_programs(item))
    for item in items:
        group = "programs" if _needs_programs(item) else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))


def _needs_programs(item: pytest.Item) -> bool:
    return item.path.parent.name in ("e2e", "interop")
