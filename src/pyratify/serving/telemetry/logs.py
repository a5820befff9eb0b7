"""Logs for machines: one JSON object a line, bounded and without anything that a terminal would obey."""

import json
import logging
import os
import sys
from datetime import UTC, datetime
from typing import TextIO

from pyratify.core.errors import ConfigurationError
from pyratify.core.isolation import describe
from pyratify.core.telemetry import trace
from pyratify.render.plain import clean

# asyncio reports tasks whose exceptions were never retrieved, opentelemetry exports that failed.
_LOGGERS = ("pyratify", "opentelemetry", "asyncio", "aiohttp")
LEVELS = ("debug", "info", "warning", "error")
# Asked of a record, since its members differ between versions of Python (taskName, 3.12).
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonFormatter(logging.Formatter):
    """Formats a record as one line of JSON, with what was given as `extra`.

    An exception is named by its type and the beginning of its text, without a traceback, whose locals could be secret.
    """

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = worker

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            # Keys, references and registry texts stand in here: a newline would forge a line.
            "message": clean(record.getMessage()),
        }
        if self._worker is not None:
            line["worker"] = self._worker
        identifier = trace()
        if identifier:
            line["trace"] = identifier
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = clean(describe(record.exc_info[1]))
        for name, value in vars(record).items():
            if name not in _STANDARD:
                # Numbers stay numbers for the reader; all else becomes text that steers no terminal.
                line[name] = value if isinstance(value, int | float) else clean(str(value))
        return json.dumps(line, default=str)


def set_up(
    level: str | None = None, stream: TextIO | None = None, worker: int | None = None
) -> logging.Handler:
    """Let everything that pyratify logs be written as JSON, to standard error when no stream is given.

    Args:
        level: One of `LEVELS`; `$RATIFY_LOG_LEVEL`, else `info`, when omitted.
        stream: Where to.
        worker: Which of several workers this is; stands in every line.

    Raises:
        ConfigurationError: There is no such level.
    """
    wanted = (level or os.environ.get("RATIFY_LOG_LEVEL") or "info").lower()
    if wanted not in LEVELS:
        raise ConfigurationError(
            f"{wanted[:40]!a} is no log level", remedy=f"Use one of {', '.join(LEVELS)}."
        )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter(worker))
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.setLevel(wanted.upper())
        logger.addHandler(handler)
        logger.propagate = False  # the root logger may have handlers that write plain text
    return handler


def tear_down(handler: logging.Handler) -> None:
    """Undo `set_up`."""
    for name in _LOGGERS:
        logger = logging.getLogger(name)
        logger.removeHandler(handler)
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
