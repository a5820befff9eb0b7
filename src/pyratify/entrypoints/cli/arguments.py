"""What the command line is parsed with: argparse without its guesses, and the values it takes."""

import argparse
import os
from collections.abc import Sequence
from typing import Any, NoReturn

from pyratify.entrypoints.cli import exits


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal; argparse's own way to find that out costs as much as a network round trip."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns or 80
    except OSError:
        return 80


class OpenChoices(tuple[str, ...]):
    """The choices that completion knows, where any other word is parsed as well: a plugin's name."""

    __slots__ = ()

    def __contains__(self, word: object) -> bool:
        """Tell that every text may be chosen; the command says what is not installed."""
        return isinstance(word, str)


class Parser(argparse.ArgumentParser):
    """An argument parser whose mistakes end with the exit code for usage, and that guesses no abbreviations."""

    def __init__(self, **options: object) -> None:
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)  # type: ignore[arg-type]

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, and refuse what is left over where it was left: the command that does not know it says so."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Say what is wrong and how to get help, and end."""
        from pyratify.render.plain import clean

        self.exit(
            exits.USAGE,
            f"ratify: {clean(message, 512)}\nratify: what to do: `{self.prog} --help` shows the arguments\n",
        )


def count(text: str) -> int:
    """Return a whole number above zero.

    Raises:
        ValueError: It is none.
    """
    value = int(text)
    if not 1 <= value <= 10_000:
        raise ValueError("not a number above zero")
    return value


def seconds(text: str) -> float:
    """Return a number of seconds, at most a day.

    Raises:
        ValueError: It is none.
    """
    value = float(text)
    if not 0 < value <= 86400:
        raise ValueError("not a number of seconds")
    return value
