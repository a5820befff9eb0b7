"""Parsing of command lines: argparse without its guesses, and the values of flags."""

import argparse
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NoReturn

from pyratify.render import BUILT_IN
from pyratify.terminal import exits

OUTPUTS = ("text", "tree", "json")
REFERENCE = "host/repo[:tag][@digest], oci:DIR[:TAG|@DIGEST] or oci-archive:FILE[:TAG|@DIGEST]"
EXITS = """\
exit codes:
  0  every reference is allowed
  1  some reference is denied
  2  some reference could not be decided (registry unreachable, no such tag), and none is denied
  3  the command line, a reference, a key or the configuration is wrong
"""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal; argparse imports shutil to find that out, as slow as a network round trip."""

    def __init__(self, prog: str) -> None:
        # Two less, as argparse's own default.
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns or 80  # 0 is what some pseudo-terminals of CI report
    except OSError:
        return 80


class OpenChoices(tuple[str, ...]):
    """The choices that completion knows, where any other word is parsed as well: a plugin's name."""

    __slots__ = ()

    def __contains__(self, word: object) -> bool:
        """Return True for every text; the command refuses a renderer that is not installed."""
        return isinstance(word, str)


class Parser(argparse.ArgumentParser):
    """An argument parser that exits with `exits.USAGE` and accepts no abbreviations."""

    def __init__(self, **options: object) -> None:
        # Abbreviations would change their meaning with the next flag that begins alike; in scripts unnoticed.
        super().__init__(allow_abbrev=False, formatter_class=_Formatter, **options)  # type: ignore[arg-type]
        self._may_be_empty: frozenset[str] = frozenset()

    def allow_empty(self, *flags: str) -> None:
        """Accept an empty value of these flags, where it means something."""
        self._may_be_empty = frozenset(flags)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Parse, and refuse unknown arguments in the name of the command that does not know them."""
        # argparse asks for this in each subparser and complains in the name of the outermost one.
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            flag = next((each.partition("=")[0] for each in unknown if each.startswith("-")), "")
            near = suggestion(flag, self._option_string_actions) if flag else ""
            self.error(f"unrecognized arguments: {' '.join(unknown)}", near)
        return found, unknown

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """Refuse an empty value of a flag: an unset variable of a script must not switch a demand off, or select what is trusted."""
        # Here, where only what was typed arrives: defaults are empty texts too.
        refused = action.option_strings and self._may_be_empty.isdisjoint(action.option_strings)
        if refused and not all(map(str.strip, arg_strings)):
            raise argparse.ArgumentError(
                action, "an empty value asks for nothing; give one, or leave the flag out"
            )
        return super()._get_values(action, arg_strings)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        """Refuse a value that is not among the choices, and suggest the nearest."""
        if action.choices is None or value in action.choices:
            return
        choices = [str(choice) for choice in action.choices]
        near = suggestion(str(value), choices)
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - argparse has no public name for it
            # `ratify init` is most likely `ratify config init`.
            deeper = [name for name in _nested(action) if name.split()[1] == value]
            near = f"Did you mean {' or '.join(map(repr, deeper))}?" if deeper else near
            self.error(f"`{self.prog}` has no {str(action.metavar).lower()} {str(value)!r}", near)
        name = "/".join(action.option_strings) or action.metavar or action.dest
        self.error(f"{name}: {str(value)!r} is none of {', '.join(choices)}", near)

    def format_help(self) -> str:
        """Return the help, with examples at its end."""
        from pyratify.terminal.examples import EXAMPLES  # only a help needs them

        lines = "".join(f"  {line}\n" for line in EXAMPLES.get(self.prog, ()))
        return f"{super().format_help()}\nexamples:\n{lines}" if lines else super().format_help()

    def error(self, message: str, remedy: str = "") -> NoReturn:
        """Print what is wrong, what to do and how to get help, and exit."""
        from pyratify.render.plain import clean

        what = f"{remedy} " * bool(remedy) + f"`{self.prog} --help` shows the arguments"
        self.exit(exits.USAGE, f"ratify: {clean(message, 512)}\nratify: what to do: {clean(what, 512)}\n")


def _nested(action: "argparse._SubParsersAction[Any]") -> Iterator[str]:
    """Iterate over the actions of the commands, as `config check`."""
    for name, parser in action.choices.items():
        for below in parser._actions:  # noqa: SLF001 - argparse has no public way to list them
            if isinstance(below, argparse._SubParsersAction):  # noqa: SLF001
                yield from (f"{name} {each}" for each in below.choices)


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest known word is meant; empty where none is near."""
    from difflib import get_close_matches  # only a mistake has to pay for it

    lower = {each.lower().lstrip("-"): each for each in known}
    near = get_close_matches(word.lower().lstrip("-"), lower, n=1, cutoff=0.66)
    return f"Did you mean {lower[near[0]]!r}?" if near else ""


def add_debug(parser: argparse.ArgumentParser) -> None:
    """Add --debug."""
    parser.add_argument(
        "--debug", action="store_true", help="show where an error comes from, with a traceback"
    )


def add_config(parser: argparse.ArgumentParser, text: str = "the configuration, YAML or JSON") -> None:
    """Add -c."""
    parser.add_argument("-c", "--config", metavar="FILE", help=f"{text}; - is standard input")


def add_output(
    parser: argparse.ArgumentParser, choices: tuple[str, ...] = OUTPUTS, default: str = "text"
) -> None:
    """Add -o with these formats."""
    text = f"how it is printed: {', '.join(choices)} (default: {default})"
    parser.add_argument("-o", "--output", choices=choices, default=default, metavar="FORMAT", help=text)


def add_renderer(parser: argparse.ArgumentParser) -> None:
    """Add -o to a command that prints results; any installed renderer may be named."""
    text = f"how it is printed: {', '.join(BUILT_IN)}, or a renderer that is installed (default: text)"
    parser.add_argument(
        "-o", "--output", choices=OpenChoices(BUILT_IN), default="text", metavar="FORMAT", help=text
    )


def count(text: str) -> int:
    """Return a whole number from 1 to 10,000.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    # isdigit() alone takes the digits of every script, and int() reads them.
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= 10_000):
        raise argparse.ArgumentTypeError(f"{text[:40]!a} is no whole number from 1 to 10000")
    return int(text)


def seconds(text: str) -> float:
    """Return a number of seconds, at most a day.

    Raises:
        argparse.ArgumentTypeError: It is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    # Written so that nan is refused too: every comparison with it is false.
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"{text[:40]!a} is no number of seconds above 0 and up to 86400")
    return value
