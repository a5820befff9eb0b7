"""`ratify service serve`: the JSON API and its page."""

from argparse import Namespace

from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Serve until told to stop, and return the exit code."""
    from pyratify.entrypoints.service import serve_service  # after all flags are accepted

    del console  # a server writes logs, and no results
    serve_service.run(arguments)
    return exits.ALLOWED
