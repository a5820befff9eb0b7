"""The parameters of a verifier of type `attestation`."""

import msgspec

from pyratify.evidence.provenance_options import ProvenanceOptions
from pyratify.evidence.sbom.sbom_options import SbomRuleOptions
from pyratify.evidence.tag_rule import TagOptions
from pyratify.evidence.vex.judge_vex import VexRuleOptions
from pyratify.evidence.vsa import SummaryOptions
from pyratify.expressions.schema_source import SchemaOptions
from pyratify.sigstore.trust_policy_options import Text, TrustPolicyOptions
from pyratify.verifiers.attestation.rego_rule import RegoRuleOptions
from pyratify.verifiers.attestation.together import Quantifier
from pyratify.verifiers.report_rule import ReportRuleOptions


class RuleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What a statement must be and say; all rules that are written must hold.

    Attributes:
        predicate_types: The types of statements, exactly; those that the rules understand when omitted.
        provenance: Rules for SLSA provenance, versions 0.2 and 1.
        vulnerability: Rules for vulnerability reports: cosign's predicate `vuln`, in-toto's `vulns`.
        vex: Rules for VEX documents: OpenVEX, and CycloneDX with analyses.
        vsa: The verifiers whose summaries count (SLSA verification summary, version 1), each with its signers.
        tag_matches_ref: The tag that was asked for must stand for the source reference that was signed.
        sbom: Rules for SBOMs, SPDX and CycloneDX; as for a verifier of type `sbom`.
        schema: A JSON Schema that the predicate follows.
        cel: An expression in CEL over the statement that has to be exactly true; needs `predicateTypes`.
        rego: A policy in Rego over the statement, whose `data.pyratify.allow` has to be true; needs `predicateTypes`.
        expose: What policies may read of the predicate, as `predicate` or `predicate.buildDefinition.buildType`; the policy then judges it.
        any_content: The statement is signed, and what it says is not read: the one way to write no rule.
    """

    predicate_types: tuple[str, ...] = ()
    provenance: ProvenanceOptions | None = None
    vulnerability: ReportRuleOptions | None = None
    vex: VexRuleOptions | None = None
    vsa: tuple[SummaryOptions, ...] | None = None
    tag_matches_ref: TagOptions | None = None
    sbom: SbomRuleOptions | None = None
    schema: SchemaOptions | None = None
    cel: str | None = None
    rego: RegoRuleOptions | None = None
    expose: tuple[str, ...] | None = None
    any_content: bool = False


class RequirementOptions(RuleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One entry of `requirements`.

    Attributes:
        name: What it is called in messages and reports; the names of its rules when omitted.
    """

    name: str = ""


class AttestationOptions(RuleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of a verifier of type `attestation`.

    Attributes:
        trust_policies: Whose statements count for which repositories, at least one; as for a verifier of type `cosign`. With Ratify v1's
            names alone, the workflow of SLSA's source track is trusted when omitted, as there.
        requirements: Several kinds of statements that must all be attached, in place of rules beside this list.
        require: Which of several statements of one kind have to satisfy a requirement: any, all, or the newest by the time of its
            signature; all where a time is not proved. Layers of a cosign tag and other attachments count alike.
        unsigned_statements: Statements without an envelope, as BuildKit and Docker Hardened Images attach them, are judged too, and count as
            unsigned: the policy has to say what vouches for them.
        expected_verifier_id: Ratify v1's name of the verifier in `vsa`; every signer of the trust policies counts for it.
        expected_resource_uri: Ratify v1's name of the resource in `vsa`, exactly; any when omitted.
        expected_verified_levels: Ratify v1's name of the levels in `vsa`.
    """

    trust_policies: tuple[TrustPolicyOptions, ...] = ()
    requirements: tuple[RequirementOptions, ...] = ()
    require: Quantifier = Quantifier.ANY
    unsigned_statements: bool = False
    expected_verifier_id: Text | None = None
    expected_resource_uri: Text | None = None
    expected_verified_levels: tuple[str, ...] = ()
