"""What a server is made of, from its flags."""

from argparse import ArgumentParser
from pathlib import Path

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper.command import main
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags, go_style
from pyratify.serving.context_from_flags import name_cluster, watch_of
from pyratify.terminal import exits
from pyratify.testing.fakes import FakeClock


def test_a_kubeconfig_is_named_as_ratify_v2_names_it(tmp_path: Path) -> None:
    """With one dash too; without it the environment stays as it is."""
    path, parser = tmp_path / "kubeconfig", ArgumentParser()
    path.touch()
    add_flags(parser)
    environment: dict[str, str] = {}
    given = parser.parse_args(go_style(["-address=:1"]))
    name_cluster(given, environment)
    assert environment == {}
    name_cluster(parser.parse_args(go_style(["-address=:1", f"-kubeconfig={path}"])), environment)
    assert environment == {"KUBECONFIG": str(path)}


def test_a_kubeconfig_that_is_not_there_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before anything is served: else another cluster would be asked, or a file read."""
    code = main(["--address", "127.0.0.1:0", "--kubeconfig", str(tmp_path / "none")])
    assert code == exits.USAGE
    assert "there is no file" in capsys.readouterr().err


def test_limits_are_those_of_the_flags() -> None:
    """In bytes, of MiB."""
    parser = ArgumentParser()
    add_flags(parser)
    flags = parser.parse_args(["--address", ":1", "--max-body-memory", "3"])
    assert watch_of(flags, FakeClock()).bodies.most == 3 * 1024 * 1024


def test_names_of_clients_need_their_authority() -> None:
    """Else they would be checked against nothing."""
    parser = ArgumentParser()
    add_flags(parser)
    flags = parser.parse_args(["--address", ":1", "--client-name", "gatekeeper"])
    with pytest.raises(ConfigurationError, match="--client-name"):
        watch_of(flags, FakeClock())
