"""The flags of `ratify prove`."""

from pyratify.terminal.arguments import Parser


def add_flags(parser: Parser) -> None:
    """Add the flags of the image and of the enforcement points."""
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
        help="an image that each enforcement point has to let pass, so that one that refuses everything is noticed",
    )
    points = parser.add_argument_group("enforcement points").add_argument
    points(
        "--pod",
        action="store_true",
        help="a server-side dry run of a Pod, at the cluster of --kubeconfig or $KUBECONFIG",
    )
    points("--namespace", default="default", metavar="NAME", help="the Pod's namespace (default: default)")
    points("--kubeconfig", metavar="FILE", help="how the API server is reached")
    points("--containerd", metavar="SOCKET", help="a pull by ctr, at this containerd")
    points("--ctr", default="ctr", metavar="PATH", help="the program (default: ctr)")
    points("--snapshotter", default="", metavar="NAME", help="the snapshotter of that pull")
    points("--docker", metavar="SOCKET", help="docker create, which pulls first, at this Docker")
    points("--gatekeeper", metavar="URL", help="the external data provider, as the Provider resource has it")
    points("--webhook", metavar="URL", help="the admission webhook, as its configuration has it")
    points("--server-ca-file", metavar="FILE", help="the authority of those two servers, PEM")
    points("--client-cert-file", metavar="FILE", help="the client certificate for them, PEM")
    points("--client-key-file", metavar="FILE", help="its key, PEM")
