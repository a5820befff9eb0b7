"""The plugin `notation`: Ratify v2's parameters, and notation's files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec

from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.fingerprint import Fingerprint
from pyratify.core.key import KeyMaterial
from pyratify.core.limits import MIB
from pyratify.core.plugin import Plugin, Resources
from pyratify.core.reason import Reason
from pyratify.pki.revocation.checker import RevocationChecker
from pyratify.pki.revocation.fetch_http import HttpFetcher
from pyratify.pki.revocation.remembered_responses import RevocationMemory
from pyratify.pki.revocation.revocation_options import RevocationOptions
from pyratify.verifiers.notation.config_directory import NotationFolder
from pyratify.verifiers.notation.notation_verifier import NotationVerifier
from pyratify.verifiers.notation.plugin_process import Plugins
from pyratify.verifiers.notation.policy_document import (
    parse_trust_policy,
    read_trust_policy,
    short_trust_policy,
)
from pyratify.verifiers.notation.signature_verifier import REVOCATION_SECONDS
from pyratify.verifiers.notation.trust_policy import STORE_TYPES, StoreName, TrustPolicyDocument
from pyratify.verifiers.notation.truststore import load_trust_store
from pyratify.verifiers.notation.verification_plugins import CombinedPlugins, VerificationPlugins

INLINE_STORE = "default"
DEFAULT_LEVEL = "strict"
_MAX_POLICY = 4 * MIB
# Without a document, errors name the parameters that stand for its members.
_PUBLIC = {"registryScopes": "scopes", "trustStores": "certificates", "signatureVerification.": ""}
Seconds = Annotated[float, msgspec.Meta(gt=0, le=300)]
Materials = Mapping[StoreName, tuple[KeyMaterial, ...]]


class RevocationParameters(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """How revocation is looked up; whether it is, the level of the trust policy says.

    Attributes:
        allowed_hosts: Hosts of OCSP responders and revocation lists that may have addresses which are not public.
        ocsp_seconds: The most time for one OCSP responder.
        list_seconds: The most time for one revocation list.
        certificate_seconds: The most time for one certificate.
        seconds: The most time for one signature.
        dead_seconds: How long a server that does not answer is left alone.
    """

    allowed_hosts: tuple[str, ...] = ()
    ocsp_seconds: Seconds = 2.0
    list_seconds: Seconds = 5.0
    certificate_seconds: Seconds = 7.0
    seconds: Seconds = REVOCATION_SECONDS
    dead_seconds: Seconds = 60.0


class PluginParameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """Which verification plugins signatures may ask for.

    Attributes:
        folder: The path of the folder that has `NAME/notation-NAME` in it.
        allowed: The names of the programs that may be run.
        modules: Plugins that are Python packages, each with its parameters, by the plugin's name.
        seconds: The most time that one command of a plugin may take.
    """

    folder: str = ""
    allowed: tuple[str, ...] = ()
    modules: dict[str, dict[str, Any]] = {}  # msgspec copies it for each instance
    seconds: Seconds = 10.0


class NotationOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of the Notation verifier.

    Either `certificates` and `trustedIdentities` (with `scopes` and `level`), or `trustPolicy`.

    Attributes:
        scopes: Repositories that signatures are trusted for, or `["*"]`.
        trusted_identities: Signers, as `x509.subject: C=US, ST=WA, O=example`; `["*"]` trusts every signer that the certificates issued.
        certificates: Trust anchors: an optional `type` (ca, signingAuthority or tsa; ca when omitted) and key providers
            by name. With a trust policy, an optional `name` says which trust store is meant.
        level: strict, permissive or audit; strict when omitted, and that of the trust policy where one is given.
        trust_policy: A notation trust policy: the document itself, or the path of a `trustpolicy.json`.
        trust_store: The path of a notation `trust-store` folder.
        notation_config: The path of notation's own folder, instead of `trust_policy` and `trust_store`.
        wildcard_scopes: Allow prefixes (`host/team/*`), registries and zones as scopes, which notation refuses.
        required_metadata: What signers must have written into every signature.
        strict_extensions: Refuse certificates with critical extensions that the specification leaves unread.
        revocation: How revocation is looked up.
        plugins: Which verification plugins signatures may ask for; none when omitted.
    """

    scopes: tuple[str, ...] = ("*",)
    trusted_identities: tuple[str, ...] | None = None
    certificates: tuple[dict[str, Any], ...] = ()
    level: str | None = None
    trust_policy: str | dict[str, Any] | None = None
    trust_store: str | None = None
    notation_config: str | None = None
    wildcard_scopes: bool = False
    required_metadata: dict[str, str] = {}  # msgspec copies it for each instance
    strict_extensions: bool = False
    revocation: RevocationParameters = RevocationParameters()
    plugins: PluginParameters | None = None

    def __post_init__(self) -> None:
        """Put the default level in where no trust policy says one, so that `config show` prints what is in force."""
        if self.level is None and self.trust_policy is None and self.notation_config is None:
            msgspec.structs.force_setattr(self, "level", DEFAULT_LEVEL)


