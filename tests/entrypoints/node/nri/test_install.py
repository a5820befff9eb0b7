"""`ratify node install nri`: what it writes, and how it is undone."""

import tomllib
from pathlib import Path

import pytest

from pyratify.entrypoints.cli import main

NRI = "io.containerd.nri.v1.nri"


def install(folder: Path, *arguments: str) -> int:
    """Run the command on a configuration in a folder and return its exit code."""
    return main(["node", "install", "nri", "--containerd-config", str(folder / "config.toml"), *arguments])


@pytest.mark.parametrize(
    "before", [None, "version = 3\n", f'version = 3\n[plugins."{NRI}"]\n  disable = false\n']
)
def test_what_was_written_can_be_undone(tmp_path: Path, before: str | None) -> None:
    """The plugin is required; twice changes nothing."""
    config = tmp_path / "config.toml"
    if before is not None:
        config.write_text(before)
    assert install(tmp_path) == 0
    assert config.exists() == (before is not None)
    for _ in range(2):
        assert install(tmp_path, "--write") == 0
    validator = tomllib.loads(config.read_text())["plugins"][NRI]["default_validator"]
    assert validator == {"enable": True, "required_plugins": ["ratify"]}
    assert install(tmp_path, "--undo", "--write") == 0
    assert (config.read_text() if config.exists() else None) == before


@pytest.mark.parametrize(
    ("before", "word"),
    [
        (f'version = 3\ndisabled_plugins = ["{NRI}"]\n', "switches NRI off"),
        (f'version = 3\n[plugins."{NRI}"]\n  disable = true\n', "switches NRI off"),
        (f'version = 3\n[plugins."{NRI}".default_validator]\n  enable = true\n', "already"),
        ("version = 3\nplugins = {}\n", "cannot be continued at its end"),
    ],
)
def test_settings_that_contradict_it_are_named(
    tmp_path: Path, before: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is written."""
    (tmp_path / "config.toml").write_text(before)
    assert install(tmp_path, "--write") != 0
    assert word in capsys.readouterr().err
    assert (tmp_path / "config.toml").read_text() == before


def test_crio_gets_a_file_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where no other one requires plugins; later files replace lists of earlier ones."""
    crio = ("--crio", str(tmp_path))
    assert install(tmp_path, *crio, "--write") == 0
    (written,) = tmp_path.iterdir()
    nri = tomllib.loads(written.read_text())["crio"]["nri"]
    assert nri["default_validator"]["nri_validator_required_plugins"] == ["ratify"]
    assert nri["default_validator"]["nri_enable_default_validator"] is True
    assert install(tmp_path, *crio, "--write") == 0
    assert install(tmp_path, *crio, "--undo", "--write") == 0
    assert install(tmp_path, *crio, "--undo", "--write") == 0
    assert not list(tmp_path.iterdir())
    other = '[crio.nri.default_validator]\nnri_validator_required_plugins = ["other"]\n'
    (tmp_path / "10-other.conf").write_text(other)
    assert install(tmp_path, *crio, "--write") != 0
    assert "10-other.conf requires plugins already" in capsys.readouterr().err


@pytest.mark.parametrize("undo", [(), ("--undo",)])
def test_what_else_is_in_the_file_of_crio_is_not_lost(
    tmp_path: Path, undo: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """It is replaced and removed whole, so it has to be as it was written."""
    crio = ("--crio", str(tmp_path))
    assert install(tmp_path, *crio, "--write") == 0
    (written,) = tmp_path.iterdir()
    changed = f'{written.read_text()}[crio.runtime]\nlog_level = "debug"\n'
    written.write_text(changed)
    assert install(tmp_path, *crio, *undo, "--write") == 3
    assert "99-ratify.conf has other settings" in capsys.readouterr().err
    assert written.read_text() == changed
