"""Keys and certificates of Vault, against a fake one that says what a test wants."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key

from pyratify.core.errors import ConfigurationError, StoreError
from pyratify.core.key import SourceUnreachable
from pyratify.core.reason import Reason
from pyratify.http import transport_asyncio
from pyratify.http.json_api import ApiError, JsonApi
from pyratify.http.transport import Request, Response
from pyratify.http.url import Url
from pyratify.testing.cosign import CosignKey
from pyratify.testing.fakes import FakeClock
from pyratify.testing.json_service import JsonService
from pyratify_vault import vault_plugin
from pyratify_vault.vault_auth import FileToken, GivenToken, Login
from pyratify_vault.vault_client import VaultClient
from pyratify_vault.vault_keys import KvDocument, TransitKey, VaultDocuments, Wanted
from support.plugins import FakeResources

ADDRESS = "https://vault.example.com:8200"
PEM = CosignKey.generate().pem.decode()
ED25519 = base64.b64encode(bytes(range(32))).decode()
Answer = tuple[int, Any]


class FakeVault(JsonService):
    """Answers by path, and remembers what it was asked."""

    def __init__(self, **answers: Any) -> None:
        super().__init__()
        self.answers: dict[str, Any] = answers
        self.good = "good"
        self.logins = 0
        self.life: Answer = (200, {"data": {"ttl": 0, "renewable": False}})
        self.renewed: Answer = (400, {"errors": ["lease is not renewable"]})

    def client(self, namespace: str = "") -> VaultClient:
        """Return a client of it."""
        return VaultClient(JsonApi(Url.parse(ADDRESS), self.connect), namespace)

    def respond(self, request: Request) -> tuple[int, object]:
        """Answer by the path below `/v1/` and the token."""
        path = request.url.target.removeprefix("/v1/")
        return self._answer(path, dict(request.headers).get("X-Vault-Token", ""))

    def count(self, path: str) -> int:
        """Return how often a path was asked for."""
        return sum(each.url.target == f"/v1/{path}" for each in self.asked)

    def _answer(self, path: str, token: str) -> Answer:
        if path.startswith("auth/") and path.endswith("/login"):
            self.logins += 1
            return 200, {"auth": {"client_token": self.good, "lease_duration": 900}}
        if path == "auth/token/renew-self":
            return self.renewed
        if path == "auth/token/lookup-self":
            return self.life
        if token != self.good:
            return 403, {"errors": ["permission denied"]}
        found = self.answers.get(path, (404, {"errors": []}))
        return found if isinstance(found, tuple) else (200, {"data": found})


def transit(keys: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    """Return what Vault says of a transit key."""
    return {"type": "ecdsa-p256", "supports_signing": True, "min_decryption_version": 1, "keys": keys} | more


def reading(vault: FakeVault, wanted: Wanted | None = None, token: str = "good") -> VaultDocuments:
    """Return the provider of a key called `cosign`."""
    given = GivenToken(token, FakeClock(), 60)
    return VaultDocuments(vault.client(), given, wanted or Wanted((TransitKey("cosign"),)), 60)


async def test_every_version_of_a_key_verifies() -> None:
    """Signatures of before a rotation still count."""
    vault = FakeVault(
        **{"transit/keys/cosign": transit({"1": {"public_key": PEM}, "2": {"public_key": PEM}})}
    )
    found = await reading(vault).keys()
    assert [(each.version, each.data) for each in found] == [("1", PEM.encode()), ("2", PEM.encode())]
    assert vault.open == 0


async def test_versions_below_the_least_one_do_not_verify() -> None:
    """As in Vault itself; a key of which none is left is refused."""
    keys = {"1": {"public_key": PEM}, "2": {"public_key": PEM}}
    vault = FakeVault(**{"transit/keys/cosign": transit(keys, min_decryption_version=2)})
    assert [each.version for each in await reading(vault).keys()] == ["2"]
    vault.answers["transit/keys/cosign"] = transit(keys, min_decryption_version=3)
    with pytest.raises(ConfigurationError, match="from min_decryption_version 3 on"):
        await reading(vault).keys()


async def test_an_ed25519_key_is_raw() -> None:
    """32 octets in base64, where every other key is PEM."""
    vault = FakeVault(**{"transit/keys/cosign": transit({"1": {"public_key": ED25519}}, type="ed25519")})
    (found,) = await reading(vault).keys()
    load_der_public_key(found.data)


@pytest.mark.parametrize(
    "data",
    [
        transit({"1": {"public_key": PEM}}, supports_signing=False),
        transit({"1": 1700000000}, type="aes256-gcm96"),
        transit({}),
        transit({"1": {"public_key": ""}}),
        transit({"1": {"public_key": "AAAA"}}),
        transit({"1": {"public_key": "not base64!"}}),
        transit({"x": {"public_key": PEM}}),
        transit({str(n): {"public_key": PEM} for n in range(1, 102)}),
        transit([PEM]),  # type: ignore[arg-type]
        transit({"1": {"public_key": PEM}}, min_decryption_version="1"),
        [],
        (404, {"errors": []}),
        (500, b"internal"),
        (200, b"{"),
        (200, b'{"data": {}, "data": {}}'),
        (200, b"[]"),
    ],
)
async def test_what_is_no_key_for_signatures_is_refused(data: Any) -> None:
    """With a code and the path."""
    with pytest.raises(ConfigurationError) as caught:
        await reading(FakeVault(**{"transit/keys/cosign": data})).keys()
    assert caught.value.reason is Reason.KEY_UNAVAILABLE
    outage = isinstance(data, tuple) and data != (404, {"errors": []})
    assert isinstance(caught.value, SourceUnreachable) is outage


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_atk_246_a_redirect_is_not_followed(status: int) -> None:
    """The token goes to the configured address alone."""
    vault = FakeVault(**{"transit/keys/cosign": (status, b"")})
    with pytest.raises(ConfigurationError, match="redirects"):
        await reading(vault).keys()
    assert {str(each.url.origin) for each in vault.asked} == {ADDRESS}


async def test_a_private_key_in_a_document_is_refused() -> None:
    """A kv store may hold both halves; the wrong field is a mistake that must be seen."""
    secret = {"data": {"key": "-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----\n", "pub": PEM}}
    vault = FakeVault(**{"secret/data/team/cosign": secret | {"metadata": {"version": 7}}})
    wanted = Wanted(kv=(KvDocument("team/cosign", "pub"),))
    assert [each.version for each in await reading(vault, wanted).keys()] == ["7"]
    for field in ("key", "nosuch"):
        with pytest.raises(ConfigurationError):
            await reading(vault, Wanted(kv=(KvDocument("team/cosign", field),))).keys()


async def test_certificates_are_the_chains_of_pki_engines() -> None:
    """And documents."""
    vault = FakeVault(**{"pki/cert/ca_chain": {"ca_chain": "-----BEGIN CERTIFICATE-----"}})
    (found,) = await reading(vault, Wanted(pki=("pki",))).certificates()
    assert found.origin == "Vault pki ca_chain"
    with pytest.raises(ConfigurationError, match="no CA chain"):
        await reading(FakeVault(**{"pki/cert/ca_chain": {}}), Wanted(pki=("pki",))).certificates()


async def test_a_login_lasts_two_thirds_of_its_life() -> None:
    """And a revoked token causes one more login."""
    vault, clock = FakeVault(**{"transit/keys/cosign": transit({"1": {"public_key": PEM}})}), FakeClock()
    login = Login("auth/approle/login", clock, {"role_id": "r", "secret_id": "s"})
    provider = VaultDocuments(vault.client(), login, Wanted((TransitKey("cosign"),)), 60)
    await provider.keys()
    clock.advance(599)
    await provider.keys()
    assert vault.logins == 1
    clock.advance(1)
    await provider.keys()
    assert vault.logins == 2
    vault.good = "another"
    await provider.keys()
    assert vault.logins == 3


def lives(ttl: int, *, renewable: bool = True) -> Answer:
    """Return the answer about the life of a token."""
    return 200, {"data": {"ttl": ttl, "renewable": renewable}}


def renews(seconds: int) -> Answer:
    """Return the answer to a renewal."""
    return 200, {"auth": {"client_token": "good", "lease_duration": seconds, "renewable": True}}


LOOK_UP, RENEW = "auth/token/lookup-self", "auth/token/renew-self"


@pytest.mark.parametrize(
    ("life", "renewals"),
    [
        pytest.param(lives(0), [0, 0, 0], id="without an end"),
        pytest.param(lives(86400, renewable=False), [0, 0, 0], id="not renewable"),
        pytest.param(lives(1080), [0, 0, 1], id="due with a third of its life left"),
        pytest.param(lives(119), [1, 1, 1], id="ends before the read after the next"),
        pytest.param((403, {"errors": ["permission denied"]}), [1, 1, 1], id="may not look itself up"),
        pytest.param((200, {"data": {"ttl": "1h", "renewable": True}}), [0, 0, 0], id="no life that is read"),
    ],
)
async def test_a_given_token_is_renewed_when_its_life_demands_it(life: Answer, renewals: list[int]) -> None:
    """Looked up once; a renewal writes to Vault's storage, and is not made with each of the reads."""
    vault, clock = FakeVault(), FakeClock()
    vault.life, vault.renewed = life, renews(7200)
    given, found = GivenToken("good", clock, 60), []
    for seconds in (60, 660, 0):
        assert await given.token(vault.client()) == "good"
        found.append(vault.count(RENEW))
        clock.advance(seconds)
    assert (found, vault.count(LOOK_UP)) == (renewals, 1)


