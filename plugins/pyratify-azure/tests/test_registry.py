"""Credentials of Azure Container Registry."""

import logging
import os
import urllib.parse
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.credentials.access_token import AccessToken
from pyratify.testing.fakes import FakeClock
from pyratify_azure.acr import AcrExchange, end_of
from pyratify_azure.azure_clouds import vault_scope
from pyratify_azure.entra_tokens import EntraError, EntraTokens
from pyratify_azure.identity_binding import BoundTokens, binding_of
from support.plugins import FakeResources

HOST = "mine.azurecr.io"


class Tokens:
    """Tokens of Entra ID without a network."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.fault: EntraError | None = None

    async def token(self, scope: str) -> AccessToken:
        """Return one."""
        self.asked.append(scope)
        if self.fault is not None:
            raise self.fault
        return AccessToken("entra", datetime.max.replace(tzinfo=UTC))


def exchange(azure: Any, tokens: Tokens | None = None) -> AcrExchange:
    """Return the exchange with a fake registry."""
    return AcrExchange(tokens or Tokens(), azure.connect, FakeClock(), "tenant")


def ends_in(seconds: float) -> str:
    """Return a token that ends so long after the present of the tests."""
    import base64
    import json

    moment = int((FakeClock().now() + timedelta(seconds=seconds)).timestamp())
    claims = base64.urlsafe_b64encode(json.dumps({"exp": moment}).encode()).decode().rstrip("=")
    return f"e30.{claims}.c2ln"


async def test_a_token_of_entra_becomes_a_refresh_token(azure: Any) -> None:
    """At the registry itself, with the fields that it documents."""
    tokens = Tokens()
    azure.answers["/oauth2/exchange"] = 200, {"refresh_token": ends_in(10800)}
    credential = await exchange(azure, tokens).exchange(HOST)
    assert credential.identity_token == ends_in(10800)
    assert credential.expires == FakeClock().now() + timedelta(seconds=10800)
    assert tokens.asked == ["https://containerregistry.azure.net/.default"]
    ((_, target, _, body),) = azure.seen
    assert target == "/oauth2/exchange"
    sent = {"grant_type": "access_token", "service": HOST, "tenant": "tenant", "access_token": "entra"}
    assert dict(urllib.parse.parse_qsl(body)) == sent


async def test_an_end_that_cannot_be_read_is_three_hours(azure: Any) -> None:
    """As the registry documents it."""
    azure.answers["/oauth2/exchange"] = 200, {"refresh_token": "opaque"}
    credential = await exchange(azure).exchange(HOST)
    assert credential.expires == FakeClock().now() + timedelta(hours=3)


@pytest.mark.parametrize(
    "answer",
    [
        (401, {}),
        (403, {}),
        (307, {}),
        (500, {}),
        (200, {}),
        (200, {"refresh_token": ""}),
        (200, {"refresh_token": 7}),
        (200, {"refresh_token": "a\nb"}),
        (200, {"refresh_token": ends_in(-1)}),
    ],
)
async def test_what_is_no_refresh_token_is_not_used(azure: Any, answer: tuple[int, Any]) -> None:
    """One that has expired neither; the message has no token."""
    azure.answers["/oauth2/exchange"] = answer
    with pytest.raises(StoreError) as caught:
        await exchange(azure).exchange(HOST)
    expected = Reason.REGISTRY_ERROR if answer[0] in (307, 500) else Reason.REGISTRY_AUTH
    assert caught.value.reason is expected
    assert "entra" not in str(caught.value)


@pytest.mark.parametrize(
    ("refused", "answered", "reason", "remedy"),
    [
        (True, True, Reason.REGISTRY_AUTH, "Grant AcrPull"),
        (True, False, Reason.REGISTRY_AUTH, "what its identity comes from"),
        (False, True, Reason.REGISTRY_ERROR, "what its identity comes from"),
    ],
)
async def test_an_identity_service_that_fails_asks_no_registry(
    azure: Any, refused: bool, answered: bool, reason: Reason, remedy: str
) -> None:
    """A refusal and an outage differ, and so does what is missing on this machine."""
    tokens = Tokens()
    tokens.fault = EntraError("no identity", refused=refused, answered=answered)
    with pytest.raises(StoreError) as caught:
        await exchange(azure, tokens).exchange(HOST)
    assert caught.value.reason is reason
    assert remedy in caught.value.remedy
    assert azure.seen == []


@pytest.mark.parametrize(
    "token", ["", "a", "a.b.c", "a.!.c", "a.e30.c", "a.eyJleHAiOiJ4In0.c", "a.eyJleHAiOjFlOTl9.c"]
)
def test_an_end_is_read_of_nothing_else_than_a_token(token: str) -> None:
    """No text of a registry raises."""
    assert end_of(token) is None


async def build(**parameters: Any) -> Any:
    """Build the provider as the configuration reader does."""
    plugin = Registry[Any]("credentials").load("azure", "credential.provider")
    resources = FakeResources(clock=FakeClock(datetime.now(UTC)))
    return await plugin.build("azure", msgspec.convert(parameters, plugin.options), resources)


@pytest.mark.parametrize(
    "registry",
    [
        "evil.io",
        "azurecr.io",
        "mine.azurecr.io.evil.io",
        "a.b.azurecr.io",
        "mine.azurecr.io:444",
        "azurecr.io.evil.io",
    ],
)
async def test_atk_027_no_token_is_asked_for_another_host(registry: str, entra: tuple[Any, str]) -> None:
    """Ratify v2 sends its token to any host that a reference names."""
    assert (await (await build()).credential(registry)).is_anonymous
    assert entra[0].seen == []


async def test_other_hosts_may_be_named() -> None:
    """As in Ratify v1."""
    provider = await build(endpoints=["registry.example.com"])
    assert (await provider.credential(HOST)).is_anonymous


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"endpoints": []}, "endpoints"),
        ({"endpoints": ["https://x"]}, "endpoints"),
        ({"identityBinding": {"enabled": True}}, "identityBinding"),
    ],
)
async def test_what_is_wrong_is_named(
    parameters: dict[str, Any], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is sent."""
    monkeypatch.delenv("AZURE_CLIENT_ID", raising=False)
    with pytest.raises(ConfigurationError) as caught:
        await build(**parameters)
    assert caught.value.path == path


