"""Real containerd asks before every pull, and refuses what is not signed, with the reason in the user's own terminal."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from e2e.cluster import programs
from e2e.cluster.images import Images
from e2e.nodes import NEEDED, Node, node, tag
from support.ports import free_port

pytestmark = pytest.mark.e2e
SECRET = "registry-password-of-containerd"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """Containerd with our verifier; one for the module, whose tests start the daemon."""
    if absent := programs.missing(*NEEDED):
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    if os.geteuid() != 0:
        pytest.skip("containerd needs root")
    with node(tmp_path_factory.mktemp("node"), REGISTRY_PASSWORD=SECRET) as found:
        yield found


@pytest.fixture
def empty(runtime: Node) -> Node:
    """The node without any image."""
    runtime.forget()
    return runtime


def test_a_signed_image_is_pulled(empty: Node, images: Images) -> None:
    """By tag and by digest; cosign's signatures and notation's."""
    with empty.serving():
        for reference in (images["cosign-v3"], images["notation-cose-ec"], images.pinned("both")):
            done = empty.pull(reference)
            assert done.returncode == 0, done.stderr
            assert empty.has(reference)


@pytest.mark.parametrize(
    ("kind", "code"),
    [("unsigned", "NO_EVIDENCE"), ("replayed", "PAYLOAD_SUBJECT_MISMATCH"), ("wrong-key", "SIG_INVALID")],
)
def test_the_user_reads_why_an_image_is_refused(empty: Node, images: Images, kind: str, code: str) -> None:
    """In the message of ctr: exit code 1, the digest, the reason code, and nothing was pulled."""
    with empty.serving():
        done = empty.pull(images[kind])
    assert done.returncode != 0
    assert "rejected image (exit code 1): ratify: DENIED" in done.stderr
    assert images.pinned(kind).partition("@")[2] in done.stderr
    assert f"[{code}]" in done.stderr
    assert not empty.has(images[kind])


def test_a_registry_of_signatures_that_is_down_refuses(empty: Node, images: Images) -> None:
    """Exit code 2: there is no verdict, and asking again may help."""
    dead = f"127.0.0.1:{free_port()}/signatures"
    with empty.serving(signatureRepository=dead):
        done = empty.pull(images["cosign-v3"])
    assert "(exit code 2): ratify: UNDECIDED" in done.stderr
    assert "[REGISTRY_UNREACHABLE]" in done.stderr
    assert not empty.has(images["cosign-v3"])


def test_without_a_daemon_nothing_is_pulled(empty: Node, images: Images) -> None:
    """And the message names the socket and the unit."""
    done = empty.pull(images["cosign-v3"])
    assert done.returncode != 0
    assert f"no daemon listens at {empty.socket}" in done.stderr
    assert not empty.has(images["cosign-v3"])


def test_a_daemon_that_hangs_refuses_before_containerd_kills_the_verifier(
    empty: Node, images: Images
) -> None:
    """So that the user reads why; no child is left behind."""
    with empty.serving() as daemon:
        daemon.end_group(signal.SIGSTOP)
        try:
            done = empty.pull(images["cosign-v3"])
        finally:
            daemon.end_group(signal.SIGCONT)
    assert "does not answer: timed out [TIMEOUT]" in done.stderr
    assert not empty.has(images["cosign-v3"])
    left = subprocess.run(["pgrep", "-f", f"{empty.folder}/verifier/bin"], capture_output=True, check=False)
    assert not left.stdout


def test_without_a_daemon_a_process_of_its_own_may_verify(empty: Node, images: Images) -> None:
    """`--on-daemon-missing verify`: the same answers, and the environment of containerd is not passed on."""
    config = empty.configure()
    fallback = ("--on-daemon-missing", "verify", "-c", config, "--state", empty.folder / "kept")
    assert empty.install("--write", *fallback).returncode == 0
    try:
        assert empty.pull(images["cosign-v3"]).returncode == 0
        assert "[NO_EVIDENCE]" in empty.pull(images["unsigned"]).stderr
    finally:
        assert empty.install("--write").returncode == 0


def test_atk_279_the_daemon_sees_nothing_of_containerds_environment(empty: Node, images: Images) -> None:
    """What containerd's environment holds is in no log and no answer of ours."""
    with empty.serving() as daemon:
        done = empty.pull(images["unsigned"])
        assert SECRET not in done.stderr + daemon.said()


