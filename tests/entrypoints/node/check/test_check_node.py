"""`ratify node check`: each way past verification is named, with its remedy, and a good node has no gap."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pyratify.entrypoints.cli import main
from pyratify.entrypoints.node.containerd.containerd_settings import go_seconds
from support.nodes import written

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="owners of files are looked at, so they have to be root's"
)
VERIFIER = '[plugins."io.containerd.image-verifier.v1.bindir"]\n'
IMAGES = '[plugins."io.containerd.cri.v1.images"]\n'
OLD = '[plugins."io.containerd.grpc.v1.cri"]\n'
CRIO = '[crio.nri.default_validator]\nnri_validator_required_plugins = ["ratify"]\n'
NRI = '[plugins."io.containerd.nri.v1.nri".default_validator]\nenable = true\nrequired_plugins = ["ratify"]\n'


class Root:
    """A node's file system in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.bin = self.at("/opt/containerd/image-verifier/bin")
        self.bin.mkdir(parents=True)
        self.write("/usr/bin/python3", "")
        self.config("version = 3\n" + NRI)
        self.write("/run/ratify/node.sock", "")
        written(self.bin, Path("/run/ratify/node.sock"))
        program = self.bin / "00-ratify"
        program.write_text("#!/usr/bin/python3 -IS\n" + program.read_text().partition("\n")[2])

    def at(self, path: str) -> Path:
        """Return where a path of the node is."""
        return self.folder / path.lstrip("/")

    def write(self, path: str, text: str) -> Path:
        """Write a file and return its path."""
        place = self.at(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        return place

    def config(self, text: str) -> Path:
        """Write containerd's configuration."""
        return self.write("/etc/containerd/config.toml", text)

    def edit(self, old: str, new: str) -> None:
        """Change the program."""
        program = self.bin / "00-ratify"
        text = program.read_text()
        assert old in text
        program.write_text(text.replace(old, new, 1))

    def fallback(self, interpreter: str, configuration: str) -> None:
        """Have the program verify by itself; what is in a folder below `/srv` may be changed by another user."""
        names = [f"/srv/{each}" for each in (interpreter, configuration)]
        for name in names:
            self.write(name, "")
            if name.count("/") > 2:
                os.chown(self.at(name).parent, 1000, 0)
        command = (names[0], "-I", "-m", "pyratify", "node", "verify", "-c", names[1], "--state", "")
        program = self.bin / "00-ratify"
        program.write_text(program.read_text().replace("WITHOUT_DAEMON = ()", f"WITHOUT_DAEMON = {command}"))

    def docker(self, document: Any, *words: str) -> None:
        """Write Docker's configuration, and the command line of a daemon."""
        self.write("/etc/docker/daemon.json", json.dumps(document))
        self.write("/proc/42/cmdline", "\0".join(("/usr/bin/dockerd", *words)) + "\0")
        self.write("/run/docker/plugins/ratify.sock", "")


@pytest.fixture
def root(tmp_path: Path) -> Root:
    """A node on which nothing is wrong, but that its daemon is not a live one."""
    return Root(tmp_path / "root")


def findings(
    root: Root, capsys: pytest.CaptureFixture[str], *arguments: str
) -> tuple[int, list[dict[str, str]]]:
    """Return the exit code and what is found; the socket of the fixture is a file and no finding of interest."""
    code = main(["node", "check", "--root", str(root.folder), "-o", "json", *arguments])
    found = json.loads(capsys.readouterr().out)["findings"]
    return code, [each for each in found if each["place"] != "/run/ratify/node.sock"]


def gaps(root: Root, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the messages of gaps."""
    return [each["message"] for each in findings(root, capsys)[1] if each["severity"] == "gap"]


def test_a_good_node_has_limits_alone(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """What no setting prevents is said in any case, so that no one takes the check for more than it is."""
    _, found = findings(root, capsys)
    assert {each["severity"] for each in found} == {"limit"}
    assert {"ctr images pull --local", "ctr images import", "nerdctl"} <= {each["place"] for each in found}
    assert all(each["remedy"] for each in found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (IMAGES + "use_local_image_pull = true", "use_local_image_pull = true makes CRI pull"),
        (IMAGES + "max_concurrent_downloads = 5", "max_concurrent_downloads = 5"),
        (IMAGES + "discard_unpacked_layers = true", "discard_unpacked_layers"),
        (IMAGES + "image_pull_with_sync_fs = true", "image_pull_with_sync_fs"),
        (IMAGES + "disable_snapshot_annotations = false", "disable_snapshot_annotations"),
        (
            IMAGES + '[plugins."io.containerd.cri.v1.images".registry.mirrors.x]\nendpoint = ["y"]',
            "registry.mirrors",
        ),
        (IMAGES + '[plugins."io.containerd.cri.v1.images".registry.configs.x]\na = 1', "registry.configs"),
        (IMAGES + '[plugins."io.containerd.cri.v1.images".registry.auths.x]\na = 1', "registry.auths"),
        ('disabled_plugins = ["io.containerd.image-verifier.v1.bindir"]', "so no image is verified"),
        ('disabled_plugins = ["io.containerd.transfer.v1.local"]', "only it asks verifiers"),
        (VERIFIER + "max_verifiers = 0", "max_verifiers = 0 skips 00-ratify"),
        (VERIFIER + 'bin_dir = "/elsewhere"', "bin_dir is not there"),
        (VERIFIER + 'bin_dir = "bin"', "no absolute path"),
    ],
)
def test_each_setting_that_goes_past_verifiers_is_named(
    root: Root, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    """Those that containerd falls back to local pulls for, too."""
    root.config(f"version = 3\n{text}\n{NRI}")
    code, found = findings(root, capsys)
    assert code == 1
    assert [each for each in found if each["severity"] == "gap" and said in each["message"]]


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("", "registry.mirrors"),
        ("version = 1\n", "registry.mirrors"),
        ("version = 5\n", "version 5 is not known"),
    ],
)
def test_a_configuration_of_the_first_version_is_read_too(
    root: Root, capsys: pytest.CaptureFixture[str], version: str, said: str
) -> None:
    """Containerd takes a file without a version for one, and moves its tables to their present names."""
    root.config(f'{version}[plugins.cri.registry.mirrors.x]\nendpoint = ["y"]\n{NRI}')
    code, found = findings(root, capsys)
    assert code == 1
    assert [each for each in found if each["severity"] == "gap" and said in each["message"]]


def test_the_version_that_containerd_writes_today_is_known(
    root: Root, capsys: pytest.CaptureFixture[str]
) -> None:
    """`containerd config default` of 2.4 says version 4."""
    root.config("version = 4\n" + NRI)
    _, found = findings(root, capsys)
    assert [each for each in found if "version" in each["message"]] == []


@pytest.mark.parametrize(
    "text",
    [
        OLD + "max_concurrent_downloads = 5",
        '[plugins."io.containerd.grpc.v1.cri".registry.mirrors.x]\nendpoint = ["y"]',
        '[plugins."io.containerd.grpc.v1.cri".containerd]\ndiscard_unpacked_layers = true',
        '[plugins."io.containerd.grpc.v1.cri".containerd]\ndisable_snapshot_annotations = false',
    ],
)
def test_version_2_has_the_same_settings_elsewhere(
    root: Root, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    """Containerd 2 still reads it."""
    root.config(f"version = 2\n{text}\n")
    assert any("makes CRI pull images" in message for message in gaps(root, capsys))


def test_a_link_counts_with_where_it_leads(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """The interpreter of a virtual environment is a link, often to one below a user's home."""
    real, link = root.write("/home/user/bin/python3", ""), root.at("/usr/bin/python3")
    link.unlink()
    link.symlink_to("../../home/user/bin/python3")
    assert not gaps(root, capsys)
    os.chown(real.parent, 1000, 1000)
    (said,) = gaps(root, capsys)
    assert said.startswith("other users may change its interpreter: /home/user/bin has mode")


def test_a_fallback_of_roots_own_files_is_no_finding(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """`--on-daemon-missing verify`, with an interpreter and a configuration that no other user may change."""
    root.fallback("python", "ratify.yaml")
    assert "WITHOUT_DAEMON = ('/srv/python'" in (root.bin / "00-ratify").read_text()
    assert not gaps(root, capsys)


def test_lists_of_imported_files_are_joined(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """What one file switches off another one does not switch on again."""
    root.config('version = 3\nimports = ["/etc/containerd/more.toml"]\ndisabled_plugins = ["x"]\n' + NRI)
    root.write("/etc/containerd/more.toml", 'disabled_plugins = ["x", "io.containerd.transfer.v1.local"]\n')
    assert any("only it asks verifiers" in message for message in gaps(root, capsys))


def test_a_folder_of_the_daemon_that_is_closed_is_no_finding(
    root: Root, capsys: pytest.CaptureFixture[str]
) -> None:
    """As the daemon makes it; and a command line that cannot be read is passed over."""
    root.write("/var/lib/ratify-node/secret", "").chmod(0o600)
    root.at("/proc/6/cmdline").mkdir(parents=True)
    root.at("/proc/6/comm").mkdir(parents=True)
    assert not gaps(root, capsys)


def test_imported_files_count(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """A drop-in is where a distribution puts such settings; paths begin at the node's root."""
    root.config('version = 3\nimports = ["/etc/containerd/conf.d/*.toml"]\n' + NRI)
    root.write(
        "/etc/containerd/conf.d/mirrors.toml", "version = 3\n" + IMAGES + "max_concurrent_downloads = 9\n"
    )
    assert any("max_concurrent_downloads = 9" in message for message in gaps(root, capsys))


def test_the_configuration_of_a_running_containerd_is_found(
    root: Root, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its command line, wherever the file is."""
    root.write("/srv/containerd.toml", "version = 3\n" + IMAGES + "use_local_image_pull = true\n")
    for words in (("-c", "/srv/containerd.toml"), ("--config=/srv/containerd.toml",)):
        root.write("/proc/7/cmdline", "\0".join(("/usr/bin/containerd", *words)) + "\0")
        assert any("use_local_image_pull" in message for message in gaps(root, capsys))


@pytest.mark.parametrize(("ticks", "newer"), [(0, True), (10**12, False)])
def test_a_containerd_that_was_not_restarted_is_named(
    root: Root, capsys: pytest.CaptureFixture[str], ticks: int, newer: bool
) -> None:
    """What the file says counts from the next start on."""
    root.write("/proc/stat", "cpu 1 2 3\nbtime 1000000000\n")
    root.write("/proc/7/comm", "containerd\n")
    root.write("/proc/7/stat", f"7 (contain) erd) S {' '.join(['0'] * 18)} {ticks} 0\n")
    root.write("/proc/8/comm", "containerd\n")
    assert any("newer than a containerd" in message for message in gaps(root, capsys)) is newer


def test_the_configuration_of_a_running_docker_is_found(
    root: Root, capsys: pytest.CaptureFixture[str]
) -> None:
    """One daemon with the plugin does not speak for another one without it."""
    root.docker({"authorization-plugins": ["ratify"]})
    root.write("/srv/docker.json", '{"hosts": 7, "authorization-plugins": "ratify"}')
    root.write("/proc/43/cmdline", "dockerd\0--config-file=/srv/docker.json\0")
    assert any("asks no plugin" in message for message in gaps(root, capsys))


def test_other_distributions_are_found(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """K3s writes containerd's configuration elsewhere."""
    root.write(
        "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
        "version = 3\n" + IMAGES + "use_local_image_pull = true\n",
    )
    assert any("use_local_image_pull" in message for message in gaps(root, capsys))


@pytest.mark.parametrize(
    ("change", "severity", "said"),
    [
        (lambda root: (root.bin / "00-ratify").unlink(), "gap", "bin_dir is empty"),
        (
            lambda root: (root.bin / "00-ratify").rename(root.bin / "zz"),
            "gap",
            "there is no 00-ratify among zz",
        ),
        (
            lambda root: (root.bin / "00-ratify").write_text("#!/bin/sh\nexit 0\n"),
            "gap",
            "it is not the program",
        ),
        (lambda root: root.edit("return int(code), reason", "return 0, reason"), "gap", "older, or changed"),
        (lambda root: root.edit("import sys", "import sys; sys.exit()"), "gap", "older, or changed"),
        (lambda root: root.edit("#!/usr/bin/python3 -IS", "#!/usr/bin/python3"), "gap", "older, or changed"),
        (
            lambda root: root.edit("WITHOUT_DAEMON = ()", "WITHOUT_DAEMON = ()\nsys.exit()"),
            "gap",
            "older, or",
        ),
        (lambda root: root.edit("OWNERS = (0,)", "OWNERS = (0,); sys.exit()"), "gap", "older, or changed"),
        (
            lambda root: root.edit("WITHOUT_DAEMON = ()", "WITHOUT_DAEMON = exit()"),
            "gap",
            "older, or changed",
        ),
        (
            lambda root: root.edit("/run/ratify/node.sock", "/run/other.sock"),
            "fault",
            "it asks at /run/other.sock, and the daemon was looked for at /run/ratify/node.sock",
        ),
        (lambda root: (root.bin / "00-ratify").chmod(0o777), "gap", "other users may change the verifier"),
        (lambda root: root.bin.chmod(0o777), "gap", "other users may change what is in bin_dir"),
        (lambda root: os.chown(root.bin, 1000, 1000), "gap", "other users may change what is in bin_dir"),
        (lambda root: os.chown(root.at("/opt"), 1000, 0), "gap", "/opt has mode"),
        (lambda root: root.at("/usr/bin/python3").unlink(), "fault", "is not there, so every pull fails"),
        (
            lambda root: root.at("/usr/bin/python3").chmod(0o666),
            "gap",
            "other users may change its interpreter",
        ),
        (
            lambda root: root.fallback("venv/bin/python", "ratify.yaml"),
            "gap",
            "verify where no daemon listens",
        ),
        (lambda root: root.fallback("python", "etc/ratify.yaml"), "gap", "verify where no daemon listens"),
        (lambda root: (root.bin / "README").write_text("hello"), "fault", "is no program: every pull fails"),
        (lambda root: (root.bin / "folder").mkdir(), "fault", "is no program: every pull fails"),
        (lambda root: (root.bin / "00-ratify").write_bytes(b"\xff"), "gap", "is no UTF-8 text"),
        (lambda root: (root.bin / "00-ratify").chmod(0o644), "fault", "is not executable"),
        (
            lambda root: root.write("/opt/containerd/image-verifier/bin/a", "").chmod(0o777),
            "gap",
            "containerd runs it as root",
        ),
        (
            lambda root: root.write("/opt/containerd/image-verifier/bin/a", "").chmod(0o755),
            "fault",
            "another verifier",
        ),
        (
            lambda root: (root.at("/etc/containerd/config.toml").unlink(), (root.bin / "00-ratify").unlink()),
            "gap",
            "bin_dir is empty",
        ),
        (
            lambda root: (
                root.at("/etc/containerd/config.toml").unlink(),
                root.at("/etc/containerd/config.toml").mkdir(),
            ),
            "fault",
            "config.toml",
        ),
        (lambda root: root.write("/etc/docker/daemon.json", "[]"), "gap", "asks no plugin called ratify"),
        (lambda root: root.write("/proc/9/cmdline", "dockerd\0"), "gap", "asks no plugin called ratify"),
        (
            lambda root: root.at("/etc/containerd/config.toml").chmod(0o666),
            "gap",
            "containerd's configuration",
        ),
        (lambda root: root.config("version = "), "fault", "is no TOML"),
        (lambda root: root.config('version = "three"'), "fault", "no whole number"),
        (
            lambda root: root.config("version = 3\nimports = 7\ndisabled_plugins = 7\nplugins = 7"),
            "limit",
            "unjudged",
        ),
        (
            lambda root: root.config(f'version = 3\n{VERIFIER}max_verifiers = "all"'),
            "fault",
            "no whole number",
        ),
        (lambda root: root.config("version = 9"), "gap", "is not known"),
        (
            lambda root: root.config(
                f'version = 3\n{NRI}[plugins."io.containerd.nri.v1.nri"]\ndisable_connections = true\n'
            ),
            "limit",
            "NRI is switched off",
        ),
        (
            lambda root: root.config(f'version = 3\n{VERIFIER}per_verifier_timeout = "2s"'),
            "fault",
            "it waits 9.5 s",
        ),
        (lambda root: root.write("/run/containerd/containerd.sock", "").chmod(0o666), "gap", "import images"),
        (lambda root: root.write("/run/nri/nri.sock", "").chmod(0o666), "gap", "add NRI plugins"),
        (
            lambda root: root.write("/var/lib/ratify-node/secret", "").chmod(0o644),
            "gap",
            "signs remembered verdicts",
        ),
        (lambda root: root.write("/usr/bin/podman", ""), "limit", "policy.json"),
        (lambda root: root.config("version = 3"), "limit", "required_plugins does not have ratify"),
        (
            lambda root: root.config("version = 3\n" + NRI + 'tolerate_missing_plugins_annotation = "x"\n'),
            "gap",
            "a Pod with the annotation x",
        ),
        (
            lambda root: root.write("/etc/crio/crio.conf", "[crio.nri]\nenable_nri = true\n"),
            "gap",
            "CRI-O asks no",
        ),
        (
            lambda root: root.write("/etc/crio/crio.conf", CRIO + "nri_enable_default_validator = false\n"),
            "gap",
            "CRI-O asks no",
        ),
        (
            lambda root: root.write(
                "/etc/crio/crio.conf",
                CRIO
                + 'nri_enable_default_validator = true\nnri_validator_tolerate_missing_plugins_annotation = "y"\n',
            ),
            "gap",
            "a Pod with the annotation y",
        ),
    ],
)
def test_each_fault_of_a_node_is_named(
    root: Root, capsys: pytest.CaptureFixture[str], change: Callable[[Root], object], severity: str, said: str
) -> None:
    """With how bad it is."""
    change(root)
    _, found = findings(root, capsys)
    assert [each for each in found if each["severity"] == severity and said in each["message"]], found


def test_crio_that_requires_the_plugin_lets_nothing_past(
    root: Root, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `ratify node install nri --crio` writes it, beside other files."""
    folder = str(root.at("/etc/crio/crio.conf.d"))
    root.write("/etc/crio/crio.conf", "[crio.nri]\nenable_nri = true\n[crio.nri.default_validator]\n")
    assert main(["node", "install", "nri", "--crio", folder, "--write"]) == 0
    capsys.readouterr()
    _, found = findings(root, capsys)
    assert not [each for each in found if "CRI-O" in each["message"]]


def test_the_daemons_own_user_may_own_its_socket(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """By its name in the node's list of users; any other one could answer in its place."""
    where = root.at("/run/ratify/node.sock")
    where.unlink()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(where))
    where.chmod(0o660)
    for user, named, opened in (
        (0, "", False),
        (998, "", True),
        (998, "ratify:x:998:998::/:/bin/false\n", False),
    ):
        os.chown(where, user, 0)
        root.write("/etc/passwd", named)
        assert main(["node", "check", "--root", str(root.folder)]) == int(opened)
        assert ("could answer in the place" in capsys.readouterr().out) is opened


def test_verifiers_of_earlier_names_can_push_ours_out(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """Containerd runs the first ones by name, and skips the rest."""
    for name in ("00-a", "00-b"):
        (root.bin / name).write_text("#!/bin/sh\n")
        (root.bin / name).chmod(0o755)
    root.config(f"version = 3\n{VERIFIER}max_verifiers = 2\n{NRI}")
    assert any("skips 00-ratify, number 3" in message for message in gaps(root, capsys))


@pytest.mark.parametrize(
    ("document", "words", "said"),
    [
        ({}, (), "asks no plugin called ratify"),
        ({"authorization-plugins": ["other"]}, (), "asks no plugin called ratify"),
        ({}, ("--authorization-plugin", "other"), "asks no plugin called ratify"),
        ({"authorization-plugins": ["ratify"], "hosts": ["tcp://0.0.0.0:2375"]}, (), "without a certificate"),
        ({}, ("--authorization-plugin=ratify", "-H", "tcp://0.0.0.0:2375"), "without a certificate"),
        ({}, ("--authorization-plugin=ratify", "--host=tcp://0.0.0.0:2375"), "without a certificate"),
    ],
)
def test_docker_daemons_without_the_plugin_are_named(
    root: Root, capsys: pytest.CaptureFixture[str], document: Any, words: tuple[str, ...], said: str
) -> None:
    """By their configuration and by their command line."""
    root.docker(document, *words)
    assert any(said in message for message in gaps(root, capsys))


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"authorization-plugins": ["ratify"]}, ()),
        ({}, ("--authorization-plugin=ratify", "-H", "fd://")),
        ({"authorization-plugins": ["ratify"], "tlsverify": True}, ("-H", "tcp://0.0.0.0:2376")),
    ],
)
def test_a_docker_daemon_with_the_plugin_has_no_gap(
    root: Root, capsys: pytest.CaptureFixture[str], document: Any, words: tuple[str, ...]
) -> None:
    """Whichever way it is written."""
    root.docker(document, *words)
    assert not gaps(root, capsys)


def test_a_plugin_that_does_not_listen_stops_docker(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """Docker then refuses everything."""
    root.docker({"authorization-plugins": ["ratify"]})
    root.at("/run/docker/plugins/ratify.sock").unlink()
    assert any("Docker refuses everything" in each["message"] for each in findings(root, capsys)[1])
    root.write("/etc/docker/daemon.json", "{")
    assert any("no JSON" in each["message"] for each in findings(root, capsys)[1])


def test_a_docker_socket_for_everyone_is_named(root: Root, capsys: pytest.CaptureFixture[str]) -> None:
    """Its group may ask by design, others may not."""
    root.docker({"authorization-plugins": ["ratify"]})
    root.write("/run/docker.sock", "").chmod(0o660)
    assert not gaps(root, capsys)
    root.at("/run/docker.sock").chmod(0o666)
    assert any("any user may ask Docker" in message for message in gaps(root, capsys))


def test_a_node_without_a_runtime_is_no_good_node(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty folder given as the root must not look as if all were well."""
    assert main(["node", "check", "--root", str(tmp_path)]) == 1
    assert "no container runtime was found" in capsys.readouterr().out
    assert main(["node", "check", "--root", str(tmp_path), "--containerd-config", "/absent.toml"]) == 1
    assert "there is no such file" in capsys.readouterr().out
    assert main(["node", "check", "--root", "relative"]) == 3


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10s", 10),
        ("1m30s", 90),
        ("500ms", 0.5),
        ("1.5s", 1.5),
        (2_000_000_000, 2),
        ("", 0),
        ("soon", 0),
        ("1", 0),
        ("1..5s", 0),
    ],
)
def test_durations_are_read_as_go_reads_them(value: object, seconds: float) -> None:
    """What is none is 0, which is no time for an answer."""
    assert go_seconds(value) == seconds
