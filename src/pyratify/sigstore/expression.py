"""Regular expressions over identities: RE2, which is linear in time and has the syntax of Go's `regexp`.

An expression must always match the whole text; cosign accepts a match of a part.
"""

from collections.abc import Mapping
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

MAX_PATTERN = 1024
MAX_TEXT = 1024
MAX_MEMORY = 256 * 1024
"""Bytes that one expression may take, its program and the states that RE2 remembers; a program takes up to a quarter."""
_SYNTAX = "https://github.com/google/re2/wiki/Syntax"
# An expression that matches one of each is a catch-all: nothing is common to them all.
_UNRELATED = (
    ("attacker@evil.invalid", "mob@junk.test"),
    ("https://attacker.invalid/x/y@refs/heads/z", "spiffe://junk.test/mob"),
)


class InvalidPattern(ValueError):
    """An expression that is malformed, too large, or uses what cannot be matched in linear time."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A compiled expression; safe between threads.

    Attributes:
        text: As it was written.
        size: Instructions of its program; compiling takes time in proportion, matching in proportion to it and the text.
    """

    text: str
    size: int
    _compiled: Any

    def matches(self, text: str) -> bool:
        """Return whether the expression matches the whole text; a text over 1024 characters never does."""
        # Bounded first: matching takes time in proportion to the text, which is not trusted.
        return len(text) <= MAX_TEXT and self._compiled.fullmatch(text) is not None

    def find(self, text: str) -> tuple[int, int] | None:
        """Return where the part begins and ends that the expression matches first, as cosign asks; None for nowhere.

        For messages, never for trust.
        """
        # Not anchored, as in cosign, so only ever for a hint in a message.
        found = self._compiled.search(text) if len(text) <= MAX_TEXT else None
        return None if found is None else (int(found.start()), int(found.end()))

    @property
    def groups(self) -> Mapping[str, int]:
        """The numbers of its named groups, where it was compiled with `capture`."""
        return dict(self._compiled.groupindex)

    def captures(self, text: str) -> Mapping[str, str | None] | None:
        """Return what its named groups match where it matches the whole text; None where it does not."""
        found = self._compiled.fullmatch(text) if len(text) <= MAX_TEXT else None
        return None if found is None else dict(found.groupdict())

    @property
    def is_catch_all(self) -> bool:
        """Whether it matches email addresses and build URIs that have nothing in common."""
        return all(any(map(self.matches, identities)) for identities in _UNRELATED)


def compile_pattern(text: str, *, capture: bool = False) -> Pattern:
    """Compile an expression; takes up to a few milliseconds, so not on the event loop.

    Args:
        text: The expression.
        capture: Whether what its groups match is asked for.

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
    options.never_capture = not capture
    try:
        compiled = re2.compile(text, options)
    except re2.error as error:
        raise InvalidPattern(_explain(error)) from None
    except UnicodeEncodeError:
        raise InvalidPattern("it has half a character (a lone surrogate)") from None
    finally:
        re2.purge()  # the module caches 128 expressions, which would outlive their policies
    return Pattern(text, compiled.programsize, compiled)


def widen(pattern: Pattern, text: str) -> str:
    """Return the expression for the whole of a text of which this one matches a part; empty where none is harmless.

    A prefix is followed by anything, and the domain of an email address is preceded by any name. A match elsewhere is not
    widened: an unrelated identity may contain any text, or end with it. Nothing is compiled.
    """
    place = pattern.find(text)
    # `.` does not match a line feed, and an open \Q would take what is appended literally.
    if place is None or "\n" in text or "\\Q" in pattern.text:
        return ""
    # Without a group, only the last of several alternatives would be widened.
    whole = f"(?:{pattern.text})" if "|" in pattern.text else pattern.text
    start, end = place
    if start == 0:
        return "" if _begins_everything(pattern) else f"{whole}.*"
    is_mail = pattern.text.startswith("@") and "@" not in text[:start]
    # A name in front of the domain: never one with an @ of its own, which would be another domain.
    return f"[^@]+{whole}" if is_mail and end == len(text) and whole == pattern.text else ""


def _begins_everything(pattern: Pattern) -> bool:
    found = [[pattern.find(each) for each in identities] for identities in _UNRELATED]
    return all(any(place is not None and place[0] == 0 for place in places) for places in found)


def _library() -> Any:
    try:
        # Lazy: an extra, 12 ms to import, and needed only where there is an expression.
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
