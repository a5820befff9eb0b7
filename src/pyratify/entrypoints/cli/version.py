"""`ratify version`: print the version, and import next to nothing for it."""

import sys

from pyratify.core.version import VERSION
from pyratify.entrypoints.cli.console import Console


def run(arguments: object, console: Console) -> int:
    """Print the version of pyratify and of Python."""
    del arguments
    console.result(f"ratify {VERSION} (Python {sys.version.split()[0]})")
    return 0
