"""Section M: a configuration that lies in the current folder, as of a checkout, says nothing."""

import json
import logging
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from pyratify.config.locate import locate
from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli import main
from pyratify.serving.choose_source import choose_source
from pyratify.terminal import exits
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import RegistrySimulator

MATERIAL = Path(__file__).resolve().parents[2] / "examples" / "material"
SECRET = "s3cret-of-the-pipeline"


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hostile checkout as the current folder: it trusts its own key, sends a secret and asks for a program."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    key = (MATERIAL / "keys" / "cosign.pub").read_text()
    program = folder / "plugins" / "com.example.plugin" / "notation-com.example.plugin"
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ntouch {folder / 'started'}\n")
    program.chmod(0o755)
    (folder / "ca.pem").write_text((MATERIAL / "certs" / "ca.pem").read_text())
    notation = {
        "certificates": [{"type": "ca", "files": ["ca.pem"]}],
        "trustedIdentities": ["*"],
        "plugins": {"folder": "plugins", "allowed": ["com.example.plugin"]},
    }
    config = {
        "executors": [
            {
                "scopes": ["*"],
                "stores": [{"type": "registry-store", "parameters": {"userAgent": "${CI_SECRET}"}}],
                "verifiers": [
                    {
                        "name": "cosign",
                        "type": "cosign",
                        "parameters": {"trustPolicies": [{"keys": {"inline": {"keys": key}}}]},
                    },
                    {"name": "notation", "type": "notation", "parameters": notation},
                ],
            }
        ]
    }
    (folder / "ratify.yaml").write_text(json.dumps(config))
    for name in ("RATIFY_CONFIG", "XDG_CONFIG_HOME", "DOCKER_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CI_SECRET", SECRET)
    monkeypatch.chdir(folder)
    return folder


def test_atk_292_a_checkout_neither_allows_nor_sends_nor_starts_anything(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The image is signed by the key that the checkout trusts; that configuration was not asked for."""
    with RegistrySimulator() as registry:
        registry.load_layout(MATERIAL / "layout", "app")
        image = f"{registry.host}/app:cosign-v3"
        code = main(["verify", image])
        assert code == exits.USAGE
        assert not registry.hits
        err = capsys.readouterr().err
        assert "ratify.yaml of this folder is read only where it is named" in err
        assert "-c ratify.yaml" in err
        assert SECRET not in err
        assert not (checkout / "started").exists()
        # Named, it is read: the image would have been allowed.
        assert main(["verify", "-c", "ratify.yaml", image]) == exits.ALLOWED


@pytest.mark.parametrize("command", [("config", "check"), ("config", "show")])
def test_atk_292_no_command_reads_it(checkout: Path, command: tuple[str, ...]) -> None:
    """Not even to look at it: a check builds everything, and starts programs."""
    assert main([*command]) == exits.USAGE
    assert not (checkout / "started").exists()


def test_atk_292_the_users_own_is_read_and_the_other_one_is_named(
    checkout: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both lie there: the user's counts, and the message says what was not read."""
    own = tmp_path / "home" / ".config" / "ratify" / "ratify.yaml"
    own.parent.mkdir(parents=True)
    policy = {"keys": {"files": [str(MATERIAL / "keys" / "other.pub")]}}
    verifier = {"name": "c", "type": "cosign", "parameters": {"trustPolicies": [policy]}}
    own.write_text(json.dumps({"executors": [{"scopes": ["*"], "verifiers": [verifier]}]}))
    assert main(["verify", f"oci:{MATERIAL / 'layout'}:cosign-v3"]) == exits.DENIED
    err = capsys.readouterr().err
    assert f"using the configuration {own}" in err
    assert "ratify.yaml of this folder is not read unless it is named: -c ratify.yaml" in err
    assert (checkout / "ratify.yaml").exists()


async def test_atk_292_no_server_follows_it(
    checkout: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A server waits for the user's own file, and its log says what it does not read."""
    flags = Namespace(
        config=None, reads_resources=False, disable_crd_manager=True, resources_first=False, state=""
    )
    with caplog.at_level(logging.WARNING):
        source = choose_source(flags, FakeClock())
    assert isinstance(source, WatchedConfig)
    assert source.path == tmp_path / "home" / ".ratify" / "config.json"
    assert "current folder is not read" in caplog.text
    assert (checkout / "ratify.yaml").exists()


async def test_atk_292_a_home_that_is_the_current_folder_is_none(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`HOME=.` would make the checkout the user's own folder."""
    (checkout / ".ratify").mkdir()
    (checkout / ".ratify" / "config.json").write_text((checkout / "ratify.yaml").read_text())
    monkeypatch.setenv("HOME", ".")
    flags = Namespace(
        config=None, reads_resources=False, disable_crd_manager=True, resources_first=False, state=""
    )
    with pytest.raises(ConfigurationError, match="absolute"):
        choose_source(flags, FakeClock())


def test_atk_292_a_relative_xdg_config_home_is_passed_over(checkout: Path) -> None:
    """The XDG specification: "if an implementation encounters a relative path it should ignore it"."""
    (checkout / "ratify").mkdir()
    (checkout / "ratify" / "config.json").write_text((checkout / "ratify.yaml").read_text())
    for folder in (".", "./", ""):
        assert locate(None, {"XDG_CONFIG_HOME": folder, "HOME": "."}) is None


def test_atk_292_no_module_or_plugin_of_it_is_imported(checkout: Path) -> None:
    """`python -m` puts the current folder first; a module there would run before anything is decided."""
    planted = "import pathlib\npathlib.Path(__file__).with_name('started').touch()\n"
    for name in ("yaml", "msgspec", "cryptography", "aiohttp", "evil"):
        (checkout / f"{name}.py").write_text(planted)
    info = checkout / "evil-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pyratify.renderers]\nevil = evil:render\n")
    image = f"oci:{MATERIAL / 'layout'}:cosign-v3"
    command = [sys.executable, "-m", "pyratify", "verify", "--no-cache"]
    key = ["--key", str(MATERIAL / "keys" / "cosign.pub"), image]
    done = subprocess.run([*command, *key], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (exits.ALLOWED, "")
    done = subprocess.run([*command, "-o", "evil", *key], capture_output=True, text=True, check=False)
    assert done.returncode == exits.USAGE
    assert not (checkout / "started").exists()
