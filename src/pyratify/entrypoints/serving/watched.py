"""Requests that are watched, and named by the trace of whoever asked (W3C Trace Context)."""

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from pyratify.core.observing import Observer, Span, traced

_METHODS = ("GET", "HEAD", "POST")
# Section 3.2: version 00, a trace and a parent that are not all zeros, flags.
_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


@contextmanager
def watched(observer: Observer, method: str, parent: str) -> Iterator[Span]:
    """Watch one request; all that is logged meanwhile has its trace.

    Args:
        observer: Who watches.
        method: The method of the request.
        parent: Its `traceparent`; one that is none does not count.
    """
    match = _PARENT.fullmatch(parent)
    known = method if method in _METHODS else "other"
    with (
        observer.span("request", parent=parent if match else "", method=known) as span,
        traced(span.trace or (match[1] if match else secrets.token_hex(16))),
    ):
        yield span
