"""The grammar of the commands that read and decide nothing, and of the flags for registries."""

from argparse import _ArgumentGroup
from collections.abc import Callable

from pyratify.terminal.arguments import OUTPUTS, REFERENCE, Parser, add_config, add_output, seconds


def add_discover(add: Callable[..., Parser]) -> None:
    """Add `ratify discover` with what adds a command."""
    parser = add("discover", "show everything that is attached to a reference")
    parser.add_argument("reference", metavar="REFERENCE", help=REFERENCE)
    add_output(parser, OUTPUTS, "tree")
    _configured(parser)


def add_inspect(add: Callable[..., Parser]) -> None:
    """Add `ratify inspect` with what adds a command."""
    parser = add("inspect", "take signatures and documents apart without judging them")
    parser.add_argument(
        "target",
        metavar="REFERENCE|FILE",
        help="a reference, or a file with an envelope, a bundle, a payload, an SBOM or certificates; - is standard input",
    )
    parser.add_argument(
        "--sbom", action="store_true", help="list the packages of SBOMs, the same for every format"
    )
    add_output(parser)
    _configured(parser)


def add_resolve(add: Callable[..., Parser]) -> None:
    """Add `ratify resolve` with what adds a command."""
    parser = add("resolve", "print the digest that a reference stands for")
    parser.add_argument("reference", metavar="REFERENCE", help=REFERENCE)
    add_output(parser)
    _configured(parser)


def add_prove(add: Callable[..., Parser]) -> None:
    """Add `ratify prove` with what adds a command."""
    from pyratify.entrypoints.prove.prove_flags import add_flags

    parser = add("prove", "offer an unsigned image at every enforcement point, and say which ones refuse it")
    add_flags(parser)
    add_output(parser)
    _configured(parser)


def _configured(parser: Parser) -> None:
    add_config(parser, "use the stores of this configuration")
    add_registry_flags(parser)


def add_registry_flags(parser: Parser) -> None:
    """Add the flags for requests to registries, and `--no-cache`, which is about one run."""
    add_store_flags(parser).add_argument(
        "--no-cache", action="store_true", help="keep no content on disk between runs"
    )


def add_store_flags(parser: Parser) -> _ArgumentGroup:
    """Add the flags for requests to registries and return their group; each has a spelling in a configuration."""
    group = parser.add_argument_group("registries")
    group.add_argument(
        "--timeout",
        type=seconds,
        default=None,  # None: not given, so that a configuration's own value holds
        metavar="SECONDS",
        help="for each reference (default: 60, or the configuration's)",
    )
    # Exclusive in the grammar: the safe one of the two must not be what the other overrides.
    scheme = group.add_mutually_exclusive_group()
    scheme.add_argument(
        "--plain-http", action="store_true", help="use http (default on this machine: https, else http)"
    )
    scheme.add_argument("--https", action="store_true", help="use https on this machine, too; never http")
    group.add_argument(
        "--ca-file",
        metavar="FILE",
        help="the certificate authorities of registries, instead of the system's; means https",
    )
    group.add_argument(
        "--signature-repository",
        metavar="REPOSITORY",
        help="where everything attached is, if not with its image (default for cosign: $COSIGN_REPOSITORY)",
    )
    group.add_argument(
        "--attachment-tag-prefix",
        default="",
        metavar="TEXT",
        help="what stands before cosign's tags sha256-<hex>.sig",
    )
    return group
