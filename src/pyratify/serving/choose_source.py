"""Which configuration an entry point follows: a file, or the resources of a cluster."""

import logging
import socket
from argparse import Namespace
from pathlib import Path

from pyratify.config.locate import locate, passed_over
from pyratify.config.watch_configuration import WatchedConfig
from pyratify.core.addresses import Destinations
from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.serving.configuration_source import FollowedSource
from pyratify.serving.state_folder import open_content_cache

_LOG = logging.getLogger("pyratify.serving")


def choose_source(flags: Namespace, clock: Clock) -> FollowedSource:
    """Return the configuration that the flags and the surroundings ask for.

    Args:
        flags: The parsed command line.
        clock: The clock of durations and deadlines.

    Raises:
        ConfigurationError: The cluster's API server cannot be used, what is needed for it is not installed, or nothing
            says where a configuration is.
    """
    if _wants_cluster(flags):
        return _cluster(flags, clock)
    # A file that is not there yet is waited for: it may be mounted after the process has started.
    path = locate(flags.config) or _in_home()
    _LOG.info("the configuration is a file", extra={"path": path})
    if (here := passed_over(flags.config)) is not None:
        _LOG.warning(
            "a configuration in the current folder is not read unless it is named: -c, or $RATIFY_CONFIG",
            extra={"path": here},
        )
    return WatchedConfig(path, clock, cache=open_content_cache(flags))


def _in_home() -> Path:
    """Return where a configuration is waited for that nothing names; never in the current folder."""
    # A relative $HOME would mean the current folder again, which may be an untrusted checkout.
    home = Path.home()
    if not home.is_absolute():
        raise ConfigurationError(
            f"nothing names a configuration, and $HOME is no absolute path: {str(home)!r}",
            remedy="Name the file: -c FILE, or $RATIFY_CONFIG.",
        )
    return home / ".ratify" / "config.json"


def _wants_cluster(flags: Namespace) -> bool:
    if not flags.reads_resources or flags.disable_crd_manager:
        return False
    # Outside Ratify v2's flags, a file that is named outright counts before the cluster's resources.
    if flags.config is not None and not flags.resources_first:
        return False
    from pyratify.kubernetes.client.in_cluster import has_cluster

    return has_cluster()


def _cluster(flags: Namespace, clock: Clock) -> FollowedSource:
    # lightkube is an extra; without it a server that reads files must still start.
    try:
        from pyratify.kubernetes.client.api import Api
        from pyratify.kubernetes.executors.controller import (
            ClusterConfig,
            ControllerOptions,
            NamespaceFallback,
        )
        from pyratify.kubernetes.executors.reconciler import OnInvalid
    except ImportError:
        raise ConfigurationError(
            "there is a cluster, and resources need lightkube",
            remedy="Install it: pip install 'pyratify[kubernetes]'; or --disable-crd-manager, and a file.",
        ) from None
    options = ControllerOptions(
        on_invalid=OnInvalid(flags.on_invalid_executor),
        fallback=NamespaceFallback(flags.namespace_fallback),
        tenant_destinations=Destinations.parse(flags.tenant_allowed_host),
    )
    _LOG.info("the configuration is the cluster's Executors")
    return ClusterConfig(Api.connect(), clock, options, instance=socket.gethostname())
