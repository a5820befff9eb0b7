"""`ratify gatekeeper serve`: Gatekeeper's external data provider."""

from argparse import Namespace

from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Serve until told to stop, and return the exit code."""
    from pyratify.entrypoints.gatekeeper import serve_gatekeeper  # after all flags are accepted

    del console  # a server writes logs, and no results
    serve_gatekeeper.run(arguments)
    return exits.ALLOWED
