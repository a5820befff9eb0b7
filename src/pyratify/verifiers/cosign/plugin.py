"""The cosign verifier as a plugin: Ratify v2's parameters, and what pyratify adds."""

from typing import Any

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.verifiers.cosign.policy import SIGN_PREDICATE, CosignTrustPolicy
from pyratify.verifiers.cosign.verifier import CosignVerifier


class TrustPolicyOptions(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """One entry of `trustPolicies`.

    Attributes:
        scopes: The repositories that the policy is for; the executor's scopes when omitted.
        certificate_identity: For keyless signatures, as the three that follow.
        certificate_identity_regex: As in Ratify v2.
        certificate_oidc_issuer: As in Ratify v2.
        certificate_oidc_issuer_regex: As in Ratify v2.
        ignore_tlog: Recorded in the report; no transparency log is looked at beside a key.
        ignore_ctlog: The same for certificate transparency.
        ignore_observer_timestamps: The same for signed timestamps.
        keys: One key provider with its parameters.
        annotations: What the signer must have signed besides the digest.
        require_docker_reference: Whether the signed repository name must be the one that was asked for.
        predicate_types: The in-toto predicates that count as a signature of the image.
    """

    scopes: tuple[str, ...] | None = None
    certificate_identity: str = ""
    certificate_identity_regex: str = ""
    certificate_oidc_issuer: str = msgspec.field(default="", name="certificateOIDCIssuer")
    certificate_oidc_issuer_regex: str = msgspec.field(default="", name="certificateOIDCIssuerRegex")
    ignore_tlog: bool = msgspec.field(default=False, name="ignoreTLog")
    ignore_ctlog: bool = msgspec.field(default=False, name="ignoreCTLog")
    ignore_observer_timestamps: bool = False
    keys: dict[str, Any] | None = None
    annotations: dict[str, str] = msgspec.field(default_factory=dict)
    require_docker_reference: bool = False
    predicate_types: tuple[str, ...] = (SIGN_PREDICATE,)

    @property
    def is_keyless(self) -> bool:
        """Whether an identity or an issuer is named."""
        return any(
            (
                self.certificate_identity,
                self.certificate_identity_regex,
                self.certificate_oidc_issuer,
                self.certificate_oidc_issuer_regex,
            )
        )

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
    provider = await resources.keys(options.keys or {}, f"{path}.keys")
    try:
        return CosignTrustPolicy(
            keys=await provider.keys(),
            scopes=resources.scopes if options.scopes is None else options.scopes,
            annotations=options.annotations,
            require_docker_reference=options.require_docker_reference,
            predicate_types=options.predicate_types,
            ignored=options.ignored,
        )
    except ConfigurationError as error:
        raise ConfigurationError(
            error.detail,
            path=f"{path}.{error.path}" if error.path else path,
            reason=error.reason,
            remedy=error.remedy,
        ) from error


def _check_mode(options: TrustPolicyOptions, path: str) -> None:
    """Refuse a policy that trusts nobody, one that could be read in two ways, and what is not there yet."""
    if options.is_keyless and options.keys:
        raise ConfigurationError(
            "names keys and a certificate identity; a signature is made with one or the other",
            path=path,
            remedy="Write two trust policies, or remove what is not meant.",
        )
    if options.is_keyless:
        raise ConfigurationError(
            "keyless verification is not available yet in this version",
            path=path,
            remedy="Configure `keys`, with the public key that the image is signed with.",
        )
    if not options.keys:
        raise ConfigurationError(
            "trusts nobody: it has neither keys nor certificate identities",
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
    summary="Cosign signatures and sigstore bundles, verified with public keys",
)
