"""`ratify node`: the daemon of a node, and what puts it before the runtimes."""

from argparse import Namespace
from importlib import import_module

from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Run the action and return the exit code."""
    if arguments.action == "serve":
        from pyratify.entrypoints.node import serve_node

        serve_node.run(arguments)
        return exits.ALLOWED
    # Each action is a module of its own, so that none pays for the imports of another.
    module = import_module(f"pyratify.entrypoints.cli.commands.node_{arguments.action}")
    code: int = module.run(arguments, console)
    return code
