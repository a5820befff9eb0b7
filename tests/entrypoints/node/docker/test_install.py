"""`ratify node install docker`: what it shows, what it writes, and how it is undone."""

import json
from pathlib import Path

import pytest

from pyratify.entrypoints.cli import main


def install(folder: Path, *arguments: str) -> int:
    """Run the command on a folder and return its exit code."""
    places = ("--docker-config", str(folder / "daemon.json"), "--plugins-dir", str(folder))
    return main(["node", "install", "docker", *places, *arguments])


def test_it_shows_the_changes_and_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plugin's address, and the setting of the daemon."""
    assert install(tmp_path) == 0
    shown = capsys.readouterr()
    assert "+unix:///run/ratify/docker.sock" in shown.out
    assert '+  "authorization-plugins": [' in shown.out
    assert "nothing was written" in shown.err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("before", "plugins"),
    [
        (None, ["ratify"]),
        ({"debug": True}, ["ratify"]),
        ({"authorization-plugins": ["other"]}, ["other", "ratify"]),
    ],
)
def test_what_was_written_can_be_undone(tmp_path: Path, before: object, plugins: list[str]) -> None:
    """Other settings and plugins stay; twice changes nothing."""
    config = tmp_path / "daemon.json"
    if before is not None:
        config.write_text(json.dumps(before))
    for _ in range(2):
        assert install(tmp_path, "--docker", "/run/x.sock", "--write") == 0
    assert json.loads(config.read_text())["authorization-plugins"] == plugins
    assert (tmp_path / "ratify.spec").read_text().strip() == "unix:///run/x.sock"
    assert install(tmp_path, "--undo", "--write") == 0
    assert not (tmp_path / "ratify.spec").exists()
    assert (json.loads(config.read_text()) if config.exists() else None) == before


@pytest.mark.parametrize(
    "before", ["{", "[]", '{"authorization-plugins": "ratify"}', '{"authorization-plugins": [1]}']
)
def test_a_configuration_that_docker_would_not_take_is_not_touched(
    tmp_path: Path, before: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the file."""
    (tmp_path / "daemon.json").write_text(before)
    assert install(tmp_path, "--write") != 0
    assert "daemon.json" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["daemon.json"]
