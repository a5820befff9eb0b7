"""The seam for metrics and traces: `Observer` and `Span`, and the trace and namespace of the present request.

Trace and namespace travel with the task (`contextvars`), so that log lines, metrics and spans of one request agree.
"""

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar, Token
from typing import Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import RatifyError

# Context variables, as plugins between server and observer pass on neither.
_TRACE: ContextVar[str] = ContextVar("trace", default="")
_NAMESPACE: ContextVar[str] = ContextVar("namespace", default="")

Attribute = str | int
CANCELLED = "CANCELLED"


def trace() -> str:
    """Return the trace identifier of the present request: 32 hexadecimal digits; empty outside of a request."""
    return _TRACE.get()


def namespace() -> str:
    """Return the namespace that the present task works for; empty for none."""
    return _NAMESPACE.get()


def set_namespace(tenant: str) -> None:
    """Set the namespace of the present task, from now on."""
    _NAMESPACE.set(tenant)


def begin_trace(identifier: str) -> Token[str]:
    """Set the trace identifier of the present task; pass the token to `end_trace`."""
    return _TRACE.set(identifier)


def end_trace(token: Token[str]) -> None:
    """Restore the trace identifier that was set before `begin_trace`."""
    _TRACE.reset(token)


@contextmanager
def for_namespace(tenant: str) -> Iterator[None]:
    """Set the namespace of the present task while the context is open."""
    token = _NAMESPACE.set(tenant)
    try:
        yield
    finally:
        _NAMESPACE.reset(token)


class Span(Protocol):
    """One operation under way."""

    @property
    def trace(self) -> str:
        """The identifier of its trace; empty for none."""
        ...

    def set_attributes(self, **attributes: Attribute) -> None:
        """Add attributes; one that is set already is replaced."""
        ...


class Observer(Protocol):
    """Records operations.

    The names of spans are `request` (of a server), `verdict`, `resolve`, `referrers`, `verify` and `registry request`; and, of plugins for
    clouds, `aad exchange`, `acr exchange` and `akv certificate`.
    """

    def span(
        self, name: str, *, parent: str = "", steps: bool = False, **attributes: Attribute
    ) -> AbstractContextManager[Span]:
        """Record an operation for as long as the context is open; an exception that leaves it is its outcome.

        Args:
            name: The kind of operation.
            parent: A W3C `traceparent` that came with the request; empty for none.
            steps: Whether other work runs between its steps, as between the items of a generator: then no span becomes its child.
            attributes: What is known at the start.
        """
        ...


@dataclass(frozen=True, slots=True)
class NullObserver:
    """An observer and span that records nothing."""

    trace: str = ""

    def set_attributes(self, **attributes: Attribute) -> None:
        """Ignore the attributes."""

    def span(
        self, name: str, *, parent: str = "", steps: bool = False, **attributes: Attribute
    ) -> AbstractContextManager[Span]:
        """Return a context that records nothing."""
        del name, parent, steps, attributes
        return _NOTHING


NULL_OBSERVER = NullObserver()
# One for all spans, as it has no state.
_NOTHING: AbstractContextManager[Span] = nullcontext(NULL_OBSERVER)


@dataclass(frozen=True, slots=True)
class ObserverGroup:
    """Passes every operation to several observers."""

    observers: tuple[Observer, ...]

    @contextmanager
    def span(
        self, name: str, *, parent: str = "", steps: bool = False, **attributes: Attribute
    ) -> Iterator[Span]:
        """Open a span of each observer."""
        with ExitStack() as stack:
            spans = [
                stack.enter_context(one.span(name, parent=parent, steps=steps, **attributes))
                for one in self.observers
            ]
            yield _SpanGroup(tuple(spans))


@dataclass(frozen=True, slots=True)
class _SpanGroup:
    spans: tuple[Span, ...]

    @property
    def trace(self) -> str:
        # Observers of metrics alone have no trace.
        return next((span.trace for span in self.spans if span.trace), "")

    def set_attributes(self, **attributes: Attribute) -> None:
        for span in self.spans:
            span.set_attributes(**attributes)


def combine_observers(*observers: Observer | None) -> Observer:
    """Return one observer for those that are not None; one that records nothing where all are."""
    found = tuple(one for one in observers if one is not None)
    return found[0] if len(found) == 1 else ObserverGroup(found) if found else NULL_OBSERVER


def code_of(error: BaseException | None, otherwise: str) -> str:
    """Return the outcome of an operation as one word: a reason code, or empty where it succeeded.

    Args:
        error: The exception that ended it; None where it succeeded.
        otherwise: The word for exceptions that are no `RatifyError`; a cancellation is `CANCELLED`, and a generator that
            is closed early (`GeneratorExit`) has succeeded.
    """
    if error is None or isinstance(error, GeneratorExit):
        return ""
    if isinstance(error, CancelledError):
        return CANCELLED
    return error.reason.value if isinstance(error, RatifyError) else otherwise
