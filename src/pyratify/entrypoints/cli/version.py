"""`ratify version`: print the version."""

from argparse import Namespace

from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Print the version of pyratify and of Python."""
    import platform
    from importlib.metadata import version

    del arguments
    console.result(f"ratify {version('pyratify')} (Python {platform.python_version()})")
    return exits.ALLOWED
