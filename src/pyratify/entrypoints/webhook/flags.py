"""The webhook's flags."""

import argparse

from pyratify.entrypoints.serving.flags import add_serving_flags, add_timeout


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Add the webhook's flags to a parser."""
    add_serving_flags(parser, address=":9443")
    add_rules(parser)
    add_timeout(
        parser,
        "--timeout",
        10.0,
        "the longest that the API server waits; answers come a little before it, or before what its request says",
    )


def add_check_flags(parser: argparse.ArgumentParser) -> None:
    """Add the flags of `ratify webhook check`."""
    add_rules(parser)
    parser.add_argument(
        "manifest", nargs="*", metavar="MANIFEST", help="YAML or JSON with webhook configurations"
    )


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add the flag that names the rules."""
    parser.add_argument(
        "--rules",
        metavar="FILE",
        help="the webhook's rules and exceptions, read again whenever they change (default: deny everywhere)",
    )
