"""Rules about reports, with the verifiers that judge real ones: the newest counts, and a deny rule needs evidence."""

import pytest

from pyratify.core.reason import Reason
from pyratify.core.report import Decision
from pyratify.policies.rule import Require, Rule
from pyratify.testing.vulnerability import Vulnerability, trivy_report, vuln_predicate
from support.scenes import threshold
from support.vulnerability_setting import VULN, VulnerabilitySetting

NEWEST = threshold(Rule("vulnerability", require=Require.NEWEST))
NO_CRITICAL = threshold(
    Rule("vulnerability"), Rule("vulnerability", deny=True, reasons=(Reason.VULN_FOUND.value,))
)


@pytest.mark.parametrize(
    ("reports", "newest", "none"),
    [
        ((("2026-05-20", False),), True, True),
        ((("2026-05-20", True),), False, False),
        ((("2026-05-10", True), ("2026-05-20", False)), True, False),
        ((("2026-05-10", False), ("2026-05-20", True)), False, False),
        ((), False, False),
    ],
)
async def test_signed_reports_of_vulnerabilities(
    reports: tuple[tuple[str, bool], ...], newest: bool, none: bool
) -> None:
    """Each a day and whether something critical was found; in both orders of the registry."""
    for order in (reports, reports[::-1]):
        setting = VulnerabilitySetting()
        for day, dirty in order:
            found = (Vulnerability(),) if dirty else ()
            moment = f"{day}T00:00:00Z"
            setting.attest(VULN, vuln_predicate(trivy_report(*found, created=moment), finished=moment))
        for policy, allowed in ((NEWEST, newest), (NO_CRITICAL, none)):
            result = await setting.validate(attested=True, policy=policy)
            assert (result.decision is Decision.ALLOW) is allowed
