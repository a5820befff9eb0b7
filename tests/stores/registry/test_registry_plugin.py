"""The plugin `registry-store`."""

import base64
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest

from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Registry
from pyratify.core.reference import Reference
from pyratify.core.shared_resources import Shared
from pyratify.stores.registry.registry_options import ReferrersMode, RegistryOptions
from pyratify.stores.registry.registry_plugin import Options, build, plugin, read_options
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.testing.fakes import FakeClock
from pyratify.testing.registry import RegistrySimulator
from pyratify.testing.tls import Authority
from support.registries import Credentials


@dataclass
class Lent:
    """Resources, as the configuration reader lends them."""

    base: Path
    clock: Clock = field(default_factory=FakeClock)
    scopes: tuple[str, ...] = ()
    verifiers: tuple[str, ...] = ()
    cosign_tags: tuple[str, ...] = ("sig", "att", "sbom")
    asked: list[Mapping[str, Any] | None] = field(default_factory=list)
    shared: Shared = field(default_factory=Shared)

    async def keys(self, sources: Mapping[str, Any], path: str) -> Any:
        """Not used by stores."""
        raise NotImplementedError

    certificates = keys

    async def credentials(self, parameters: Mapping[str, Any] | None, path: str) -> Credentials:
        """Remember what was asked for."""
        self.asked.append(parameters)
        assert path == "credential"
        return Credentials()


@pytest.fixture
def lent(tmp_path: Path) -> Lent:
    """Resources with a folder."""
    return Lent(tmp_path)


def _options(**parameters: object) -> Options:
    return msgspec.convert(parameters, Options)


async def test_the_plugin_is_installed_under_ratifys_name() -> None:
    """As Ratify v2 calls it."""
    assert Registry("stores").load("registry-store", "stores[0].type") is plugin


async def test_ratifys_parameters_are_accepted(lent: Lent) -> None:
    """Every parameter of Ratify v2's `registry-store`, under its name."""
    options = _options(
        plainHttp=True,
        userAgent="ratify-go",
        maxBlobBytes=1000,
        maxManifestBytes=500,
        allowCosignTag=True,
        caPem="",
        caBase64="",
        credential={"provider": "static", "username": "", "password": ""},
    )
    assert read_options(options, lent) == RegistryOptions(
        plain_http=True, user_agent="ratify-go", max_blob_bytes=1000, max_manifest_bytes=500, cosign_tags=True
    )
    store = await build("registry-store", options, lent)
    await store.aclose()
    assert lent.asked == [{"provider": "static", "username": "", "password": ""}]


async def test_no_parameter_is_needed(lent: Lent) -> None:
    """Without any, registries are read anonymously with the defaults."""
    assert read_options(_options(), lent) == RegistryOptions()
    store = await build("registry-store", _options(), lent)
    assert isinstance(store, RegistryStore)
    await store.aclose()
    assert lent.asked == [None]


def test_our_own_parameters_are_read(lent: Lent) -> None:
    """Hosts become canonical, paths start from the configuration's folder."""
    settings = read_options(
        _options(
            mirrors=["Mirror.Example.com:443", "localhost:5000"],
            authRealms=["Tokens.example.com"],
            referrers="api",
            proxyFromEnvironment=False,
            clientCertFile="client.pem",
            clientKeyFile="client.key",
            signatureRepository="sigs.example.com/all",
            allowCosignTag=True,
            cosignTagPrefix="dev-",
            connectTimeout=1.5,
            timeout=9,
        ),
        lent,
    )
    assert settings.signatures == Reference.parse("sigs.example.com/all")
    assert (settings.cosign_tag_prefix, settings.cosign_suffixes) == ("dev-", lent.cosign_tags)
    assert settings.mirrors == ("mirror.example.com", "localhost:5000")
    assert settings.auth_realms == ("tokens.example.com",)
    assert settings.referrers is ReferrersMode.API
    assert settings.proxy_from_environment is False
    assert settings.client_cert_file == str(lent.base / "client.pem")
    assert settings.client_key_file == str(lent.base / "client.key")
    assert (settings.connect_timeout, settings.timeout) == (1.5, 9.0)


