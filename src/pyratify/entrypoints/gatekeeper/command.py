"""The program `ratify-gatekeeper-provider`, with Ratify v2's flags."""

import sys
from collections.abc import Sequence

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.gatekeeper.provider_flags import add_flags, go_style
from pyratify.terminal import exits
from pyratify.terminal.arguments import Parser
from pyratify.terminal.console import Console


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or an interrupt, and return the exit code.

    Args:
        arguments: The command line without the program's name; the process's own when omitted.
    """
    parser = Parser(
        prog="ratify-gatekeeper-provider", description="Answers Gatekeeper's questions about images."
    )
    add_flags(parser)
    parser.set_defaults(resources_first=True)  # as in Ratify v2, whose chart always names a file too
    try:
        flags = parser.parse_args(go_style(sys.argv[1:] if arguments is None else arguments))
    except SystemExit as end:  # --help, or a mistake that argparse has explained
        return end.code if isinstance(end.code, int) else exits.USAGE
    from pyratify.entrypoints.gatekeeper.serve_gatekeeper import run  # lazy: --help needs no server

    try:
        run(flags)
    except ConfigurationError as error:
        Console().fault(error.message, error.remedy, debug=False)
        return exits.USAGE
    return exits.ALLOWED
