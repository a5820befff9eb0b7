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
