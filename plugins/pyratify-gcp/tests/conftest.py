"""A fake Google Cloud on loopback: metadata server, security token service and Cloud KMS."""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import google_crc32c
import pytest

from pyratify.testing.loopback import LoopbackServer

FAR = "2036-01-01T00:00:00Z"


class FakeGoogle(LoopbackServer):
    """The fake; what it answers can be changed by path."""

    def __init__(self) -> None:
        super().__init__(_Handler, None, "Google")
        self.seen: list[tuple[str, str, str]] = []
        self.answers: dict[str, tuple[int, Any]] = {}
        self.tokens = 0

    @property
    def host(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        """The address."""
        return f"http://{self.host}"

    def put_key(self, key: str, versions: dict[str, tuple[str, str, str]]) -> None:
        """Put a key: for each version its PEM, state and algorithm."""
        listed = []
        for number, (pem, state, algorithm) in versions.items():
            name = f"{key}/cryptoKeyVersions/{number}"
            version = {"name": name, "state": state, "algorithm": algorithm, "protectionLevel": "HSM"}
            listed.append(version)
            self.answers[f"/v1/{name}"] = 200, version
            checksum = str(google_crc32c.value(pem.encode()))
            public = {"pem": pem, "algorithm": algorithm, "pemCrc32c": checksum, "name": name}
            public |= {"protectionLevel": "HSM"}
            self.answers[f"/v1/{name}/publicKey"] = 200, public
        enabled = [version for version in listed if version["state"] == "ENABLED"]
        answer = {"cryptoKeyVersions": enabled, "totalSize": len(enabled)}
        self.answers[f"/v1/{key}/cryptoKeyVersions"] = 200, answer


class _Handler(BaseHTTPRequestHandler):
    server: FakeGoogle

    def do_GET(self) -> None:
        """Answer."""
        path = self.path.partition("?")[0]
        self.server.seen.append(("GET", path, self.headers.get("Authorization", "")))
        if path in self.server.answers:
            self._send(*self.server.answers[path])
        elif path.endswith("/service-accounts/default/token"):
            self.server.tokens += 1
            token = f"metadata-{self.server.tokens}"
            self._send(200, {"access_token": token, "expires_in": 3599, "token_type": "Bearer"})
        elif path.startswith("/computeMetadata"):
            self._send(200, {"email": "x@example.com", "scopes": [], "aliases": ["default"]})
        elif path == "/":
            self._send(200, {})
        else:
            self._send(404, {"error": {"status": "NOT_FOUND"}})

    def do_POST(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        self.server.seen.append(("POST", self.path, body))
        if self.path in self.server.answers:
            self._send(*self.server.answers[self.path])
        elif self.path == "/v1/token":
            kind = "urn:ietf:params:oauth:token-type:access_token"
            token = {"access_token": "federated", "issued_token_type": kind, "token_type": "Bearer"}
            self._send(200, token | {"expires_in": 3600})
        elif self.path.endswith(":generateAccessToken"):
            self._send(200, {"accessToken": "impersonated", "expireTime": FAR})
        else:
            self._send(404, {})

    def _send(self, status: int, document: Any) -> None:
        data = json.dumps(document).encode()
        self.send_response(status)
        if status in (302, 307):
            self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Metadata-Flavor", "Google")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *parts: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeGoogle]:
    # One for all: google-auth reads the metadata server's address once, when it is imported.
    with pytest.MonkeyPatch.context() as patch:
        server = FakeGoogle()
        for name in [name for name in os.environ if name.startswith(("GOOGLE_", "GCE_", "CLOUDSDK"))]:
            patch.delenv(name)
        patch.setenv("GCE_METADATA_HOST", server.host)
        patch.setenv("GCE_METADATA_IP", server.host)
        patch.setenv("CLOUDSDK_CONFIG", str(tmp_path_factory.mktemp("no-gcloud")))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def google(_server: FakeGoogle) -> FakeGoogle:
    """Return a fake Google Cloud that the environment points to."""
    _server.answers.clear()
    _server.seen.clear()
    _server.tokens = 0
    return _server
