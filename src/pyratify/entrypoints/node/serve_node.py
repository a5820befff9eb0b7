"""`ratify node serve`: the daemon made from flags."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

from pyratify.caches.last_verdicts import LastVerdicts
from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.containerd.containerd_site import containerd_site
from pyratify.entrypoints.node.docker.daemon import DockerDaemon
from pyratify.entrypoints.node.docker.docker_judge import DockerJudge
from pyratify.entrypoints.node.docker.docker_site import docker_site
from pyratify.entrypoints.node.judge import NodeJudge
from pyratify.entrypoints.node.nri.connection import NriConnection
from pyratify.entrypoints.node.nri.plugin import NriPlugin
from pyratify.serving import process
from pyratify.serving.entry_point import Server, ServerContext
from pyratify.serving.http.group_members import GroupMembers, group_number
from pyratify.serving.http.peers import Peers
from pyratify.serving.unix.listeners import UnixSite


def make(context: ServerContext) -> Server:
    """Return the daemon as an entry point.

    Raises:
        ConfigurationError: There is no such group, or no runtime is served.
    """
    judge = _judge(context)
    sockets = tuple(_sockets(context, judge))
    # No site: NRI's runtime listens, and its plugins connect.
    nri = NriConnection(Path(context.flags.nri), NriPlugin(judge=judge)) if context.flags.nri else None
    if not sockets and nri is None:
        raise ConfigurationError("no runtime is served", remedy="Give --socket, --docker or --nri.")
    return Server(
        site=None,
        aclose=judge.aclose,
        sockets=sockets,
        watch=None if nri is None else nri.keep,
        checks={} if nri is None else {"nri": lambda: nri.fault},
    )


def run(flags: Namespace) -> None:
    """Serve until SIGTERM or an interrupt.

    Raises:
        ConfigurationError: A flag, a socket or an address cannot be used.
    """
    process.run(flags, make)


def _sockets(context: ServerContext, judge: NodeJudge) -> Iterator[UnixSite]:
    """Iterate over what is served at unix sockets, each runtime at its own."""
    flags = context.flags
    peers = Peers(GroupMembers(group_number(flags.group), context.clock) if flags.group else None)
    if flags.socket:
        yield UnixSite(path=Path(flags.socket), site=containerd_site(judge), peers=peers)
    if flags.docker:
        daemon = DockerDaemon(Path(flags.docker_daemon))
        docker = DockerJudge(judge=judge, inventory=daemon, seconds=flags.docker_timeout)
        # The Docker daemon alone asks here, and runs as root or as the user of this process.
        yield UnixSite(path=Path(flags.docker), site=docker_site(docker), peers=Peers())


def _judge(context: ServerContext) -> NodeJudge:
    shared, metrics = context.shared, context.metrics
    judge = NodeJudge(
        source=context.source,
        verdicts=context.verdicts,
        clock=context.clock,
        lifetime=context.flags.verdict_lifetime,
        last=None if shared is None else LastVerdicts(shared, context.clock),
    )
    if metrics is not None:
        judge.count, judge.measure = metrics.error, metrics.request
    return judge