async def build(name: str, options: NotationOptions, resources: Resources) -> NotationVerifier:
    """Build the verifier and parse its certificates.

    Raises:
        ConfigurationError: Any fault of the parameters, the trust policy or the certificates.
    """
    materials: dict[StoreName, tuple[KeyMaterial, ...]] = {}
    for index, source in enumerate(options.certificates):
        path = f"certificates[{index}]"
        store, providers = _source(source, path)
        if store in materials:
            raise ConfigurationError(f"{store} is given twice", path=path)
        provider = await resources.certificates(providers, path)
        materials[store] = await provider.certificates()
    policy = _policy(options, resources, materials)
    folder = _trust_store(options, resources.base)
    if folder is not None:
        # Certificates given here replace the store of that name on disk; the two together would widen trust.
        missing = tuple(store for store in policy.stores if store not in materials)
        materials |= load_trust_store(folder, missing)
    _tell(resources.shared.fingerprint, options, materials)
    verifier = NotationVerifier(
        name,
        policy,
        materials,
        resources.clock,
        required_metadata=options.required_metadata,
        strict_extensions=options.strict_extensions,
        revocation=_checker(options.revocation, resources),
        revocation_seconds=options.revocation.seconds,
        plugins=await _plugins(options.plugins, resources),
    )
    await verifier.prepare()  # a bad certificate is an error at start, not at the first signature
    return verifier


def _tell(fingerprint: Fingerprint, options: NotationOptions, materials: Materials) -> None:
    if options.plugins is not None:
        # A program may answer differently on another machine, so its verdicts are not shared.
        fingerprint.miss("verifiers/notation with plugins")
    for store in sorted(materials, key=str):  # every process must compute the same fingerprint
        for material in materials[store]:
            fingerprint.add(str(store), material.data)


async def _plugins(parameters: PluginParameters | None, resources: Resources) -> VerificationPlugins | None:
    if parameters is None:
        return None
    if not parameters.allowed and not parameters.modules:
        raise ConfigurationError("neither programs nor modules are named", path="plugins.allowed")
    programs = _programs(parameters, resources.base) if parameters.allowed else None
    modules = {
        name: await resources.plugin("notation_plugins", name, own, f"plugins.modules[{name!r}]")
        for name, own in parameters.modules.items()
    }
    return CombinedPlugins(modules, programs, parameters.seconds) if modules else programs


def _programs(parameters: PluginParameters, base: Path) -> Plugins:
    if not parameters.folder:
        raise ConfigurationError("programs are named and no folder", path="plugins.folder")
    plugins = Plugins(base / parameters.folder, frozenset(parameters.allowed), parameters.seconds)
    for name in parameters.allowed:
        try:
            plugins.find(name)  # at start, not at the first signature that asks for it
        except VerificationError as error:
            raise ConfigurationError(error.message, path="plugins.allowed") from None
    return plugins


