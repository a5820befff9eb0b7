"""The rules that statements can be judged by: one table, from the name of a parameter to its judge.

A rule is a member of `RuleOptions` (`attestation_options.py`) and a line of `RULES`; nothing else knows the rules one by one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.evidence.judgement import Judge
from pyratify.evidence.predicate_types import VEX_PREDICATES, VULN_PREDICATES

if TYPE_CHECKING:
    from pyratify.core.plugin import Resources

Build = Callable[[Any, str, "Resources"], Awaitable[Judge]]
"""Makes a judge from the rule's options, their path below the verifier's parameters, and the resources."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule for statements.

    Attributes:
        build: Makes the judge, which is given the predicate; the statement's type is in the `Circumstances`.
        predicate_types: The types that the judge understands; empty for any.
    """

    build: Build
    predicate_types: tuple[str, ...] = ()


# Each imports its evidence when it is used: what a configuration does not name costs no start-up.
async def _provenance(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.evidence.provenance import ProvenanceRules, provenance_judge

    del resources
    return provenance_judge(
        ProvenanceRules(*(getattr(options, name) for name in ProvenanceRules._fields)), path
    )


async def _vsa(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.evidence.vsa import summary_judge

    del resources
    return summary_judge(options, path)


async def _tag(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.verifiers.tag_rule import load_tag_judge

    return await load_tag_judge(options, path, resources)


async def _vulnerability(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.verifiers.report_rule import load_report_judge

    return await load_report_judge(options, path, resources)


async def _vex(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.evidence.vex.judge_vex import load_vex_judge

    del resources
    return load_vex_judge(options, path)


async def _sbom(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.evidence.sbom.sbom_options import sbom_rules
    from pyratify.sigstore.load_trust_policy import below

    del resources
    try:
        return await asyncio.to_thread(sbom_rules, options)  # the first expression loads the list of licenses
    except ConfigurationError as error:
        raise below(path, error) from error


async def _schema(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.expressions.schema_source import load_schema
    from pyratify.verifiers.attestation.schema_rule import SchemaJudge

    return SchemaJudge(await load_schema(options, path, resources))


_SBOM = (
    # The types without a version are cosign's, for `--type spdxjson` and `cyclonedx`.
    "https://spdx.dev/Document",
    "https://spdx.dev/Document/v2.2",
    "https://spdx.dev/Document/v2.3",
    "https://cyclonedx.org/bom",
    "https://cyclonedx.org/schema",  # cosign 1
    *(f"https://cyclonedx.org/bom/v{version}" for version in ("1.4", "1.5", "1.6", "1.7")),
)


async def _expose(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.verifiers.attestation.expose_rule import expose_judge

    del resources
    return expose_judge(options, path)


async def _rego(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.verifiers.attestation.rego_rule import rego_judge

    del resources
    return await asyncio.to_thread(rego_judge, options, path)


async def _cel(options: Any, path: str, resources: "Resources") -> Judge:
    from pyratify.verifiers.attestation.expression_rule import cel_judge

    del resources
    return await asyncio.to_thread(cel_judge, options, path)


_PROVENANCE = ("https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2")

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        "provenance": Rule(_provenance, _PROVENANCE),
        "vulnerability": Rule(_vulnerability, VULN_PREDICATES),
        "vex": Rule(_vex, VEX_PREDICATES),
        "vsa": Rule(_vsa, ("https://slsa.dev/verification_summary/v1",)),
        "tagMatchesRef": Rule(_tag),
        "sbom": Rule(_sbom, _SBOM),
        "schema": Rule(_schema),
        "cel": Rule(_cel),
        "rego": Rule(_rego),
        "expose": Rule(_expose),
    }
)


def types_of(names: tuple[str, ...], path: str) -> tuple[str, ...]:
    """Return the predicate types that all of these rules understand; empty for any.

    Raises:
        ConfigurationError: The rules have no type in common, so no statement could satisfy them all.
    """
    # Rules of any type, as `cel`, narrow nothing.
    limited = [RULES[name].predicate_types for name in names if RULES[name].predicate_types]
    if not limited:
        return ()
    common = tuple(each for each in limited[0] if all(each in types for types in limited))
    if not common:
        raise ConfigurationError(
            f"no statement satisfies {' and '.join(names)} at once: they are about different types",
            path=path,
            remedy="Write them as separate entries of `requirements`.",
        )
    return common
