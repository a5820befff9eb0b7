"""The places of a configuration: what is named, then the user's own folders, never the current one."""

from pathlib import Path

import pytest

from pyratify.config.locate import locate, passed_over


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with everything that has the name of a configuration."""
    folder = tmp_path / "checkout"
    for name in ("ratify.yaml", "ratify.json", "config.json", ".ratify/config.json", "ratify/ratify.yaml"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("executors: []")
    (folder / ".config").mkdir()
    (folder / ".config" / "ratify").mkdir()
    (folder / ".config" / "ratify" / "ratify.yaml").write_text("executors: []")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    "environment",
    [{}, {"HOME": ""}, {"HOME": "."}, {"HOME": "..", "XDG_CONFIG_HOME": "."}, {"XDG_CONFIG_HOME": ".config"}],
    ids=str,
)
def test_the_current_folder_is_never_searched(environment: dict[str, str]) -> None:
    """Nor is it by way of a home that is no absolute path."""
    assert locate(None, environment) is None


def test_what_is_named_comes_before_the_users_folders(tmp_path: Path) -> None:
    """The flag, the variable, `~/.config/ratify`, `~/.ratify`."""
    home = tmp_path / "home"
    environment = {"HOME": str(home)}
    for name in (".ratify/config.json", ".config/ratify/ratify.yaml"):
        (home / name).parent.mkdir(parents=True)
        (home / name).write_text("{}")
        assert locate(None, environment) == home / name
    assert locate(None, environment | {"RATIFY_CONFIG": "ratify.yaml"}) == Path("ratify.yaml")
    assert locate("x.yaml", environment | {"RATIFY_CONFIG": "ratify.yaml"}) == Path("x.yaml")


def test_what_is_passed_over_is_known(here: Path) -> None:
    """So that the message can say how to name it; where something is named, nothing is passed over."""
    assert passed_over(None, {}) == Path("ratify.yaml")
    (here / "ratify.yaml").unlink()
    assert passed_over(None, {}) == Path("ratify.json")
    assert passed_over("x.yaml", {}) is None
    assert passed_over(None, {"RATIFY_CONFIG": "x.yaml"}) is None
    (here / "ratify.json").unlink()
    assert passed_over(None, {}) is None
