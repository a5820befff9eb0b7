"""The plugins `vault`, `hashivault` and `openbao`: the last two are named like the schemes of cosign's references."""

import os
import re
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.credentials.access_token import is_token
from pyratify.pki.certificate_authorities import read_authorities
from pyratify_vault.vault_auth import FileToken, GivenToken, Login, TokenSource
from pyratify_vault.vault_client import VaultClient
from pyratify_vault.vault_keys import KvDocument, TransitKey, VaultDocuments, Wanted

_CA_REMEDY = "Name a file of CA certificates, in PEM or DER, in caFile, VAULT_CACERT or BAO_CACERT."
# As in sigstore's own client: a name, and no path.
_REFERENCE = re.compile(r"(?:hashivault|openbao)://(?P<name>\w(?:[\w.-]*\w)?)", re.ASCII)
# Where Kubernetes mounts the token of a Pod's service account.
_SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")

# Both become parts of a path: no segment begins with a dot, so none leads to another one.
Name = Annotated[str, msgspec.Meta(pattern=r"^\w(?:[\w.-]*\w)?$", max_length=128)]
_MOUNT = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*){0,8}", re.ASCII)
Mount = Annotated[str, msgspec.Meta(pattern=f"^{_MOUNT.pattern}$", max_length=256)]


class AuthOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """How to log in.

    Attributes:
        method: `token`, `kubernetes`, `jwt` or `approle`.
        mount: The path of the auth method; its own name when omitted.
        role: The role of `kubernetes` and `jwt`.
        jwt_file: The file with the JWT, read for each login; the service account's token when omitted.
        token: A token.
        token_file: A file with a token, as Vault Agent writes it.
        role_id: The role id of `approle`.
        secret_id: Its secret id.
        secret_id_file: A file with that.
    """

    method: Literal["token", "kubernetes", "jwt", "approle"]
    mount: Mount | None = None
    role: str = ""
    jwt_file: str = ""
    token: str = ""
    token_file: str = ""
    role_id: str = ""
    secret_id: str = ""
    secret_id_file: str = ""

    def __repr__(self) -> str:
        """Return the options without their secrets."""
        return f"AuthOptions(method={self.method!r}, mount={self.mount!r}, role={self.role!r}, ...)"


class TransitOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A key of a transit engine.

    Attributes:
        name: Its name.
        mount: The engine's path.
    """

    name: Name
    mount: Mount = "transit"


class KvOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """A document in a kv engine, version 2.

    Attributes:
        path: The secret's path.
        field: The field with PEM.
        mount: The engine's path.
    """

    path: Mount
    field: str
    mount: Mount = "secret"


class VaultOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Parameters of the provider.

    Attributes:
        address: Vault's address; that of VAULT_ADDR (of OpenBao: BAO_ADDR) when omitted.
        namespace: A namespace; that of VAULT_NAMESPACE when omitted.
        ca_file: CA certificates in PEM that replace the system's; those of VAULT_CACERT when omitted.
        auth: How to log in; by VAULT_TOKEN or `~/.vault-token` when omitted.
        references: Transit keys, as `hashivault://NAME`, of the engine TRANSIT_SECRET_ENGINE_PATH or `transit`.
        transit: Transit keys by name and mount.
        kv: Keys or certificates in kv engines.
        pki: Mounts of PKI engines whose CA chains are certificates.
        refresh_interval: Seconds after which everything is read again; 0 for never.
    """

    address: str = ""
    namespace: str = ""
    ca_file: str = ""
    auth: AuthOptions | None = None
    references: tuple[str, ...] = ()
    transit: tuple[TransitOptions, ...] = ()
    kv: tuple[KvOptions, ...] = ()
    pki: tuple[Mount, ...] = ()
    refresh_interval: Annotated[float, msgspec.Meta(ge=0)] = 3600.0


async def build(name: str, options: VaultOptions, resources: Resources) -> VaultDocuments:
    """Make the provider of Vault.

    Raises:
        ConfigurationError: Nothing is named to read, or an address, a reference or a way to log in cannot be used.
    """
    del name
    return _documents(options, resources, "VAULT")


async def build_openbao(name: str, options: VaultOptions, resources: Resources) -> VaultDocuments:
    """Make the provider of OpenBao: the same API, other variables of the environment; errors as of `build`."""
    del name
    return _documents(options, resources, "BAO")


