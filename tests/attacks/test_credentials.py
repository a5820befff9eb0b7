"""Attacks on credentials: hosts, realms, helpers and logs, tried through the registry store."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import InvalidReference, StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision
from pyratify.credentials.docker_config import DockerCredentials
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.testing.registry import BasicAuth, BearerAuth, Fault, RegistrySimulator, redirect
from pyratify.testing.tls import Authority
from support.registries import USER, Credentials, executor, open_store, reasons, sign

REGISTRY = "reg.example"
EVIL = "evil.example"


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    """A registry with one signed image, `app:v1`."""
    with RegistrySimulator() as simulator:
        memory = simulator.repository("app")
        sign(memory, memory.add_image("v1"))
        yield simulator


@pytest.fixture
def evil() -> Iterator[RegistrySimulator]:
    """A server at another origin, which answers everything."""
    with RegistrySimulator(auth=BearerAuth(anonymous=True)) as simulator:
        yield simulator


def _secrets(*simulators: RegistrySimulator) -> list[str]:
    """Return everything like a credential that these received."""
    found: list[str] = []
    for simulator in simulators:
        for hit in simulator.hits:
            found += [hit.headers[name] for name in ("authorization", "cookie") if name in hit.headers]
            found += [hit.body.decode()] if hit.body else []
    return found


async def test_atk_028_a_credential_is_for_exactly_one_host(
    registry: RegistrySimulator, tmp_path: Path
) -> None:
    """Hosts of which this one is a part, or which are a part of this one, lend it nothing."""
    password = {"auth": "dXNlcjpwYXNzd29yZA=="}
    hosts = (
        f"evil.{registry.host}",
        f"{registry.host}.corp.example",
        f"{registry.host}0",
        "127.0.0.1",
        "0.0.1",
    )
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": dict.fromkeys(hosts, password)}))
    registry.auth = BasicAuth()
    async with open_store(credentials=DockerCredentials(config)) as store:  # type: ignore[arg-type]
        with pytest.raises(StoreError) as caught:
            await store.resolve(registry.reference("app", "v1"))
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert _secrets(registry) == []


@pytest.mark.parametrize("credential", [USER, Credential("<token>", identity_token="refresh")])
@pytest.mark.parametrize("path", ["/token", "/v2/", "/token?service=x"])
async def test_atk_029_a_token_server_of_another_host_sees_no_credential(
    credential: Credential, path: str
) -> None:
    """A challenge may name any realm; the credential is for the registry's own."""
    authority = Authority()
    tls = authority.server_context(REGISTRY, EVIL)
    with RegistrySimulator(tls=tls) as evil, RegistrySimulator(tls=tls) as registry:
        registry.auth = BearerAuth(realm=f"https://{EVIL}:{evil.port}{path}")
        registry.repository("app").add_image("v1")
        host = f"{REGISTRY}:{registry.port}"
        options = RegistryOptions(ca_pem=authority.pem)
        transport = AsyncioTransport(options, resolve=lambda name, port: ["127.0.0.1"], environ={})
        async with open_store(transport=transport, credentials=Credentials({host: credential})) as store:
            with pytest.raises(StoreError) as caught:
                await store.resolve(Reference.parse(f"{host}/app:v1"))
        assert caught.value.reason is Reason.AUTH_REALM_BLOCKED
        assert evil.hits == ()
        assert _secrets(registry) == []


async def test_atk_029_a_configured_token_server_may_see_it() -> None:
    """`authRealms` is how an operator says that the realm is really the registry's."""
    authority = Authority()
    tls = authority.server_context(REGISTRY, "tokens.example")
    bearer = BearerAuth()
    with (
        RegistrySimulator(tls=tls, auth=bearer) as tokens,
        RegistrySimulator(tls=tls, auth=bearer) as registry,
    ):
        bearer.realm = f"https://tokens.example:{tokens.port}/token"
        registry.repository("app").add_image("v1")
        host = f"{REGISTRY}:{registry.port}"
        options = {"ca_pem": authority.pem, "auth_realms": ("tokens.example",)}
        transport = AsyncioTransport(
            RegistryOptions(ca_pem=authority.pem), resolve=lambda name, port: ["127.0.0.1"], environ={}
        )
        async with open_store(transport=transport, credentials=Credentials({host: USER}), **options) as store:
            await store.resolve(Reference.parse(f"{host}/app:v1"))
        assert len(tokens.hits) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("auth", [BasicAuth(), BearerAuth()])
