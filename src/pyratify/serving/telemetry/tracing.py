"""Traces of what a server does, where they are asked for; without that nothing of it is imported."""

import asyncio
from argparse import Namespace
from typing import TYPE_CHECKING

from pyratify.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pyratify.serving.telemetry.otel import Tracer


def open_tracer(flags: Namespace) -> "Tracer | None":
    """Return the sender of traces; None unless the flags enable it.

    Raises:
        ConfigurationError: OpenTelemetry is not installed, or one of its variables cannot be used.
    """
    if not flags.enable_tracing:
        return None
    try:
        from pyratify.serving.telemetry.otel import Tracer
    except ImportError:
        raise ConfigurationError(
            "traces need OpenTelemetry", remedy="Install it: pip install 'pyratify[otel]'."
        ) from None
    try:
        return Tracer()
    # The library raises many kinds; only the type is shown, as the text may hold the endpoint's credentials.
    except Exception as error:
        raise ConfigurationError(
            f"traces cannot be sent: {type(error).__name__}", remedy="Check the variables OTEL_*."
        ) from error


async def close_tracer(tracer: "Tracer | None") -> None:
    """Send what is left, within a few seconds."""
    if tracer is not None:
        await asyncio.to_thread(tracer.close)
