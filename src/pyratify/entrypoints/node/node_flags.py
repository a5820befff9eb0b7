"""The flags of `ratify node`."""

from argparse import ArgumentParser

from pyratify.serving.local_flags import add_local_serving_flags

SOCKET = "/run/ratify/node.sock"
DOCKER_SOCKET = "/run/docker/plugins/ratify.sock"


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
    add_local_serving_flags(parser)
