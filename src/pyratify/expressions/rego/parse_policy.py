"""Parses policies in Rego by the embedded engine."""

import json
import re
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.expressions.rego.engine import make_engine, sentence
from pyratify.expressions.rego.tree import Tree

_KEYWORD = re.compile(r"\b(?:if|contains|every|in)\b")
_IMPORT = re.compile(r"\bimport\s+(?:future\.keywords|rego\.v1)\b")


def parse(text: str, path: str, *, v0: bool) -> Tree:
    """Return the tree of a policy.

    Raises:
        ConfigurationError: It cannot be parsed, or the extra is not installed.
    """
    engine = _engine(text, path, v0=v0)
    return Tree(text.encode(), json.loads(engine.get_ast_as_json()), tuple(engine.get_packages()))


def _engine(text: str, path: str, *, v0: bool) -> Any:
    try:
        return make_engine(path, text, v0=v0)
    except RuntimeError as error:
        said = sentence(str(error))
    # Outside: a frame of the library's error holds the engine, which must not leave this thread.
    other = "v1" if v0 else "v0"
    raise ConfigurationError(
        f"the policy cannot be parsed: {said}",
        path=path,
        remedy=f"It is in the syntax of {other}: write regoVersion: {other}."
        if _is_parsed(text, path, v0=not v0)
        else "Correct the policy at that line; `opa check` shows every fault.",
    )


def _is_parsed(text: str, path: str, *, v0: bool) -> bool:
    # The engine warns of these words on the error output of the program, where it takes them for names.
    if v0 and _KEYWORD.search(text) and not _IMPORT.search(text):
        return False
    try:
        make_engine(path, text, v0=v0)
    except RuntimeError:
        return False
    return True
