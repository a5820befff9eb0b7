"""A real containerd asks before each container of a Pod, also of images that are on the node already."""

import contextlib
import platform
import signal
from collections.abc import Iterator

import pytest

from e2e import dockers
from e2e.cluster import programs
from e2e.cluster.images import Images
from e2e.nri_nodes import NEEDED, CriNode, cri_node
from support.ports import free_port

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def node(images: Images, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CriNode]:
    """A node whose containerd requires our plugin, with a signed image and others on it; each test starts the daemon."""
    if absent := programs.missing(*NEEDED):
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    if why := dockers.reason_not_to():
        pytest.skip(f"{why}, and runc is unpacked with it")
    if platform.machine() != "x86_64":
        pytest.skip("the program in the test's images is for x86-64")
    dockers.push_runnable(images.repository, "pause", waits=True)
    dockers.push_runnable(images.repository, "runs")
    dockers.push_runnable(images.repository, "stranger", key="other")
    with cri_node(tmp_path_factory.mktemp("cri"), images["pause"]) as found:
        for tag in ("runs", "stranger", "unsigned", "replayed"):
            done = found.pull(images[tag])
            assert done.returncode == 0, done.stderr
        with found.serving():
            tried = found.start(images["runs"])
        if "no sandbox" in tried.stderr:
            pytest.skip(f"runc cannot run here: {tried.stderr.strip()[-300:]}")
        yield found


def test_a_signed_image_runs(node: CriNode, images: Images) -> None:
    """By its tag, which the runtime has resolved."""
    with node.serving():
        done = node.start(images["runs"])
    assert done.stdout == "started\n", done.stderr


@pytest.mark.parametrize(
    ("kind", "code"),
    [("unsigned", "NO_EVIDENCE"), ("replayed", "PAYLOAD_SUBJECT_MISMATCH"), ("stranger", "SIG_INVALID")],
)
def test_the_event_of_the_pod_says_why_a_container_is_refused(
    node: CriNode, images: Images, kind: str, code: str
) -> None:
    """The image is on the node already: no check of pulls would see it."""
    with node.serving():
        done = node.start(images[kind])
    assert done.returncode != 0
    assert f"ratify: DENIED {images.pinned(kind)}" in done.stderr
    assert f"[{code}]" in done.stderr


def test_a_registry_of_signatures_that_is_down_refuses(node: CriNode, images: Images) -> None:
    """With the reason, and before containerd gives the plugin up."""
    with node.serving(signatureRepository=f"127.0.0.1:{free_port()}/signatures"):
        done = node.start(images["runs"])
    assert "[REGISTRY_UNREACHABLE]" in done.stderr


def test_without_the_plugin_no_container_is_made(node: CriNode, images: Images) -> None:
    """As `ratify node install nri` has containerd require it; it goes on when the daemon is back."""
    done = node.start(images["runs"])
    assert done.returncode != 0
    assert "required plugin" in done.stderr
    with node.serving():
        assert node.start(images["runs"]).returncode == 0


def test_what_is_there_already_is_judged_at_the_next_connection(node: CriNode, images: Images) -> None:
    """Made when its signer was trusted; it goes on, and the log says that it would be refused."""
    dockers.push_runnable(images.repository, "stays", key="other", waits=True)
    assert node.pull(images["stays"]).returncode == 0
    with contextlib.ExitStack() as stack:
        with node.serving(key="other"):
            assert stack.enter_context(node.running(images["stays"])) == "started\n"
        with node.serving() as daemon:
            programs.eventually("it is reported", lambda: "would be refused" in daemon.said())
            assert '"pod": "stays"' in daemon.said()


def test_a_daemon_that_hangs_is_dropped_and_then_missed(node: CriNode, images: Images) -> None:
    """NRI takes the first late answer for permission; what is made after that needs the plugin again."""
    with node.serving() as daemon:
        daemon.end_group(signal.SIGSTOP)
        try:
            node.start(images["stranger"])
            second = node.start(images["stranger"], pod="again")
        finally:
            daemon.end_group(signal.SIGCONT)
        assert second.returncode != 0
        assert "required plugin" in second.stderr

        def connected() -> bool:
            return "[SIG_INVALID]" in node.start(images["stranger"]).stderr

        programs.eventually("the plugin is connected again", connected)
