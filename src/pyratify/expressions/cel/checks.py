"""Faults of an expression in CEL that its types do not show, and that would be an error in every evaluation."""

import re
from collections.abc import Callable, Iterable

from pyratify.core.errors import ConfigurationError
from pyratify.expressions.language import Source

STAND_IN = "true"
"""An expression that can always be used, where a check goes on behind a faulty one."""
# Texts first: two slashes in one begin no comment.
_TEXT = r"""[rR](?:"[^"\n]*"|'[^'\n]*')|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'"""
_TOKENS = rf"(?P<text>{_TEXT})|//[^\n]*"
# A call, what is evaluated to see whether its text can be used, what that text is to be, and how it is written.
_CALLS: tuple[tuple[str, str, str, str], ...] = (
    (
        r"(?<![\w.])duration\(\s*",
        "duration({}) == duration('0s')",
        "duration",
        "Write hours, minutes or seconds, as 720h or 1h30m: CEL has no days.",
    ),
    (
        r"(?<![\w.])timestamp\(\s*",
        "timestamp({}) == timestamp('2000-01-01T00:00:00Z')",
        "time",
        "Write date, time and zone, as 2026-01-31T00:00:00Z.",
    ),
    (r"\.\s*matches\(\s*", "''.matches({})", "regular expression", "Correct it; the syntax is that of RE2."),
)


def check_texts(source: Source, fault: Callable[[str], str]) -> None:
    """Refuse durations, times and regular expressions that are written out and are none.

    Args:
        source: The expression.
        fault: Returns why an expression without variables cannot be evaluated; empty where it can.

    Raises:
        ConfigurationError: With the text that is wrong.
    """
    masked = _masked(source.text)
    for call, probe, kind, remedy in _CALLS:
        for found in re.finditer(call, masked):
            text = re.compile(rf"({_TEXT})\s*\)").match(source.text, found.end())
            why = fault(probe.format(text[1])) if text is not None else ""
            if text is not None and why:
                raise ConfigurationError(
                    f"{text[1][:80]} is no {kind}: {why}",
                    path=source.path,
                    remedy=remedy,
                    stand_in=STAND_IN,
                )


def check_presence(source: Source, names: Iterable[str]) -> None:
    """Refuse `has` of a variable, which gives its value and no bool.

    Raises:
        ConfigurationError: With the variable.
    """
    masked = _masked(source.text)
    for name in names:
        if re.search(rf"(?<![\w.])has\(\s*\.?{re.escape(name)}\s*\)", masked):
            raise ConfigurationError(
                f"has({name}) asks for a variable, and variables are always there",
                path=source.path,
                remedy=f"Compare {name} with something, or leave has({name}) out.",
                stand_in=STAND_IN,
            )


def _masked(text: str) -> str:
    """Return an expression without what its texts and comments say, each character in its place."""
    return re.sub(_TOKENS, lambda found: ("_" if found["text"] else " ") * len(found[0]), text)
