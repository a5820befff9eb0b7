"""Which configuration an entry point follows: a file, or the resources of a cluster."""

import logging
import socket
from argparse import Namespace
from pathlib import Path

from pyratify.config.locate import locate
from pyratify.config.watch import WatchedConfig
from pyratify.core.addresses import Destinations
from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.serving.source import FollowedSource

_LOG = logging.getLogger("pyratify.serving")


def choose_source(flags: Namespace, clock: Clock) -> FollowedSource:
    """Return the configuration that the flags and the surroundings ask for.

    Args:
        flags: What the command line said.
        clock: Where all times come from.

    Raises:
        ConfigurationError: The cluster's API server cannot be used, or what is needed for it is not installed.
    """
    if _wants_cluster(flags):
        return _cluster(flags, clock)
    path = locate(flags.config) or Path.home() / ".ratify" / "config.json"
    _LOG.info("the configuration is a file", extra={"path": path})
    return WatchedConfig(path, clock)


def _wants_cluster(flags: Namespace) -> bool:
    if not flags.reads_resources or flags.disable_crd_manager:
        return False
    if flags.config is not None and not flags.resources_first:
        return False
    from pyratify.kubernetes.surroundings import has_cluster

    return has_cluster()


def _cluster(flags: Namespace, clock: Clock) -> FollowedSource:
    try:
        from pyratify.kubernetes.api import Api
        from pyratify.kubernetes.bucket import OnInvalid
        from pyratify.kubernetes.controller import ClusterConfig, Fallback, Rules
    except ImportError:
        raise ConfigurationError(
            "there is a cluster, and resources need lightkube",
            remedy="Install it: pip install 'pyratify[kubernetes]'; or --disable-crd-manager, and a file.",
        ) from None
    rules = Rules(
        on_invalid=OnInvalid(flags.on_invalid_executor),
        fallback=Fallback(flags.namespace_fallback),
        tenant_destinations=Destinations.parse(flags.tenant_allowed_host),
    )
    _LOG.info("the configuration is the cluster's Executors")
    return ClusterConfig(Api.connect(), clock, rules, instance=socket.gethostname())
