"""`ratify service serve`: the JSON API and its page."""

from argparse import Namespace

from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Serve until told to stop, and return the exit code."""
    from pyratify.entrypoints.service import serve

    del console
    serve.run(arguments)
    return exits.ALLOWED