@pytest.mark.parametrize(
    ("parameters", "path"),
    [
        ({"maxBlobBytes": 0}, "maxBlobBytes"),
        ({"maxManifestBytes": -1}, "maxManifestBytes"),
        ({"timeout": 0}, "timeout"),
        ({"connectTimeout": -0.5}, "connectTimeout"),
        ({"userAgent": "a\r\nX: y"}, "userAgent"),
        ({"userAgent": "\u00e9"}, "userAgent"),
        ({"mirrors": ["ok.example.com", "https://mirror"]}, "mirrors[1]"),
        ({"authRealms": ["a b"]}, "authRealms[0]"),
        ({"blobHosts": ["https://minio.corp.example"]}, "blobHosts[0]"),
        ({"clientKeyFile": "x"}, "clientKeyFile"),
        ({"signatureRepository": "sigs.example.com/all:tag"}, "signatureRepository"),
        ({"signatureRepository": f"sigs.example.com/all@sha256:{'0' * 64}"}, "signatureRepository"),
        ({"signatureRepository": "https://sigs.example.com/all"}, "signatureRepository"),
        ({"cosignTagPrefix": "dev-"}, "cosignTagPrefix"),
        ({"cosignTagPrefix": "-dev", "allowCosignTag": True}, "cosignTagPrefix"),
        ({"cosignTagPrefix": "a/b", "allowCosignTag": True}, "cosignTagPrefix"),
        ({"cosignTagPrefix": "x" * 100, "allowCosignTag": True}, "cosignTagPrefix"),
        ({"caBase64": "***"}, "caBase64"),
        ({"caBase64": "QUJD QUJD"}, "caBase64"),
        ({"caBase64": "QUJD"}, "caBase64"),
        ({"caPem": "-----BEGIN PUBLIC KEY-----\nMDAA\n-----END PUBLIC KEY-----\n"}, "caPem"),
        ({"caPem": "----BEGIN CERTIFICATE-----"}, "caPem"),
        ({"caFile": "missing.pem"}, "caFile"),
        ({"caPem": "no certificate"}, "caPem"),
        ({"clientCertFile": "missing.pem"}, "clientCertFile"),
    ],
)
async def test_what_cannot_be_used_is_named(lent: Lent, parameters: dict[str, object], path: str) -> None:
    """When the configuration is read, not when the first image is."""
    with pytest.raises(ConfigurationError) as caught:
        await build("registry-store", _options(**parameters), lent)
    assert caught.value.path == path


async def test_a_transport_that_is_gone_is_refused_with_what_to_do(lent: Lent) -> None:
    """Configurations of earlier versions may name it; the one that is left may be named, too."""
    with pytest.raises(ConfigurationError) as caught:
        await build("registry-store", _options(transport="aiohttp"), lent)
    assert (caught.value.path, caught.value.remedy) == ("transport", "Delete transport: aiohttp.")
    assert "aiohttp is gone" in str(caught.value)
    await (await build("registry-store", _options(transport="asyncio"), lent)).aclose()


async def test_a_file_of_authorities_is_bounded(lent: Lent) -> None:
    """A file without an end is refused, not read until the memory is full."""
    with pytest.raises(ConfigurationError) as caught:
        await build("registry-store", _options(caFile="/dev/zero"), lent)
    assert caught.value.path == "caFile"
    assert "/dev/zero has more than 4194304 bytes" in str(caught.value)


@pytest.mark.parametrize(
    "parameters", [{"plainhttp": True}, {"referrers": "all"}, {"transport": "auto"}, {"mirrors": "host"}]
)
def test_unknown_keys_and_values_are_refused(parameters: dict[str, object]) -> None:
    """A misspelt parameter never passes unnoticed."""
    with pytest.raises(msgspec.ValidationError):
        _options(**parameters)


@pytest.mark.parametrize(
    ("how", "form"),
    [
        *((how, form) for how in ("caPem", "caBase64", "caFile") for form in ("plain", "as tools write it")),
        ("caBase64", "DER"),
        ("caFile", "DER"),
    ],
)
async def test_a_private_ca_can_be_given_in_three_ways(lent: Lent, how: str, form: str) -> None:
    """As text, in base64 (in lines, as `base64` prints it), as a file; with text around it, and in DER."""
    authority = Authority()
    data = {
        "plain": authority.pem.encode(),
        "as tools write it": f"Subject: O=Caf\xe9\n{authority.pem}\r\nBag Attributes\n".encode(),
        "DER": ssl.PEM_cert_to_DER_cert(authority.pem),
    }[form]
    (lent.base / "ca.pem").write_bytes(data)
    values = {
        "caPem": data.decode("utf-8", "replace"),
        "caBase64": base64.encodebytes(data).decode().replace("\n", "\r\n"),
        "caFile": "ca.pem",
    }
    with RegistrySimulator(tls=authority.server_context()) as registry:
        registry.repository("app").add_image("v1")
        options = _options(plainHttp=False, **{how: values[how]})
        store = await build("registry-store", options, lent)
        assert (await store.resolve(registry.reference("app", "v1"))).size
        await store.aclose()
