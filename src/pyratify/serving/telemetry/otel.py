"""Traces over OTLP/HTTP: the only place that knows OpenTelemetry (extra `otel`).

Where they are sent, and what is sampled, the standard variables say: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_TRACES_SAMPLER` and
the others. No text of an exception, a registry or a signer stands in a span.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    set_span_in_context,
    use_span,
)
from opentelemetry.trace.status import Status, StatusCode

from pyratify.core.dataclass import dataclass
from pyratify.core.telemetry import CANCELLED, Attribute, code_of, namespace
from pyratify.render.plain import clean

_KINDS = {"request": SpanKind.SERVER, "registry request": SpanKind.CLIENT}
_NAMES = {
    "method": "http.request.method",
    "status": "http.response.status_code",
    "host": "server.address",
    "error": "error.type",
}
# A host or a digest is shorter; the bound is for texts that a registry or a client chooses.
_MAX_TEXT = 256
_CLOSING = 3.0


class Tracer:
    """Sends what is watched; an `Observer`."""

    def __init__(self) -> None:
        # No exit handler: it would wait for a collector that does not answer, without the bound of `close`.
        self._provider = TracerProvider(resource=_resource(), shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer("pyratify")

    @contextmanager
    def span(
        self, name: str, *, parent: str = "", steps: bool = False, **facts: Attribute
    ) -> "Iterator[_Traced]":
        """Send what is done meanwhile as a span."""
        # None takes the present span as parent, from the context variables.
        context = _remote(parent) if parent else None
        span = self._tracer.start_span(name, context, _KINDS.get(name, SpanKind.INTERNAL))
        traced = _Traced(span)
        traced.set_attributes(**facts)
        if tenant := namespace():
            traced.set_attributes(namespace=tenant)
        current = (
            # The library would write the exception's text and traceback into the span.
            nullcontext() if steps else use_span(span, record_exception=False, set_status_on_exception=False)
        )
        try:
            with current:
                yield traced
        except BaseException as error:
            traced.ended(code_of(error, type(error).__name__))
            raise
        finally:
            span.end()

    def close(self) -> None:
        """Send what is left, in a few seconds at most."""
        # A daemon: shutdown() may wait for a collector that does not answer, and the process has to end.
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(_CLOSING)


@dataclass(frozen=True, slots=True)
class _Traced:
    _span: Span

    @property
    def trace(self) -> str:
        return f"{self._span.get_span_context().trace_id:032x}"

    def set_attributes(self, **facts: Attribute) -> None:
        for name, value in facts.items():
            text = value if isinstance(value, int) else clean(value, _MAX_TEXT)
            self._span.set_attribute(_NAMES.get(name, f"ratify.{name}"), text)

    def ended(self, code: str) -> None:
        if code:
            self.set_attributes(error=code)
        # A request that was given up is no error of this server.
        if code not in ("", CANCELLED):
            self._span.set_status(Status(StatusCode.ERROR))


def _remote(parent: str) -> Context:
    """Return the client's context, from a valid `traceparent`."""
    _, trace, span, flags = parent.split("-")
    known = SpanContext(int(trace, 16), int(span, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16)))
    return set_span_in_context(NonRecordingSpan(known))


def _resource() -> Resource:
    named = "OTEL_SERVICE_NAME" in os.environ or SERVICE_NAME in os.environ.get(
        "OTEL_RESOURCE_ATTRIBUTES", ""
    )
    return Resource.create({} if named else {SERVICE_NAME: "ratify"})
