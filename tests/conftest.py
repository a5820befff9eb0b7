"""What all tests share."""

from pathlib import Path

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "fixtures"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder with other projects' signed material, which is not part of this repository."""
    if not SHARED.is_dir():
        pytest.skip(f"other projects' fixtures are not here: {SHARED}")
    return SHARED
