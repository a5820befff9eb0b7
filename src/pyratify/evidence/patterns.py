"""Patterns over the names in evidence: `*` for anything within one part of a path, a part `**` for any number of parts.

The only wildcards that there are, so that no two readers differ: matching is case-sensitive, covers the whole text, and is
the same on every platform. A text with a part `..`, or with a character that cannot be printed, matches no wildcard; and what stands
for a host is compared as a host, so that `https://evil.example?.acme.example/` is none of `https://*.acme.example/`.
"""

import re
from functools import lru_cache

from pyratify.core.errors import ConfigurationError

_MAX_TEXT = 4096
_ANY_PARTS = "**"
# Programs that fetch URIs take an encoded dot for a dot (RFC 3986, section 6.2.2.2), browsers and some servers a backslash or an
# encoded slash for a slash; a path ends at its query.
_PARENT = re.compile(r"(?:\.|%2e){2}", re.IGNORECASE)
_ENDS = re.compile(r"[/\\?#]|%2f|%5c", re.IGNORECASE)
# User, host and port (RFC 3986, section 3.2): of `evil.example:x.acme.example`, some readers take what is before the colon for the host.
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9._:-]*@)*(?:\[[0-9A-Fa-f:.]*\]|[A-Za-z0-9._-]*)(?::[0-9]*)?", re.ASCII)
# Wildcards of other matchers: an author who writes one expects that it works.
_FOREIGN = re.compile(r"[\[\]{}?\\]")
# RFC 3986, section 3.1; a wildcard may stand in it or for it.
_SCHEME = re.compile(r"[A-Za-z0-9+.*-]*:")


def check_patterns(
    patterns: tuple[str, ...], path: str, remedy: str = "Name what is expected, or leave the rule out."
) -> None:
    """Refuse patterns that are empty or too long, that match everything, or that use wildcards of other matchers.

    Args:
        patterns: The patterns.
        path: Where they stand in the configuration.
        remedy: What to do about one that matches everything.

    Raises:
        ConfigurationError: With the path of the pattern.
    """
    for index, pattern in enumerate(patterns):
        where, shown = f"{path}[{index}]", pattern[:80]
        if len(pattern) > _MAX_TEXT:
            raise ConfigurationError(
                f"it has {len(pattern)} characters, more than the {_MAX_TEXT} allowed", path=where
            )
        if _names_nothing(pattern):
            raise ConfigurationError(
                f"{shown!r} names nothing, so it would match everything", path=where, remedy=remedy
            )
        if "*" in pattern and (foreign := _FOREIGN.search(pattern)):
            raise ConfigurationError(
                f"{shown!r} has {foreign[0]!r}; the only wildcards are * within a part of a path and a part **",
                path=where,
            )
        parts = pattern.split("/")
        if parts.count(_ANY_PARTS) > 1:
            raise ConfigurationError(
                f"{shown!r} has ** twice, and once is possible",
                path=where,
                remedy="Name the parts between them, or write two patterns.",
            )
        if any(_ANY_PARTS in each and each != _ANY_PARTS for each in parts):
            raise ConfigurationError(
                f"{shown!r} uses ** as something else than one whole part of the path", path=where
            )


def _names_nothing(pattern: str) -> bool:
    # `https://**` matches every address. A text without a wildcard matches itself alone.
    rest = _SCHEME.sub("", pattern, count=1) if "*" in pattern else pattern
    return not any(each.isalnum() for each in rest)


def matches(patterns: tuple[str, ...], text: str) -> bool:
    """Return whether one of the patterns is the text or matches the whole of it."""
    # Literal names first: they may have brackets, which are no wildcards here.
    if text in patterns:
        return True
    # Path traversal: `org/../evil` would match `org/**`, and name `evil` for what normalises URIs.
    if not text or not text.isprintable() or len(text) > _MAX_TEXT:
        return False
    if any(map(_PARENT.fullmatch, _ENDS.split(text))):
        return False
    parts = text.split("/")
    return any(_match_parts(pattern.split("/"), parts) for pattern in patterns if "*" in pattern)


def _match_parts(pattern: list[str], parts: list[str]) -> bool:
    if not _is_same_kind_of_host(pattern, parts):
        return False
    if _ANY_PARTS not in pattern:
        return len(pattern) == len(parts) and _all(pattern, parts)
    place = pattern.index(_ANY_PARTS)
    head, tail = pattern[:place], pattern[place + 1 :]
    if len(parts) < len(head) + len(tail):
        return False
    return _all(head, parts) and _all(tail, parts[len(parts) - len(tail) :])


def _is_same_kind_of_host(pattern: list[str], parts: list[str]) -> bool:
    """Return whether a wildcard in the place of a host stands for a part of a host, and for nothing that ends one early."""
    if len(parts) < 3 or not parts[0].endswith(":") or parts[1]:
        return True
    wanted = pattern[2] if len(pattern) > 2 and _ANY_PARTS not in pattern[:3] else _ANY_PARTS
    # Without a wildcard it is compared as it is. `host:*` must not match `host:x@evil.example`.
    return "*" not in wanted or (
        _AUTHORITY.fullmatch(parts[2]) is not None and parts[2].count("@") == wanted.count("@")
    )


def _all(pattern: list[str], parts: list[str]) -> bool:
    # strict=False: the part before `**` is compared with the beginning of a longer path.
    return all(_part(each).fullmatch(part) for each, part in zip(pattern, parts, strict=False))


@lru_cache(maxsize=512)
def _part(pattern: str) -> re.Pattern[str]:
    first, *rest = (re.escape(each) for each in pattern.split("*"))
    if not rest:
        return re.compile(first)
    *middle, last = rest
    # Atomic groups, as the standard library's fnmatch makes them: no text takes more than linear time.
    return re.compile(first + "".join(f"(?>.*?{each})" for each in middle) + f".*{last}", re.DOTALL)
