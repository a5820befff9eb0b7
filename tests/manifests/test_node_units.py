"""The node's systemd units: their command is the program's, their sockets are its flags', and they are confined."""

import configparser
import re
import shlex
import shutil
import subprocess
from argparse import ArgumentParser
from pathlib import Path

import pytest

from pyratify.entrypoints.node.node_flags import (
    DOCKER_SOCKET,
    NRI_SOCKET,
    SOCKET,
    add_install_docker_flags,
    add_serve_flags,
)

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
SERVICE, SOCKETS = FOLDER / "ratify-node.service", FOLDER / "ratify-node.socket"


def lines(path: Path, key: str) -> list[str]:
    """Return the values of a key."""
    return [line.partition("=")[2] for line in path.read_text().splitlines() if line.startswith(f"{key}=")]


def test_the_units_agree_with_the_program() -> None:
    """The command is parsed by the daemon's own parser, and it listens at exactly the sockets that systemd hands over."""
    (command,) = lines(SERVICE, "ExecStart")
    program, name, action, *given = shlex.split(command)
    assert (Path(program).name, name, action) == ("ratify", "node", "serve")
    parser = ArgumentParser(exit_on_error=False)
    add_serve_flags(parser)
    flags = parser.parse_args(given)
    assert SOCKET in lines(SOCKETS, "ListenStream")
    assert flags.socket == SOCKET
    assert lines(SOCKETS, "SocketMode") == ["0660"]
    assert lines(SOCKETS, "SocketUser") == ["root"]
    for unit in (SERVICE, SOCKETS):
        # Docker refuses everything while a plugin of its does not listen.
        assert {"containerd.service", "docker.service"} <= set(lines(unit, "Before")[0].split())


def test_the_additions_for_docker_agree_with_the_program() -> None:
    """The same command with one flag more, whose value is the socket more, and where `ratify node install docker` leads."""
    more = FOLDER / "ratify-node-docker.service.conf"
    nothing, command = lines(more, "ExecStart")
    assert nothing == ""
    assert shlex.split(command) == [*shlex.split(lines(SERVICE, "ExecStart")[0]), "--docker", DOCKER_SOCKET]
    assert lines(FOLDER / "ratify-node-docker.socket.conf", "ListenStream") == [DOCKER_SOCKET]
    parser = ArgumentParser()
    add_install_docker_flags(parser)
    assert parser.parse_args([]).docker == DOCKER_SOCKET


def test_the_additions_for_nri_agree_with_the_program() -> None:
    """The same command with one flag more; NRI's socket is for root alone, and the daemon still has no capability."""
    more = FOLDER / "ratify-node-nri.service.conf"
    nothing, command = lines(more, "ExecStart")
    assert nothing == ""
    assert shlex.split(command) == [*shlex.split(lines(SERVICE, "ExecStart")[0]), "--nri", NRI_SOCKET]
    assert lines(more, "User") == ["root"]
    assert "CapabilityBoundingSet" not in more.read_text()


def test_the_daemon_is_no_root() -> None:
    """Its user has no capability; a private user namespace would hide which users ask."""
    found = configparser.ConfigParser(strict=False, interpolation=None)
    found.optionxform = str  # type: ignore[assignment,method-assign]
    found.read(SERVICE)
    service = found["Service"]
    assert service["User"] == "ratify"
    assert service["CapabilityBoundingSet"] == ""
    assert "PrivateUsers" not in service


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_units_and_finds_the_daemon_confined(tmp_path: Path) -> None:
    """`systemd-analyze verify` says nothing, and its exposure is below 2.5 of 10."""
    for unit in (SERVICE, SOCKETS):
        text = unit.read_text().replace("/opt/ratify/bin/ratify", "/bin/true")
        (tmp_path / unit.name).write_text(re.sub(r"(?m)^(User|Group)=.*$", "", text))
    for unit in (SERVICE, SOCKETS):
        verify = ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)]
        done = subprocess.run(verify, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    security = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=25"]
    done = subprocess.run(
        [*security, str(tmp_path / SERVICE.name)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-600:]
