"""What AWS answers, by status and code, to the real SDK."""

import json
import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import SourceUnreachable
from pyratify.testing.loopback import LoopbackServer
from pyratify_aws.aws_client import AwsClient, AwsError, AwsIdentity
from pyratify_aws.kms import KmsKeys, parse_reference


class Service(LoopbackServer):
    """Answers everything in the same way."""

    def __init__(self) -> None:
        super().__init__(_Handler, None, "AWS")
        self.status, self.code = 200, ""
        self.paths: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        """Answer."""
        self.server.paths.append(self.path)
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = json.dumps({"__type": self.server.code, "message": "you sent not-a-secret"}).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(data)))
        if self.server.status in range(300, 400):
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST  # noqa: N815 - the name that the server looks for

    def log_message(self, *parts: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A service that the environment points to."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, os.devnull)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-a-secret")
    server = Service()
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_address[1]}")
    server.start()
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("status", "code", "refused"),
    [
        (400, "AccessDeniedException", True),
        (400, "ExpiredTokenException", True),
        (403, "InvalidSignatureException", True),
        (404, "NotFoundException", True),
        (400, "ThrottlingException", False),
        (400, "RequestThrottled", False),
        (400, "IDPCommunicationError", False),
        (429, "TooManyRequestsException", False),
        (429, "Unknown", False),
        (408, "Unknown", False),
        (500, "KMSInternalException", False),
        (503, "ServiceUnavailable", False),
        (307, "Moved", False),
    ],
)
async def test_a_refusal_is_told_from_an_outage(
    service: Service, status: int, code: str, refused: bool
) -> None:
    """By status and code; the message has the code alone, and no redirect is followed."""
    service.status, service.code = status, code
    with pytest.raises(AwsError) as caught:
        await AwsClient().call("kms", "eu-west-1", "describe_key", KeyId="alias/x")
    assert caught.value.refused is refused
    assert "not-a-secret" not in str(caught.value)
    assert set(service.paths) == {"/"}


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("InvalidSignatureException", "clock of this machine"),
        ("ExpiredTokenException", "renewed"),
        ("NotFoundException", "the alias or the id"),
        ("AccessDeniedException", "Allow kms:DescribeKey"),
        ("ThrottlingException", "reaches AWS KMS"),
    ],
)
async def test_what_to_do_is_true_for_the_code(service: Service, code: str, remedy: str) -> None:
    """A clock that is wrong is no missing permission."""
    service.status, service.code = 400, code
    reference = parse_reference("awskms:///arn:aws:kms:eu-west-1:123456789012:key/x")
    with pytest.raises(ConfigurationError) as caught:
        await KmsKeys((reference,), AwsClient(), 60).keys()
    assert remedy in caught.value.remedy
    assert isinstance(caught.value, SourceUnreachable) is (code == "ThrottlingException")


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS"])
async def test_atk_246_nothing_is_sent_in_clear_text(
    service: Service, variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever names the address, and also where the identity is exchanged."""
    asked: list[str] = []
    monkeypatch.setattr(
        "botocore.httpsession.URLLib3Session.send", lambda session, request: asked.append(request.url)
    )
    monkeypatch.setenv(variable, "http://aws.example.com:4566")
    identity = AwsIdentity()
    if variable.endswith("STS"):
        (tmp_path / "token").write_text("not-a-secret")
        identity = AwsIdentity(role_arn="arn:aws:iam::123456789012:role/x", token_file=tmp_path / "token")
    with pytest.raises(AwsError, match="InsecureEndpoint") as caught:
        await AwsClient(identity).call("kms", "eu-west-1", "describe_key", KeyId="alias/x")
    assert not caught.value.refused
    assert "Write https" in caught.value.remedy
    assert (asked, service.paths) == ([], [])


async def test_an_identity_that_appears_later_is_found(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of a machine whose metadata service was not up yet when it was asked first."""
    service.status, service.code = 200, ""
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = AwsClient()
    with monkeypatch.context() as patched:
        patched.delenv("AWS_ACCESS_KEY_ID")
        with pytest.raises(AwsError, match="NoCredentialsError"):
            await client.call("kms", "eu-west-1", "describe_key", KeyId="alias/x")
        assert service.paths == []
    await client.call("kms", "eu-west-1", "describe_key", KeyId="alias/x")
    assert service.paths == ["/"]
