"""`ratify trust sigstore`: what is shown, and what a refresh over the network brings and nothing else does."""

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pyratify.sigstore.tuf import check_mirror
from pyratify.testing.cosign import attach_bundle, statement
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.sigstore import ISSUER, SUBJECT, PrivateSigstore
from support.tuf_repository import Simulator

Run = Callable[..., tuple[int, str, str]]
IDENTITY = {"certificateIdentity": SUBJECT, "certificateOIDCIssuer": ISSUER}
FIRST, SECOND = PrivateSigstore("first"), PrivateSigstore("second")


@dataclass
class Mirror:
    """A TUF repository that is served on loopback."""

    repository: Simulator = field(default_factory=lambda: Simulator(FIRST.root.data))
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def publish(self, sigstore: PrivateSigstore) -> None:
        """Publish another trusted root."""
        self.repository.version += 1
        self.repository.target = sigstore.root.data
        self.repository.publish()


class Handler(BaseHTTPRequestHandler):
    """Serves what the repository has."""

    def __init__(self, mirror: Mirror, *arguments: Any) -> None:
        """Serve a mirror."""
        self.mirror = mirror
        super().__init__(*arguments)

    def do_GET(self) -> None:
        """Answer with a file."""
        self.mirror.asked.append(self.path)
        data = self.mirror.repository.files.get(self.path.removeprefix("/tuf/"))
        self.send_response(404 if data is None else 200)
        self.send_header("Content-Length", str(len(data or b"")))
        self.end_headers()
        self.wfile.write(data or b"")

    def log_message(self, *_: object) -> None:
        """Be quiet."""


@pytest.fixture
def mirror() -> Iterator[Mirror]:
    """A mirror with the first instance's root."""
    found = Mirror()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, found)) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_address[1]}/tuf"
        yield found
        server.shutdown()
        thread.join()


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where refreshed roots are kept."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "ratify" / "sigstore"


@pytest.fixture
def flags(mirror: Mirror, tmp_path: Path) -> tuple[str, ...]:
    """The flags that name the mirror with its root."""
    (tmp_path / "root.json").write_bytes(mirror.repository.first)
    return ("--mirror", mirror.url, "--root", str(tmp_path / "root.json"))


def kept(data: Path) -> bytes:
    """The root that is kept of the only mirror."""
    (path,) = data.glob("*/trusted_root.json")
    return path.read_bytes()


def test_a_refresh_brings_the_root_of_a_mirror_and_shows_it(
    run: Run, mirror: Mirror, flags: tuple[str, ...], data: Path
) -> None:
    """Over http from a server on this machine: first nothing is there, then it is, with its age and origin."""
    code, _, err = run("trust", "sigstore", *flags)
    assert (code, "--refresh" in err, mirror.asked) == (2, True, [])
    code, out, _ = run("trust", "sigstore", *flags, "--refresh", "-o", "json")
    shown = json.loads(out)
    assert (code, shown["ageDays"], shown["stale"], shown["repository"]) == (0, 0, False, mirror.url)
    assert str(data) in shown["origin"]
    assert shown["transparencyLogs"] == ["rekor.first.test", "log2.first.test"]
    assert kept(data) == FIRST.root.data
    assert "days ago" in run("trust", "sigstore", *flags)[1]


def test_nothing_but_a_refresh_asks_the_mirror(
    run: Run, mirror: Mirror, flags: tuple[str, ...], data: Path
) -> None:
    """A new root is published: showing does not fetch it, nor does a refresh of what is not stale, if that is asked."""
    run("trust", "sigstore", *flags, "--refresh")
    mirror.publish(SECOND)
    mirror.asked.clear()
    for more in ((), ("-o", "json"), ("--refresh", "--if-stale")):
        assert run("trust", "sigstore", *flags, *more)[0] == 0
    assert (mirror.asked, kept(data)) == ([], FIRST.root.data)
    assert run("trust", "sigstore", *flags, "--refresh")[0] == 0
    assert kept(data) == SECOND.root.data


def test_what_is_stale_is_refreshed_where_that_is_asked(
    run: Run, mirror: Mirror, flags: tuple[str, ...], data: Path
) -> None:
    """After thirty days, and where its time is unknown."""
    run("trust", "sigstore", *flags, "--refresh", "--if-stale")
    for stamp in ('{"time": "2020-01-01T00:00:00Z"}', "damaged"):
        mirror.publish(SECOND)
        mirror.asked.clear()
        next(data.glob("*/refreshed.json")).write_text(stamp)
        assert json.loads(run("trust", "sigstore", *flags, "-o", "json")[1])["stale"] is True
        assert mirror.asked == []
        assert run("trust", "sigstore", *flags, "--refresh", "--if-stale")[0] == 0
        assert mirror.asked


def test_a_refresh_that_fails_changes_nothing(
    run: Run, mirror: Mirror, flags: tuple[str, ...], data: Path
) -> None:
    """The repository is broken: exit code 2, and the last verified root stays in use."""
    run("trust", "sigstore", *flags, "--refresh")
    mirror.publish(SECOND)
    good = mirror.repository.files["timestamp.json"]
    mirror.repository.files["timestamp.json"] = b"{}"
    code, _, err = run("trust", "sigstore", *flags, "--refresh")
    assert (code, "TRUST_ROOT" in err or "not refreshed" in err) == (2, True)
    assert kept(data) == FIRST.root.data
    assert run("trust", "sigstore", *flags)[0] == 0
    mirror.repository.files["timestamp.json"] = good
    assert run("trust", "sigstore", *flags, "--refresh")[0] == 0


