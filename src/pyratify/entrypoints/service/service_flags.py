"""The service's flags."""

from argparse import ArgumentParser, ArgumentTypeError

from pyratify.serving.server_flags import add_serving_flags, add_timeout, count

# Without further flags only this machine is answered.
ADDRESS = "127.0.0.1:6080"
# The page lists all of them every few seconds.
_MAX_KEPT = 2000


def add_flags(parser: ArgumentParser) -> None:
    """Add the service's flags to a parser."""
    add_serving_flags(parser, address=ADDRESS)
    parser.add_argument(
        "--token-file",
        metavar="FILE",
        help="who may ask: one bearer token of at least 16 characters a line, read again when it changes",
    )
    parser.add_argument(
        "--host",
        action="append",
        default=[],
        metavar="NAME",
        help="one more name under which this service is asked when it has neither tokens nor TLS (repeatable)",
    )
    add_timeout(
        parser, "--verify-timeout", 30.0, "in how long a verification is answered, or a little before"
    )
    add_timeout(parser, "--resolve-timeout", 10.0, "the same for resolving")
    parser.add_argument(
        "--max-references",
        type=count,
        default=64,
        metavar="N",
        help="the most references of one request (default: 64)",
    )
    parser.add_argument(
        "--keep",
        type=_keep,
        default=256,
        metavar="N",
        help="how many decisions the page and /v1/decisions show, at most 2000 (default: 256)",
    )


def _keep(text: str) -> int:
    if count(text) > _MAX_KEPT:
        raise ArgumentTypeError(f"{text} is more than {_MAX_KEPT}")
    return count(text)
