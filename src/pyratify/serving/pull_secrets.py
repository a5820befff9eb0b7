"""The flag of entry points that may read images with the image pull Secrets of namespaces."""

from argparse import ArgumentParser, Namespace
from typing import TYPE_CHECKING

from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.kubernetes.client.in_cluster import has_cluster

if TYPE_CHECKING:
    from pyratify.kubernetes.client.cluster import Cluster
    from pyratify.kubernetes.secrets.pod_secrets import PodSecrets


def add_pull_secrets_flag(parser: ArgumentParser, text: str) -> None:
    """Add the flag; `text` says whose Secrets are used."""
    parser.add_argument("--pull-secrets", action="store_true", help=text)


def pull_secrets(flags: Namespace, cluster: "Cluster", clock: Clock) -> "PodSecrets | None":
    """Return what reads the Secrets; None without the flag.

    Raises:
        ConfigurationError: There is no cluster that has Secrets.
    """
    if not flags.pull_secrets:
        return None
    if not has_cluster():
        raise ConfigurationError(
            "--pull-secrets reads Secrets of a cluster, and there is none",
            remedy="Set KUBECONFIG, mount the token of a service account, or remove the flag.",
        )
    # Lazy: only with the flag.
    from pyratify.kubernetes.secrets.pod_secrets import PodSecrets

    return PodSecrets(cluster.get, clock)
