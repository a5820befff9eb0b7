"""The SBOM verifier as a plugin, under its own name and with Ratify v1's `licensechecker`."""

import msgspec

from pyratify.core.plugin import Plugin, Resources
from pyratify.evidence.sbom.license_rules import LicenseRules, MentionTest
from pyratify.evidence.sbom.sbom_options import SbomRuleOptions, sbom_rules
from pyratify.evidence.sbom.sbom_rules import SbomRules
from pyratify.verifiers.attached_documents import read_types
from pyratify.verifiers.sbom.sbom_formats import SBOM_TYPES
from pyratify.verifiers.sbom.sbom_verifier import SbomVerifier


class SbomOptions(SbomRuleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of a verifier of type `sbom`.

    Attributes:
        artifact_types: The types of artifacts or layers that are SBOMs, a list or a text with commas; the known ones when omitted.
    """

    artifact_types: tuple[str, ...] | str = ()


class LicenseCheckerOptions(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """The parameters of Ratify v1's verifier `licensechecker`.

    Attributes:
        allowed_licenses: The only texts that `licenseConcluded` may be, compared as a whole; an empty one for none.
        artifact_types: As for a verifier of type `sbom`; `application/vnd.ratify.spdx.v0` when omitted.
    """

    allowed_licenses: tuple[str, ...]
    artifact_types: tuple[str, ...] | str = "application/vnd.ratify.spdx.v0"


async def build(name: str, options: SbomOptions, resources: Resources) -> SbomVerifier:
    """Build the verifier.

    Raises:
        ConfigurationError: A rule that could never apply, with the path below the verifier's parameters.
    """
    return SbomVerifier(
        name, sbom_rules(options), read_types(options.artifact_types) or SBOM_TYPES, resources.clock
    )


async def build_license_checker(
    name: str, options: LicenseCheckerOptions, resources: Resources
) -> SbomVerifier:
    """Build the verifier that `licensechecker` stands for."""
    rules = SbomRules(LicenseRules(MentionTest((), options.allowed_licenses), "concluded"))
    return SbomVerifier(name, rules, read_types(options.artifact_types) or SBOM_TYPES, resources.clock)


plugin = Plugin(
    options=SbomOptions,
    build=build,
    summary="SBOMs in SPDX and CycloneDX: licenses, packages, age, and what they must state",
    traced=True,
    cosign_tags=("sbom",),  # each tag costs a request for every image
    signs=False,  # counts only below a signature, unless a rule says otherwise (decision 0048)
)
license_checker = Plugin(
    options=LicenseCheckerOptions,
    build=build_license_checker,
    summary="Ratify v1's name for allowed licenses of SBOMs",
    traced=True,
    cosign_tags=(),
    signs=False,
)
