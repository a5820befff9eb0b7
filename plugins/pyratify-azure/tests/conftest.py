"""A fake Azure over TLS on loopback: Entra ID, a registry's token exchange, and Key Vault."""

import base64
import json
import os
import ssl
import urllib.parse
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from pyratify.http.transport import Request
from pyratify.testing.json_service import JsonService
from pyratify.testing.loopback import LoopbackServer, TlsRequestHandler
from pyratify.testing.tls import Authority

FAR = 4_102_444_800
PATHS = dict[str, tuple[int, Any]]


def token_until(moment: int) -> str:
    """Return a JSON Web Token with an end, without a signature."""
    claims = base64.urlsafe_b64encode(json.dumps({"exp": moment}).encode()).rstrip(b"=").decode()
    return f"e30.{claims}.c2ln"


def _base64(number: int, octets: int) -> str:
    return base64.urlsafe_b64encode(number.to_bytes(octets, "big")).rstrip(b"=").decode()


def json_web_key(key: ec.EllipticCurvePublicKey, name: str, version: str, host: str) -> dict[str, Any]:
    """Return what Key Vault says of a P-256 key."""
    numbers = key.public_numbers()
    return {
        "key": {
            "kid": f"https://{host}/keys/{name}/{version}",
            "kty": "EC",
            "crv": "P-256",
            "x": _base64(numbers.x, 32),
            "y": _base64(numbers.y, 32),
            "key_ops": ["sign", "verify"],
        },
        "attributes": {"enabled": True, "created": 1, "updated": 1, "recoveryLevel": "Purgeable"},
    }


class FakeAzure(JsonService):
    """What Azure answers, by path; a `Transport` of the plugin, and a TLS server for the SDK."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: PATHS = {}
        self.seen: list[tuple[str, str, str, str]] = []

    def answer(
        self, method: str, target: str, authorization: str, body: str, address: str
    ) -> tuple[int, Any]:
        """Answer a request."""
        path = target.partition("?")[0]
        self.seen.append((method, target, authorization, body))
        for key in (target, path):
            if key in self.answers:
                return self.answers[key]
        if path.endswith("/.well-known/openid-configuration"):
            found = {
                "authorization_endpoint": f"{address}/t/oauth2/v2.0/authorize",
                "issuer": f"{address}/t/v2.0",
            }
            return 200, found | {"token_endpoint": f"{address}/t/oauth2/v2.0/token"}
        if path.endswith("/oauth2/v2.0/token"):
            form = dict(urllib.parse.parse_qsl(body))
            token = f"entra-{form['client_assertion']}"
            return 200, {"token_type": "Bearer", "expires_in": 3600, "access_token": token}
        if path == "/oauth2/exchange":
            return 200, {"refresh_token": token_until(FAR)}
        return 404, {"error": {"code": "NotFound", "message": "not here"}}

    def respond(self, request: Request) -> tuple[int, object]:
        """Answer a request of the plugin."""
        return self.answer(
            request.method,
            request.url.target,
            dict(request.headers).get("Authorization", ""),
            request.body.decode(),
            str(request.url.origin),
        )


@pytest.fixture
def azure() -> FakeAzure:
    """A fake Azure without a network."""
    return FakeAzure()


@pytest.fixture
def entra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FakeAzure, str]]:
    """A fake Azure over TLS that the environment points to, with a workload identity; and its address."""
    fake = FakeAzure()
    authority = Authority()
    (tmp_path / "ca.pem").write_text(authority.pem)
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "MSI_"))]:
        monkeypatch.delenv(name)
    (tmp_path / "token").write_text("first")
    server = _Server(fake, authority.server_context())
    address = server.address
    server.start()
    settings: Mapping[str, str] = {
        "AZURE_AUTHORITY_HOST": address,
        "AZURE_CLIENT_ID": "client",
        "AZURE_TENANT_ID": "t",
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
        "REQUESTS_CA_BUNDLE": str(tmp_path / "ca.pem"),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    try:
        yield fake, address
    finally:
        server.stop()


class _Server(LoopbackServer):
    def __init__(self, fake: FakeAzure, tls: ssl.SSLContext) -> None:
        super().__init__(_Handler, tls, "Azure")
        self.fake = fake
        self.address = f"https://localhost:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of handshakes that fail."""


class _Handler(TlsRequestHandler, BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Answer."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        authorization = self.headers.get("Authorization", "")
        status, document = self.server.fake.answer(
            self.command, self.path, authorization, body, self.server.address
        )
        if self.path.startswith("/keys/") and not authorization:
            status = 401
        data = json.dumps(document).encode()
        self.send_response(status)
        if status == 401:
            challenge = f'Bearer authorization="{self.server.address}/t", resource="https://vault.azure.net"'
            self.send_header("WWW-Authenticate", challenge)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_POST = do_GET  # noqa: N815 - the name that the server looks for

    def log_message(self, *parts: Any) -> None:
        """Say nothing."""
