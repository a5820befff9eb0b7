"""Keys and certificates of Azure Key Vault, against a fake one that Microsoft's own client accepts."""

import base64
import os
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    pkcs12,
)

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import SourceUnreachable
from pyratify.core.plugin import Registry
from pyratify.core.reason import Reason
from pyratify.credentials.access_token import AccessToken
from pyratify.http.json_api import JsonApi
from pyratify.http.url import Url
from pyratify.testing.tls import Authority
from pyratify_azure.entra_tokens import EntraError
from pyratify_azure.key_vault import KeyVault, VaultAccess, VaultObject, Wanted
from support.plugins import FakeResources

HOST = "mine.vault.azure.net"
KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
SPKI = KEY.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
COSIGN = Wanted((VaultObject("cosign"),))


def number(value: int) -> str:
    """Return a number as a JSON Web Key has it."""
    return base64.urlsafe_b64encode(value.to_bytes((value.bit_length() + 7) // 8, "big")).decode().rstrip("=")


def answer(version: str = "v1", **changes: Any) -> dict[str, Any]:
    """Return what the vault says of the key."""
    numbers = KEY.public_numbers()
    key = {"kid": f"https://{HOST}/keys/cosign/{version}", "kty": "EC", "crv": "P-256", "key_ops": ["verify"]}
    key |= {"x": number(numbers.x), "y": number(numbers.y)}
    return {"key": key | changes, "attributes": {"enabled": True}}


class Tokens:
    """Tokens without a network."""

    async def token(self, scope: str) -> AccessToken:
        """Return one that names its scope."""
        return AccessToken(f"token-for-{scope}", datetime.max.replace(tzinfo=UTC))


def vault(azure: Any, wanted: Wanted = COSIGN) -> KeyVault:
    """Return the provider of a fake vault."""
    api = JsonApi(Url.parse(f"https://{HOST}"), azure.connect)
    return KeyVault(VaultAccess(api, Tokens(), "vault"), wanted, 60)


async def test_a_key_is_read_with_its_version(azure: Any) -> None:
    """With a token for the vault's cloud."""
    azure.answers["/keys/cosign/"] = 200, answer()
    (found,) = await vault(azure).keys()
    assert (found.data, found.version) == (SPKI, "v1")
    assert azure.seen[0][2] == "Bearer token-for-vault"
    assert azure.open == 0


async def test_an_identity_that_is_refused_is_no_missing_permission(azure: Any) -> None:
    """The remedy is about the identity; where the vault refuses, about what it has to allow."""

    class NoTokens(Tokens):
        async def token(self, scope: str) -> AccessToken:
            raise EntraError(f"no identity for {scope}", refused=True)

    access = VaultAccess(JsonApi(Url.parse(f"https://{HOST}"), azure.connect), NoTokens(), "vault")
    with pytest.raises(ConfigurationError, match="no identity") as caught:
        await KeyVault(access, COSIGN, 60).keys()
    assert caught.value.remedy.startswith("Check the identity of this process")
    azure.answers["/keys/cosign/"] = 403, {}
    with pytest.raises(ConfigurationError) as caught:
        await vault(azure).keys()
    assert caught.value.remedy.startswith("Allow keys/get")


async def test_an_rsa_key_of_a_hardware_module_is_read(azure: Any) -> None:
    """The suffix says where the private half is."""
    numbers = rsa.generate_private_key(65537, 2048).public_key().public_numbers()
    key = {"kid": f"https://{HOST}/keys/cosign/v1", "kty": "RSA-HSM", "n": number(numbers.n), "e": "AQAB"}
    azure.answers["/keys/cosign/"] = 200, {"key": key, "attributes": {"enabled": True}}
    (found,) = await vault(azure).keys()
    assert load_der_public_key(found.data).public_numbers() == numbers  # type: ignore[union-attr]


async def test_the_period_of_a_key_is_that_of_its_signatures(azure: Any) -> None:
    """What it signed before or after does not count."""
    azure.answers["/keys/cosign/"] = (
        200,
        answer() | {"attributes": {"enabled": True, "nbf": 1000, "exp": 2000}},
    )
    (found,) = await vault(azure).keys()
    assert found.validity.start == datetime.fromtimestamp(1000, UTC)
    assert found.validity.end == datetime.fromtimestamp(2000, UTC)


@pytest.mark.parametrize(
    "found",
    [
        (404, {}),
        (403, {}),
        (302, {}),
        (500, {}),
        (200, {}),
        (200, {"key": [], "attributes": {"enabled": True}}),
        (200, answer() | {"attributes": {"enabled": False}}),
        (200, answer() | {"attributes": {}}),
        (200, answer() | {"attributes": {"enabled": True, "nbf": "soon"}}),
        (200, answer(kty="oct")),
        (200, answer(crv="P-256K")),
        (200, answer(key_ops=["encrypt"])),
        (200, answer(key_ops=None, x="!")),
        (200, answer(x="AQ")),
        (200, answer(x=None)),
        (200, answer(kid=f"https://{HOST}/keys/other/v1")),
        (200, answer(kid=f"https://{HOST}/secrets/cosign/v1")),
        (200, answer(kid=None)),
    ],
)
async def test_what_is_no_key_for_signatures_is_refused(azure: Any, found: tuple[int, Any]) -> None:
    """Disabled, of another kind, another key, or malformed."""
    azure.answers["/keys/cosign/"] = found
    with pytest.raises(ConfigurationError) as caught:
        await vault(azure).keys()
    assert caught.value.reason is Reason.KEY_UNAVAILABLE
    assert isinstance(caught.value, SourceUnreachable) is (found[0] in (302, 500))
    assert "token-for" not in str(caught.value)


async def test_a_version_that_is_named_is_the_one_that_counts(azure: Any) -> None:
    """An answer for another version is refused."""
    azure.answers["/keys/cosign/v1"] = 200, answer("v1")
    wanted = Wanted((VaultObject("cosign", "v1"),))
    assert [each.version for each in await vault(azure, wanted).keys()] == ["v1"]
    azure.answers["/keys/cosign/v1"] = 200, answer("v2")
    with pytest.raises(ConfigurationError, match="version 'v2'"):
        await vault(azure, wanted).keys()


def listed(*versions: tuple[str, int, bool]) -> list[dict[str, Any]]:
    """Return a list of versions, with their time and whether they are enabled."""
    return [
        {"kid": f"https://{HOST}/keys/cosign/{name}", "attributes": {"enabled": enabled, "created": created}}
        for name, created, enabled in versions
    ]


@pytest.mark.parametrize("listed", [7, "x", {}, None, [7], [[]]])
async def test_what_is_no_list_of_versions_is_refused(azure: Any, listed: Any) -> None:
    """Nothing of it is skipped: a version that is not understood could be the one that was disabled."""
    azure.answers["/keys/cosign/versions"] = 200, {"value": listed}
    with pytest.raises(ConfigurationError, match="no list of versions") as caught:
        await vault(azure, Wanted((VaultObject("cosign", history=3),))).keys()
    assert caught.value.reason is Reason.KEY_UNAVAILABLE


async def test_the_newest_versions_that_are_enabled_count(azure: Any) -> None:
    """After a rotation signatures of the version before still verify; pages are followed."""
    azure.answers["/keys/cosign/versions"] = (
        200,
        {"value": listed(("v1", 1, True), ("v4", 4, False)), "nextLink": f"https://{HOST}/keys/page?skip=2"},
    )
    azure.answers["/keys/page?skip=2"] = 200, {"value": listed(("v3", 3, True), ("v2", 2, True))}
    for version in ("v1", "v2", "v3"):
        azure.answers[f"/keys/cosign/{version}"] = 200, answer(version)
    wanted = Wanted((VaultObject("cosign", history=2),))
    assert [each.version for each in await vault(azure, wanted).keys()] == ["v3", "v2"]


async def test_atk_246_a_next_page_elsewhere_is_not_asked_for(azure: Any) -> None:
    """The token stays with the vault."""
    page = {"value": listed(("v1", 1, True)), "nextLink": "https://evil.io/keys/page"}
    azure.answers["/keys/cosign/versions"] = 200, page
    with pytest.raises(ConfigurationError, match=r"evil\.io"):
        await vault(azure, Wanted((VaultObject("cosign", history=2),))).keys()
    azure.answers["/keys/cosign/versions"] = (
        200,
        {"value": [], "nextLink": f"https://{HOST}/keys/cosign/versions?again"},
    )
    with pytest.raises(ConfigurationError, match="more pages"):
        await vault(azure, Wanted((VaultObject("cosign", history=2),))).keys()


def secret(value: str, kind: str, **changes: Any) -> dict[str, Any]:
    """Return what the vault says of a certificate's secret."""
    found = {"id": f"https://{HOST}/secrets/signer/v1", "value": value, "contentType": kind}
    return found | {"attributes": {"enabled": True}} | changes


async def test_certificates_come_without_their_private_key(azure: Any) -> None:
    """As PEM and as PKCS #12."""
    pem = Authority().issue("signer", "localhost")
    certificate = x509.load_pem_x509_certificate(pem)
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    bundle = pkcs12.serialize_key_and_certificates(None, None, certificate, None, NoEncryption())
    wanted = Wanted(certificates=(VaultObject("signer"),))
    expected = certificate.public_bytes(Encoding.PEM)
    for value, kind in (
        (private + expected.decode(), "application/x-pem-file"),
        (base64.b64encode(bundle).decode(), "application/x-pkcs12"),
    ):
        azure.answers["/secrets/signer/"] = 200, secret(value, kind)
        (found,) = await vault(azure, wanted).certificates()
        assert (found.data, found.version) == (expected, "v1")


@pytest.mark.parametrize(
    "found",
    [
        secret("x", "text/plain"),
        secret("x", "application/x-pkcs12"),
        secret("eA==", "application/x-pkcs12"),
        secret("", "application/x-pem-file"),
        secret("\u00e9", "application/x-pem-file"),
        secret("x", "application/x-pem-file") | {"value": None},
        secret("x", "application/x-pem-file", attributes={"enabled": False}),
        secret("x", "application/x-pem-file", id="https://mine/secrets/other/v1"),
    ],
)
async def test_what_is_no_certificate_is_refused(azure: Any, found: dict[str, Any]) -> None:
    """A password that someone stored there is in no message."""
    azure.answers["/secrets/signer/"] = 200, found
    with pytest.raises(ConfigurationError) as caught:
        await vault(azure, Wanted(certificates=(VaultObject("signer"),))).certificates()
    assert caught.value.reason is Reason.KEY_UNAVAILABLE


async def build(name: str, **parameters: Any) -> Any:
    """Build a provider as the configuration reader does."""
    plugin = Registry[Any]("keys").load(name, "keys")
    return await plugin.build(name, msgspec.convert(parameters, plugin.options), FakeResources())


ONE = {"keys": [{"name": "cosign"}]}


@pytest.mark.parametrize(
    ("name", "parameters", "path"),
    [
        ("azurekeyvault", ONE, "vaultURL"),
        ("azurekeyvault", ONE | {"vaultURL": f"http://{HOST}"}, "vaultURL"),
        ("azurekeyvault", ONE | {"vaultURL": "https://evil.io"}, "vaultURL"),
        ("azurekeyvault", ONE | {"vaultURI": f"https://{HOST}.evil.io"}, "vaultURI"),
        ("azurekeyvault", ONE | {"vaultURL": f"https://{HOST}/keys"}, "vaultURL"),
        ("azurekeyvault", {"vaultURL": f"https://{HOST}"}, "keys"),
        ("azurekms", {"references": ["azurekms://evil.io/key"]}, "references[0]"),
        ("azurekms", {"references": [f"azurekms://{HOST}"]}, "references[0]"),
        ("azurekms", {"references": [f"azurekms://{HOST}/a/b/c"]}, "references[0]"),
    ],
)
async def test_atk_027_a_host_that_is_no_vault_is_refused(
    name: str, parameters: dict[str, Any], path: str
) -> None:
    """When the configuration is read, before there is a token."""
    with pytest.raises(ConfigurationError) as caught:
        await build(name, **parameters)
    assert caught.value.path == path


async def test_the_parameters_of_both_versions_of_ratify_are_read() -> None:
    """v2's vaultURL, v1's vaultURI with a history, and cosign's references."""
    certificates = [{"name": "signer", "version": "abc123"}]
    await build(
        "azurekeyvault", vaultURL=f"https://{HOST}", clientID="c", tenantID="t", certificates=certificates
    )
    keys = [{"name": "cosign", "versionHistoryLimit": 2}]
    provider = await build("azurekeyvault", vaultURI=f"https://{HOST}/", keys=keys, refreshInterval=60)
    assert provider.refresh_interval == 60
    assert (await build("azurekms", references=[f"azurekms://{HOST}/cosign/v1"])).refresh_interval == 3600


def test_microsofts_own_client_accepts_the_fake(
    entra: tuple[Any, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So the fake has the shape that another client expects."""
    pytest.importorskip("azure.keyvault.keys", reason="azure-keyvault-keys is not installed")
    from azure.identity import WorkloadIdentityCredential
    from azure.keyvault.keys import KeyClient

    fake, address = entra
    found = answer()
    found["key"]["kid"] = f"{address}/keys/cosign/v1"
    fake.answers["/keys/cosign/"] = 200, found
    bundle = os.environ["REQUESTS_CA_BUNDLE"]
    with (
        WorkloadIdentityCredential(disable_instance_discovery=True, connection_verify=bundle) as identity,
        KeyClient(address, identity, verify_challenge_resource=False, connection_verify=bundle) as client,
    ):
        key = client.get_key("cosign")
    assert key.properties.version == "v1"
    assert key.key.crv == "P-256"
    assert int.from_bytes(key.key.x, "big") == KEY.public_numbers().x
