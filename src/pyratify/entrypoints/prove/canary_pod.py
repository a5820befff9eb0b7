"""The Pod that is offered: refused by nothing but the verification of its image."""

from typing import Any

from pyratify.core.reference import Reference

_NAME = "ratify-prove-canary"


def canary_pod(reference: Reference, namespace: str) -> dict[str, Any]:
    """Return a Pod of an image that Pod Security's strictest level (`restricted`) admits."""
    container = {
        "name": "canary",
        "image": str(reference),
        # A program that no image has: should the Pod ever be scheduled, nothing runs.
        "command": ["/none"],
        # A namespace with a ResourceQuota refuses Pods without requests and limits.
        "resources": {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1m", "memory": "1Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": _NAME, "namespace": namespace},
        # No token: a canary that is kept after all must hold no credential of the cluster.
        "spec": {"automountServiceAccountToken": False, "restartPolicy": "Never", "containers": [container]},
    }
