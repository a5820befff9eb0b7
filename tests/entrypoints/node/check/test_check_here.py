"""`ratify node check` on the node itself: what only a running system says."""

import os
import socket
import tracemalloc
from pathlib import Path

import pytest

from pyratify.entrypoints.node.check import check_containerd as module
from pyratify.entrypoints.node.check.check_containerd import check_containerd
from pyratify.entrypoints.node.check.check_daemon import check_daemon
from pyratify.entrypoints.node.check.check_nri import check_nri
from pyratify.entrypoints.node.check.finding import Finding
from pyratify.entrypoints.node.check.host import Host
from pyratify.entrypoints.node.containerd.containerd_settings import read_settings
from pyratify.entrypoints.node.run_program import Ended, run_program

HERE = Host()


def containerd(path: Path) -> list[Finding]:
    """Return what is found of a containerd with a configuration."""
    path.write_text("version = 3\n")
    return list(check_containerd(HERE, str(path), "/run/ratify/node.sock"))


@pytest.mark.parametrize(
    ("ended", "said"),
    [
        (Ended(0, "containerd github.com/containerd/containerd v1.7.28 abc"), "version v1.7.28"),
        (Ended(0, "containerd containerd.io 2.0.5 abc"), "version 2.0.5"),
        (Ended(0, "containerd github.com/containerd/containerd/v2 v2.1.0 abc"), ""),
        (Ended(0, "containerd"), ""),
        (Ended(None, "containerd cannot be run"), ""),
        (Ended(1, "v1.0.0"), ""),
    ],
)
def test_an_old_containerd_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ended: Ended, said: str
) -> None:
    """Before 2.1 CRI asks no verifier."""
    monkeypatch.setattr(module, "run_program", lambda *command: ended)
    found = [each for each in containerd(tmp_path / "config.toml") if each.place == "containerd"]
    assert [each.message.startswith(said) for each in found] == ([True] if said else [])


def test_a_daemon_that_does_not_listen_is_named(tmp_path: Path) -> None:
    """Its file is there, and its process is not."""
    where = tmp_path / "node.sock"
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(where))
        one.listen()
        alive = [each.message for each in check_daemon(HERE, str(where), "")]
    dead = [each.message for each in check_daemon(HERE, str(where), "")]
    assert not any("no daemon answers" in message for message in alive)
    assert any("no daemon answers" in message for message in dead)


def test_what_is_no_folder_is_no_bin_dir(tmp_path: Path) -> None:
    """Containerd then fails every pull."""
    (tmp_path / "bin").write_text("")
    config = tmp_path / "config.toml"
    config.write_text(
        f'version = 3\n[plugins."io.containerd.image-verifier.v1.bindir"]\nbin_dir = "{tmp_path}/bin"\n'
        'per_verifier_timeout = "1ms"\n'
    )
    found = [each.message for each in check_containerd(HERE, str(config), "/run/ratify/node.sock")]
    assert any("bin_dir cannot be read" in message for message in found)
    assert any("in which no answer comes" in message for message in found)


def test_imports_are_bounded_and_may_be_a_circle(tmp_path: Path) -> None:
    """As containerd takes them."""
    config = tmp_path / "config.toml"
    config.write_text('version = 3\nimports = ["config.toml", "more*.toml"]\n')
    assert read_settings(config).version == 3
    for number in range(70):
        (tmp_path / f"more{number}.toml").write_text("version = 3\n")
    with pytest.raises(ValueError, match="imports more than 64 files"):
        read_settings(config)


CRIO = '[crio.nri.default_validator]\nnri_validator_required_plugins = ["ratify"]\n'


@pytest.mark.parametrize(
    ("text", "gaps"),
    [
        ("[crio.nri]\nenable_nri = false\n", 1),
        ("crio = 7\n", 1),
        ("crio = ", 1),
        (CRIO + "nri_enable_default_validator = true\n", 0),
        (CRIO, 1),
        ('[crio.nri]\nnri_validator_required_plugins = ["ratify"]\n', 1),
        ("[crio]\nnri = 7\n", 1),
    ],
)
def test_the_nri_of_crio(tmp_path: Path, text: str, gaps: int) -> None:
    """Its only way to ask anything of us."""
    (tmp_path / "etc" / "crio").mkdir(parents=True)
    (tmp_path / "etc" / "crio" / "crio.conf").write_text(text)
    found = list(check_nri(Host(tmp_path)))
    assert len([each for each in found if each.severity == "gap"]) == gaps


def test_a_program_is_bounded_in_time_and_gets_no_variable_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not end is killed; one that is not there is said."""
    monkeypatch.setitem(os.environ, "REGISTRY_PASSWORD", "secret")
    assert "secret" not in run_program("/usr/bin/env").output
    assert run_program("/bin/sh", "-c", "sleep 60", seconds=0.2) == Ended(
        None, "/bin/sh did not end within 0.2 s"
    )
    assert run_program("/nowhere").code is None


def test_a_program_that_is_absent_is_named_with_where_it_was_searched() -> None:
    """The reader's own PATH does not count."""
    ended = run_program("ratify-no-such-program")
    assert ended.code is None
    assert ended.output.startswith("there is no ratify-no-such-program in /usr/local/sbin:")
    assert (
        run_program("/no/such/program").output == "/no/such/program cannot be run: No such file or directory"
    )


def test_a_program_is_bounded_in_output() -> None:
    """Its end is kept, which has the error, and no more is held in memory meanwhile."""
    tracemalloc.start()
    try:
        ended = run_program("/bin/sh", "-c", "head -c 4000000 /dev/zero; echo end")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (ended.code, len(ended.output), ended.output[-4:]) == (0, 65536, "end\n")
    assert peak < 2_000_000
