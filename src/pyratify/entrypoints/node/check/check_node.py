"""All checks of a node, in order."""

from collections.abc import Iterator

from pyratify.core.dataclass import dataclass
from pyratify.entrypoints.node.check.check_containerd import check_containerd, configurations
from pyratify.entrypoints.node.check.check_daemon import check_daemon
from pyratify.entrypoints.node.check.check_docker import check_docker, has_docker
from pyratify.entrypoints.node.check.check_nri import check_nri, crio_files
from pyratify.entrypoints.node.check.finding import Finding, fault, limit
from pyratify.entrypoints.node.check.host import Host

_PODMAN = ("/usr/bin/podman", "/usr/local/bin/podman")


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """What is looked at.

    Attributes:
        host: The node.
        containerd_config: containerd's configuration; those of the usual places when empty.
        socket: Where our daemon listens.
        state: The folder of our daemon.
    """

    host: Host
    containerd_config: str
    socket: str
    state: str


def check_node(options: CheckOptions) -> Iterator[Finding]:
    """Iterate over what is wrong with a node."""
    host = options.host
    # Without a finding the report would read as that of a node without gaps.
    if not (configurations(host, options.containerd_config) or crio_files(host) or has_docker(host)):
        yield fault(
            host.root,
            "no container runtime was found, so nothing was checked",
            "Name containerd's configuration, or the node's root where it is mounted: --containerd-config, --root.",
        )
    yield from check_daemon(host, options.socket, options.state)
    yield from check_containerd(host, options.containerd_config, options.socket)
    yield from check_nri(host, options.containerd_config)
    yield from check_docker(host)
    if any(host.at(path).exists() for path in _PODMAN):
        yield limit(
            "podman",
            "it has no plugins: only its own policy.json decides",
            "Set policy.json to reject by default; verify in a pipeline: ratify verify.",
        )
