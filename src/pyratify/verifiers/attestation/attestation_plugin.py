"""The attestation verifier as a plugin."""

from pyratify.core.plugin import Plugin, Resources
from pyratify.sigstore.load_trust_policy import load_trust_policy
from pyratify.sigstore.trust_policy import TrustPolicy
from pyratify.verifiers.attestation.attestation_options import AttestationOptions
from pyratify.verifiers.attestation.attestation_verifier import AttestationVerifier
from pyratify.verifiers.attestation.load_requirements import check_alone, load_requirements
from pyratify.verifiers.attestation.ratify_v1 import (
    is_version_1,
    version_1_requirement,
    version_1_trust,
)
from pyratify.verifiers.attestation.requirement import Requirement


async def requirements_of(options: AttestationOptions, resources: Resources) -> tuple[Requirement, ...]:
    """Return what the options require, in the names of pyratify or of Ratify v1.

    Raises:
        ConfigurationError: With the path below the verifier's parameters.
    """
    if not is_version_1(options):
        return await load_requirements(options, resources)
    check_alone(options, "expectedVerifierId")
    return (version_1_requirement(options),)


async def build(name: str, options: AttestationOptions, resources: Resources) -> AttestationVerifier:
    """Build the verifier and load its keys.

    Raises:
        ConfigurationError: With the path below the verifier's parameters.
    """
    requirements = await requirements_of(options, resources)
    trusted = options.trust_policies or ((version_1_trust(),) if is_version_1(options) else ())
    policies = [
        await load_trust_policy(each, f"trustPolicies[{index}]", resources, TrustPolicy)
        for index, each in enumerate(trusted)
    ]
    verifier = AttestationVerifier(
        name,
        policies,
        requirements,
        resources.clock,
        plain=options.unsigned_statements,
        quantifier=options.require,
    )
    # At start: a key that cannot be used must not wait for the first image.
    await verifier.prepare()
    return verifier


plugin = Plugin(
    options=AttestationOptions,
    build=build,
    summary="in-toto attestations: who signed them, and whether they say what the policy asks for",
    traced=True,
    cosign_tags=("att",),  # each tag costs a request for every image
    names_signers=True,  # what is unsigned counts where a rule says so, or by a signature of what holds it
)
