"""The rules for vulnerability reports with the VEX documents that count, as verifiers of reports and of attestations use them."""

from dataclasses import dataclass, replace
from datetime import datetime

from pyratify.core.plugin import Resources
from pyratify.core.verifier import Evidence
from pyratify.evidence.judgement import Circumstances, Judge, Judgement
from pyratify.evidence.vulnerability.judge_report import VulnerabilityJudge
from pyratify.evidence.vulnerability.options import VulnerabilityOptions, load_rules
from pyratify.verifiers.accepted_vex import AcceptedVex, VexOptions, load_accepted_vex


class ReportRuleOptions(
    VulnerabilityOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Rules for vulnerability reports, all of which must hold.

    Attributes:
        vex: Whose VEX documents count; nobody's when omitted.
    """

    vex: VexOptions | None = None


@dataclass(frozen=True, slots=True)
class ReportJudge:
    """Judges vulnerability reports, and looks at VEX documents where a finding is denied.

    Attributes:
        reports: Judges a report alone.
        vex: The VEX documents that count; None for none.
    """

    reports: VulnerabilityJudge
    vex: AcceptedVex | None = None

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a report alone; errors as in `VulnerabilityJudge`."""
        return self.reports.judge(document, circumstances)

    async def beside(self, evidence: Evidence, now: datetime) -> Judge | None:
        """Return the judge that knows what VEX documents say of the evidence's subject; None where none count.

        Raises:
            VerificationError: An accepted document is malformed.
            InconclusiveError: A key of those who sign them cannot be used.
            StoreError: Not all of what is attached could be read.
        """
        if self.vex is None:
            return None
        return replace(self.reports, suppresses=await self.vex.about(evidence, now))


async def load_report_judge(options: ReportRuleOptions, path: str, resources: Resources) -> ReportJudge:
    """Return the judge of predicates about scans.

    Raises:
        ConfigurationError: With the path of what is wrong.
    """
    rules = load_rules(options, path)
    where = f"{path}.vex" if path else "vex"
    vex = None if options.vex is None else await load_accepted_vex(options.vex, where, resources)
    return ReportJudge(VulnerabilityJudge(rules, "predicate"), vex)
