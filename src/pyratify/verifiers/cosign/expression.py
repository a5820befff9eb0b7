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

    def find(self, text: str) -> int:
        """Return where the expression first matches a part of the text, as cosign asks; -1 for nowhere.

        For messages, never for trust.
        """
        found = self._compiled.search(text) if len(text) <= MAX_TEXT else None
        return -1 if found is None else int(found.start())

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
    """Return the expression that goes on where this one ends; empty where that would match everything.

    Nothing is compiled: what matches the beginning of a text (`find` returned 0) and goes on with `.*` matches all of it.
    """
    catch_all = all(any(pattern.find(each) == 0 for each in strangers) for strangers in _STRANGERS)
    literal = pattern.text.rpartition("\\Q")[1] and "\\E" not in pattern.text.rpartition("\\Q")[2]
    if catch_all or literal or "\n" in text:
        return ""
    # Of alternatives without a group the last one alone would go on.
    return f"(?:{pattern.text}).*" if "|" in pattern.text else f"{pattern.text}.*"


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
    if "too large" in reason:
        return f"it would take more than {MAX_MEMORY // 1024} KiB; shorten it, or repeat less"
    return f"{reason[:200]}; its syntax is RE2's, without look-around and backreferences ({_SYNTAX})"
