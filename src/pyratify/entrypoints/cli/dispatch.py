"""Dispatch: import the module of one command, and no other."""

from argparse import Namespace
from importlib import import_module

from pyratify.entrypoints.cli.parser import build_parser
from pyratify.terminal import exits
from pyratify.terminal.arguments import suggestion
from pyratify.terminal.console import Console

_ALONE = ("--help", "-h", "--version")


def dispatch(given: tuple[str, ...], console: Console) -> int:
    """Run the command and return its exit code."""
    given = _command_first(given)
    if not given:
        console.fault("no command given", "`ratify --help` lists the commands", debug=False)
        return exits.USAGE
    # argparse would take the value of such a flag for the command, and complain about that.
    if given[0].startswith("-") and given[0] not in _ALONE:
        near = "" if given[0] in ("-o", "-c") else suggestion(given[0], (*_ALONE, "--debug"))
        remedy = f"Write flags after the command: `ratify COMMAND {given[0]}`."
        remedy = "Did you mean '--version'?" if given[0] in ("-v", "-V") else near or remedy
        console.fault(f"{given[0]} stands before the command", remedy, debug=False)
        return exits.USAGE
    try:
        # The grammar of one command: building all of them takes longer than parsing.
        arguments = build_parser(given[0]).parse_args(given)
    except SystemExit as end:  # --help, or a mistake that argparse has explained
        return end.code if isinstance(end.code, int) else exits.USAGE
    return _command(arguments, console)


def _command_first(given: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command line with the command first: --debug may stand before it, and `help COMMAND` asks for its help."""
    rest = given
    while rest[:1] == ("--debug",):
        rest = rest[1:]
    if rest[:1] == ("--version",):
        rest = ("version", *rest[1:])
    # One grammar for `help X` and `X --help`, so that they cannot differ.
    if rest[:1] == ("help",) and rest[1:2] != ("--help",):
        rest = (*rest[1:], "--help")
    early = given[: len(given) - len(rest)] if rest and not rest[0].startswith("-") else ()
    return (*rest[:1], *early[:1], *rest[1:])


def _command(arguments: Namespace, console: Console) -> int:
    module = import_module(f"pyratify.entrypoints.cli.commands.{arguments.module}")
    code: int = module.run(arguments, console)
    return code
