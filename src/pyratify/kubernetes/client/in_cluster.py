"""Detect a cluster without importing its client, which takes long."""

import os
from collections.abc import Mapping
from pathlib import Path

TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


def has_cluster(environment: Mapping[str, str] = os.environ, token: Path = TOKEN) -> bool:
    """Return whether this process runs in a cluster, or `$KUBECONFIG` names one."""
    return bool(environment.get("KUBECONFIG")) or (
        # Both, because every Pod has the variable, also one without a mounted token.
        bool(environment.get("KUBERNETES_SERVICE_HOST")) and token.is_file()
    )
