"""Requests that are watched, and named by the trace of whoever asked (W3C Trace Context)."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from pyratify.core.observing import SILENCE, Observer, Span, traced

_METHODS = ("GET", "HEAD", "POST")
# Section 3.2: version 00, a trace and a parent that are not all zeros, flags.
_PARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


def watched(
    observer: Observer, method: str, parent: str, names: Iterator[int]
) -> AbstractContextManager[Span]:
    """Watch one request; all that is logged meanwhile has its trace.

    Args:
        observer: Who watches.
        method: The method of the request.
        parent: Its `traceparent`; one that is none does not count.
        names: Where traces of our own get their numbers from, which begin anywhere.
    """
    match = _PARENT.fullmatch(parent) if parent else None
    trace = match[1] if match else f"{next(names):032x}"
    if observer is SILENCE:
        return traced(trace)
    known = method if method in _METHODS else "other"
    return _observed(observer, known, parent if match else "", trace)


@contextmanager
def _observed(observer: Observer, method: str, parent: str, trace: str) -> Iterator[Span]:
    with (
        observer.span("request", parent=parent, method=method) as span,
        traced(span.trace or trace),
    ):
        yield span
