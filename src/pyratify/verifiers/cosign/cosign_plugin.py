"""The cosign verifier as a plugin: Ratify v2's parameters, and what pyratify adds."""

from functools import partial

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.evidence.tag_rule import TagJudge, TagOptions
from pyratify.sigstore.load_trust_policy import load_trust_policy
from pyratify.sigstore.trust_policy_options import TrustPolicyOptions
from pyratify.verifiers.cosign.cosign_trust_policy import SIGN_PREDICATE, CosignTrustPolicy
from pyratify.verifiers.cosign.cosign_verifier import CosignVerifier
from pyratify.verifiers.tag_rule import load_tag_judge


class CosignTrustPolicyOptions(
    TrustPolicyOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """One entry of `trustPolicies` of a verifier of type `cosign`.

    Attributes:
        require_docker_reference: Whether the signed repository name must be that of the verified reference.
        predicate_types: The in-toto predicates that count as a signature of the image.
        tag_matches_ref: The tag that was asked for must stand for the source reference in the signer's certificate; for identities.
    """

    require_docker_reference: bool = False
    predicate_types: tuple[str, ...] = (SIGN_PREDICATE,)
    tag_matches_ref: TagOptions | None = None


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
        tag_rule=await _tag_rule(options, path, resources),
        require_docker_reference=options.require_docker_reference,
        predicate_types=options.predicate_types,
    )
    return await load_trust_policy(options, path, resources, make)


async def _tag_rule(options: CosignTrustPolicyOptions, path: str, resources: Resources) -> TagJudge | None:
    if options.tag_matches_ref is None:
        return None
    where = f"{path}.tagMatchesRef"
    if not options.is_keyless:
        raise ConfigurationError(
            "needs an identity: a key says nothing about the source",
            path=where,
            remedy="Trust an identity here, or write the rule in a verifier of type attestation.",
        )
    return await load_tag_judge(options.tag_matches_ref, where, resources)


plugin = Plugin(
    options=CosignOptions,
    build=build,
    summary="Cosign signatures and sigstore bundles, verified with public keys or certificate identities",
    traced=True,
    cosign_tags=("sig",),  # each tag costs a request for every image
)