async def test_atk_032_credentials_stay_behind_when_a_redirect_crosses_origins(
    registry: RegistrySimulator, status: int, auth: BasicAuth | BearerAuth
) -> None:
    """The blob is fetched from the other port of the same host, without any credential."""
    with RegistrySimulator() as storage:
        registry.auth = auth
        storage.repository("app").blobs.update(registry.repository("app").blobs)
        registry.fault(
            *(
                redirect(f"blobs/{blob}", f"{storage.url}/v2/app/blobs/{blob}", status=status)
                for blob in registry.repository("app").blobs
            )
        )
        async with open_store(credentials=Credentials({registry.host: USER})) as store:
            result = await executor(store).validate(registry.reference("app", "v1"))
        assert result.decision is Decision.ALLOW
        assert storage.hits
        assert _secrets(storage) == []


async def test_atk_032_credentials_do_not_come_back(registry: RegistrySimulator) -> None:
    """From the registry to another origin and back, the last request is a stranger's."""
    with RegistrySimulator() as storage:
        registry.auth = BasicAuth()
        storage.fault(redirect("/away", f"{registry.url}/back"))
        registry.fault(
            Fault(path="blobs/", status=307, headers={"Location": f"{storage.url}/away"}, body=b""),
            Fault(path="/back", status=200, body=b"a good envelope"),
        )
        async with open_store(credentials=Credentials({registry.host: USER})) as store:
            result = await executor(store).validate(registry.reference("app", "v1"))
        back = [hit for hit in registry.hits if hit.path == "/back"]
        assert back
        assert all("authorization" not in hit.headers for hit in back)
        assert result.decision is Decision.ALLOW


async def test_atk_032_redirects_come_to_an_end(registry: RegistrySimulator) -> None:
    """After five of them it is enough."""
    registry.fault(redirect("blobs/", "/v2/app/blobs/again"))
    async with open_store() as store:
        result = await executor(store).validate(registry.reference("app", "v1"))
    assert result.error is not None
    assert result.error.reason is Reason.REDIRECT_BLOCKED
    assert len([hit for hit in registry.hits if "/blobs/" in hit.path]) == 6


async def test_atk_033_only_a_few_fields_cross_origins(registry: RegistrySimulator) -> None:
    """Nothing but what is asked for, how, and by which program."""
    with RegistrySimulator() as storage:
        registry.fault(redirect("blobs/", f"{storage.url}/x"))
        async with open_store(credentials=Credentials({registry.host: USER})) as store:
            await executor(store).validate(registry.reference("app", "v1"))
        allowed = {"host", "connection", "accept", "accept-encoding", "user-agent"}
        assert storage.hits
        assert all(set(hit.headers) <= allowed for hit in storage.hits)


async def test_atk_034_a_client_certificate_is_for_the_registry(tmp_path: Path) -> None:
    """The target of a redirect would ask for a certificate; with a private authority it is not even reached."""
    authority = Authority()
    certificate = tmp_path / "client.pem"
    certificate.write_bytes(authority.issue("client"))
    tls = authority.server_context(client_certificates=True)
    with RegistrySimulator(tls=tls) as storage, RegistrySimulator(tls=tls) as registry:
        memory = registry.repository("app")
        sign(memory, memory.add_image("v1"))
        registry.fault(redirect("blobs/", f"{storage.url}/x"))
        options = {"ca_pem": authority.pem, "client_cert_file": str(certificate), "plain_http": False}
        async with open_store(**options) as store:
            result = await executor(store).validate(registry.reference("app", "v1"))
        assert registry.hits
        assert all(hit.client_certificate for hit in registry.hits)
        assert not storage.hits
        assert result.decision is not Decision.ALLOW
        assert Reason.TLS_VERIFY in reasons(result)


async def test_atk_035_a_challenge_after_a_redirect_is_not_answered(registry: RegistrySimulator) -> None:
    """The other origin names the registry's own token server, and gets nothing for it."""
    with RegistrySimulator() as storage:
        bearer = BearerAuth()
        registry.auth = bearer
        storage.auth = BearerAuth(realm=f"{registry.url}/token")
        registry.fault(redirect("blobs/", f"{storage.url}/v2/app/blobs/x"))
        async with open_store(credentials=Credentials({registry.host: USER})) as store:
            result = await executor(store).validate(registry.reference("app", "v1"))
        assert result.error is not None
        assert result.error.reason is Reason.REDIRECT_BLOCKED
        assert _secrets(storage) == []
        assert len(bearer.issued) == 1


