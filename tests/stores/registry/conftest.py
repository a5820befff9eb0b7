"""Registries on this machine."""

from collections.abc import Iterator

import pytest

from pyratify.testing.registry import RegistrySimulator


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry without authentication and with a referrers API."""
    with RegistrySimulator() as simulator:
        yield simulator


@pytest.fixture
def other() -> Iterator[RegistrySimulator]:
    """A second registry, at another port."""
    with RegistrySimulator() as simulator:
        yield simulator
