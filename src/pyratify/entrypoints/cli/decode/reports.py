"""Vulnerability reports and VEX documents for people: counts, age, and the worst first."""

from collections import Counter
from typing import Any

from pyratify.entrypoints.cli.decode.certificate_facts import Facts
from pyratify.entrypoints.cli.decode.document_age import made

_SHOWN = 10  # a report may have thousands of findings


def report_facts(document: object) -> Facts:
    """Return what a vulnerability report says.

    Raises:
        VerificationError: It is none.
    """
    from pyratify.evidence.vulnerability.finding import worst_first
    from pyratify.evidence.vulnerability.judge_report import by_severity
    from pyratify.evidence.vulnerability.read_report import read_report

    report = read_report(document)
    worst = sorted(report.findings, key=worst_first)[:_SHOWN]
    return {
        "format": report.format,
        "scanner": ", ".join(report.scanners),
        "scannerVersion": report.version or None,
        **made(report.created),
        "about": sorted(report.digests) or None,
        "findings": len(report.findings),
        **{name: count for name, count in by_severity(report.findings).items() if count},
        "fixable": sum(bool(each.fixed) for each in report.findings),
        "worst": [each.describe() for each in worst],
        "notShown": len(report.findings) - len(worst) or None,
    }


def vex_facts(document: object) -> Facts:
    """Return what a VEX document says.

    Raises:
        VerificationError: It is none.
    """
    from pyratify.evidence.vex.read_vex import read_vex

    found = read_vex(document)
    counts = Counter(statement.status.value for statement in found.statements)
    lines = [
        f"{', '.join(sorted(each.names))}: {each.status.value}"
        f"{' of ' + ', '.join(sorted(digests)) if (digests := _digests(each)) else ' of no image by its digest'}"
        for each in found.statements[:_SHOWN]
    ]
    return {
        "format": found.format,
        "author": found.author or None,
        **made(found.created),
        **counts,
        "statements": lines,
        "notShown": len(found.statements) - len(lines) or None,
    }


def _digests(statement: Any) -> set[str]:
    return {digest for product in statement.products for digest in product.digests}