def test_a_mirror_that_does_not_answer_is_reported(run: Run, data: Path, tmp_path: Path) -> None:
    """The library's own error has no text; what it came from says what is wrong with the network."""
    (tmp_path / "root.json").write_bytes(Simulator().first)
    with socket.socket() as bound:  # bound and not listening: every connection is refused
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        code, _, err = run(
            "trust", "sigstore", "--mirror", url, "--root", tmp_path / "root.json", "--refresh"
        )
    assert (code, list(data.glob("*/trusted_root.json"))) == (2, [])
    assert "refused" in err.splitlines()[0]


def test_a_mirror_with_another_root_of_trust_is_refused(
    run: Run, mirror: Mirror, data: Path, tmp_path: Path
) -> None:
    """The root that the user names decides, not the one that the mirror offers."""
    (tmp_path / "root.json").write_bytes(Simulator().first)
    code = run("trust", "sigstore", "--mirror", mirror.url, "--root", tmp_path / "root.json", "--refresh")[0]
    assert (code, list(data.glob("*/trusted_root.json"))) == (2, [])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--mirror", "https://tuf.example.com"),
        ("--root", "root.json"),
        ("--mirror", "https://tuf.example.com", "--root", "root.json", "--staging"),
        ("--mirror", "http://tuf.example.com", "--root", "root.json"),
        ("--if-stale",),
    ],
)
def test_flags_that_do_not_fit_are_refused(run: Run, arguments: tuple[str, ...], tmp_path: Path) -> None:
    """A mirror without its root, a root without its mirror, both and staging, plain http elsewhere."""
    (tmp_path / "root.json").write_bytes(b"{}")
    assert run("trust", "sigstore", *arguments)[0] == 3


@pytest.mark.parametrize(
    ("flag", "log"), [((), "rekor.sigstore.dev"), (("--staging",), "rekor.sigstage.dev")]
)
def test_the_roots_of_both_public_instances_are_shipped(run: Run, flag: tuple[str, ...], log: str) -> None:
    """Without any refresh."""
    code, out, _ = run("trust", "sigstore", *flag, "-o", "json")
    shown = json.loads(out)
    assert (code, shown["refreshed"], shown["stale"]) == (0, None, True)
    assert log in shown["transparencyLogs"]
    assert "shipped" in shown["origin"]


def configuration(folder: Path, host: str, **roots: str) -> Path:
    """A configuration with a trusted root for each repository."""
    policies = [
        {**IDENTITY, "scopes": [f"{host}/{name}"], "trustedRoot": root} for name, root in roots.items()
    ]
    executor = {
        "scopes": [host],
        "stores": [{"type": "registry-store"}],
        "verifiers": [{"name": "cosign", "type": "cosign", "parameters": {"trustPolicies": policies}}],
    }
    path = folder / "ratify.json"
    path.write_text(json.dumps({"executors": [executor]}))
    return path


def signed(registry: RegistrySimulator, name: str, sigstore: PrivateSigstore) -> str:
    """An image that an instance's user signed."""
    memory = registry.repository(name)
    image = memory.add_image("v1")
    attach_bundle(memory, image, sigstore.sign_statement(statement(image.digest)))
    return str(registry.reference(name, str(image.digest)))


def test_each_scope_has_its_own_root(run: Run, registry: RegistrySimulator, tmp_path: Path) -> None:
    """What one instance's user signed counts in that scope alone."""
    host = registry.reference("app").registry
    (tmp_path / "first.json").write_bytes(FIRST.root.data)
    (tmp_path / "second.json").write_bytes(SECOND.root.data)
    config = configuration(tmp_path, host, one="first.json", two="second.json")
    for name, sigstore, code in (("one", FIRST, 0), ("two", SECOND, 0)):
        assert run("verify", "-c", config, signed(registry, name, sigstore))[0] == code
    swapped = configuration(tmp_path, host, one="second.json", two="first.json")
    for name, sigstore in (("one", FIRST), ("two", SECOND)):
        assert run("verify", "-c", swapped, signed(registry, name, sigstore))[0] == 1


def test_a_policy_may_name_a_mirror_whose_root_was_brought_before(
    run: Run, registry: RegistrySimulator, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its https address; verifying fetches nothing, and where there is no root yet the configuration is refused."""
    host = registry.reference("app").registry
    config = configuration(tmp_path, host, one="https://tuf.example.com/private")
    image = signed(registry, "one", FIRST)
    code, _, err = run("verify", "-c", config, image)
    assert (code, "--refresh" in err) == (3, True)
    folder = data / check_mirror("https://tuf.example.com/private")
    folder.mkdir(parents=True)
    (folder / "trusted_root.json").write_bytes(FIRST.root.data)
    assert run("verify", "-c", config, image)[0] == 0
    (folder / "trusted_root.json").write_bytes(SECOND.root.data)
    assert run("verify", "-c", config, image)[0] == 1
