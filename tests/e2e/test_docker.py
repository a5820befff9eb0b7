"""A real Docker daemon asks before it creates, starts and pulls, and its user reads why something is refused."""

import io
import json
import platform
import tarfile
from collections.abc import Iterator

import pytest

from e2e.cluster import programs
from e2e.cluster.images import NEEDED, Images
from e2e.dockers import Docker, docker, push_runnable, reason_not_to
from support.ports import free_port

pytestmark = pytest.mark.e2e
JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    """A Docker daemon with our plugin; one for the module, whose tests start the plugin."""
    if absent := programs.missing(*NEEDED):
        pytest.skip(f"run `make peers` first: there is no {', '.join(absent)}")
    if why := reason_not_to():
        pytest.skip(why)
    with docker(tmp_path_factory.mktemp("docker")) as found:
        yield found


@pytest.fixture(scope="module")
def stocked(daemon: Docker, images: Images) -> Docker:
    """The daemon with a signed image, and one that was pulled when its signer was trusted."""
    push_runnable(images.repository, "runs")
    push_runnable(images.repository, "stranger", key="other")
    for tag, key in (("runs", "cosign"), ("stranger", "other")):
        with daemon.serving(key=key):
            done = daemon.docker("pull", images[tag])
            assert done.returncode == 0, done.stderr
    with daemon.serving(key="other"):
        assert daemon.docker("tag", images["stranger"], "looks-good").returncode == 0
    return daemon


def test_a_signed_image_is_pulled_created_and_started(stocked: Docker, images: Images) -> None:
    """As `docker run` does; and a create pulls what is not there."""
    run = ("run", "--rm", "--network", "none", images["runs"], "/ends")
    with stocked.serving():
        done = stocked.docker(*run)
        assert "denied" not in done.stderr
        if platform.machine() == "x86_64" and "cgroup" not in done.stderr:
            assert done.returncode == 0, done.stderr
        assert stocked.docker("create", images["cosign-v2"], "/x").returncode == 0


@pytest.mark.parametrize(
    ("kind", "code"),
    [("unsigned", "NO_EVIDENCE"), ("replayed", "PAYLOAD_SUBJECT_MISMATCH"), ("wrong-key", "SIG_INVALID")],
)
def test_the_user_reads_why_an_image_is_refused(daemon: Docker, images: Images, kind: str, code: str) -> None:
    """In the message of the docker client: pull, create and run."""
    with daemon.serving():
        for command in (
            ("pull", images[kind]),
            ("create", images[kind], "/x"),
            ("run", "--rm", images[kind], "/x"),
        ):
            done = daemon.docker(*command)
            assert done.returncode != 0
            assert "authorization denied by plugin ratify: ratify: DENIED" in done.stderr
            assert images.pinned(kind).partition("@")[2] in done.stderr
            assert f"[{code}]" in done.stderr


def test_what_a_naive_plugin_lets_through_is_refused(stocked: Docker, images: Images) -> None:
    """Nine ways to make a container of an image that is there and not trusted, and their like; the signed one is made."""
    name, signed = images["stranger"], images["runs"]
    identifier = stocked_identifier(stocked, name)

    def body(**members: str) -> bytes:
        return json.dumps({**members, "Cmd": ["/ends"]}).encode()

    create = "/v1.41/containers/create"
    chunked = body(Image=name)
    with stocked.serving():
        answers = {
            "its name": stocked.post(create, body(Image=name), JSON),
            "its identifier": stocked.post(create, body(Image=identifier), JSON),
            "a short identifier": stocked.post(create, body(Image=identifier[7:19]), JSON),
            "a local tag": stocked.post(create, body(Image="looks-good"), JSON),
            "another case": stocked.post(create, body(image=name), JSON),
            "two cases": stocked.post(create, body(Image=signed, image=name), JSON),
            "one key twice": stocked.post(
                create, f'{{"Image": "{signed}", "Image": "{name}"}}'.encode(), JSON
            ),
            "another type": stocked.post(create, body(Image=name), "Content-Type: text/plain"),
            "no length": stocked.post(create, b"", JSON),
            "in chunks": stocked.post(
                create, b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunked), chunked), JSON, "Transfer-Encoding: chunked"
            ),
            "no version": stocked.post("/containers/create", body(Image=name), JSON),
            "encoded": stocked.post("/v1.41/containers/%63reate", body(Image=name), JSON),
            "absolute": stocked.post("http://x/containers/create", body(Image=name), JSON),
            "a form": stocked.post(
                f"/v1.41/images/create?fromImage={images.repository.name}&tag=runs",
                f"fromImage={images['unsigned']}".encode(),
                "Content-Type: application/x-www-form-urlencoded",
            ),
            "two types": stocked.post(
                f"/v1.41/images/create?fromImage={images.repository.name}&tag=runs",
                f"fromImage={images['unsigned']}".encode(),
                "Content-Type: application/x-www-form-urlencoded",
                JSON,
            ),
        }
        assert {way: status for way, (status, _) in answers.items() if status != 403} == {}
        assert all("denied by plugin ratify" in text for _, text in answers.values())
        # A path with empty segments is sent elsewhere by the daemon's router, and judged there.
        assert stocked.post("//v1.41//containers/create", body(Image=name), JSON)[0] in (301, 403)
        assert stocked.post(create, body(Image=signed), JSON)[0] == 201


