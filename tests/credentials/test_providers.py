"""Anonymous and static credentials."""

from typing import Any

import msgspec
import pytest

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Registry
from pyratify.credentials.providers import StaticCredentials
from support.plugins import FakeResources

ME = {"username": "me", "password": "secret"}
MINE = Credential(username="me", password="secret")


async def build(name: str, parameters: dict[str, Any], *scopes: str) -> Any:
    """Build a provider as the configuration reader does."""
    plugin = Registry[Any]("credentials").load(name, "credential.provider")
    resources = FakeResources(scopes=scopes or ("example.com",))
    return await plugin.build(name, msgspec.convert(parameters, plugin.options), resources)


async def test_anonymous_shows_nothing() -> None:
    """There is no credential to disclose."""
    assert await (await build("anonymous", {})).credential("example.com") is ANONYMOUS


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        (ME, MINE),
        ({"password": "token"}, Credential(identity_token="token")),
        ({"username": "me"}, Credential(username="me")),
        ({"username": "", "password": ""}, ANONYMOUS),
        ({}, ANONYMOUS),
    ],
)
async def test_static_means_what_it_means_in_ratify_v2(
    parameters: dict[str, str], expected: Credential
) -> None:
    """Without a user's name the password is a token."""
    assert await (await build("static", parameters)).credential("example.com") == expected


@pytest.mark.parametrize(
    ("scopes", "registry", "shown"),
    [
        (("ghcr.io",), "ghcr.io", True),
        (("ghcr.io/team/app", "quay.io"), "ghcr.io", True),
        (("ghcr.io",), "mirror.example", False),
        (("*.azurecr.io",), "mine.azurecr.io", True),
        (("*.azurecr.io",), "azurecr.io", False),
        (("*.azurecr.io",), "a.b.azurecr.io", False),
        (("*.azurecr.io",), "mine.azurecr.io.evil.io", False),
        (("localhost:5000",), "localhost:5000", True),
        (("localhost:5000",), "localhost:5001", False),
    ],
)
async def test_static_is_bound_to_the_scopes(scopes: tuple[str, ...], registry: str, shown: bool) -> None:
    """Only the registries that the executor covers see the credential."""
    provider = await build("static", ME, *scopes)
    assert await provider.credential(registry) == (MINE if shown else ANONYMOUS)


async def test_static_for_everything_names_its_registries() -> None:
    """A scope that covers the world does not show it a password."""
    with pytest.raises(ConfigurationError, match="every registry") as caught:
        await build("static", ME, "*")
    assert caught.value.path == "registries"
    provider = await build(
        "static", {**ME, "registries": ["GHCR.io", "index.docker.io", "*.Example.com"]}, "*"
    )
    shown = [await provider.credential(name) for name in ("ghcr.io", "docker.io", "a.example.com", "evil.io")]
    assert shown == [MINE, MINE, MINE, ANONYMOUS]
    assert await (await build("static", {}, "*")).credential("evil.io") == ANONYMOUS


@pytest.mark.parametrize("registry", ["", "https://ghcr.io", "ghcr.io/team", "*", "*."])
async def test_a_registry_that_is_none_is_refused(registry: str) -> None:
    """A list that could never match is an error."""
    with pytest.raises(ConfigurationError) as caught:
        await build("static", {**ME, "registries": [registry]})
    assert caught.value.path == "registries"


async def test_without_registries_in_a_library_every_host_gets_a_credential() -> None:
    """A library may bind it by the store instead; an empty list is a mistake."""
    assert await StaticCredentials(MINE).credential("anything.example") == MINE
    with pytest.raises(ConfigurationError):
        StaticCredentials(MINE, ())
