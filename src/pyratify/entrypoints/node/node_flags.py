"""The flags of `ratify node`."""

from argparse import ArgumentParser

from pyratify.entrypoints.node.containerd.containerd_names import CONFIG
from pyratify.serving.local_flags import STATE, add_kept_flags, add_local_serving_flags
from pyratify.serving.server_flags import add_timeout

SOCKET = "/run/ratify/node.sock"
DOCKER_SOCKET = "/run/ratify/docker.sock"
DOCKER_DAEMON = "/run/docker.sock"
NRI_SOCKET = "/run/nri/nri.sock"


def add_serve_flags(parser: ArgumentParser) -> None:
    """Add the flags of `ratify node serve`."""
    add = parser.add_argument
    add(
        "--socket",
        default=SOCKET,
        metavar="PATH",
        help=f"where ratify-containerd-verifier asks; empty for not at all (default: {SOCKET})",
    )
    add(
        "--group",
        default="",
        metavar="GROUP",
        help="the members of this group may ask too, beside root and the user of the daemon",
    )
    add(
        "--docker",
        default="",
        metavar="PATH",
        help=f"where the Docker daemon asks its authorization plugin, as {DOCKER_SOCKET}; empty for not at all (default: empty)",
    )
    add(
        "--docker-daemon",
        default=DOCKER_DAEMON,
        metavar="PATH",
        help=f"the Docker daemon's own socket, for what its names stand for (default: {DOCKER_DAEMON})",
    )
    add(
        "--nri",
        default="",
        metavar="PATH",
        help=f"containerd's or CRI-O's NRI, as {NRI_SOCKET}, which asks before it makes a container; empty for not at all (default: empty)",
    )
    add_timeout(parser, "--docker-timeout", 2.0, "in what time the Docker daemon gets an answer")
    add_local_serving_flags(parser)


def add_verify_flags(parser: ArgumentParser) -> None:
    """Add the flags of `ratify node verify`: those of containerd's image verifiers, and its own."""
    add = parser.add_argument
    for name, text in (
        ("name", "the reference that is pulled"),
        ("digest", "what it was resolved to"),
        ("stdin-media-type", "the media type of what is on standard input"),
    ):
        add(f"-{name}", required=True, metavar="TEXT", help=f"{text}, as containerd says it")
    add("-c", "--config", metavar="FILE", help="the configuration")
    add_kept_flags(parser)
    add_timeout(parser, "--timeout", 10.0, "containerd's per_verifier_timeout")
    parser.set_defaults(max_evaluations=1, max_evaluations_per_registry=1)  # one image


def add_install_containerd_flags(parser: ArgumentParser) -> None:
    """Add the flags of `ratify node install containerd`."""
    add = parser.add_argument
    add(
        "--containerd-config",
        default=CONFIG,
        metavar="FILE",
        help=f"containerd's configuration (default: {CONFIG})",
    )
    add(
        "--bin-dir",
        default="",
        metavar="DIR",
        help="where the program goes (default: what that configuration says)",
    )
    add("--socket", default=SOCKET, metavar="PATH", help=f"where the daemon listens (default: {SOCKET})")
    add(
        "--daemon-uid",
        type=int,
        default=0,
        metavar="UID",
        help="the user of a daemon that listens itself; root is believed in any case, and systemd listens as root",
    )
    # The distribution's, which root owns; the interpreter of a virtual environment may be another user's.
    add(
        "--python",
        default="/usr/bin/python3",
        metavar="PATH",
        help="the interpreter of the program (default: /usr/bin/python3)",
    )
    add(
        "--on-daemon-missing",
        choices=("refuse", "verify"),
        default="refuse",
        help="what a pull gets where no daemon listens: refuse, or verify in a process of its own, which takes longer (default: refuse)",
    )
    add("-c", "--config", metavar="FILE", help="the configuration for --on-daemon-missing verify")
    add("--state", default=STATE, metavar="DIR", help=f"the daemon's folder, for the same (default: {STATE})")
    add_change_flags(parser)


def add_install_docker_flags(parser: ArgumentParser) -> None:
    """Add the flags of `ratify node install docker`."""
    add = parser.add_argument
    config, folder = "/etc/docker/daemon.json", "/etc/docker/plugins"
    add(
        "--docker-config",
        default=config,
        metavar="FILE",
        help=f"the Docker daemon's configuration (default: {config})",
    )
    add(
        "--plugins-dir",
        default=folder,
        metavar="DIR",
        help=f"where the Docker daemon looks for its plugins (default: {folder})",
    )
    add(
        "--docker",
        default=DOCKER_SOCKET,
        metavar="PATH",
        help=f"where `ratify node serve` answers it (default: {DOCKER_SOCKET})",
    )
    add_change_flags(parser)


def add_install_nri_flags(parser: ArgumentParser) -> None:
    """Add the flags of `ratify node install nri`."""
    parser.add_argument(
        "--containerd-config",
        default=CONFIG,
        metavar="FILE",
        help=f"containerd's configuration (default: {CONFIG})",
    )
    parser.add_argument(
        "--crio",
        default="",
        metavar="DIR",
        help="CRI-O's folder of settings, as /etc/crio/crio.conf.d, instead of containerd's configuration",
    )
    add_change_flags(parser)


def add_change_flags(parser: ArgumentParser) -> None:
    """Add the flags of every `ratify node install`."""
    parser.add_argument("--write", action="store_true", help="make the changes; else they are only shown")
    parser.add_argument("--undo", action="store_true", help="take out what an installation put in")


def add_check_flags(parser: ArgumentParser) -> None:
    """Add the flags of `ratify node check`."""
    add = parser.add_argument
    add("--root", default="/", metavar="DIR", help="where the node's file system is mounted (default: /)")
    add(
        "--containerd-config",
        default="",
        metavar="FILE",
        help="containerd's configuration, a path of the node (default: the usual ones, those of k3s, RKE2 and MicroK8s too)",
    )
    add("--socket", default=SOCKET, metavar="PATH", help=f"where the daemon listens (default: {SOCKET})")
    add("--state", default=STATE, metavar="DIR", help=f"the daemon's folder (default: {STATE})")
