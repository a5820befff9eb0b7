"""The grammar of `ratify sbom`."""

from collections.abc import Callable

from pyratify.entrypoints.cli.reading_flags import add_registry_flags
from pyratify.terminal.arguments import Parser, add_config, add_debug, add_output

_EXITS = """\
Both are read as they are: nothing is verified. A reference must have one SBOM attached.

exit codes:
  0  the difference was printed, if there is one
  1  with --exit-code: something differs
  2  a reference could not be read
  3  the command line is wrong, or a file or what is attached is no SBOM
"""


def add_sbom(add: Callable[..., Parser]) -> None:
    """Add `ratify sbom` with what adds a command."""
    parser = add("sbom", "compare SBOMs")
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=Parser)
    text = "show what differs between two SBOMs: packages, versions, licenses"
    action = actions.add_parser("diff", help=text, description=f"{text[0].upper()}{text[1:]}.", epilog=_EXITS)
    for name in ("before", "after"):
        action.add_argument(
            name,
            metavar=f"{name.upper()}",
            help="a reference, or a file with an SBOM or a signed statement with one",
        )
    action.add_argument("--exit-code", action="store_true", help="exit with 1 where something differs")
    add_output(action)
    add_config(action, "use the stores of this configuration")
    add_registry_flags(action)
    add_debug(action)
