"""`ratify node install containerd`: what it shows, what it writes, and how it is undone."""

import tomllib
from pathlib import Path

import pytest

from pyratify.entrypoints.cli import main
from pyratify.entrypoints.node.containerd.containerd_settings import read_settings
from pyratify.entrypoints.node.containerd.install_containerd import is_unchanged

BLOCK = '[plugins."io.containerd.image-verifier.v1.bindir"]'


def install(folder: Path, *arguments: object) -> int:
    """Run the command on a configuration in a folder and return its exit code."""
    config = ("--containerd-config", str(folder / "config.toml"))
    return main(["node", "install", "containerd", *config, *map(str, arguments)])


def test_it_shows_the_changes_and_makes_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A diff that `patch` takes, of the program and of containerd's configuration."""
    config = tmp_path / "config.toml"
    config.write_text("version = 3\n")
    assert install(tmp_path, "--bin-dir", tmp_path / "iv" / "bin") == 0
    shown = capsys.readouterr()
    assert f"+++ {tmp_path}/iv/bin/00-ratify" in shown.out
    assert f"+{BLOCK}" in shown.out
    assert "nothing was written" in shown.err
    assert config.read_text() == "version = 3\n"
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


@pytest.mark.parametrize(
    "before", ["version = 3\n", 'version = 2\n[plugins]\n  [plugins."x.y"]\n    a = 1', None]
)
def test_what_was_written_can_be_undone(
    tmp_path: Path, before: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """Byte for byte, also where there was no configuration or no line break at its end; twice changes nothing."""
    config, folder = tmp_path / "config.toml", tmp_path / "iv" / "bin"
    if before is not None:
        config.write_text(before)
    for _ in range(2):
        assert install(tmp_path, "--bin-dir", folder, "--write") == 0
    assert tomllib.loads(config.read_text())["plugins"]["io.containerd.image-verifier.v1.bindir"] == {
        "bin_dir": str(folder)
    }
    assert "nothing to change" in capsys.readouterr().err
    # Nothing else in the folder: containerd would run it.
    assert [path.name for path in folder.iterdir()] == ["00-ratify"]
    assert (folder / "00-ratify").stat().st_mode & 0o777 == 0o755
    assert install(tmp_path, "--bin-dir", folder, "--undo", "--write") == 0
    assert not list(folder.iterdir())
    assert (config.read_text() if config.exists() else None) == (before and before.rstrip("\n") + "\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{end}{begin}{own}", "its begin comment in line 3 and its end comment in line 2"),
        ("{begin}{own}", "its begin comment in line 2 and no end comment"),
        ("{own}{end}", "no begin comment and its end comment in line 4"),
        ("{begin}{own}{end}{begin}{end}", "its begin comment in line 2, 6 and its end comment in line 5, 7"),
        ("{begin}{own}[mine]\na = 1\n{end}", "other settings between lines 2 and 7"),
        ("{begin}{own}[plugins.mine]\na = 1\n{end}", "other settings between lines 2 and 7"),
        ("{begin}a = [\n{end}]\n{own}", "other settings between lines 2 and 4"),
    ],
)
def test_nothing_else_is_taken_out(
    tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the comments do not enclose these settings alone, what to take out is unknown: nothing is changed."""
    config = tmp_path / "config.toml"
    own = f'{BLOCK}\nbin_dir = "{tmp_path}/bin"\n'
    parts = {
        "own": own,
        "begin": "# ratify node install containerd: begin\n",
        "end": "# ratify node install containerd: end\n",
    }
    before = f"version = 3\n{text.format(**parts)}[debug]\nlevel = 'info'\n"
    config.write_text(before)
    assert install(tmp_path, "--bin-dir", tmp_path / "bin", "--undo", "--write") == 3
    assert said in capsys.readouterr().err
    assert config.read_text() == before


def test_without_a_configuration_there_is_nothing_to_take_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """As where containerd runs with its defaults."""
    assert install(tmp_path, "--bin-dir", tmp_path / "bin", "--undo", "--write") == 0
    assert "nothing to change" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_what_stands_behind_the_settings_stays(tmp_path: Path) -> None:
    """Also where an editor changed the ends of the lines, and in comments like ours."""
    config = tmp_path / "config.toml"
    config.write_text("version = 3\n## ratify node install containerd: begin\n")
    assert install(tmp_path, "--bin-dir", tmp_path / "bin", "--write") == 0
    config.write_bytes(config.read_bytes().replace(b"\n", b"\r\n") + b"[debug]\r\n")
    assert install(tmp_path, "--bin-dir", tmp_path / "bin", "--undo", "--write") == 0
    expected = b"version = 3\r\n## ratify node install containerd: begin\r\n[debug]\r\n"
    assert config.read_bytes() == expected


def test_a_bin_dir_that_is_set_is_used(tmp_path: Path) -> None:
    """Nothing of the configuration changes then, also where an imported file sets it."""
    (tmp_path / "more.toml").write_text(
        f'version = 3\n{BLOCK}\nbin_dir = "{tmp_path}/iv/bin"\nper_verifier_timeout = "2s"\n'
    )
    text = 'version = 3\nimports = ["more*.toml"]\n'
    (tmp_path / "config.toml").write_text(text)
    assert install(tmp_path, "--write") == 0
    assert (tmp_path / "config.toml").read_text() == text
    # A little less than containerd's own time.
    assert "SECONDS = 1.9\n" in (tmp_path / "iv" / "bin" / "00-ratify").read_text()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("version = 5\n", "has version 5"),
        ("version = 0\n", "has version 0"),
        ("version = ", "is no TOML"),
        (f'version = 3\n{BLOCK}\nbin_dir = "/elsewhere"\n', "bin_dir /elsewhere"),
        (f'version = 3\n{BLOCK}\nper_verifier_timeout = "10ms"\n', "0.01 seconds"),
        (f'version = 3\n{BLOCK}\nper_verifier_timeout = "soon"\n', "0 seconds"),
        ("version = 3\nplugins = {}\n", "cannot be continued at its end"),
    ],
)
def test_a_configuration_that_does_not_fit_is_left_alone(
    tmp_path: Path, text: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says why, and nothing is written."""
    (tmp_path / "config.toml").write_text(text)
    assert install(tmp_path, "--bin-dir", tmp_path / "iv" / "bin", "--write") == 3
    assert said in capsys.readouterr().err
    assert (tmp_path / "config.toml").read_text() == text
    assert not (tmp_path / "iv").exists()


@pytest.mark.parametrize(
    "before", ["version = 1\n", 'disabled_plugins = ["x"]\n', "version = 4\n", "version = 4\n[plugins]\n"]
)
def test_every_version_that_containerd_reads_is_continued(tmp_path: Path, before: str) -> None:
    """Also none, as in the file of Docker's packages, and the one that containerd 2.4 writes."""
    (tmp_path / "config.toml").write_text(before)
    assert install(tmp_path, "--bin-dir", tmp_path / "iv" / "bin", "--write") == 0
    assert read_settings(tmp_path / "config.toml").bin_dir == tmp_path / "iv" / "bin"
    assert install(tmp_path, "--undo", "--write") == 0
    assert (tmp_path / "config.toml").read_text() == before


def test_relative_flags_are_of_the_folder_in_which_they_are_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Containerd runs in another one, where it would find no bin_dir and allow every image."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text("version = 3\n")
    assert install(tmp_path, "--bin-dir", "iv/bin", "--socket", "node.sock", "--write") == 0
    assert read_settings(tmp_path / "config.toml").bin_dir == tmp_path / "iv" / "bin"
    assert f'SOCKET = "{tmp_path}/node.sock"\n' in (tmp_path / "iv" / "bin" / "00-ratify").read_text()


def test_a_bin_dir_that_is_no_absolute_path_is_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program there would perhaps never be run, and every image be allowed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.toml").write_text(f'version = 3\n{BLOCK}\nbin_dir = "verifiers"\n')
    assert install(tmp_path, "--write") == 3
    assert "no absolute path" in capsys.readouterr().err
    assert not (tmp_path / "verifiers").exists()


def test_a_program_of_another_origin_is_not_removed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The name alone does not make it ours."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "00-ratify").write_text("#!/bin/sh\n")
    assert install(tmp_path, "--bin-dir", tmp_path / "bin", "--undo", "--write") == 3
    assert "is not the program" in capsys.readouterr().err
    assert (tmp_path / "bin" / "00-ratify").exists()


def test_the_fallback_needs_a_configuration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else every pull would be refused while it looks as if it were verified."""
    (tmp_path / "config.toml").write_text("version = 3\n")
    assert install(tmp_path, "--bin-dir", tmp_path / "bin", "--on-daemon-missing", "verify") == 3
    assert "needs a configuration" in capsys.readouterr().err


def test_settings_without_a_bin_dir_mean_the_default(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the program is missing then; with no configuration at all nothing else is, either."""
    config = tmp_path / "config.toml"
    for text in (f'version = 3\n{BLOCK}\nper_verifier_timeout = "5s"\n', None):
        config.unlink(missing_ok=True)
        if text is not None:
            config.write_text(text)
        assert install(tmp_path) == 0
        shown = capsys.readouterr().out
        assert "+++ /opt/containerd/image-verifier/bin/00-ratify" in shown
        assert str(config) not in shown


def test_what_cannot_be_read_or_written_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the path; and nothing is half written."""
    (tmp_path / "config.toml").write_text("version = 3\n")
    (tmp_path / "file").write_text("")
    assert install(tmp_path, "--bin-dir", tmp_path / "file" / "bin", "--write") == 3
    assert "cannot be changed" in capsys.readouterr().err
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "00-ratify").write_bytes(b"\xff")
    assert install(tmp_path, "--bin-dir", tmp_path / "bin") == 3
    assert "is no UTF-8 text" in capsys.readouterr().err
    (tmp_path / "bin" / "00-ratify").unlink()
    (tmp_path / "bin" / "00-ratify").mkdir()
    assert install(tmp_path, "--bin-dir", tmp_path / "bin") == 3
    assert install(tmp_path, "--bin-dir", tmp_path / "none", "--undo") == 0
    assert "nothing to change" in capsys.readouterr().err


def test_an_interpreter_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Every pull would fail."""
    (tmp_path / "config.toml").write_text("version = 3\n")
    assert install(tmp_path, "--bin-dir", tmp_path / "bin", "--python", "/nowhere/python3") == 3
    assert "there is no interpreter /nowhere/python3" in capsys.readouterr().err


def test_a_configuration_behind_a_link_stays_there(tmp_path: Path) -> None:
    """As tools that keep a machine's files elsewhere leave it; undone, it is as before."""
    (tmp_path / "kept").mkdir()
    real, link = tmp_path / "kept" / "containerd.toml", tmp_path / "config.toml"
    real.write_text("version = 3\n")
    link.symlink_to("kept/containerd.toml")
    assert install(tmp_path, "--bin-dir", tmp_path / "iv" / "bin", "--write") == 0
    assert link.is_symlink()
    assert BLOCK in real.read_text()
    assert install(tmp_path, "--undo", "--write") == 0
    assert link.is_symlink()
    assert real.read_text() == "version = 3\n"


def test_a_configuration_for_root_alone_is_never_open_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have passwords of registries, and so may the file that takes its place, before it has its mode."""
    config = tmp_path / "config.toml"
    config.write_text("version = 3\n")
    config.chmod(0o600)
    modes: list[int] = []
    chmod = Path.chmod

    def watched(path: Path, mode: int) -> None:
        modes.append(path.stat().st_mode & 0o777)
        chmod(path, mode)

    monkeypatch.setattr(Path, "chmod", watched)
    assert install(tmp_path, "--bin-dir", tmp_path / "iv" / "bin", "--write") == 0
    assert set(modes) == {0o600}
    assert config.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("OWNERS = ", "OWNERS = sys.exit()\nOWNERS = "),
        ("OWNERS = ", "OWNERS: object = sys.exit()\nOWNERS = "),
        ("OWNERS = ", "OWNERS: object = "),
        ("OWNERS = (0,)", "SECONDS = 1"),
        ("/usr/bin/python3 -IS", "/bin/true -IS"),
        ("/usr/bin/python3 -IS", "/usr/bin/env python3 -IS"),
    ],
)
def test_a_program_with_more_than_its_settings_is_not_the_one_that_was_written(
    tmp_path: Path, old: str, new: str
) -> None:
    """Code in a second line of a setting would be run, and another interpreter may take everything for permission."""
    assert install(tmp_path, "--bin-dir", tmp_path / "bin", "--write") == 0
    text = (tmp_path / "bin" / "00-ratify").read_text()
    assert is_unchanged(text)
    assert old in text
    assert not is_unchanged(text.replace(old, new, 1))
