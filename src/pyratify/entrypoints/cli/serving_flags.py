"""The grammar of the commands that serve a cluster: `ratify gatekeeper` and `ratify webhook`."""

import argparse
from collections.abc import Callable

from pyratify.entrypoints.cli.arguments import Parser


def add_gatekeeper_actions(parser: Parser) -> None:
    """Add what `ratify gatekeeper` does."""
    from pyratify.entrypoints.gatekeeper.flags import add_flags

    _add(_actions(parser), "serve", "serve Gatekeeper's external data provider until SIGTERM", add_flags)


def add_webhook_actions(parser: Parser) -> None:
    """Add what `ratify webhook` does."""
    from pyratify.entrypoints.webhook.flags import add_check_flags, add_flags

    actions = _actions(parser)
    _add(actions, "serve", "serve the validating and mutating admission webhook until SIGTERM", add_flags)
    text = "say what is wrong with rules, and what of a cluster's manifests would let images through"
    _add(actions, "check", text, add_check_flags)


def _actions(parser: Parser) -> "argparse._SubParsersAction[Parser]":
    return parser.add_subparsers(metavar="ACTION", required=True, dest="action", parser_class=Parser)


def _add(
    actions: "argparse._SubParsersAction[Parser]", name: str, text: str, flags: Callable[[Parser], None]
) -> None:
    action = actions.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    flags(action)
    action.add_argument(
        "--debug", action="store_true", help="show where an error comes from, with a traceback"
    )
