"""The plugin `any-all`, also called `config-policy`: Ratify v1's `artifactVerificationPolicies`."""

from typing import Annotated

import msgspec

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import Plugin, Resources
from pyratify.policies.any_all import AnyAllPolicy, Quantifier

DEFAULT = "default"
ArtifactType = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class AnyAllOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of the policy.

    Attributes:
        artifact_verification_policies: `any` or `all` by artifact type; `default` is for all types that are not named, and is
            `all` when omitted.
        nested_references: By verifier, the types of artifacts below its evidence for which the policy has to hold too; an empty
            list for all types.
    """

    artifact_verification_policies: dict[ArtifactType, Quantifier] = {}
    nested_references: dict[str, tuple[ArtifactType, ...]] = {}


async def build(name: str, options: AnyAllOptions, resources: Resources) -> AnyAllPolicy:
    """Build the policy.

    Raises:
        ConfigurationError: `nestedReferences` names no configured verifier, or a type is written as a pattern.
    """
    del name
    for verifier in options.nested_references:
        if verifier not in resources.verifiers:
            raise ConfigurationError(
                f"no verifier is called {verifier[:80]!r}",
                path="nestedReferences",
                remedy=f"Name one of: {', '.join(resources.verifiers)}.",
            )
        _check_types(options.nested_references[verifier], f"nestedReferences.{verifier[:80]}")
    types = dict(options.artifact_verification_policies)
    for kind in types:
        # Compared with artifact types as they are, none of these would ever be there, and every image be denied.
        if "*" in kind or any(map(str.isspace, kind)) or (kind != DEFAULT and kind.lower() == DEFAULT):
            raise ConfigurationError(
                f"{kind[:80]!r} is compared with artifact types as it is",
                path=f"artifactVerificationPolicies.{kind[:80]}",
                remedy=f"Name one type, or write {DEFAULT} for all types that are not named.",
            )
    default = types.pop(DEFAULT, Quantifier.ALL)
    return AnyAllPolicy(types, default, options.nested_references, dict(resources.verifier_types))


def _check_types(kinds: tuple[str, ...], path: str) -> None:
    for index, kind in enumerate(kinds):
        if "*" in kind or any(map(str.isspace, kind)):
            raise ConfigurationError(
                f"{kind[:80]!r} is compared with artifact types as it is",
                path=f"{path}[{index}]",
                remedy="Name one type, or write an empty list for all types.",
            )


plugin: Plugin[AnyAllPolicy] = Plugin(
    options=AnyAllOptions,
    build=build,
    summary="Ratify v1's configuration policy: any or all artifacts of each type",
    traced=True,
)
