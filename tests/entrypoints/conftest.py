"""What the tests of entry points share."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pyratify.entrypoints.cli import main
from pyratify.testing.registry import RegistrySimulator

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"


class Ran(NamedTuple):
    """What a run of the command left behind."""

    code: int
    out: str
    err: str


@pytest.fixture
def material() -> Path:
    """The folder of really signed material."""
    return MATERIAL


@pytest.fixture
def run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., Ran]:
    """Run the command in this process, with no configuration, cache or credentials of the machine's user."""
    for name in ("RATIFY_CONFIG", "XDG_CONFIG_HOME", "DOCKER_CONFIG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Ran(code, *capsys.readouterr())

    return call


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry on loopback that holds the material as the repository `app`."""
    with RegistrySimulator() as simulator:
        simulator.load_layout(MATERIAL / "layout", "app")
        yield simulator
