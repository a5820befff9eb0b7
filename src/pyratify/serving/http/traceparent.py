"""The client's trace (W3C Trace Context)."""

import re
from random import getrandbits

# Section 3.2: version 00, a trace and a parent that are not all zeros, flags.
_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST"})  # clients could invent any number of others


def parent_of(header: str | None) -> str:
    """Return a `traceparent` that is one, or nothing."""
    return header if header and _PARENT.fullmatch(header) else ""


def trace_of(parent: str) -> str:
    """Return the trace of a parent, or a new one; it identifies, and protects nothing."""
    return parent[3:35] if parent else f"{getrandbits(128) or 1:032x}"


def method_of(text: str) -> str:
    """Return a method that is known, or `other`."""
    return text if text in _METHODS else "other"
