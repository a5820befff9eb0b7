"""Fixtures of the trials against real programs: skipped, with the reason, where `make peers` has not been run."""

import shutil
from collections.abc import Iterator

import pytest

from interop import live


@pytest.fixture(scope="session")
def peers() -> None:
    """The programs of `make peers`, or a skipped test."""
    if absent := live.missing():
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")


@pytest.fixture(scope="session", params=live.KINDS)
def repository(
    request: pytest.FixtureRequest, peers: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[live.loopback.Repository]:
    """A repository with everything signed in it, on each kind of registry."""
    if request.param == live.DEBIAN and not shutil.which(live.DEBIAN):
        pytest.skip("Debian's package docker-registry is not installed")
    with live.running(request.param, tmp_path_factory.mktemp(request.param)) as repository:
        live.sign_everything(repository)
        yield repository
