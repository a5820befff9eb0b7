"""The parameters of a verifier of type `attestation`."""

import msgspec

from pyratify.evidence.provenance import ProvenanceOptions
from pyratify.evidence.tag_rule import TagOptions
from pyratify.evidence.vex.judge_vex import VexRuleOptions
from pyratify.sigstore.trust_policy_options import TrustPolicyOptions
from pyratify.verifiers.report_rule import ReportRuleOptions


class RuleOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """What a statement must be and say; all rules that are written must hold.

    Attributes:
        predicate_types: The types of statements, exactly; those that the rules understand when omitted.
        provenance: Rules for SLSA provenance, versions 0.2 and 1.
        vulnerability: Rules for vulnerability reports: cosign's predicate `vuln`, in-toto's `vulns`.
        vex: Rules for VEX documents: OpenVEX, and CycloneDX with analyses.
        tag_matches_ref: The tag that was asked for must stand for the source reference that was signed.
        any_content: The statement is signed, and what it says is not read: the one way to write no rule.
    """

    predicate_types: tuple[str, ...] = ()
    provenance: ProvenanceOptions | None = None
    vulnerability: ReportRuleOptions | None = None
    vex: VexRuleOptions | None = None
    tag_matches_ref: TagOptions | None = None
    any_content: bool = False


class AttestationOptions(RuleOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The parameters of a verifier of type `attestation`.

    Attributes:
        trust_policies: Whose statements count for which repositories, at least one; as for a verifier of type `cosign`.
    """

    trust_policies: tuple[TrustPolicyOptions, ...]