@pytest.mark.parametrize(
    "scope", ["repository:other/secret:pull,push registry:catalog:*", "repository:app:*"]
)
async def test_atk_041_a_token_is_for_pulling_from_one_repository(
    registry: RegistrySimulator, scope: str
) -> None:
    """Whatever the challenge asks for; and the token for one repository is not shown for another."""
    bearer = BearerAuth(scope=scope)
    registry.auth = bearer
    registry.repository("other/secret").add_image("v1")
    async with open_store(credentials=Credentials({registry.host: USER})) as store:
        await store.resolve(registry.reference("app", "v1"))
        await store.resolve(registry.reference("other/secret", "v1"))
    assert list(bearer.issued.values()) == ["repository:app:pull", "repository:other/secret:pull"]
    by_scope = {scope: token for token, scope in bearer.issued.items()}
    for hit in registry.hits:
        for repository in ("app", "other/secret"):
            if hit.path.startswith(f"/v2/{repository}/") and "authorization" in hit.headers:
                token = by_scope[f"repository:{repository}:pull"]
                assert hit.headers["authorization"] == f"Bearer {token}"


async def test_atk_041_a_registry_that_wants_more_than_pulling_is_reported(
    registry: RegistrySimulator,
) -> None:
    """Where pulling is not enough, the refusal says what was asked for."""
    bearer = BearerAuth(scope="registry:catalog:*")
    registry.auth = bearer
    registry.fault(Fault(path="/token", body=b'{"token":"useless"}'))
    async with open_store(credentials=Credentials({registry.host: USER})) as store:
        with pytest.raises(StoreError) as caught:
            await store.resolve(registry.reference("app", "v1"))
    assert caught.value.reason is Reason.AUTH_SCOPE


async def test_atk_042_one_tenants_token_is_not_anothers(registry: RegistrySimulator) -> None:
    """Two stores, one with a credential: what the first may read, the second may not."""
    registry.auth = BearerAuth()
    reference = registry.reference("app", "v1")
    async with open_store(credentials=Credentials({registry.host: USER})) as first, open_store() as second:
        await first.resolve(reference)
        registry.reset()
        with pytest.raises(StoreError) as caught:
            await second.resolve(reference)
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert _secrets(registry) == []


async def test_atk_043_netrc_is_never_read(
    registry: RegistrySimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Credentials come from the configuration and from nowhere else."""
    (tmp_path / ".netrc").write_text("default login x password y\n")
    (tmp_path / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    registry.auth = BasicAuth("x", "y")
    async with open_store(transport=AsyncioTransport(RegistryOptions())) as store:
        with pytest.raises(StoreError) as caught:
            await store.resolve(registry.reference("app", "v1"))
    assert caught.value.reason is Reason.REGISTRY_AUTH
    assert _secrets(registry) == []


@pytest.mark.parametrize("wanted", [True, False])
async def test_atk_043_a_proxy_of_the_environment_is_an_option(
    registry: RegistrySimulator, monkeypatch: pytest.MonkeyPatch, wanted: bool
) -> None:
    """It counts, as documented, until `proxyFromEnvironment` rules it out."""
    with RegistrySimulator() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        options = RegistryOptions(plain_http=True, proxy_from_environment=wanted)
        transport = AsyncioTransport(options, resolve=lambda name, port: ["127.0.0.1"])
        async with open_store(transport=transport, plain_http=True) as store:
            reference = Reference.parse(f"{REGISTRY}:{registry.port}/app:v1")
            if wanted:
                with pytest.raises(StoreError):
                    await store.resolve(reference)
            else:
                await store.resolve(reference)
        assert bool(proxy.hits) is wanted
        assert bool(registry.hits) is not wanted


@pytest.mark.parametrize("text", ["user:pw@reg.io/x", "https://user:pw@reg.io/x", "user@reg.io/x:v1"])
def test_atk_044_a_reference_has_no_user(text: str) -> None:
    """What stands before an @ is never taken for a user."""
    with pytest.raises(InvalidReference) as caught:
        Reference.parse(text)
    assert caught.value.reason is Reason.REF_INVALID


async def test_atk_044_a_url_of_the_registry_has_no_user(registry: RegistrySimulator) -> None:
    """Neither a redirect's target nor a realm; and what stood there is not repeated."""
    secret = "very-secret"
    async with open_store() as store:
        registry.fault(redirect("manifests/", f"http://user:{secret}@{registry.host}/x", times=1))
        with pytest.raises(StoreError) as moved:
            await store.resolve(registry.reference("app", "v1"))
        registry.auth = BearerAuth(realm=f"http://user:{secret}@{registry.host}/token")
        with pytest.raises(StoreError) as challenged:
            await store.resolve(registry.reference("app", "v1"))
    assert moved.value.reason is Reason.REDIRECT_BLOCKED
    assert challenged.value.reason is Reason.AUTH_REALM_BLOCKED
    assert secret not in moved.value.message + challenged.value.message


def test_a_credential_does_not_show_its_secrets() -> None:
    """Its representation names the user at most."""
    credential = Credential("user", "s3cret", "s3cret", "s3cret")
    assert "s3cret" not in repr(credential)
    assert ANONYMOUS.is_anonymous
