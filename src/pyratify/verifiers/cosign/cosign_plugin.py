"""The cosign verifier as a plugin: Ratify v2's parameters, and what pyratify adds."""

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.plugin import Plugin, Resources
from pyratify.sigstore.trust_files import SHIPPED, read_trust
from pyratify.verifiers.cosign.cosign_trust_policy import SIGN_PREDICATE, CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier

if TYPE_CHECKING:
    from pyratify.sigstore.identity import CertificateIdentity


class IdentityOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """An identity that may sign with a certificate.

    Attributes:
        certificate_identity: The certificate's subject alternative name, exactly.
        certificate_identity_regex: An expression that matches the whole of it.
        certificate_oidc_issuer: The OpenID Connect issuer that authenticated the signer, exactly.
        certificate_oidc_issuer_regex: An expression that matches the whole of it.
        certificate_extensions: Further facts in the certificate, as `githubWorkflowTrigger` or an object identifier.
        allow_any_identity: Whether expressions that match everything are meant.
    """

    certificate_identity: str = ""
    certificate_identity_regex: str = ""
    certificate_oidc_issuer: str = msgspec.field(default="", name="certificateOIDCIssuer")
    certificate_oidc_issuer_regex: str = msgspec.field(default="", name="certificateOIDCIssuerRegex")
    certificate_extensions: dict[str, str] = msgspec.field(default_factory=dict)
    allow_any_identity: bool = False

    @property
    def is_set(self) -> bool:
        """Whether anything is named."""
        return any(
            (
                self.certificate_identity,
                self.certificate_identity_regex,
                self.certificate_oidc_issuer,
                self.certificate_oidc_issuer_regex,
                self.certificate_extensions,
            )
        )

    def identity(self) -> "CertificateIdentity":
        """Return the identity.

        Raises:
            ConfigurationError: It is not whole, malformed, or matches everything.
        """
        from pyratify.sigstore.identity import CertificateIdentity

        return CertificateIdentity(
            subject=self.certificate_identity,
            subject_regex=self.certificate_identity_regex,
            issuer=self.certificate_oidc_issuer,
            issuer_regex=self.certificate_oidc_issuer_regex,
            extensions=self.certificate_extensions,
            allow_any=self.allow_any_identity,
        )


class RekorKeyOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The key of a transparency log.

    Attributes:
        file: The public key in PEM or DER.
        origin: The origin of its checkpoints; only for logs of version 2.
    """

    file: str
    origin: str = ""


class TrustPolicyOptions(
    IdentityOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """One entry of `trustPolicies`.

    Attributes:
        scopes: The repositories that the policy is for; the executor's scopes when omitted.
        identities: More identities than the one that stands in the policy itself; any of them suffices.
        ignore_tlog: Transparency logs are not verified.
        ignore_ctlog: Certificate transparency logs are not verified.
        ignore_observer_timestamps: Signed timestamps are not verified.
        keys: One key provider with its parameters.
        trusted_root: `public-good` (for identities the default), `staging`, the https address of a mirror, or a file; with keys it makes an entry in a transparency log a requirement.
        fulcio_certificates: In place of a trusted root: files with a certificate authority each, issuer first.
        rekor_keys: Likewise the keys of transparency logs.
        ctlog_keys: Likewise files with keys of certificate transparency logs.
        timestamp_certificates: Likewise files with a timestamp authority each, its own certificate first.
        transparency_logs: How many independent transparency logs must hold a signature; 1 when omitted.
        certificate_logs: How many certificate transparency logs must hold a certificate; 1 when omitted.
        signed_timestamps: How many timestamp authorities must have stamped a signature.
        annotations: What the signer must have signed besides the digest.
        require_docker_reference: Whether the signed repository name must be that of the verified reference.
        predicate_types: The in-toto predicates that count as a signature of the image.
    """

    scopes: tuple[str, ...] | None = None
    identities: tuple[IdentityOptions, ...] = ()
    ignore_tlog: bool = msgspec.field(default=False, name="ignoreTLog")
    ignore_ctlog: bool = msgspec.field(default=False, name="ignoreCTLog")
    ignore_observer_timestamps: bool = False
    keys: dict[str, Any] | None = None
    trusted_root: str = ""
    fulcio_certificates: tuple[str, ...] = ()
    rekor_keys: tuple[RekorKeyOptions, ...] = ()
    ctlog_keys: tuple[str, ...] = msgspec.field(default=(), name="ctLogKeys")
    timestamp_certificates: tuple[str, ...] = ()
    transparency_logs: Annotated[int, msgspec.Meta(ge=1)] | None = None
    certificate_logs: Annotated[int, msgspec.Meta(ge=1)] | None = None
    signed_timestamps: Annotated[int, msgspec.Meta(ge=0)] = 0
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    require_docker_reference: bool = False
    predicate_types: tuple[str, ...] = (SIGN_PREDICATE,)

    def __post_init__(self) -> None:
        """Put the defaults of keyless signatures in, so that `config show` prints what is in force."""
        if not self.is_keyless or self.keys:
            return
        set_default = partial(msgspec.structs.force_setattr, self)  # the struct is frozen
        if not self.has_trust:
            set_default("trusted_root", SHIPPED[0])
        if self.transparency_logs is None and not self.ignore_tlog:
            set_default("transparency_logs", 1)
        if self.certificate_logs is None and not self.ignore_ctlog:
            set_default("certificate_logs", 1)

    @property
    def is_keyless(self) -> bool:
        """Whether an identity or an issuer is named."""
        return bool(self.identities) or self.is_set

    @property
    def has_trust(self) -> bool:
        """Whether a trusted root is named, or a part of one."""
        parts = (self.fulcio_certificates, self.rekor_keys, self.ctlog_keys, self.timestamp_certificates)
        return bool(self.trusted_root) or any(parts)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The checks that are turned off."""
        flags = {
            "tlog": self.ignore_tlog,
            "ctlog": self.ignore_ctlog,
            "observerTimestamps": self.ignore_observer_timestamps,
        }
        return tuple(name for name, ignored in flags.items() if ignored)


class CosignOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of a verifier of type `cosign`.

    Attributes:
        trust_policies: Whose signatures count for which repositories, at least one.
    """

    trust_policies: tuple[TrustPolicyOptions, ...]


async def build(name: str, options: CosignOptions, resources: Resources) -> CosignVerifier:
    """Build the verifier and load its keys.

    Raises:
        ConfigurationError: With the path below the verifier's parameters.
    """
    policies = [
        await _policy(each, f"trustPolicies[{index}]", resources)
        for index, each in enumerate(options.trust_policies)
    ]
    verifier = CosignVerifier(name, policies, resources.clock)
    await verifier.prepare()
    return verifier


async def _policy(options: TrustPolicyOptions, path: str, resources: Resources) -> CosignTrustPolicy:
    _check_mode(options, path)
    try:
        identities = await asyncio.to_thread(_identities, options, resources)
    except ConfigurationError as error:
        raise _below(path, error) from error
    keys: tuple[KeyMaterial, ...] = ()
    if options.keys:
        provider = await resources.keys(options.keys, f"{path}.keys")
        keys = await provider.keys()
    try:
        record = partial(resources.shared.fingerprint.add, "trusted root")
        trusted_root, authorities = await asyncio.to_thread(read_trust, options, resources.base, record)
        return CosignTrustPolicy(
            keys=keys,
            identities=identities,
            trusted_root=trusted_root,
            authorities=authorities,
            logs=0 if options.ignore_tlog else options.transparency_logs or 1,
            certificate_logs=0 if options.ignore_ctlog else options.certificate_logs or 1,
            timestamps=options.signed_timestamps,
            use_timestamps=not options.ignore_observer_timestamps,
            scopes=resources.scopes if options.scopes is None else options.scopes,
            annotations=options.annotations,
            require_docker_reference=options.require_docker_reference,
            predicate_types=options.predicate_types,
            ignored=options.ignored,
        )
    except ConfigurationError as error:
        raise _below(path, error) from error


def _identities(options: TrustPolicyOptions, resources: Resources) -> "tuple[CertificateIdentity, ...]":
    """Return the identities; in a thread, because expressions are compiled."""
    found = [_identity(options, resources)] if options.is_set else []
    for index, each in enumerate(options.identities):
        try:
            found.append(_identity(each, resources))
        except ConfigurationError as error:
            raise _below(f"identities[{index}]", error) from error
    return tuple(found)


def _identity(options: IdentityOptions, resources: Resources) -> "CertificateIdentity":
    found = options.identity()
    size = sum(pattern.size for pattern in found.expressions if pattern is not None)
    allowance = resources.shared.expressions
    if not allowance.spend(size):
        raise ConfigurationError(
            f"all expressions together are larger than {allowance.total} instructions, which is what one tenant may have",
            remedy="Shorten the expressions; classes as \\p{L} and large repetitions take most.",
        )
    return found


def _below(path: str, error: ConfigurationError) -> ConfigurationError:
    return ConfigurationError(
        error.detail,
        path=f"{path}.{error.path}" if error.path else path,
        reason=error.reason,
        remedy=error.remedy,
    )


def _check_numbers(options: TrustPolicyOptions, path: str) -> None:
    """Refuse numbers that would have no effect, or that a flag contradicts."""
    for name, number, ignored in (
        ("transparencyLogs", options.transparency_logs, options.ignore_tlog and "ignoreTLog"),
        ("certificateLogs", options.certificate_logs, options.ignore_ctlog and "ignoreCTLog"),
        (
            "signedTimestamps",
            options.signed_timestamps,
            options.ignore_observer_timestamps and "ignoreObserverTimestamps",
        ),
    ):
        if number and ignored:
            raise ConfigurationError(f"is contradicted by {ignored}", path=f"{path}.{name}")
        if number and options.keys and not options.has_trust:
            raise ConfigurationError(
                "has no effect beside keys alone: nothing says which logs and timestamp authorities are trusted",
                path=f"{path}.{name}",
                remedy="Add trustedRoot, as public-good or a file.",
            )


def _check_mode(options: TrustPolicyOptions, path: str) -> None:
    """Refuse a policy that trusts no signer, and an ambiguous one."""
    _check_numbers(options, path)
    if options.is_keyless and options.keys:
        raise ConfigurationError(
            "names keys and a certificate identity; a signature is made with one or the other",
            path=path,
            remedy="Write two trust policies, or remove what is not meant.",
        )
    if options.is_keyless:
        return
    if not options.keys:
        raise ConfigurationError(
            "trusts no signer: it has neither keys nor certificate identities",
            path=path,
            remedy='Add keys, as {"files": ["cosign.pub"]} or {"inline": {"keys": "..."}}.',
        )
    if len(options.keys) != 1:
        raise ConfigurationError(
            f"more than one key provider: {', '.join(sorted(options.keys))}",
            path=f"{path}.keys",
            remedy="Name one provider; several keys may stand in one document.",
        )


plugin = Plugin(
    options=CosignOptions,
    build=build,
    summary="Cosign signatures and sigstore bundles, verified with public keys or certificate identities",
    traced=True,
    cosign_tags=("sig",),  # each tag costs a request for every image
)
