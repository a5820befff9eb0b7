"""The plugin `registry-store`: Ratify v2's parameters, and some more."""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from pyratify.core.errors import ConfigurationError
from pyratify.core.limits import MIB
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.reference import canonical_registry, is_registry
from pyratify.http.transport_instrumented import InstrumentedTransport
from pyratify.pki.certificate_authorities import plain_certificates, read_authorities
from pyratify.pki.encoding import InvalidBase64, decode_base64_lines
from pyratify.stores.registry.registry_options import ReferrersMode, RegistryOptions
from pyratify.stores.registry.registry_store import RegistryStore
from pyratify.stores.registry.signature_repository import check_prefix, read_repository

_DEFAULTS = RegistryOptions()


class Options(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of a registry store.

    Attributes:
        plain_http: Whether registries speak http. By default none does but on this machine's loopback, where https is tried
            first; `false` means https there, too.
        user_agent: What the client calls itself.
        max_blob_bytes: The largest blob that is read.
        max_manifest_bytes: The largest manifest that is read.
        allow_cosign_tag: Whether cosign's tags are looked at; those that some verifier of the executor can use.
        cosign_tag_prefix: What stands before them, as cosign's `--attachment-tag-prefix`; needs `allowCosignTag`.
        signature_repository: Where everything that is attached is listed and read, as cosign's `COSIGN_REPOSITORY`; each
            image's own repository when omitted.
        ca_pem: CA certificates in PEM that replace the system's for the registry.
        ca_base64: The same in base64; `caPem` wins.
        ca_file: The path of a file with them; `caPem` and `caBase64` win.
        client_cert_file: The path of a client certificate for the registry.
        client_key_file: The path of its key.
        credential: Where credentials come from, by its `provider`; anonymous when omitted.
        mirrors: Hosts to read from before the registry itself.
        auth_realms: Hosts of token servers that may be shown the registry's credential.
        blob_hosts: Hosts that the registry may redirect to though their addresses are not public: its own storage.
        referrers: `auto`, `api` (no fallback to the tag schema) or `tag`.
        proxy_from_environment: Whether `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` count.
        max_connections: How many requests one host is sent at the same time; others wait, or are refused as REGISTRY_BUSY.
        connect_timeout: Seconds for one connection.
        timeout: Seconds for one request with its retries.
        transport: `asyncio`, the only one; `aiohttp`, which earlier versions had, is refused.
    """

    plain_http: bool | None = None
    user_agent: str = _DEFAULTS.user_agent
    max_blob_bytes: int = 32 * MIB
    max_manifest_bytes: int = 4 * MIB
    allow_cosign_tag: bool = False
    cosign_tag_prefix: str = ""
    signature_repository: str = ""
    ca_pem: str = ""
    ca_base64: str = ""
    ca_file: str = ""
    client_cert_file: str = ""
    client_key_file: str = ""
    credential: Mapping[str, Any] | None = None
    mirrors: tuple[str, ...] = ()
    auth_realms: tuple[str, ...] = ()
    blob_hosts: tuple[str, ...] = ()
    referrers: Literal["auto", "api", "tag"] = "auto"
    proxy_from_environment: bool = True
    max_connections: int = _DEFAULTS.max_connections
    connect_timeout: float = _DEFAULTS.connect_timeout
    timeout: float = _DEFAULTS.timeout
    transport: Literal["asyncio", "aiohttp"] = "asyncio"


async def build(name: str, options: Options, resources: Resources) -> RegistryStore:
    """Build the store.

    Raises:
        ConfigurationError: With the path of the parameter that cannot be used.
    """
    del name
    settings = read_options(options, resources)
    resources.shared.fingerprint.add("certificate authorities", settings.ca_pem.encode())
    credentials = await resources.credentials(options.credential, "credential")
    from pyratify.http.transport_asyncio import asyncio_transport

    transport = asyncio_transport(settings)
    if resources.shared.observer is not None:
        transport = InstrumentedTransport(transport, resources.shared.observer)
    return RegistryStore(settings, credentials, transport, resources.clock)


def read_options(options: Options, resources: Resources) -> RegistryOptions:
    """Return the store's settings; errors as in `build`."""
    _check(options)
    return RegistryOptions(
        plain_http=options.plain_http,
        user_agent=options.user_agent,
        max_blob_bytes=options.max_blob_bytes,
        max_manifest_bytes=options.max_manifest_bytes,
        cosign_tags=options.allow_cosign_tag,
        cosign_suffixes=resources.cosign_tags,
        cosign_tag_prefix=options.cosign_tag_prefix,
        signatures=read_repository(options.signature_repository, "signatureRepository"),
        ca_pem=_ca(options, resources),
        client_cert_file=_path(options.client_cert_file, resources),
        client_key_file=_path(options.client_key_file, resources),
        mirrors=_hosts(options.mirrors, "mirrors"),
        auth_realms=_hosts(options.auth_realms, "authRealms"),
        blob_hosts=_hosts(options.blob_hosts, "blobHosts"),
        referrers=ReferrersMode(options.referrers),
        proxy_from_environment=options.proxy_from_environment,
        max_connections=options.max_connections,
        connect_timeout=options.connect_timeout,
        timeout=options.timeout,
        destinations=resources.shared.destinations,
    )


def _check(options: Options) -> None:
    for path, value in (
        ("maxBlobBytes", options.max_blob_bytes),
        ("maxManifestBytes", options.max_manifest_bytes),
        ("maxConnections", options.max_connections),
        ("connectTimeout", options.connect_timeout),
        ("timeout", options.timeout),
    ):
        if value <= 0:
            raise ConfigurationError("it has to be more than 0", path=path)
    if not options.user_agent.isascii() or not options.user_agent.isprintable():
        raise ConfigurationError("it has characters that no header field has", path="userAgent")
    if options.transport != "asyncio":
        raise ConfigurationError(
            f"the transport over {options.transport} is gone; the one over asyncio serves everything",
            path="transport",
            remedy=f"Delete transport: {options.transport}.",
        )
    check_prefix(options.cosign_tag_prefix, "cosignTagPrefix")
    if options.cosign_tag_prefix and not options.allow_cosign_tag:
        raise ConfigurationError(
            "it has no effect where cosign's tags are not looked at",
            path="cosignTagPrefix",
            remedy="Add allowCosignTag: true.",
        )
    if options.client_key_file and not options.client_cert_file:
        raise ConfigurationError("a key needs its certificate, clientCertFile", path="clientKeyFile")


def _hosts(hosts: tuple[str, ...], path: str) -> tuple[str, ...]:
    for index, host in enumerate(hosts):
        if not is_registry(host):
            raise ConfigurationError(
                f"{host!r} is no host",
                path=f"{path}[{index}]",
                remedy="Write host or host:port, without https://.",
            )
    return tuple(canonical_registry(host) for host in hosts)


def _ca(options: Options, resources: Resources) -> str:
    if options.ca_pem:
        return plain_certificates(options.ca_pem.encode(), "caPem")
    if options.ca_base64:
        try:
            return plain_certificates(decode_base64_lines(options.ca_base64), "caBase64")
        except InvalidBase64:
            raise ConfigurationError("it is not base64 of PEM", path="caBase64") from None
    return read_authorities(options.ca_file, resources.base, "caFile")


def _path(path: str, resources: Resources) -> str:
    return str(resources.base / path) if path else ""


plugin = Plugin(
    options=Options,
    build=build,
    summary="OCI registries over https, with referrers and cosign tags",
    traced=True,
)