async def test_a_life_shorter_than_the_interval_is_renewed_with_each_read() -> None:
    """And once for all keys that one read asks for."""
    vault, clock = FakeVault(), FakeClock()
    vault.life = vault.renewed = (200, {"data": {"ttl": 90, "renewable": True}, **renews(90)[1]})
    given = GivenToken("good", clock, 60)
    for number in (1, 2, 3):
        for _ in range(5):
            await given.token(vault.client())
        assert vault.count(RENEW) == number
        clock.advance(60)


@pytest.mark.parametrize(("status", "renewals"), [(400, 1), (403, 1), (429, 3), (503, 3)])
async def test_a_refused_renewal_is_not_asked_for_again(status: int, renewals: int) -> None:
    """An outage is no refusal: the next read tries again, and the token is used meanwhile."""
    vault = FakeVault()
    vault.life, vault.renewed = lives(10), (status, {"errors": []})
    given = GivenToken("good", FakeClock(), 60)
    assert [await given.token(vault.client()) for _ in range(3)] == ["good"] * 3
    assert vault.count(RENEW) == renewals


async def test_an_outage_hides_no_life() -> None:
    """It is looked up with the next read."""
    vault = FakeVault()
    vault.life, vault.renewed = (503, {"errors": ["sealed"]}), renews(7200)
    given = GivenToken("good", FakeClock(), 60)
    await given.token(vault.client())
    assert (vault.count(LOOK_UP), vault.count(RENEW)) == (1, 0)
    vault.life = lives(10)
    await given.token(vault.client())
    assert (vault.count(LOOK_UP), vault.count(RENEW)) == (2, 1)


