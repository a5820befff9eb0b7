"""Regular expressions over identities: RE2, which is linear in time and has the syntax of Go's `regexp`.

An expression always has to match the whole text; cosign is content with a part of it.
"""

from dataclasses import dataclass
from typing import Any

from pyratify.core.errors import ConfigurationError

MAX_PATTERN = 1024
MAX_TEXT = 1024
MAX_MEMORY = 256 * 1024
"""Bytes that one expression may take, its program and the states that RE2 remembers; a program takes up to a quarter."""
_SYNTAX = "https://github.com/google/re2/wiki/Syntax"
# What matches one of each has named nothing: no letter is in all of one line.
_STRANGERS = (
    ("attacker@evil.invalid", "mob@junk.test"),
    ("https://attacker.invalid/x/y@refs/heads/z", "spiffe://junk.test/mob"),
)


class InvalidPattern(ValueError):
    """An expression that is malformed, too large, or uses what cannot be matched in linear time."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """An expression that is ready to be used, by any number of threads.

    Attributes:
        text: As it was written.
        size: Instructions of its program; compiling takes time in proportion, matching in proportion to it and the text.
    """

    text: str
    size: int
    _compiled: Any

    def matches(self, text: str) -> bool:
        """Tell whether the expression matches the whole text; a text over 1024 characters never does."""
        return len(text) <= MAX_TEXT and self._compiled.fullmatch(text) is not None

    def find(self, text: str) -> tuple[int, int] | None:
        """Return where the part begins and ends that the expression matches first, as cosign asks; None for nowhere.

        For messages, never for trust.
        """
        found = self._compiled.search(text) if len(text) <= MAX_TEXT else None
        return None if found is None else (int(found.start()), int(found.end()))

    @property
    def is_catch_all(self) -> bool:
        """Whether it matches addresses of mail and of builds that have nothing in common, and so says nothing."""
        return all(any(map(self.matches, strangers)) for strangers in _STRANGERS)


def compile_pattern(text: str) -> Pattern:
    """Compile an expression; takes up to some milliseconds, so no event loop waits for it.

    Raises:
        InvalidPattern: It is not one of RE2's syntax, or too large.
        ConfigurationError: RE2 is not installed.
    """
    if not text or len(text) > MAX_PATTERN:
        raise InvalidPattern(f"it has {len(text)} characters, and 1 to {MAX_PATTERN} are possible")
    re2 = _library()
    options = re2.Options()
    options.max_mem = MAX_MEMORY
    options.log_errors = False
    options.never_capture = True
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        raise InvalidPattern(_explain(error)) from None
    except UnicodeEncodeError:
        raise InvalidPattern("it has half a character (a lone surrogate)") from None
    finally:
        re2.purge()  # its module remembers 128 expressions, those that are gone with them
    return Pattern(text, compiled.programsize, compiled)


def widen(pattern: Pattern, text: str) -> str:
    """Return the expression for the whole of a text of which this one matches a part; empty where none is harmless.

    A beginning goes on with anything, and the end of an address of mail gets any name before it. What fits elsewhere is
    not widened: a stranger's name may contain any other, or end like it. Nothing is compiled.
    """
    place = pattern.find(text)
    if place is None or "\n" in text or "\\Q" in pattern.text:
        return ""
    # Of alternatives without a group only one would get more.
    whole = f"(?:{pattern.text})" if "|" in pattern.text else pattern.text
    start, end = place
    if start == 0:
        return "" if _begins_everything(pattern) else f"{whole}.*"
    is_mail = pattern.text.startswith("@") and "@" not in text[:start]
    return f"[^@]+{whole}" if is_mail and end == len(text) and whole == pattern.text else ""


def _begins_everything(pattern: Pattern) -> bool:
    found = [[pattern.find(stranger) for stranger in strangers] for strangers in _STRANGERS]
    return all(any(place is not None and place[0] == 0 for place in places) for places in found)


def _library() -> Any:
    try:
        import re2

        return re2 if re2.Options and re2.purge else None
    except (ImportError, AttributeError):  # another package of that name has neither
        raise ConfigurationError(
            "a regular expression needs RE2, which is not installed",
            remedy="Install it: pip install 'pyratify[regex]'; or write the identity and the issuer out exactly.",
        ) from None


def _explain(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    reason = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
    kind, _, where = reason.partition(": ")
    if "too large" in reason:
        return f"it would take more than {MAX_MEMORY // 1024} KiB; shorten it, or repeat less"
    if where.startswith(("(?=", "(?!", "(?<=", "(?<!")):
        return f"look-around ({where[:8]}) cannot be matched in linear time"
    if kind == "invalid escape sequence" and where[1:2].isdigit():
        return f"a backreference ({where[:8]}) cannot be matched in linear time"
    if kind == "invalid repetition size":
        return f"{where[:20]} repeats more than 1000 times, those around it multiplied, or has its numbers the wrong way round"
    return f"{reason[:200]} (the syntax is RE2's: {_SYNTAX})"
