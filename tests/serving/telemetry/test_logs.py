"""Logs for machines."""

import io
import json
import logging

import pytest

from pyratify.core.errors import ConfigurationError
from pyratify.serving.telemetry.logs import set_up, tear_down


def test_a_line_is_one_json_object_without_control_characters() -> None:
    """What was given as extra stands in it, escaped."""
    stream = io.StringIO()
    handler = set_up("info", stream)
    try:
        logging.getLogger("pyratify.test").info("a\nb", extra={"key": "\x1b[2J", "count": 3})
        logging.getLogger("pyratify.test").debug("not this")
    finally:
        tear_down(handler)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (found["message"], found["key"], found["count"]) == ("a\\nb", "\\x1b[2J", 3)
    assert (found["level"], found["logger"]) == ("info", "pyratify.test")


def test_a_level_that_does_not_exist_is_refused() -> None:
    """It is the configuration's fault."""
    with pytest.raises(ConfigurationError):
        set_up("loud", io.StringIO())


@pytest.mark.parametrize("name", ["asyncio", "aiohttp.server", "opentelemetry.sdk"])
def test_what_libraries_log_is_json_too(name: str) -> None:
    """In one line and without a traceback, whose lines no collector could read."""
    stream = io.StringIO()
    handler = set_up("info", stream)
    try:
        raise ValueError("x")
    except ValueError:
        logging.getLogger(name).exception("a defect")
    finally:
        tear_down(handler)
    (line,) = stream.getvalue().splitlines()
    found = json.loads(line)
    assert (found["message"], found["exception"]) == ("a defect", "ValueError: x")
    assert "Traceback" not in line