async def test_a_workload_identity_is_exchanged_by_the_sdk(entra: tuple[Any, str], tmp_path: Path) -> None:
    """With the token that the file has at that time."""
    fake, _ = entra
    scope = "https://containerregistry.azure.net/.default"
    assert (await EntraTokens().token(scope)).value == "entra-first"
    (tmp_path / "token").write_text("second")
    assert (await EntraTokens().token(scope)).value == "entra-second"
    sent = [
        dict(urllib.parse.parse_qsl(body)) for _, target, _, body in fake.seen if target.endswith("/token")
    ]
    assert {(each["client_id"], each["scope"]) for each in sent} == {("client", scope)}


@pytest.mark.parametrize(
    ("status", "refused"),
    [(400, True), (401, True), (403, True), (302, False), (429, False), (500, False), (503, False)],
)
async def test_an_identity_that_is_refused_is_told_from_an_outage(
    entra: tuple[Any, str], status: int, refused: bool
) -> None:
    """Without what was sent; the SDK raises the same error for both."""
    entra[0].answers["/t/oauth2/v2.0/token"] = (
        status,
        {"error": "invalid_client", "error_description": "first"},
    )
    with pytest.raises(EntraError, match=f"HTTP {status}") as caught:
        await EntraTokens().token("https://vault.azure.net/.default")
    assert caught.value.refused is refused
    assert "first" not in str(caught.value)
    assert len(entra[0].seen) == 1


async def test_a_managed_identity_without_its_service_is_an_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a node whose metadata service is not there yet."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "IDENTITY_", "MSI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:9")
    with pytest.raises(EntraError, match="cannot be asked") as caught:
        await EntraTokens().token("https://vault.azure.net/.default")
    assert not caught.value.refused