def test_a_create_of_more_than_the_daemon_shows_is_refused(stocked: Docker, images: Images) -> None:
    """Of a body over 1 MiB the plugin sees nothing, so it is refused for a signed image too."""
    labels = stocked.folder / "labels"
    labels.write_text("".join(f"l{number}={'x' * 60_000}\n" for number in range(20)))
    with stocked.serving():
        done = stocked.docker("create", "--label-file", str(labels), images["runs"], "/ends")
    assert done.returncode != 0
    assert "does not show the body" in done.stderr


def test_a_container_from_before_is_judged_when_it_starts(stocked: Docker, images: Images) -> None:
    """Its image was trusted when it was made, and no longer is; a restart is a start."""
    with stocked.serving(key="other"):
        made = stocked.docker("create", "--network", "none", images["stranger"], "/ends")
        assert made.returncode == 0, made.stderr
    container = made.stdout.strip()
    with stocked.serving():
        for command in ("start", "restart"):
            done = stocked.docker(command, container)
            assert done.returncode != 0
            assert "[SIG_INVALID]" in done.stderr


def test_images_that_no_registry_vouches_for_are_refused_unless_allowed(
    daemon: Docker, images: Images
) -> None:
    """Loaded, imported and built, and what is allowed of them is not yet allowed to run."""
    tar = archive()
    with daemon.serving():
        for done in (
            daemon.docker("import", "-", "imported", stdin=tar),
            daemon.docker("load", stdin=tar),
            daemon.docker("build", "-t", "built", "-", stdin=b"FROM scratch\nLABEL a=b\n"),
        ):
            assert done.returncode != 0
            assert "[OPERATION_REFUSED]" in done.stderr
    with daemon.serving(allow=["import"]):
        assert daemon.docker("import", "-", "imported", stdin=tar).returncode == 0
        done = daemon.docker("create", "imported", "/x")
        assert "[DIGEST_UNKNOWN]" in done.stderr
    with daemon.serving(imagesWithoutDigest="allow"):
        assert daemon.docker("create", "imported", "/x").returncode == 0


def test_a_registry_of_signatures_that_is_down_refuses(stocked: Docker, images: Images) -> None:
    """A pull, a create and a start of what was allowed before."""
    with stocked.serving():
        made = stocked.docker("create", "--network", "none", images["runs"], "/ends")
        assert made.returncode == 0, made.stderr
    with stocked.serving(signatures=f"127.0.0.1:{free_port()}/signatures"):
        for command in (("pull", images["runs"]), ("create", images["runs"]), ("start", made.stdout.strip())):
            done = stocked.docker(*command)
            assert done.returncode != 0
            assert "[REGISTRY_UNREACHABLE]" in done.stderr


def test_prove_says_that_the_door_is_shut(stocked: Docker, images: Images) -> None:
    """For an image that no policy allows, and open for one that a policy allows."""
    with stocked.serving():
        flags = ("--image", images["unsigned"], "--allowed", images["runs"], "--docker", stocked.socket)
        done = stocked.ratify("prove", "--plain-http", *flags)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "REFUSED" in done.stdout
    assert "[NO_EVIDENCE]" in done.stdout


def test_without_the_plugin_nothing_is_created(stocked: Docker, images: Images) -> None:
    """The Docker daemon refuses what it cannot ask about."""
    status, text = stocked.post(
        "/v1.41/containers/create", json.dumps({"Image": images["runs"]}).encode(), JSON
    )
    assert status in (403, 500)
    assert "plugin ratify failed with error" in text


def test_the_daemon_does_everything_else(daemon: Docker) -> None:
    """What concerns no image is allowed without a question to anything."""
    with daemon.serving():
        for command in (("ps", "-a"), ("images",), ("info",), ("volume", "create", "xyz"), ("system", "df")):
            assert daemon.docker(*command).returncode == 0


def archive() -> bytes:
    """Return a tar archive with one file."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("x"))
    return data.getvalue()


def stocked_identifier(daemon: Docker, name: str) -> str:
    """Return the identifier of an image."""
    with daemon.serving():
        return daemon.docker("images", "--no-trunc", "-q", name).stdout.strip()