def _documents(options: VaultOptions, resources: Resources, variables: str) -> VaultDocuments:
    from pyratify.http.http_options import HttpOptions
    from pyratify.http.json_api import JsonApi, parse_address
    from pyratify.http.transport_asyncio import asyncio_transport

    wanted = _wanted(options)
    if wanted == Wanted():
        raise ConfigurationError(
            "nothing is named to read", remedy="Name references, transit keys, kv documents or pki mounts."
        )
    named = options.address or os.environ.get(f"{variables}_ADDR", "")
    address = parse_address(named, "address", f"https://vault.example.com:8200, or set {variables}_ADDR")
    file = options.ca_file or os.environ.get(f"{variables}_CACERT", "")
    # Once now: CA certificates that cannot be used are an error of the configuration, and not of the first request.
    try:
        ca = read_authorities(file, resources.base, "caFile")
        settings = HttpOptions(ca_pem=ca, destinations=resources.shared.destinations)
        asyncio_transport(settings)
    except ConfigurationError as error:
        raise ConfigurationError(error.detail, path="caFile", remedy=_CA_REMEDY) from None
    namespace = _text(options.namespace or os.environ.get(f"{variables}_NAMESPACE", ""), "namespace")
    client = VaultClient(JsonApi(address, partial(asyncio_transport, settings)), namespace)
    return VaultDocuments(client, _tokens(options, resources, variables), wanted, options.refresh_interval)


def _wanted(options: VaultOptions) -> Wanted:
    # The variable that cosign reads for its references.
    mount = os.environ.get("TRANSIT_SECRET_ENGINE_PATH", "").strip("/") or "transit"
    if options.references and not _MOUNT.fullmatch(mount):
        raise ConfigurationError(
            f"{mount[:80]!r} is no path of a transit engine",
            path="TRANSIT_SECRET_ENGINE_PATH",
            remedy="Set it as transit, or unset it.",
        )
    referenced = tuple(
        TransitKey(_reference(text, index), mount) for index, text in enumerate(options.references)
    )
    return Wanted(
        referenced + tuple(TransitKey(each.name, each.mount) for each in options.transit),
        tuple(KvDocument(each.path, each.field, each.mount) for each in options.kv),
        options.pki,
    )


def _reference(text: str, index: int) -> str:
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise ConfigurationError(
            f"{text[:200]!r} is no reference to a transit key",
            path=f"references[{index}]",
            remedy="Write hashivault://NAME (openbao://NAME of OpenBao): a name, without a path or version.",
        )
    return found["name"]


def _tokens(whole: VaultOptions, resources: Resources, variables: str) -> TokenSource:
    options, given = whole.auth, partial(GivenToken, clock=resources.clock, interval=whole.refresh_interval)
    if options is None:
        token = os.environ.get(f"{variables}_TOKEN", "").strip()
        # The variable before the file, as Vault's own command reads them.
        return given(_text(token, f"{variables}_TOKEN")) if token else FileToken(_usual_file())
    if options.method == "token":
        _check_one(options)
        token = _text(options.token.strip(), "auth.token")
        return given(token) if token else FileToken(resources.base / options.token_file)
    path = f"auth/{options.mount or options.method}/login"
    if options.method == "approle":
        return _approle(options, path, resources)
    if not options.role:
        raise ConfigurationError("the method needs a role", path="auth.role")
    if options.method == "jwt" and not options.jwt_file:
        raise ConfigurationError("the method needs the file of a JWT", path="auth.jwtFile")
    jwt = resources.base / options.jwt_file if options.jwt_file else _SERVICE_ACCOUNT
    return Login(path, resources.clock, {"role": options.role}, {"jwt": jwt})


def _text(text: str, path: str) -> str:
    """Return what becomes a header field."""
    # Not shown: it may be a secret.
    if text and not is_token(text):
        raise ConfigurationError(
            "it has a line break, or another character that no header field may have", path=path
        )
    return text


def _usual_file() -> Path:
    try:
        return Path.home() / ".vault-token"
    except RuntimeError:  # neither HOME nor an entry for the user of this process
        raise ConfigurationError(
            "no token is given, and this process has no home folder with a .vault-token", path="auth"
        ) from None


def _check_one(options: AuthOptions) -> None:
    if bool(options.token) is bool(options.token_file):
        raise ConfigurationError(
            "exactly one of token and tokenFile is needed", path="auth.token", remedy="Give one of them."
        )


def _approle(options: AuthOptions, path: str, resources: Resources) -> TokenSource:
    if not options.role_id or bool(options.secret_id) is bool(options.secret_id_file):
        raise ConfigurationError(
            "roleId is needed, and exactly one of secretId and secretIdFile", path="auth.roleId"
        )
    fields = {"role_id": options.role_id}
    if options.secret_id:
        return Login(path, resources.clock, fields | {"secret_id": options.secret_id})
    return Login(path, resources.clock, fields, {"secret_id": resources.base / options.secret_id_file})


plugin: Plugin[VaultDocuments] = Plugin(
    options=VaultOptions, build=build, summary="Keys and certificates of HashiCorp Vault"
)
openbao_plugin: Plugin[VaultDocuments] = Plugin(
    options=VaultOptions, build=build_openbao, summary="Keys and certificates of OpenBao"
)