def _checker(parameters: RevocationParameters, resources: Resources) -> RevocationChecker:
    """Return the checker that all verifiers of the engine with these parameters share."""
    options = RevocationOptions(
        ocsp_seconds=parameters.ocsp_seconds,
        list_seconds=parameters.list_seconds,
        certificate_seconds=parameters.certificate_seconds,
        dead_seconds=parameters.dead_seconds,
    )
    fetcher = HttpFetcher(
        frozenset(host.lower() for host in parameters.allowed_hosts),
        destinations=resources.shared.destinations,
    )
    # One memory for all, or each verifier would wait for the same dead responder.
    return resources.shared.once(
        f"revocation {parameters!r}",
        lambda: RevocationChecker(
            fetcher, RevocationMemory(resources.clock, options, resources.shared.cache)
        ),
    )


def _source(source: Mapping[str, Any], path: str) -> tuple[StoreName, Mapping[str, Any]]:
    providers = dict(source)
    kind, name = providers.pop("type", "ca"), providers.pop("name", INLINE_STORE)
    if kind not in STORE_TYPES:
        raise ConfigurationError(f"it must be one of {', '.join(STORE_TYPES)}", path=f"{path}.type")
    if not isinstance(name, str):
        raise ConfigurationError("it must be a text", path=f"{path}.name")
    if not providers:
        raise ConfigurationError("it names no key provider, as files or inline", path=path)
    return StoreName(kind, name), providers


def _trust_store(options: NotationOptions, base: Path) -> Path | None:
    if options.notation_config is not None:
        return NotationFolder(base / options.notation_config).trust_store
    return None if options.trust_store is None else base / options.trust_store


def _policy(options: NotationOptions, resources: Resources, materials: Materials) -> TrustPolicyDocument:
    if options.notation_config is not None and (options.trust_policy or options.trust_store):
        raise ConfigurationError(
            "it excludes trustPolicy and trustStore, which it has in it", path="notationConfig"
        )
    if options.trust_policy is None and options.notation_config is None:
        return _short(options, materials)
    if options.trusted_identities is not None or options.scopes != ("*",) or options.level is not None:
        raise ConfigurationError(
            "scopes, trustedIdentities and level belong into the trust policy when one is given",
            path="trustPolicy",
        )
    wildcards = options.wildcard_scopes
    if isinstance(options.trust_policy, dict):
        return read_trust_policy(options.trust_policy, wildcards=wildcards)
    document = _document(options, resources.base)
    resources.shared.fingerprint.add("trust policy", document)
    return parse_trust_policy(document, wildcards=wildcards)


def _document(options: NotationOptions, base: Path) -> bytes:
    if options.notation_config is not None:
        return NotationFolder(base / options.notation_config).trust_policy()
    path = base / str(options.trust_policy)
    try:
        return read_file(path, _MAX_POLICY)
    except UnreadableFile as error:
        raise ConfigurationError(f"{path} {error}", path="trustPolicy") from None


def _short(options: NotationOptions, materials: Materials) -> TrustPolicyDocument:
    if not materials:
        raise ConfigurationError(
            "no trust anchor is given", path="certificates", reason=Reason.KEY_UNAVAILABLE
        )
    if options.trust_store is not None:
        raise ConfigurationError("a trust store is named by a trust policy", path="trustStore")
    try:
        return short_trust_policy(
            identities=options.trusted_identities or (),
            stores=tuple(map(str, materials)),
            scopes=options.scopes,
            level=options.level or DEFAULT_LEVEL,
            wildcards=options.wildcard_scopes,
        )
    except ConfigurationError as error:
        path = error.path
        for internal, public in _PUBLIC.items():
            path = path.replace(internal, public)
        raise ConfigurationError(error.detail, path=path, reason=error.reason, remedy=error.remedy) from None


plugin = Plugin(
    options=NotationOptions,
    build=build,
    summary="Notary Project (notation) signatures, JWS and COSE",
    traced=True,
    cosign_tags=(),
)