async def test_identity_binding_asks_the_server_by_another_name(
    entra: tuple[Any, str], tmp_path: Path
) -> None:
    """The certificate has to have the name that is asked for, whatever host is connected to."""
    fake, address = entra
    token = {"access_token": "bound", "expires_in": 3600, "token_type": "Bearer"}
    fake.answers["/"] = 200, token
    environment = {
        "AZURE_KUBERNETES_SNI_NAME": "localhost",
        "AZURE_KUBERNETES_TOKEN_PROXY": address.replace("localhost", "127.0.0.1"),
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
        "AZURE_KUBERNETES_CA_FILE": str(tmp_path / "ca.pem"),
        "AZURE_CLIENT_ID": "client",
    }
    found = await BoundTokens(binding_of(environment, ""), FakeClock()).token("scope/.default")
    assert (found.value, found.expires) == ("bound", FakeClock().now() + timedelta(hours=1))
    ((_, _, _, body),) = fake.seen
    assert dict(urllib.parse.parse_qsl(body))["client_assertion"] == "first"
    wrong = binding_of(environment | {"AZURE_KUBERNETES_SNI_NAME": "other.example"}, "")
    with pytest.raises(EntraError, match="SSLCertVerificationError"):
        await BoundTokens(wrong, FakeClock()).token("scope/.default")


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("10.0.0.1", ("10.0.0.1", 443)),
        ("https://10.0.0.1:6443/", ("10.0.0.1", 6443)),
        ("[fd00::1]", ("fd00::1", 443)),
        ("https://[fd00::1]:6443", ("fd00::1", 6443)),
        ("http://10.0.0.1", None),
        ("http://127.0.0.1", None),
        ("10.0.0.1:99999", None),
        ("https://user:not-a-secret@10.0.0.1", None),
        ("10.0.0.1/path", None),
        ("a b", None),
    ],
)
def test_the_api_server_of_a_binding_is_a_host_or_an_https_address(
    text: str, address: tuple[str, int] | None
) -> None:
    """Of either version of IP."""
    environment = {
        "AZURE_KUBERNETES_SNI_NAME": "name",
        "AZURE_KUBERNETES_TOKEN_PROXY": text,
        "AZURE_FEDERATED_TOKEN_FILE": "token",
        "AZURE_KUBERNETES_CA_FILE": "ca.pem",
    }
    if address is None:
        with pytest.raises(ConfigurationError, match="no host of an API server") as caught:
            binding_of(environment, "client")
        assert "not-a-secret" not in str(caught.value)
    else:
        found = binding_of(environment, "client")
        assert (found.host, found.port) == address


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (403, {}),
        (302, {}),
        (429, {}),
        (200, {}),
        (200, {"access_token": "", "expires_in": 1}),
        (200, {"access_token": "x", "expires_in": 0}),
        (200, {"access_token": "x", "expires_in": True}),
        (200, {"access_token": "x", "expires_in": 1e99}),
        (200, []),
    ],
)
async def test_a_binding_that_sends_no_token_gives_none(
    entra: tuple[Any, str], tmp_path: Path, status: int, answer: Any
) -> None:
    """Nor is a redirect followed."""
    fake, address = entra
    fake.answers["/"] = status, answer
    environment = {
        "AZURE_ACR_IDENTITY_BINDING_SNI_NAME": "localhost",
        "AZURE_ACR_IDENTITY_BINDING_APISERVER_HOST": address.removeprefix("https://"),
        "AZURE_ACR_IDENTITY_BINDING_TOKEN_FILE": str(tmp_path / "token"),
        "AZURE_ACR_IDENTITY_BINDING_CA_CERT_PATH": str(tmp_path / "ca.pem"),
    }
    with pytest.raises(EntraError) as caught:
        await BoundTokens(binding_of(environment, "client"), FakeClock()).token("scope/.default")
    assert caught.value.refused is (status not in (302, 429) and answer != [])


def test_a_vaults_scope_is_that_of_its_cloud() -> None:
    """And a host that is no vault has none."""
    assert vault_scope("mine.vault.azure.net") == "https://vault.azure.net/.default"
    assert vault_scope("mine.vault.usgovcloudapi.net") == "https://vault.usgovcloudapi.net/.default"
    for host in (
        "vault.azure.net",
        "a.b.vault.azure.net",
        "mine.vault.azure.net.evil.io",
        "mine.vault.azure.net:444",
    ):
        assert not vault_scope(host)


@pytest.mark.parametrize("name", ["azure.identity", "azure.core.pipeline", "msal.application"])
def test_warnings_of_the_sdk_do_not_go_to_standard_error(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """They quote what Entra ID answered; applications that set up logging see them."""
    shown: list[str] = []
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.lastResort, "handle", lambda record: shown.append(record.getMessage()))
    logging.getLogger(name).warning("get_token failed: you sent entra-first")
    assert shown == []
    logging.getLogger("other").warning("seen")
    assert shown == ["seen"]


@pytest.mark.parametrize("text", ["", "\n", "of two\nlines", "\u00e9", None])
async def test_a_file_without_a_token_sends_nothing(
    entra: tuple[Any, str], tmp_path: Path, text: str | None
) -> None:
    """As while it is being replaced; by identity binding neither, and a good one is read at once."""
    fake, address = entra
    (tmp_path / "token").unlink() if text is None else (tmp_path / "token").write_text(text)
    environment = {
        "AZURE_KUBERNETES_SNI_NAME": "localhost",
        "AZURE_KUBERNETES_TOKEN_PROXY": address,
        "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
        "AZURE_KUBERNETES_CA_FILE": str(tmp_path / "ca.pem"),
    }
    tokens = EntraTokens()
    for source in (tokens, BoundTokens(binding_of(environment, "client"), FakeClock())):
        with pytest.raises(
            EntraError, match="cannot be read" if text is None else "holds no token"
        ) as caught:
            await source.token("scope/.default")
        # No identity that could be refused, and no answer that would withdraw keys.
        assert (caught.value.refused, caught.value.unanswered) == (True, True)
    assert fake.seen == []
    (tmp_path / "token").write_text("second")
    assert (await tokens.token("scope/.default")).value == "entra-second"


@pytest.mark.parametrize("variable", ["AZURE_TENANT_ID", "AZURE_CLIENT_ID"])
async def test_half_a_workload_identity_is_named(
    entra: tuple[Any, str], monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """It is the fault of this process, and nothing is sent."""
    monkeypatch.delenv(variable)
    with pytest.raises(EntraError, match="tenantID" if "TENANT" in variable else "clientID"):
        await EntraTokens().token("scope/.default")
    assert entra[0].seen == []
