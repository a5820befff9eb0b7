"""Which files belong to a configuration."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pyratify.config.decode import decode
from pyratify.config.load import LoadedConfig
from pyratify.config.schema import Config
from pyratify.config.watched_files import beside, named, states


def test_what_parameters_name_is_followed(tmp_path: Path) -> None:
    """Files of all plugins, folders of verifiers and policies; what stores have in folders changes with every image."""
    for folder in ("keys", "layout", "data"):
        (tmp_path / folder).mkdir()
    for file in ("ca.pem", "rules"):
        (tmp_path / file).touch()
    policy = {"type": "p", "parameters": {"of": {"them": ["rules", "data"]}}}
    executor = {
        "scopes": ["data"],
        "verifiers": [
            {"name": "v", "type": "v", "parameters": {"a": ["keys", "", "no\0path", 1, "absent", "keys"]}}
        ],
        "stores": [{"type": "s", "parameters": {"path": "layout", "caFile": str(tmp_path / "ca.pem")}}],
        "policyEnforcer": policy,
    }
    config = decode(Config, {"executors": [executor, {**executor, "scopes": ["*"]}]})
    found = named(LoadedConfig(config, tmp_path))
    assert [path.name for path in found] == ["keys", "rules", "data", "ca.pem"]


def test_folders_are_followed_down_to_a_bound(tmp_path: Path) -> None:
    """Links are too, and loops of them end; hidden files are how a mount is swapped, and say nothing."""
    (tmp_path / "keys" / "team").mkdir(parents=True)
    (tmp_path / "keys" / ".data").touch()
    (tmp_path / "keys" / "a.pub").touch()
    (tmp_path / "keys" / "team" / "loop").symlink_to(tmp_path / "keys")
    found = [name for name, _, _ in states((tmp_path / "keys",))]
    assert found[0] == str(tmp_path / "keys" / "a.pub")
    assert 1 < len(found) < 10
    assert not any(".data" in name for name in found)
    for number in range(1100):
        (tmp_path / "keys" / str(number)).touch()
    assert len(list(states((tmp_path / "keys",)))) == 1000


def test_what_is_gone_or_cannot_be_listed_is_no_defect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader of the file says why."""

    def refuse(self: Path) -> Iterator[Path]:
        raise PermissionError(13, "denied")

    assert list(states((tmp_path / "gone",))) == [(str(tmp_path / "gone"), -1, -1)]
    (tmp_path / "gone.pem").symlink_to(tmp_path / "gone")
    assert list(beside(tmp_path)) == []
    monkeypatch.setattr(Path, "iterdir", refuse)
    assert list(states((tmp_path,))) == []
    assert list(beside(tmp_path)) == []
