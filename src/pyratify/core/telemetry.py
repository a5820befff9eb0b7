"""Who is asking, and who watches: what metrics and traces are made of, without a word of either in what is watched.

Whoever asks travels with the task (`contextvars`), so that a line in a log, a metric and a span of the same request agree.
"""

from asyncio import CancelledError
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import Protocol

from pyratify.core.errors import RatifyError

_TRACE: ContextVar[str] = ContextVar("trace", default="")
_NAMESPACE: ContextVar[str] = ContextVar("namespace", default="")

Fact = str | int
CANCELLED = "CANCELLED"


def trace() -> str:
    """Return what all lines of the log about the present request have in common: 32 hexadecimal digits, or nothing."""
    return _TRACE.get()


def namespace() -> str:
    """Return the tenant that asks; empty for none."""
    return _NAMESPACE.get()


def ask_for(tenant: str) -> None:
    """Say for which tenant the present task asks, from now on."""
    _NAMESPACE.set(tenant)


def begin_trace(identifier: str) -> Token[str]:
    """Name the present request, until `end_trace` is given what this returns."""
    return _TRACE.set(identifier)


def end_trace(token: Token[str]) -> None:
    """Forget the name of a request that is over."""
    _TRACE.reset(token)


@contextmanager
def asking_for(tenant: str) -> Iterator[None]:
    """Say for which tenant the present task asks, meanwhile."""
    token = _NAMESPACE.set(tenant)
    try:
        yield
    finally:
        _NAMESPACE.reset(token)


class Span(Protocol):
    """Something that is under way."""

    @property
    def trace(self) -> str:
        """The identifier of the trace that it belongs to; empty for none."""
        ...

    def tell(self, **facts: Fact) -> None:
        """Learn something of it."""
        ...


class Observer(Protocol):
    """Watches what is done.

    The names are `request` (of a server), `verdict`, `resolve`, `referrers`, `verify` and `registry request`; and, of plugins for
    clouds, `aad exchange`, `acr exchange` and `akv certificate`.
    """

    def span(
        self, name: str, *, parent: str = "", steps: bool = False, **facts: Fact
    ) -> AbstractContextManager[Span]:
        """Watch what is done while the context is open; an exception that leaves it is how that ended.

        Args:
            name: What is done.
            parent: A W3C `traceparent` of whoever asked, where there is one.
            steps: Whether it is done in steps, between which others go on: nothing else is a part of it then.
            facts: What is known of it.
        """
        ...


@dataclass(frozen=True, slots=True)
class Silence:
    """Nobody watches."""

    trace: str = ""

    def tell(self, **facts: Fact) -> None:
        """Learn nothing."""

    def span(
        self, name: str, *, parent: str = "", steps: bool = False, **facts: Fact
    ) -> AbstractContextManager[Span]:
        """Watch nothing."""
        del name, parent, steps, facts
        return _NOTHING


SILENCE = Silence()
_NOTHING: AbstractContextManager[Span] = nullcontext(SILENCE)


@dataclass(frozen=True, slots=True)
class Several:
    """Several that watch.

    Attributes:
        observers: All of them.
    """

    observers: tuple[Observer, ...]

    @contextmanager
    def span(self, name: str, *, parent: str = "", steps: bool = False, **facts: Fact) -> Iterator[Span]:
        """Let all of them watch."""
        with ExitStack() as stack:
            spans = [
                stack.enter_context(one.span(name, parent=parent, steps=steps, **facts))
                for one in self.observers
            ]
            yield _Spans(tuple(spans))


@dataclass(frozen=True, slots=True)
class _Spans:
    spans: tuple[Span, ...]

    @property
    def trace(self) -> str:
        return next((span.trace for span in self.spans if span.trace), "")

    def tell(self, **facts: Fact) -> None:
        for span in self.spans:
            span.tell(**facts)


def together(*observers: Observer | None) -> Observer:
    """Return one observer for all that are there."""
    found = tuple(one for one in observers if one is not None)
    return found[0] if len(found) == 1 else Several(found) if found else SILENCE


def code_of(error: BaseException | None, otherwise: str) -> str:
    """Return how something ended, in one word: the reason code of an error of ours, or nothing where there is none.

    Args:
        error: What it ended with.
        otherwise: What all other exceptions are called; a cancellation is `CANCELLED`, a listing that is not wanted to
            its end is none.
    """
    if error is None or isinstance(error, GeneratorExit):
        return ""
    if isinstance(error, CancelledError):
        return CANCELLED
    return error.reason.value if isinstance(error, RatifyError) else otherwise
