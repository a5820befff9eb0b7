"""Values of images for several platforms, and what the constraint templates that look at details make of them."""

from collections.abc import Iterator
from functools import partial
from typing import Any

from manifests.objects import BUILT, COSIGNED, PARAMETERS, SBOM, SCANNED, SIGNED, report, result, value

# One report that satisfies the template.
_EVIDENCE: dict[str, dict[str, Any]] = {
    "notation-issuer-validation": SIGNED,
    "cosign-identity-validation": COSIGNED,
    "sbom-validation": SBOM,
    "vulnerability-report-validation": SCANNED,
    "provenance-validation": BUILT,
}
_OTHER = report(result("other", {}))


def _node(platform: Any, *nested: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**report(nested=nested), "discovery": "index", "platform": platform, **fields}


def platform_evidence() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any], bool]]:
    """Iterate over folder, name, parameters, value, and whether it is refused."""
    for folder, good in _EVIDENCE.items():
        both = (_node("linux/amd64", good, decision="ALLOW"), _node("linux/arm64", good, decision="ALLOW"))
        one = (both[0], _node("linux/arm64", _OTHER, decision="ALLOW"))
        cases = {
            "every-platform": (value(*both), False),
            "one-platform-without": (value(*one), True),
            "one-platform-without-and-the-index": (value(good, *one), True),
            "platform-with-nothing": (value(both[0], _node("linux/arm64", decision="ALLOW")), True),
            "platform-that-was-not-asked-for": (value(both[0], _node("linux/arm64")), False),
            "only-platforms-that-were-not-asked-for": (value(_node("linux/amd64", good)), True),
            "index-that-spoke": (value(_node("index", good, decision="ALLOW")), False),
            "index-that-spoke-beside-the-manifests-own": (
                value(_OTHER, _node("index", good, decision="ALLOW")),
                False,
            ),
            "index-that-spoke-without": (value(_node("index", _OTHER, decision="ALLOW")), True),
            "attestation-of-the-index": (value({**good, "discovery": "index"}), False),
            "platforms-of-which-one-may-be-left-out": ({**value(*both), "leftOut": 1}, True),
        }
        for name, (found, refused) in cases.items():
            yield folder, f"{folder.partition('-')[0]}-{name}", PARAMETERS[folder], found, refused
    # Of a single image only what may forbid it is missed.
    forbidding = ("sbom-validation", "vulnerability-report-validation")
    for folder, good in _EVIDENCE.items():
        left = {**value(good), "leftOut": 3}
        yield folder, f"{folder.partition('-')[0]}-left-out", PARAMETERS[folder], left, folder in forbidding


def signed_itself() -> Iterator[tuple[str, str, dict[str, Any], dict[str, Any], bool]]:
    """Iterate over attestations, which need no signature below them; as `platform_evidence` does."""
    for folder in ("sbom-validation", "vulnerability-report-validation"):
        named = {"verifier": "scan"}
        scan = partial(result, "scan")
        early = {"signer": "spki:x", "createdAt": "2026-11-23T10:00:00Z", "scanner": "trivy"}
        late = {**early, "createdAt": "2026-11-23T11:00:00Z"}
        passed = report(scan(early, outcome="PASSED"))
        refused = report(scan(late, outcome="FAILED", errorReason="a finding"))
        unknown = report(scan("", outcome="FAILED", errorReason="another key"))
        cases = {
            "signed-itself": (value(passed), False),
            "signed-itself-and-refused-later": (value(passed, refused), True),
            "signed-itself-beside-another-signer": (value(passed, unknown), False),
            "only-another-signer": (value(unknown), True),
            "no-signer": (value(report(scan({**early, "signer": ""}, outcome="PASSED"))), True),
            "signer-is-no-text": (value(report(scan({**early, "signer": ["x"]}, outcome="PASSED"))), True),
            "signer-by-another-verifier": (
                value(report(scan({"createdAt": early["createdAt"]}), result("other", early))),
                True,
            ),
        }
        for name, (found, is_refused) in cases.items():
            yield folder, f"{folder.partition('-')[0]}-{name}", named, found, is_refused
