"""Several providers of credentials in one store."""

from pathlib import Path
from typing import Any

import pytest

from pyratify.config.plugin_resources import BuildResources
from pyratify.core.credential import Credential, ExchangingCredentialProvider
from pyratify.core.errors import ConfigurationError
from pyratify.credentials.chain import ChainCredentials, Link
from pyratify.credentials.host_patterns import HostPatterns
from pyratify.credentials.providers import AnonymousCredentials, StaticCredentials
from pyratify.testing.fakes import FakeClock


def _static(name: str, *hosts: str) -> StaticCredentials:
    return StaticCredentials(Credential(username=name, password="x"), hosts or None)


class Exchanging(AnonymousCredentials):
    """Records what it is asked to drop."""

    def __init__(self) -> None:
        self.dropped: list[str] = []

    def drop(self, registry: str, credential: Credential) -> None:
        """Remember."""
        del credential
        self.dropped.append(registry)


async def build(*providers: dict[str, Any], scopes: tuple[str, ...] = ("ghcr.io", "quay.io")) -> Any:
    """Build a chain as the configuration reader does."""
    resources = BuildResources(FakeClock(), Path(), scopes=scopes)
    return await resources.credentials({"provider": "chain", "providers": list(providers)}, "credential")


MINE = {"provider": "static", "username": "me", "password": "x"}


async def test_each_host_gets_the_credential_of_its_provider() -> None:
    """Hosts choose; what no provider is for is read anonymously."""
    chain = await build(
        {"hosts": ["ghcr.io"], **MINE},
        {"hosts": ["*.quay.io"], "provider": "static", "password": "token", "registries": ["*.quay.io"]},
    )
    assert (await chain.credential("ghcr.io")).username == "me"
    assert (await chain.credential("eu.quay.io")).identity_token == "token"
    assert (await chain.credential("docker.io")).is_anonymous


async def test_hosts_of_a_link_bind_a_password_where_the_scopes_cover_every_registry() -> None:
    """Without hosts each registry would be shown it, and that is refused."""
    chain = await build({"hosts": ["ghcr.io"], **MINE}, {"provider": "anonymous"}, scopes=("*",))
    assert (await chain.credential("ghcr.io")).username == "me"
    assert (await chain.credential("quay.io")).is_anonymous
    with pytest.raises(ConfigurationError, match="scopes cover every registry"):
        await build(MINE, scopes=("*",))


async def test_the_first_provider_that_has_one_wins() -> None:
    """An anonymous answer leads to the next provider."""
    chain = ChainCredentials(
        (Link(_static("a", "ghcr.io")), Link(_static("b", "quay.io")), Link(_static("c", "quay.io")))
    )
    assert (await chain.credential("quay.io")).username == "b"


async def test_a_refused_credential_is_dropped_where_the_host_is_covered() -> None:
    """Providers for other hosts hear nothing of it."""
    mine, other = Exchanging(), Exchanging()
    chain: object = ChainCredentials(
        (Link(mine, HostPatterns(("ghcr.io",))), Link(other, HostPatterns(("quay.io",))), Link(_static("a")))
    )
    assert isinstance(chain, ExchangingCredentialProvider)
    chain.drop("ghcr.io", Credential(username="x"))
    assert (mine.dropped, other.dropped) == (["ghcr.io"], [])


@pytest.mark.parametrize(
    ("providers", "path"),
    [
        ([{"provider": "nosuch"}], "credential.providers[0].provider"),
        ([MINE, {"hosts": [], **MINE}], "credential.providers[1].hosts"),
        ([{"hosts": "ghcr.io", **MINE}], "credential.providers[0].hosts"),
        ([{"hosts": {"ghcr.io": True}, **MINE}], "credential.providers[0].hosts"),
        ([{"hosts": ["ghcr.io", 7], **MINE}], "credential.providers[0].hosts"),
        ([{"hosts": ["https://ghcr.io"], **MINE}], "credential.providers[0].hosts"),
        ([{"hosts": ["ghcr.io"]}], "credential.providers[0].provider"),
        ([], "credential.providers"),
    ],
)
async def test_what_is_wrong_is_named_with_its_path(providers: list[dict[str, Any]], path: str) -> None:
    """Down to the provider and the key."""
    with pytest.raises(ConfigurationError) as caught:
        await build(*providers)
    assert caught.value.path == path


class Repositories(AnonymousCredentials):
    """Has a credential for one repository, and records what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def repository_credential(self, registry: str, repository: str) -> Credential:
        """Return the credential of the repository `team/app`."""
        self.asked.append(repository)
        return Credential(username="mine", password="x") if repository == "team/app" else Credential()


async def test_a_provider_with_credentials_for_repositories_is_asked_for_the_repository() -> None:
    """Others, and whole registries, are asked for the registry."""
    provider = Repositories()
    chain = ChainCredentials((Link(provider), Link(_static("other"))))
    assert (await chain.repository_credential("a.example", "team/app")).username == "mine"
    assert (await chain.repository_credential("a.example", "team/other")).username == "other"
    assert (await chain.credential("a.example")).username == "other"
    assert provider.asked == ["team/app", "team/other"]


async def test_the_docker_provider_reads_the_file_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Below the configuration's folder; not the one of the user."""
    home = tmp_path / "home"
    home.mkdir()
    for file, auth in ((home / "config.json", "dXNlcjp4"), (tmp_path / "mine.json", "bWluZTp4")):
        file.write_text(f'{{"auths": {{"a.example": {{"auth": "{auth}"}}}}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(home))
    resources = BuildResources(FakeClock(), tmp_path)
    for path, username in (({"path": "mine.json"}, "mine"), ({}, "user")):
        provider = await resources.credentials({"provider": "docker", **path}, "credential")
        assert (await provider.credential("a.example")).username == username
    with pytest.raises(ConfigurationError) as caught:
        await resources.credentials({"provider": "docker", "path": "none.json"}, "credential")
    assert caught.value.path.endswith("path")
