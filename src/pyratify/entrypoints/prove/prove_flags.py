"""The flags of `ratify prove`."""

from pyratify.terminal.arguments import Parser


def add_flags(parser: Parser) -> None:
    """Add the flags of the image and of the doors."""
    add = parser.add_argument
    add(
        "--image",
        required=True,
        metavar="REFERENCE",
        help="an image that no policy allows: unsigned, and in its registry",
    )
    add(
        "--allowed",
        metavar="REFERENCE",
        help="an image that each door has to let pass, so that a door that refuses everything is seen",
    )
    doors = parser.add_argument_group("doors").add_argument
    doors(
        "--pod",
        action="store_true",
        help="a server-side dry run of a Pod, at the cluster of --kubeconfig or $KUBECONFIG",
    )
    doors("--namespace", default="default", metavar="NAME", help="the Pod's namespace (default: default)")
    doors("--kubeconfig", metavar="FILE", help="how the API server is reached")
    doors("--containerd", metavar="SOCKET", help="a pull by ctr, at this containerd")
    doors("--ctr", default="ctr", metavar="PATH", help="the program (default: ctr)")
    doors("--snapshotter", default="", metavar="NAME", help="the snapshotter of that pull")
    doors("--docker", metavar="SOCKET", help="docker create, which pulls first, at this Docker")
    doors("--gatekeeper", metavar="URL", help="the external data provider, as the Provider resource has it")
    doors("--webhook", metavar="URL", help="the admission webhook, as its configuration has it")
    doors("--server-ca-file", metavar="FILE", help="the authority of those two servers, PEM")
    doors("--client-cert-file", metavar="FILE", help="the client certificate for them, PEM")
    doors("--client-key-file", metavar="FILE", help="its key, PEM")
