"""A registry on this machine, as a server to speak HTTP with."""

from collections.abc import Iterator

import pytest

from pyratify.testing.registry import RegistrySimulator


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry without authentication."""
    with RegistrySimulator() as simulator:
        yield simulator