async def test_a_file_is_read_for_each_login(tmp_path: Path) -> None:
    """Kubernetes replaces the token of a service account while the process runs."""
    vault, jwt = FakeVault(), tmp_path / "token"
    jwt.write_text("first\n")
    login = Login("auth/kubernetes/login", FakeClock(), {"role": "ratify"}, {"jwt": jwt})
    for text in ("first", "second"):
        jwt.write_text(f"{text}\n")
        login.drop()
        await login.token(vault.client("team"))
        assert json.loads(vault.asked[-1].body) == {"role": "ratify", "jwt": text}
    assert dict(vault.asked[-1].headers)["X-Vault-Namespace"] == "team"
    jwt.write_text("")
    login.drop()
    with pytest.raises(ApiError):
        await login.token(vault.client())
    with pytest.raises(ApiError):
        await FileToken(tmp_path / "nosuch").token(vault.client())


@pytest.mark.parametrize(
    "auth", [None, {}, {"client_token": ""}, {"client_token": 1}, {"client_token": "a\nb"}, []]
)
async def test_a_login_without_a_token_is_none(auth: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it becomes a header."""
    vault = FakeVault()
    monkeypatch.setattr(vault, "_answer", lambda path, token: (200, {"auth": auth}))
    with pytest.raises(ApiError, match="no token"):
        await Login("auth/jwt/login", FakeClock()).token(vault.client())


async def test_a_network_that_fails_names_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vault's, and not the token."""
    vault = FakeVault()

    async def fails(request: Request) -> Response:
        raise StoreError(Reason.REGISTRY_UNREACHABLE, "connection refused")

    monkeypatch.setattr(vault, "send", fails)
    with pytest.raises(ConfigurationError, match="connection refused") as caught:
        await reading(vault, token="s.secret").keys()
    assert "s.secret" not in str(caught.value)
    assert vault.open == 0


async def build(monkeypatch: pytest.MonkeyPatch, name: str = "vault", **parameters: Any) -> VaultDocuments:
    """Build the plugin in an environment without Vault's variables."""
    for variable in (
        "VAULT_ADDR",
        "VAULT_TOKEN",
        "VAULT_NAMESPACE",
        "VAULT_CACERT",
        "TRANSIT_SECRET_ENGINE_PATH",
    ):
        monkeypatch.delenv(variable, raising=False)
    made = vault_plugin.openbao_plugin if name == "openbao" else vault_plugin.plugin
    options = msgspec.convert({"address": ADDRESS} | parameters, made.options)
    return await made.build(name, options, FakeResources())


COSIGN = {"references": ["hashivault://cosign"]}


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({}, ""),
        ({"references": ["awskms:///alias/x"]}, "references[0]"),
        ({"references": ["hashivault://a/b"]}, "references[0]"),
        ({"references": ["hashivault://"]}, "references[0]"),
        (COSIGN | {"address": "http://vault.example.com"}, "address"),
        (COSIGN | {"caFile": "nosuch.pem"}, "caFile"),
        (COSIGN | {"auth": {"method": "token"}}, "auth.token"),
        (COSIGN | {"auth": {"method": "token", "token": "a", "tokenFile": "b"}}, "auth.token"),
        (COSIGN | {"auth": {"method": "kubernetes"}}, "auth.role"),
        (COSIGN | {"auth": {"method": "jwt", "role": "r"}}, "auth.jwtFile"),
        (COSIGN | {"auth": {"method": "approle", "roleId": "r"}}, "auth.roleId"),
        (COSIGN | {"auth": {"method": "approle", "secretId": "s"}}, "auth.roleId"),
    ],
)
async def test_what_is_wrong_is_named(
    parameters: dict[str, Any], path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its path, before anything is sent."""
    with pytest.raises(ConfigurationError) as caught:
        await build(monkeypatch, **parameters)
    assert caught.value.path == path


@pytest.mark.parametrize(
    "auth",
    [
        {"method": "token", "token": "s.secret"},
        {"method": "kubernetes", "role": "ratify"},
        {"method": "jwt", "role": "ratify", "jwtFile": "jwt", "mount": "gitlab"},
        {"method": "approle", "roleId": "r", "secretId": "s.secret"},
        {"method": "approle", "roleId": "r", "secretIdFile": "file"},
    ],
)
async def test_every_method_can_be_configured(auth: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """And what is configured shows no secret."""
    parameters = COSIGN | {"auth": auth}
    provider = await build(monkeypatch, **parameters)
    assert provider.refresh_interval == 3600
    assert "s.secret" not in repr(msgspec.convert(parameters, vault_plugin.VaultOptions))
    assert "s.secret" not in repr(vars(provider))


async def test_openbao_has_variables_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The token of a Vault is not shown to an OpenBao."""
    monkeypatch.setenv("BAO_ADDR", "https://bao.example.com")
    provider = await build(monkeypatch, "openbao", address="", references=["openbao://cosign"])
    assert "bao.example.com" in repr(vars(provider))


@pytest.mark.parametrize(
    ("answer", "remedy"),
    [
        ((403, {"errors": []}), "Allow `read`"),
        ((404, {"errors": []}), "Check the names"),
        ((307, b""), "Give the address that it leads to"),
        ((503, {"errors": ["Vault is sealed"]}), "Try again when it answers"),
        ((200, b"<html>"), "not that of a proxy"),
        (transit({}, supports_signing=False), "Name a key that signs"),
        (transit({}), "name another key"),
    ],
)
async def test_what_to_do_is_true_for_the_case(answer: Any, remedy: str) -> None:
    """A sentence for all of them would be false for most."""
    with pytest.raises(ConfigurationError) as caught:
        await reading(FakeVault(**{"transit/keys/cosign": answer})).keys()
    assert remedy in caught.value.remedy


async def test_a_login_that_is_refused_says_what_to_look_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the policy of a token that does not exist."""
    vault = FakeVault()
    monkeypatch.setattr(vault, "_answer", lambda path, token: (400, {"errors": ["invalid role"]}))
    login = Login("auth/jwt/login", FakeClock())
    with pytest.raises(ConfigurationError) as caught:
        await VaultDocuments(vault.client(), login, Wanted((TransitKey("cosign"),)), 60).keys()
    assert "the role and what it is bound to" in caught.value.remedy


@pytest.mark.parametrize(
    ("variable", "value", "path"),
    [
        ("VAULT_TOKEN", "s.secret\r\nX-Evil: 1", "VAULT_TOKEN"),
        ("VAULT_TOKEN", "s.secr\u00e9t", "VAULT_TOKEN"),
        ("VAULT_NAMESPACE", "a\nb", "namespace"),
        ("TRANSIT_SECRET_ENGINE_PATH", "../sys", "TRANSIT_SECRET_ENGINE_PATH"),
        ("TRANSIT_SECRET_ENGINE_PATH", "a//b", "TRANSIT_SECRET_ENGINE_PATH"),
    ],
)
async def test_variables_that_cannot_be_sent_are_errors_of_the_configuration(
    variable: str, value: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found before the first request, and not shown."""
    await build(monkeypatch, **COSIGN)
    monkeypatch.setenv(variable, value)
    options = msgspec.convert({"address": ADDRESS} | COSIGN, vault_plugin.plugin.options)
    with pytest.raises(ConfigurationError) as caught:
        await vault_plugin.plugin.build("vault", options, FakeResources())
    assert caught.value.path == path
    assert "s.secr" not in str(caught.value)


async def test_white_space_around_a_token_is_no_part_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a Secret of Kubernetes has a line break at its end; a mount may be written with slashes."""
    await build(monkeypatch, **COSIGN)
    monkeypatch.setenv("VAULT_TOKEN", "good\n")
    monkeypatch.setenv("TRANSIT_SECRET_ENGINE_PATH", "/engines/transit/")
    vault = FakeVault(**{"engines/transit/keys/cosign": transit({"1": {"public_key": PEM}})})
    # The plugin's network, also where it only tries the CA certificates.
    monkeypatch.setattr(transport_asyncio, "asyncio_transport", lambda settings: vault.connect())
    options = msgspec.convert({"address": ADDRESS} | COSIGN, vault_plugin.plugin.options)
    provider = await vault_plugin.plugin.build("vault", options, FakeResources())
    assert len(await provider.keys()) == 1


async def test_without_a_home_folder_there_is_no_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """As of a user that the image does not know."""

    def home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", home)
    with pytest.raises(ConfigurationError, match="no home folder") as caught:
        await build(monkeypatch, **COSIGN)
    assert caught.value.path == "auth"


async def test_a_token_file_that_is_empty_withdraws_no_key(tmp_path: Path) -> None:
    """It is no answer of Vault: the last keys stay in use, and their age grows."""
    (tmp_path / "token").write_text("")
    vault = FakeVault(**{"transit/keys/cosign": transit({"1": {"public_key": PEM}})})
    tokens = FileToken(tmp_path / "token")
    provider = VaultDocuments(vault.client(), tokens, Wanted((TransitKey("cosign"),)), 60)
    with pytest.raises(SourceUnreachable, match="holds no token") as caught:
        await provider.keys()
    assert "Have a token written" in caught.value.remedy
    assert vault.asked == []
    (tmp_path / "token").write_text("good\n")
    assert len(await provider.keys()) == 1


@pytest.mark.parametrize(
    "text", ["no PEM", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", "\u00e9"]
)
async def test_what_is_no_ca_is_named_by_its_parameter(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever of the parameter and the variable names the file."""
    (tmp_path / "ca.pem").write_text(text)
    await build(monkeypatch, **COSIGN)
    monkeypatch.setenv("VAULT_CACERT", str(tmp_path / "ca.pem"))
    options = msgspec.convert({"address": ADDRESS} | COSIGN, vault_plugin.plugin.options)
    with pytest.raises(ConfigurationError) as caught:
        await vault_plugin.plugin.build("vault", options, FakeResources())
    assert caught.value.path == "caFile"
    assert "VAULT_CACERT" in caught.value.remedy
