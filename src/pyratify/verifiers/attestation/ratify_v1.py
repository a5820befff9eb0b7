"""The parameters of Ratify v1's verifier `slsa`, as rules for verification summaries."""

from pyratify.core.errors import ConfigurationError
from pyratify.evidence.vsa import SummaryJudge, SummaryOptions, check_levels
from pyratify.evidence.vsa_document import VSA_TYPE
from pyratify.sigstore.trust_policy_options import TrustPolicyOptions
from pyratify.verifiers.attestation.attestation_options import AttestationOptions
from pyratify.verifiers.attestation.requirement import Requirement

# The default of Ratify v1's plugin (plugins/verifier/slsa).
_DEFAULT_VERIFIER = "https://github.com/slsa-framework/source-actions"
_ISSUER = "https://token.actions.githubusercontent.com"
_WORKFLOW = f"{_DEFAULT_VERIFIER}/.github/workflows/compute_slsa_source.yml@refs/heads/main"


def is_version_1(options: AttestationOptions) -> bool:
    """Return whether the options use Ratify v1's names."""
    return bool(
        options.expected_verifier_id or options.expected_resource_uri or options.expected_verified_levels
    )


def version_1_requirement(options: AttestationOptions) -> Requirement:
    """Return what Ratify v1's parameters require: one verifier, whose signers are those of the trust policies.

    They stand alone, so the pair of verifier and signer is one pair: nothing else in this verifier makes a signer trusted.

    Raises:
        ConfigurationError: A level that is none, a pattern, or requirements beside them.
    """
    if options.requirements:
        raise ConfigurationError("stands beside Ratify v1's names", path="requirements")
    check_levels("expectedVerifiedLevels", options.expected_verified_levels)
    resource = options.expected_resource_uri or ""
    if "*" in resource:
        # Ratify v1 compares it exactly, so a pattern here is a mistake or was meant for `vsa`.
        raise ConfigurationError(
            "is compared exactly",
            path="expectedResourceUri",
            remedy="Write patterns in vsa, as resourceUris.",
        )
    entry = SummaryOptions(
        verifier_id=options.expected_verifier_id or _DEFAULT_VERIFIER,
        signers=(),
        resource_uris=(resource,) if resource else (),
        levels=options.expected_verified_levels,
    )
    return Requirement((VSA_TYPE,), {"vsa": SummaryJudge(((entry, None),))}, "vsa")


def version_1_trust() -> TrustPolicyOptions:
    """Return the signer that Ratify v1 trusts, and no other: the workflow of SLSA's source track."""
    return TrustPolicyOptions(certificate_identity=_WORKFLOW, certificate_oidc_issuer=_ISSUER)
