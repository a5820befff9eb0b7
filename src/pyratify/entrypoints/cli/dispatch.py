"""From the command line to the module that does it; nothing else is imported."""

from argparse import Namespace
from importlib import import_module

from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console
from pyratify.entrypoints.cli.parser import build_parser


def dispatch(given: tuple[str, ...], console: Console) -> int:
    """Run what the command line asks for and return the exit code."""
    if not given:
        console.note("no command given")
        console.note("what to do: `ratify --help` lists the commands")
        return exits.USAGE
    if given[0] == "--version":
        given = ("version", *given[1:])
    try:
        arguments = build_parser(given[0]).parse_args(given)
    except SystemExit as end:  # --help, or a mistake that argparse has explained
        return end.code if isinstance(end.code, int) else exits.USAGE
    return _command(arguments, console)


def _command(arguments: Namespace, console: Console) -> int:
    module = import_module(f"pyratify.entrypoints.cli.{arguments.module}")
    code: int = module.run(arguments, console)
    return code
