"""`ratify version`: print the version, and import next to nothing for it."""

import sys

from pyratify.core.version import VERSION
from pyratify.terminal.console import Console

TYPE_CHECKING = False  # the import of argparse would take longer than the command
if TYPE_CHECKING:
    from argparse import Namespace


def run(arguments: "Namespace | None", console: Console) -> int:
    """Print the version of pyratify and of Python, as text where there are no arguments."""
    python = sys.version.split()[0]
    text = f"ratify {VERSION} (Python {python})"
    if arguments is None or arguments.output == "text":
        console.result(text)
        return 0
    from pyratify.entrypoints.cli.facts import show  # JSON and the tree need the renderers

    show(console, arguments.output, {"version": VERSION, "python": python})
    return 0