def test_atk_277_a_tag_that_moves_is_judged_by_what_is_pulled(empty: Node, images: Images) -> None:
    """Signed first, then moved to an unsigned image: the second pull is refused, whatever is remembered of the name."""
    moving = images["moving"]
    with empty.serving():
        tag(images.repository, "cosign-v3", "moving")
        assert empty.pull(moving).returncode == 0
        tag(images.repository, "unsigned", "moving")
        empty.forget()
        done = empty.pull(moving)
        assert images.pinned("unsigned").partition("@")[2] in done.stderr
        assert not empty.has(moving)


def test_a_restarted_node_needs_no_registry_for_what_it_knows(empty: Node, images: Images) -> None:
    """The verdict is on disk: also where the registry of signatures is down by then."""
    with empty.serving():
        assert empty.pull(images["cosign-v2"]).returncode == 0
    empty.forget()
    with empty.serving() as daemon:
        assert empty.pull(images["cosign-v2"]).returncode == 0
        assert "GET /v2" not in daemon.said()


def test_many_pulls_at_once_are_all_answered(empty: Node, images: Images) -> None:
    """Half of them are refused, and none is mixed up."""
    with empty.serving(), ThreadPoolExecutor(16) as pool:
        wanted = [images[kind] for kind in ("cosign-v3", "unsigned") * 16]
        codes = list(pool.map(lambda reference: empty.pull(reference).returncode, wanted))
    assert [code == 0 for code in codes] == [True, False] * 16


def test_what_bypasses_the_verifier_is_named_by_node_check(empty: Node, images: Images) -> None:
    """`ctr images pull --local` pulls an unsigned image; no setting of containerd prevents it, so the check says so."""
    with empty.serving():
        assert empty.pull(images["unsigned"], "--local").returncode == 0
        assert empty.has(images["unsigned"])
        done = empty.ratify(
            "node", "check", "--containerd-config", empty.containerd_config, "--socket", empty.socket
        )
    assert "ctr images pull --local" in done.stdout + done.stderr


def test_the_proof_shows_a_refusal_and_a_bypass(empty: Node, images: Images) -> None:
    """`ratify prove`: exit code 0 with the verifier, 1 where containerd has none."""
    ctr = ("--containerd", empty.folder / "c.sock", "--ctr", programs.BIN / "ctr", "--snapshotter", "native")
    offered = ("--image", images["unsigned"], "--allowed", images["cosign-v3"], "--plain-http")
    with empty.serving():
        done = empty.ratify("prove", *offered, *ctr)
        assert done.returncode == 0, done.stdout
        assert "REFUSED: containerd (ctr images pull)" in done.stdout
        assert "[NO_EVIDENCE]" in done.stdout
        program = empty.folder / "verifier" / "bin" / "00-ratify"
        program.unlink()
        try:
            done = empty.ratify("prove", *offered, *ctr)
        finally:
            assert empty.install("--write").returncode == 0
        assert done.returncode == 1
        assert "PASSED, and should be refused" in done.stdout
    assert not empty.ctr("-n", "ratify-prove", "images", "list", "-q").stdout


def test_the_newest_version_of_containerds_configuration_asks(
    runtime: Node, images: Images, tmp_path: Path
) -> None:
    """As `containerd config migrate` and `containerd config default` write it."""
    del runtime  # what is missing is said there
    with node(tmp_path, migrated=True) as found, found.serving():
        assert "version = 4" in found.containerd_config.read_text()
        assert found.pull(images["cosign-v3"]).returncode == 0
        assert "[NO_EVIDENCE]" in found.pull(images["unsigned"]).stderr
        check = found.ratify("node", "check", "--containerd-config", found.containerd_config)
        assert "is not known" not in check.stdout


def test_an_installation_is_undone(empty: Node) -> None:
    """The program is gone, the settings are as they were, and it can be installed again."""
    before = empty.containerd_config.read_text()
    shown = empty.install("--undo")
    assert "00-ratify" in shown.stdout
    assert (empty.folder / "verifier" / "bin" / "00-ratify").exists()
    assert empty.install("--undo", "--write").returncode == 0
    assert not (empty.folder / "verifier" / "bin" / "00-ratify").exists()
    assert empty.containerd_config.read_text() == before
    assert empty.install("--write").returncode == 0
    assert sys.executable not in (empty.folder / "verifier" / "bin" / "00-ratify").read_text()
