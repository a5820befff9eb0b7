"""The rules for vulnerability reports with the VEX documents that count, as verifiers of reports and of attestations use them."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import partial

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.plugin import Resources
from pyratify.core.verifier import Evidence
from pyratify.evidence.judgement import Circumstances, Judge, Judgement
from pyratify.evidence.predicate_types import VULN_PREDICATES
from pyratify.evidence.vulnerability.judge_report import VulnerabilityJudge
from pyratify.evidence.vulnerability.options import VulnerabilityOptions, load_rules
from pyratify.evidence.vulnerability.read_report import read_report
from pyratify.evidence.vulnerability.report_fields import earliest
from pyratify.sigstore.statement_envelopes import SignedStatement
from pyratify.verifiers.accepted_statements import AcceptedSigners
from pyratify.verifiers.accepted_vex import AcceptedVex, VexOptions, load_accepted_vex


class ReportRuleOptions(
    VulnerabilityOptions, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"
):
    """Rules for vulnerability reports, all of which must hold.

    Attributes:
        vex: Whose VEX documents count; none when omitted.
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

    async def beside(
        self, evidence: Evidence, now: datetime, signers: AcceptedSigners | None = None
    ) -> Judge | None:
        """Return the judge that knows what else is attached: VEX documents, and earlier reports where a leeway counts from them.

        Args:
            evidence: The report's.
            now: The moment of the verification (aware).
            signers: Whose earlier reports count; None for no signer.

        Raises:
            VerificationError: An accepted VEX document is malformed.
            InconclusiveError: A key of those who sign them cannot be used.
            StoreError: Not all of what is attached could be read.
        """
        found = self.reports
        if self.vex is not None:
            suppression = await self.vex.about(evidence, now)
            found = replace(found, suppresses=suppression, why_not=suppression.why_not)
        # Earlier reports cost requests, and only a leeway counts from them.
        if signers is not None and evidence.siblings is not None and found.rules.has_leeway:
            read = partial(signers.read, _sightings)
            reports = await evidence.siblings.examine((self, "reports"), read)
            found = replace(found, first_named=_first(each for one in reports for each in one))
        return None if found is self.reports else found


def _sightings(signed: SignedStatement) -> tuple[datetime, frozenset[str]] | None:
    """Return when a signed report was made, and what it names; None for what is no report or has no time."""
    if signed.statement.predicate_type not in VULN_PREDICATES:
        return None
    try:
        report = read_report(signed.statement.predicate, "predicate")
    except VerificationError:
        return None
    # A new signature over an old report makes it no newer (decision 0050).
    created = earliest(report.created, signed.signer.signed_at)
    names = frozenset(name for finding in report.findings for name in finding.names)
    # Without a time it cannot be the first one.
    return None if created is None else (created, names)


def _first(sightings: Iterable[tuple[datetime, frozenset[str]]]) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for time, names in sightings:
        for name in names:
            found[name] = min(time, found.get(name, time))
    return found


async def load_report_judge(options: ReportRuleOptions, path: str, resources: Resources) -> ReportJudge:
    """Return the judge of predicates about scans.

    Raises:
        ConfigurationError: With the path of what is wrong.
    """
    rules = load_rules(options, path)
    where = f"{path}.vex" if path else "vex"
    vex = None if options.vex is None else await load_accepted_vex(options.vex, where, resources)
    return ReportJudge(VulnerabilityJudge(rules, "predicate"), vex)
