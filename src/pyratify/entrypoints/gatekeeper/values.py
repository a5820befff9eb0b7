"""What a verdict looks like to constraint templates: Ratify v2's value, and v1's for migration."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from pyratify.core.report import Outcome, ValidationResult

# Templates written for Ratify v1 may compare it.
V1_VERSION = "0.2.0"


def v2_value(result: ValidationResult) -> dict[str, Any]:
    """Return Ratify v2's value: `succeeded` and `artifactReports`, and beside them the digest and why it is denied."""
    found = result.to_dict()
    value: dict[str, Any] = {
        # null (no policy) must not reach Rego, where `not null` and `not false` differ.
        "succeeded": found["succeeded"] is True,
        # Go writes an empty slice that was never made as null, and templates know it so.
        "artifactReports": found.get("artifactReports") or None,
    }
    # Beside v2's members, so templates of Ratify v2 read the value unchanged.
    for name in ("digest", "failure", "leftOut"):
        if found.get(name) is not None:
            value[name] = found[name]
    return value


def v1_value(result: ValidationResult, types: Mapping[str, str], trace: str, now: datetime) -> dict[str, Any]:
    """Return Ratify v1's value, version 0.2.0: a flat list of reports, nested ones in `nestedResults`.

    Args:
        result: The verdict.
        types: The verifiers' types by their names.
        trace: What the log calls the request.
        now: The time of the answer.
    """
    found = result.to_dict()
    return {
        "version": V1_VERSION,
        "isSuccess": found["succeeded"] is True,
        "traceID": trace,
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "verifierReports": list(_v1_reports(found.get("artifactReports") or (), types)),
    }


def _v1_reports(reports: Any, types: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    for report in reports:
        nested = list(_v1_reports(report.get("artifactReports") or (), types))
        # A manifest of an image index has no results: Ratify v1 knows no such level, and its evidence names it as the subject.
        if "platform" in report:
            yield from nested
        for result in report.get("results") or ():
            yield _v1_result(report, result, types, nested)


def _v1_result(
    report: dict[str, Any], result: dict[str, Any], types: Mapping[str, str], nested: list[dict[str, Any]]
) -> dict[str, Any]:
    name = result["verifierName"]
    found = {
        "subject": report["subject"],
        "isSuccess": result["outcome"] == Outcome.PASSED,
        "name": name,  # v1's old and new names of one member, both read by templates
        "verifierName": name,
        "type": types.get(name, name),
        "verifierType": types.get(name, name),
        "referenceDigest": report["artifact"],
        "artifactType": report.get("artifactType"),
        "message": result["description"],
        "errorReason": result.get("errorReason"),
        "remediation": result.get("remedy"),
        "extensions": json.loads(result["detail"]) if result.get("detail") else None,
        "nestedResults": nested or None,
    }
    # Go's omitempty: a template asks whether a member is there.
    return {key: value for key, value in found.items() if value is not None}
