"""`${NAME}` and `file:` in a configuration."""

from pathlib import Path
from typing import Any

import pytest

from pyratify.config.substitute import MAX_FILE, substitute
from pyratify.core.errors import ConfigurationError

ENVIRONMENT = {"A": "alpha", "EMPTY": "", "FILE": "file:/etc/passwd", "NEST": "${A}", "JSON": '{"x": 1}'}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${A}", "alpha"),
        ("a-${A}-${A}", "a-alpha-alpha"),
        ("${EMPTY}", ""),
        ("$${A}", "${A}"),
        ("$A $ $$ {A}", "$A $ $$ {A}"),
        ("${NEST}", "${A}"),
        ("${JSON}", '{"x": 1}'),
        ({"x": ["${A}", 1, None, True]}, {"x": ["alpha", 1, None, True]}),
        ({"${A}": "x"}, {"${A}": "x"}),
        ({"scopes": ["file:x"]}, {"scopes": ["file:x"]}),
        ({"parameters": {"x": "${FILE}"}}, {"parameters": {"x": "file:/etc/passwd"}}),
    ],
)
def test_variables_are_put_into_strings_once(value: Any, expected: Any) -> None:
    """A value stays a string, and what a variable holds is not read again; keys are left alone."""
    assert substitute(value, Path("/"), ENVIRONMENT) == expected


@pytest.mark.parametrize(
    ("value", "says"),
    [("${B}", "B is not set"), ("x${B-1}", "not ${NAME}"), ("${", "not ${NAME}"), ("${}", "not ${NAME}")],
)
def test_a_variable_that_is_not_there_is_an_error_with_its_path(value: str, says: str) -> None:
    """There is no silent empty text."""
    with pytest.raises(ConfigurationError) as caught:
        substitute({"executors": [{"scopes": ["a", value]}]}, Path("/"), ENVIRONMENT)
    assert caught.value.path == "executors[0].scopes[1]"
    assert says in caught.value.detail


def test_files_are_read_below_parameters(tmp_path: Path) -> None:
    """`file:` is the text of a file, relative to the configuration, without the line break at its end."""
    (tmp_path / "secret").write_text("hunter2\n")
    (tmp_path / "alpha").write_text("from a variable")
    value = {"parameters": {"credential": {"password": "file:secret"}, "x": ["file:${A}"]}}
    found = substitute(value, tmp_path, ENVIRONMENT)
    assert found["parameters"] == {"credential": {"password": "hunter2"}, "x": ["from a variable"]}
    assert substitute({"parameters": {"x": f"file:{tmp_path}/secret"}}, Path("/")) == {
        "parameters": {"x": "hunter2"}
    }


@pytest.mark.parametrize("content", [None, b"\xff", b"x" * (MAX_FILE + 1)])
def test_a_file_that_cannot_be_used_is_an_error_with_its_path(content: bytes | None, tmp_path: Path) -> None:
    """Missing, not text or too large."""
    if content is not None:
        (tmp_path / "secret").write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        substitute({"parameters": {"password": "file:secret"}}, tmp_path)
    assert caught.value.path == "parameters.password"
