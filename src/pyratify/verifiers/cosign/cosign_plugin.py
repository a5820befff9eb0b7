"""The cosign verifier as a plugin: Ratify v2's parameters, and what pyratify adds."""

from functools import partial

import msgspec

from pyratify.core.plugin import Plugin, Resources
from pyratify.sigstore.load_trust_policy import load_trust_policy
from pyratify.sigstore.trust_policy_options import TrustPolicyOptions
from pyratify.verifiers.cosign.cosign_trust_policy import SIGN_PREDICATE, CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier


class CosignTrustPolicyOptions(
    TrustPolicyOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """One entry of `trustPolicies` of a verifier of type `cosign`.

    Attributes:
        require_docker_reference: Whether the signed repository name must be that of the verified reference.
        predicate_types: The in-toto predicates that count as a signature of the image.
    """

    require_docker_reference: bool = False
    predicate_types: tuple[str, ...] = (SIGN_PREDICATE,)


class CosignOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of a verifier of type `cosign`.

    Attributes:
        trust_policies: Whose signatures count for which repositories, at least one.
    """

    trust_policies: tuple[CosignTrustPolicyOptions, ...]


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


async def _policy(options: CosignTrustPolicyOptions, path: str, resources: Resources) -> CosignTrustPolicy:
    make = partial(
        CosignTrustPolicy,
        require_docker_reference=options.require_docker_reference,
        predicate_types=options.predicate_types,
    )
    return await load_trust_policy(options, path, resources, make)


plugin = Plugin(
    options=CosignOptions,
    build=build,
    summary="Cosign signatures and sigstore bundles, verified with public keys or certificate identities",
    traced=True,
    cosign_tags=("sig",),  # each tag costs a request for every image
)
