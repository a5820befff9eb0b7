"""Objects with images in them, as Gatekeeper asks about them, and the values a provider answers with."""

import json
from typing import Any

GROUPS = {
    "Pod": "v1",
    "ReplicationController": "v1",
    "Deployment": "apps/v1",
    "ReplicaSet": "apps/v1",
    "StatefulSet": "apps/v1",
    "DaemonSet": "apps/v1",
    "Job": "batch/v1",
    "CronJob": "batch/v1",
}
PLACES = ("containers", "initContainers", "ephemeralContainers", "volumes")
IMAGE = "registry.test/app:v1"
OTHER = "registry.test/other:v1"
DIGEST = "sha256:" + "ab" * 32


def pod_spec(**images: tuple[Any, ...]) -> dict[str, Any]:
    """Return a Pod's spec with these images in these lists; without `containers` it has one of `IMAGE`."""
    found: dict[str, Any] = {}
    for place, names in {"containers": (IMAGE,), **images}.items():
        if place == "volumes":
            items = [{"name": f"v{index}", "image": {"reference": name}} for index, name in enumerate(names)]
            found[place] = [{"name": "plain", "emptyDir": {}}, *items]
        else:
            found[place] = [{"name": f"c{index}", "image": name} for index, name in enumerate(names)]
    return found


def object_of(kind: str, spec: dict[str, Any], namespace: str = "team") -> dict[str, Any]:
    """Return an object of a kind around a Pod's spec."""
    metadata = {"name": "tried", "namespace": namespace}
    found: dict[str, Any] = {"apiVersion": GROUPS[kind], "kind": kind, "metadata": metadata}
    if kind == "Pod":
        return {**found, "spec": spec}
    template = {"metadata": {"labels": {"app": "tried"}}, "spec": spec}
    if kind == "CronJob":
        return {
            **found,
            "spec": {"schedule": "@daily", "jobTemplate": {"spec": {"template": template}}},
        }
    return {**found, "spec": {"template": template}}


def review_of(document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return what Gatekeeper asks about an object."""
    found = {
        "operation": "CREATE",
        "namespace": document.get("metadata", {}).get("namespace"),
        "object": document,
        **fields,
    }
    return {name: value for name, value in found.items() if value is not None}


def pod(**images: tuple[Any, ...]) -> dict[str, Any]:
    """Return the review of a Pod with these images."""
    return review_of(object_of("Pod", pod_spec(**images)))


def result(verifier: str, data: Any, **fields: Any) -> dict[str, Any]:
    """Return one verifier's result of Ratify v2's shape; `data` becomes the text in `detail` unless it is one."""
    text = data if isinstance(data, str) else json.dumps(data)
    return {"verifierName": verifier, "description": "verified", "detail": text, **fields}


def report(*results: dict[str, Any], nested: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    """Return the report of one attached artifact."""
    return {
        "subject": f"registry.test/app@{DIGEST}",
        "artifact": "sha256:" + "cd" * 32,
        "results": list(results),
        "artifactReports": list(nested),
    }


def value(*reports: dict[str, Any], succeeded: Any = True) -> dict[str, Any]:
    """Return Ratify v2's value."""
    return {"succeeded": succeeded, "artifactReports": list(reports) or None}


ISSUER = "CN=example.com,O=Example,L=Seattle,ST=WA,C=US"
SIGNED = report(result("notation-1", {"Issuer": ISSUER, "SN": "CN=signer"}, outcome="PASSED"))
OIDC = "https://issuer.example.com"
PERSON = "release@example.com"
KEYLESS = {"succeeded": True, "certificateOIDCIssuer": OIDC, "certificateIdentity": PERSON}
COSIGNED = report(result("cosign-1", {"verifiedSignatures": [KEYLESS]}))
SBOM = report(result("sbom-1", {"creationInfo": {}}), nested=(SIGNED,))
SCANNED = report(
    result("vulnerability-1", {"createdAt": "2026-11-23T11:00:00Z", "scanner": "trivy"}), nested=(SIGNED,)
)
BUILDER = "https://github.com/org/app/.github/workflows/release.yml@refs/tags/v1.2.3"
SOURCE = "https://github.com/org/app"
PROVENANCE = {"predicateType": "https://slsa.dev/provenance/v1", "builder": BUILDER, "source": SOURCE}
BUILT = report(result("provenance-1", PROVENANCE, outcome="PASSED"))
GOOD = value(SIGNED, COSIGNED, SBOM, SCANNED, BUILT)
PARAMETERS: dict[str, dict[str, Any]] = {
    "default": {},
    "multi-tenancy-validation": {},
    "notation-issuer-validation": {"issuer": ISSUER},
    "cosign-identity-validation": {"issuer": OIDC, "identity": PERSON},
    "sbom-validation": {"verifier": "sbom-1", "signatureVerifier": "notation-1"},
    "vulnerability-report-validation": {
        "verifier": "vulnerability-1",
        "signatureVerifier": "notation-1",
    },
    "provenance-validation": {"verifier": "provenance-1", "source": SOURCE},
}


def key_of(template: str, image: str = IMAGE, namespace: str = "team") -> str:
    """Return the key that a template asks for."""
    return f"[{namespace}]{image}" if template.startswith("multi") else image
