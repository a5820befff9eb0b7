"""The attestation verifier as a plugin."""

from pyratify.core.plugin import Plugin, Resources
from pyratify.sigstore.load_trust_policy import load_trust_policy
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.verifiers.attestation.attestation_options import AttestationOptions
from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
from pyratify.verifiers.attestation.requirement import load_requirements


async def build(name: str, options: AttestationOptions, resources: Resources) -> AttestationVerifier:
    """Build the verifier and load its keys.

    Raises:
        ConfigurationError: With the path below the verifier's parameters.
    """
    requirements = await load_requirements(options, resources)
    policies = [
        await load_trust_policy(each, f"trustPolicies[{index}]", resources, TrustPolicy)
        for index, each in enumerate(options.trust_policies)
    ]
    verifier = AttestationVerifier(name, policies, requirements, resources.clock)
    await verifier.prepare()
    return verifier


plugin = Plugin(
    options=AttestationOptions,
    build=build,
    summary="in-toto attestations: who signed them, and whether they say what the policy asks for",
    traced=True,
    cosign_tags=("att",),  # each tag costs a request for every image
)
