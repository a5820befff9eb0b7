"""Writes regular expressions and globs of OPA as what the embedded engine matches alike.

OPA's regular expressions are those of Go (RE2), where the classes of a digit, a word and a blank are ASCII. In the engine's, those of Rust,
they are Unicode, classes stand in one another, and there are other escapes and flags. Its globs are of another library than OPA's, so each
becomes a regular expression.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

_MAX_REPEAT = 1000
_TOKEN = re.compile(
    r"""(?P<escape>\\(?:x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|.|$))
    |(?P<group>\((?:\?P?<[A-Za-z_][A-Za-z0-9_]*>|\?(?:[imsU]+(?:-[imsU]+)?|-[imsU]+)?[:)])?)
    |(?P<repeat>(?:[*+?]|\{(?P<least>[0-9]+)(?:,(?P<most>[0-9]*))?\})\??)
    |(?P<open>\[\^?)
    |.""",
    re.DOTALL | re.VERBOSE,
)
_MEMBER = re.compile(r"\[:\^?[a-z]+:\]|\\(?:x\{[0-9A-Fa-f]{1,6}\}|x[0-9A-Fa-f]{2}|.|$)|.", re.DOTALL)
_CLASSES: Mapping[str, str] = MappingProxyType({"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\x0C\r\x20"})
_CONTROLS: Mapping[str, str] = MappingProxyType(dict(zip("afnrtv", "\a\f\n\r\t\v", strict=True)))
_NAMED = re.compile("alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit")
_WILD = r"(?:\\.|\*\*?(?!\*)|[^\[\]\\{}*])*"
_WORD = r"[^\[\]\\{},*?]+"
_GLOB = re.compile(
    rf"(?P<before>{_WILD})(?:\{{(?P<words>{_WORD}(?:,{_WORD})*)\}}(?P<behind>{_WILD}))?", re.DOTALL
)
_WILDCARD = re.compile(r"\\(?P<plain>.)|\*\*|.", re.DOTALL)


def write_pattern(pattern: str) -> str:
    """Return what the engine matches as OPA matches a regular expression.

    Raises:
        ValueError: It has what OPA refuses, or what the engine evaluates otherwise.
    """
    parts: list[str] = []
    place, times, groups, repeatable = 0, 1, [1], False
    while place < len(pattern):
        token = _TOKEN.match(pattern, place)
        text, place = (token[0], token.end()) if token else ("", len(pattern))
        times = _times(token, times, groups)
        if token and token["repeat"]:
            if not repeatable or times > _MAX_REPEAT:
                raise ValueError(
                    f"has the repetition {text} of another, of nothing, or more than {_MAX_REPEAT} times"
                )
            parts.append(text)
        elif token and token["open"]:
            members, place = _class(pattern, place)
            parts.append(f"{text}{members}]")
        else:
            parts.append(_atom(text))
        # Go repeats neither a repetition nor what only begins a group or sets flags.
        repeatable = not (token and (token["repeat"] or token["group"])) and text != "|"
    return "".join(parts)


def _times(token: re.Match[str] | None, times: int, groups: list[int]) -> int:
    """Return how often what ends with a token repeats what is in it; Go bounds that of one in another, not of all.

    Args:
        token: The token.
        times: That of what is before it.
        groups: The most of what is in each open group, from the outside in; changed.
    """
    if token and token["repeat"]:
        times *= max(int(token["most"] or token["least"] or 1), 1)
    elif token and token[0] == ")":
        times = groups.pop() if len(groups) > 1 else 1
    else:
        times = 1
        # What sets flags alone is no group.
        if token and token["group"] and not token[0].endswith(")"):
            groups.append(1)
    groups[-1] = max(groups[-1], times)
    return times


def write_glob(pattern: str, delimiters: object) -> str:
    """Return the regular expression for a glob of OPA.

    Args:
        pattern: The glob.
        delimiters: Texts of one character that only `**` stands for; none of them means a full stop, and None means no delimiter.

    Raises:
        ValueError: The delimiters are others, or the glob has what OPA does not evaluate as its documentation says.
    """
    marks = {"None": [], "[]": ["."]}.get(repr(delimiters), delimiters)
    if not isinstance(marks, list) or not all(isinstance(each, str) and len(each) == 1 for each in marks):
        raise ValueError("has delimiters that are no texts of one character")
    one = f"[^{''.join(map(_literal, marks))}]" if marks else "."
    found = _GLOB.fullmatch(pattern)
    # OPA takes a question mark alone for nothing, too.
    if found is None or pattern == "?":
        raise ValueError(
            "is a question mark alone, or has brackets, three stars, more than one pair of braces, or more than plain text in them"
        )
    choices = f"(?:{'|'.join(map(_plain, found['words'].split(',')))})" if found["words"] else ""
    return rf"\A(?s:{_wildcards(found['before'], one)}{choices}{_wildcards(found['behind'] or '', one)})\z"


def _wildcards(text: str, one: str) -> str:
    signs = {"**": ".*", "*": f"{one}*", "?": one}
    return "".join(
        signs.get(each[0]) or _literal(each["plain"] or each[0]) for each in _WILDCARD.finditer(text)
    )


def _plain(text: str) -> str:
    return "".join(map(_literal, text))


def _atom(text: str) -> str:
    if not text.startswith("\\"):
        # To Go these are themselves where they close nothing; `{` begins no repetition here.
        return _literal(text) if text in ("{", "}", "]") else text
    letter = text[1:]
    if letter in _CLASSES:
        return f"[{_CLASSES[letter]}]"
    if letter.lower() in _CLASSES:
        return f"[^{_CLASSES[letter.lower()]}]"
    if letter in ("b", "B"):
        return rf"(?-u:\{letter})"
    return text if letter in ("A", "z") else _literal(_character(text))


def _class(pattern: str, place: int) -> tuple[str, int]:
    """Return the members of the class that begins at a place, and the place behind it."""
    members: list[str] = []
    while place < len(pattern) and (pattern[place] != "]" or not members):
        text, place = _member(pattern, place)
        if text[0] == "[" and text != "[":
            members.append(text)
        elif text[0] == "\\" and text[1:].lower() in _CLASSES:
            members.append(_CLASSES[text[1:]] if text[1:] in _CLASSES else _atom(text))
        elif pattern[place : place + 1] == "-" and pattern[place + 1 : place + 2] not in ("]", ""):
            last, place = _member(pattern, place + 1)
            first = _character(text)
            if first > _character(last):
                raise ValueError(f"has the range {text}-{last}, whose end is before its beginning")
            members.append(f"{_literal(first)}-{_literal(_character(last))}")
        else:
            members.append(_literal(_character(text)))
    if place >= len(pattern):
        raise ValueError("has a class that is not closed")
    return "".join(members), place + 1


def _member(pattern: str, place: int) -> tuple[str, int]:
    found = _MEMBER.match(pattern, place)
    text = found[0] if found else ""
    if (
        _NAMED.fullmatch(text.strip("[:^]")) is None
        if len(text) > 2 and text[0] == "["
        else pattern.startswith("[:", place)
    ):
        raise ValueError("has a class of a name that OPA does not know")
    return text, place + len(text)


def _character(text: str) -> str:
    """Return the character that a text of the pattern stands for."""
    if not text.startswith("\\"):
        return text
    letter = text[1:]
    if len(letter) > 1:
        code = int(letter.strip("x{}"), 16)
        if code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise ValueError(f"has {text}, which is no character")
        return chr(code)
    if letter in _CONTROLS:
        return _CONTROLS[letter]
    if not letter or letter.isalnum() or not letter.isascii():
        raise ValueError(f"has {text}, which means something else here than in OPA, or nothing")
    return letter


def _literal(character: str) -> str:
    return character if character.isalnum() or not character.isascii() else f"\\x{{{ord(character):X}}}"
