"""`ratify completion`: a shell's completion script, which shtab makes of the parser; it never asks a registry."""

import argparse
from argparse import Namespace

from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.parser import build_parser
from pyratify.terminal import exits
from pyratify.terminal.console import Console

_LOAD = {
    "bash": "source <(ratify completion bash)",
    "zsh": "source <(ratify completion zsh)",
    "fish": "ratify completion fish | source",
}
_EVAL = "== eval"  # zsh: a script that is sourced from a file is registered too
_FILES = frozenset({"FILE", "REFERENCE|FILE", "FILE|DIGEST"})


def run(arguments: Namespace, console: Console) -> int:
    """Print the script and return the exit code."""
    import shtab  # of the command line, only this command needs it

    parser = build_parser()  # the whole grammar, where all others build one command's
    _mark(parser, shtab.FILE, shtab.DIRECTORY)
    script = shtab.complete(parser, shell=arguments.shell).replace(_EVAL, "== (eval|file)")
    first, _, rest = script.partition("\n")
    note = f"# completion for ratify; load it with: {_LOAD[arguments.shell]}"
    console.result(f"{first}\n{note}\n{rest}".rstrip("\n"))
    return exits.ALLOWED


def _mark(parser: argparse.ArgumentParser, file: object, folder: object) -> None:
    """Mark the arguments that are completed with files or folders."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no public way to list them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                _mark(below, file, folder)
        elif action.metavar in _FILES:
            action.complete = file  # type: ignore[attr-defined]
        elif action.metavar == "CODE":
            # Only here: as real choices they would refuse `sig-invalid` and [SIG_INVALID].
            action.choices = tuple(map(str, Reason))
        elif action.metavar == "DIR":
            action.complete = folder  # type: ignore[attr-defined]
