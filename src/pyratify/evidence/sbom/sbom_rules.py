"""All rules about an SBOM, as one judge."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.cosign_predicate import unwrapped
from pyratify.evidence.findings import count_and_show
from pyratify.evidence.judgement import Circumstances, Judgement
from pyratify.evidence.sbom.document import UNSTATED, Sbom
from pyratify.evidence.sbom.license_rules import LicenseRules
from pyratify.evidence.sbom.package_rules import PackageRules
from pyratify.evidence.sbom.read_sbom import read_sbom
from pyratify.evidence.sbom.requirements import Requirements
from pyratify.evidence.sbom.work_budget import WorkBudget
from pyratify.pki.times import format_time

_MOST_LICENSES = 20  # that a report names


@dataclass(frozen=True, slots=True)
class SbomRules:
    """Judges SBOMs.

    Attributes:
        licenses: None for any license.
        packages: None where no package is denied.
        required: What the document must state.
    """

    licenses: LicenseRules | None = None
    packages: PackageRules | None = None
    required: Requirements = field(default_factory=Requirements)

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a document that was parsed strictly: SPDX or CycloneDX, or a text with one, as cosign's predicates have them.

        Raises:
            VerificationError: `LICENSE`, `PACKAGE_DENIED`, `SBOM_INVALID`, `MEDIATYPE_UNSUPPORTED`, `TIME_INVALID`,
                `EVIDENCE_STALE`, `PAYLOAD_SUBJECT_MISMATCH` or a JSON code.
        """
        return self.judge_sbom(read_sbom(unwrapped(document)), circumstances)

    def judge_sbom(self, sbom: Sbom, circumstances: Circumstances) -> Judgement:
        """Judge an SBOM; errors as for `judge`, without those of reading."""
        # First: rules about packages say nothing where the list of packages is not complete.
        valid_until = self.required.check(sbom, circumstances)
        # One for all rules together, as their costs add up.
        budget = WorkBudget()
        if self.licenses is not None:
            refused = list(self.licenses.findings(sbom.packages, budget))
            if refused:
                message = count_and_show(
                    refused, "package has a refused license", "packages have refused licenses"
                )
                raise VerificationError(Reason.LICENSE, message)
        if self.packages is not None:
            denied = list(self.packages.findings(sbom.packages, budget))
            if denied:
                message = count_and_show(denied, "package is denied", "packages are denied")
                raise VerificationError(Reason.PACKAGE_DENIED, message)
        return Judgement(facts_of(sbom, circumstances.signed_at), valid_until)


def facts_of(sbom: Sbom, signed_at: datetime | None = None) -> Mapping[str, Any]:
    """Return what reports and policies get of an SBOM; the names are stable."""
    # Thousands of packages share a few statements: each is looked at once.
    licenses: Counter[str] = Counter()
    without = 0
    for statements, count in Counter(package.licenses for package in sbom.packages).items():
        stated = {each.text for each in statements if each.text not in UNSTATED}
        licenses.update(dict.fromkeys(stated, count))
        without += 0 if stated else count
    facts = {
        "format": sbom.format.lower(),
        "specVersion": sbom.version,
        "name": sbom.name,
        "packages": len(sbom.packages),
        "packagesWithoutLicense": without,
        "licenses": dict(sorted(licenses.items(), key=lambda each: (-each[1], each[0]))[:_MOST_LICENSES]),
        "tools": list(sbom.tools[:10]),
        "authors": list(sbom.authors[:10]),
    }
    # The earliest: an SBOM that is signed again is no newer.
    times = [each for each in (sbom.created, signed_at) if each is not None]
    return facts | ({"createdAt": format_time(min(times))} if times else {})
