"""What a configuration file has to be, before its keys are looked at."""

import json
from pathlib import Path

import pytest

from pyratify.config.load import load_config
from pyratify.core.errors import ConfigurationError

V1 = {
    "store": {"version": "1.0.0", "plugins": [{"name": "oras"}]},
    "policy": {"version": "1.0.0", "plugin": {"name": "configPolicy"}},
    "verifier": {"version": "1.0.0", "plugins": [{"name": "notation"}]},
}


def test_a_configuration_of_ratify_v1_is_called_one(tmp_path: Path) -> None:
    """And what its policies are called here; a list of unknown keys would not say that."""
    path = tmp_path / "config.json"
    path.write_text(json.dumps(V1))
    with pytest.raises(ConfigurationError, match="a configuration of Ratify v1") as caught:
        load_config(path)
    assert "any-all (configPolicy)" in caught.value.remedy


def test_a_key_that_ratify_v1_has_too_is_unknown_beside_executors(tmp_path: Path) -> None:
    """What has executors is meant for this program."""
    path = tmp_path / "config.yaml"
    path.write_text(
        json.dumps({"executors": [{"scopes": ["*"], "verifiers": [{"name": "v", "type": "cosign"}]}], **V1})
    )
    with pytest.raises(ConfigurationError, match=r"unknown key .store"):
        load_config(path)


@pytest.mark.parametrize("name", ["ratify.yaml", "ratify.json"])
def test_an_empty_file_is_called_empty(tmp_path: Path, name: str) -> None:
    """And not a value of another type."""
    (tmp_path / name).write_text("\n")
    with pytest.raises(ConfigurationError, match="the file is empty") as caught:
        load_config(tmp_path / name)
    assert "ratify config init" in caught.value.remedy
