"""Registries as they are: a referrers API that fails or answers nonsense, and TLS on this machine's loopback."""

import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from interop import live
from pyratify.testing.tls import Authority

pytestmark = pytest.mark.interop

SIGNED, UNSIGNED = "signed", "unsigned"
ANSWERS = [
    (400, "application/json", b"{}"),
    (403, "application/json", b"{}"),
    (404, "text/plain", b"404 page not found"),
    (405, "text/plain", b""),
    (500, "text/html", b"<html>no healthy upstream</html>"),
    (200, "text/html", b"<html>welcome</html>"),
    (200, "application/json", b"{}"),
    (200, "application/vnd.oci.image.index.v1+json", b'{"schemaVersion":2,"manifests":[]}'),
]
CLEAN = (400, 404, 405)
IDS = [f"{status}-{kind.rpartition('/')[2][:12]}" for status, kind, _ in ANSWERS]


@pytest.fixture(scope="module")
def storage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What Debian's registry keeps: an image that cosign signed, and one that it did not."""
    absent = [name for name in ("cosign2", "crane") if not (live.loopback.PEERS / name).exists()]
    if absent or not shutil.which(live.DEBIAN):
        pytest.skip(f"there is no {', '.join(absent) or live.DEBIAN}")
    folder = tmp_path_factory.mktemp("registry")
    with live.debian(folder) as address:
        repository = live.loopback.Repository(address)
        for tag in (SIGNED, UNSIGNED):
            repository.push_image(tag)
        live.signers.cosign_v2(repository, SIGNED)
    return folder


@contextmanager
def _before(address: str, answer: tuple[int, str, bytes]) -> Iterator[str]:
    """A proxy before the registry, which answers for the referrers itself."""
    status, kind, body = answer

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if "/referrers/" in self.path:
                self._send(status, kind, body)
                return
            headers = {"Accept": self.headers.get("Accept", "*/*")}
            request = urllib.request.Request(f"http://{address}{self.path}", headers=headers)
            try:
                with urllib.request.urlopen(request) as found:
                    self._send(found.status, found.headers["Content-Type"], found.read())
            except urllib.error.HTTPError as error:
                self._send(error.code, error.headers["Content-Type"], error.read())

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the overridden method
            """Say nothing."""

        def _send(self, code: int, content_type: str, data: bytes) -> None:
            self.send_response(code)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("answer", ANSWERS, ids=IDS)
def test_atk_300_a_listing_that_is_none_hides_no_signature(
    storage: Path, answer: tuple[int, str, bytes]
) -> None:
    """Whatever is answered for the referrers, the signature under cosign's tag counts, and nothing else does."""
    with live.debian(storage) as address, _before(address, answer) as front:
        signed = live.ratify(*live.with_key(), f"{front}/demo:{SIGNED}")
        unsigned = live.ratify(*live.with_key(), f"{front}/demo:{UNSIGNED}")
        other = live.ratify(*live.with_key("other"), f"{front}/demo:{SIGNED}")
    assert (signed.code, signed.only["succeeded"]) == (0, True)
    assert not unsigned.only["succeeded"]
    assert not other.only["succeeded"]
    surely = answer[0] in CLEAN or answer[1] == "application/vnd.oci.image.index.v1+json"
    assert unsigned.code == (1 if surely else 2)
    assert "push" not in str(unsigned.only.get("error"))


@pytest.mark.parametrize("answer", [ANSWERS[0], ANSWERS[2]], ids=[IDS[0], IDS[2]])
def test_cosign_accepts_the_same(storage: Path, answer: tuple[int, str, bytes]) -> None:
    """Where the registry says that it has no referrers API, the other verifier agrees."""
    program = str(live.loopback.PEERS / "cosign2")
    with live.debian(storage) as address, _before(address, answer) as front:
        flags = ("--insecure-ignore-tlog=true", "--key", str(live.signers.KEYS / "cosign.pub"))
        done = live.command(program, "verify", *flags, f"{front}/demo:{SIGNED}")
    assert done.returncode == 0, done.stderr


def test_tls_on_loopback_is_spoken_as_docker_does(storage: Path) -> None:
    """With the authority's certificate the image verifies; without it the message says what to give."""
    authority = Authority()
    ca = storage / "ca.pem"
    ca.write_text(authority.pem)
    with live.debian(storage, authority.issue("registry", "127.0.0.1", "localhost")) as address:
        port = address.rpartition(":")[2]
        for host in ("127.0.0.1", "localhost"):
            trusted = live.ratify(*live.with_key(), "--ca-file", str(ca), f"{host}:{port}/demo:{SIGNED}")
            assert (trusted.code, trusted.only["succeeded"]) == (0, True), trusted.stderr
        unknown = live.ratify(*live.with_key(), f"{address}/demo:{SIGNED}")
        plain = live.ratify(*live.with_key(), "--plain-http", f"{address}/demo:{SIGNED}")
        listed = subprocess.run(
            [str(live.loopback.PEERS / "crane"), "ls", f"{address}/demo"],
            env={"PATH": os.environ["PATH"], "HOME": "/nonexistent", "SSL_CERT_FILE": str(ca)},
            capture_output=True,
            check=False,
        )
    assert unknown.code == 2
    assert "over https" in str(unknown.only["error"])
    assert "--ca-file" in str(unknown.only["error"])
    assert plain.code == 2
    assert SIGNED in listed.stdout.decode()


def test_a_registry_without_tls_refuses_https_and_is_read_without(storage: Path) -> None:
    """`--https` and `--ca-file` mean https; without them http is found."""
    with live.debian(storage) as address:
        found = live.ratify(*live.with_key(), f"{address}/demo:{SIGNED}")
        never = live.ratify(*live.with_key(), "--https", f"{address}/demo:{SIGNED}")
    assert found.code == 0
    assert never.code == 2
    assert "TLS_REQUIRED" in str(never.only["error"])
