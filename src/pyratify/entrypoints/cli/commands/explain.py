"""`ratify explain`: say what a reason code means and what to do about it."""

from argparse import Namespace

from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.facts import show
from pyratify.terminal import exits
from pyratify.terminal.arguments import suggestion
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Print one code, or all, and return the exit code."""
    found = tuple(Reason) if arguments.code is None else (_reason(arguments.code),)
    facts = [{"code": str(each), "meaning": each.meaning, "remedy": each.remedy} for each in found]
    lines = (f"{each}\n  what it means: {each.meaning}\n  what to do: {each.remedy}" for each in found)
    show(console, arguments.output, facts[0] if arguments.code else facts, text=lines)
    return exits.ALLOWED


def _reason(code: str) -> Reason:
    # Messages print codes in brackets, and they are pasted as they are.
    name = code.strip("[]").upper().replace("-", "_")
    if name not in Reason.__members__:
        near = suggestion(name, Reason.__members__)
        raise ConfigurationError(
            f"there is no reason code {code!r}", remedy=near or "`ratify explain` lists them all."
        )
    return Reason(name)
