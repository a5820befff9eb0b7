"""The kustomize base is made from the chart: `python tests/manifests/kustomize.py` writes it (needs helm)."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from manifests.helm import CHART, NAMESPACE, ROOT, render

BASE = ROOT / "deploy" / "kustomize" / "base"
VALUES: dict[str, Any] = {
    "image": {
        "repository": "ghcr.io/notaryproject/ratify-gatekeeper-provider"
    },  # a name for `images:` to replace
    "fullnameOverride": "ratify-gatekeeper-provider",
    "executor": {"create": False},
}
_OF_HELM = ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/instance")
_NAMESPACED = ("Deployment", "NetworkPolicy", "Role", "RoleBinding", "Secret", "Service", "ServiceAccount")
_HEAD = "# Made from the chart by tests/manifests/kustomize.py.\n"


def files(folder: Path) -> dict[str, str]:
    """Return the files of the base by their names.

    Args:
        folder: Where helm's values are written.
    """
    parts: dict[str, list[dict[str, Any]]] = {"kinds.yaml": [], "provider.yaml": [], "mutation.yaml": []}
    for document in render(VALUES, folder, NAMESPACE, CHART, "--include-crds"):
        kind = document["kind"]
        if "helm.sh/hook" in document["metadata"].get("annotations", {}):
            continue
        if kind == "NetworkPolicy":
            document["spec"]["ingress"] = [
                each for each in document["spec"]["ingress"] if not _is_helms(each)
            ]
        name = {"CustomResourceDefinition": "kinds.yaml", "Assign": "mutation.yaml"}.get(
            kind, "provider.yaml"
        )
        if kind in _NAMESPACED:
            document["metadata"]["namespace"] = NAMESPACE
        parts[name].append(_bare(document))
    return {name: _HEAD + yaml.safe_dump_all(found, sort_keys=False) for name, found in parts.items()}


def _is_helms(rule: dict[str, Any]) -> bool:
    """Whether a rule lets in the Pod of `helm test`."""
    selectors = [peer.get("podSelector", {}).get("matchLabels", {}) for peer in rule.get("from", [])]
    return any(each.get("app.kubernetes.io/name", "").endswith("-test") for each in selectors)


def _bare(value: Any) -> Any:
    """Return a document without what only helm needs."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {name: _bare(item) for name, item in value.items() if name not in _OF_HELM}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for name, text in files(Path(folder)).items():
            (BASE / name).write_text(text)
