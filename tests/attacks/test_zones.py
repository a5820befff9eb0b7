"""Attacks by registries whose names look like those that a credential is for."""

from typing import Any

import msgspec
import pytest

from pyratify.core.credential import Credential
from pyratify.core.plugin import Registry
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from support.plugins import FakeResources


@pytest.mark.parametrize("bound_by", ["scopes", "registries"])
@pytest.mark.parametrize(
    "host",
    [
        "evil.io",
        "foo.azurecr.io.evil.io",
        "evilazurecr.io",
        "azurecr.io",
        "a.foo.azurecr.io",
        "foo.azurecr.io:8443",
    ],
)
async def test_atk_027_a_clouds_credential_stays_in_the_cloud(host: str, bound_by: str) -> None:
    """A credential for `*.azurecr.io` is shown to hosts of exactly that form and to no other."""
    zone = ("*.azurecr.io",)
    parameters: dict[str, Any] = {"username": "me", "password": "secret"}
    if bound_by == "registries":
        parameters["registries"] = zone
    plugin = Registry[Any]("credentials").load("static", "provider")
    resources = FakeResources(scopes=zone if bound_by == "scopes" else ("*",))
    provider = await plugin.build("static", msgspec.convert(parameters, plugin.options), resources)
    assert await provider.credential("mine.azurecr.io") == Credential("me", "secret")
    assert (await provider.credential(host)).is_anonymous
    assert ScopeMap((scope, True) for scope in zone).match(Reference.parse(f"{host}/team/app:v1")) is None
