"""`ratify plugins`: list the plugins that are installed."""

import json
from argparse import Namespace
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import KINDS, Plugin, Registry
from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console
from pyratify.render.plain import clean


def run(arguments: Namespace, console: Console) -> int:
    """Print every plugin of every kind, whether it can be imported, and return the exit code."""
    found = [_describe(kind, name, owners) for kind in KINDS for name, owners in _names(kind)]
    if arguments.output == "json":
        console.result(json.dumps(found, separators=(",", ":")))
    else:
        for each in found:
            owner = ", ".join(each["packages"])
            console.result(f"{each['kind']:<12} {each['name']:<22} {each['summary']} ({owner})")
    return exits.USAGE if any(each["broken"] for each in found) else exits.ALLOWED


def _names(kind: str) -> Any:
    return Registry[Any](kind).names().items()


def _describe(kind: str, name: str, owners: tuple[str, ...]) -> dict[str, Any]:
    broken = False
    try:
        plugin = Registry[Any](kind).load(name, f"{kind}.{name}")
        summary = plugin.summary if isinstance(plugin, Plugin) else _first_line(plugin)
    except ConfigurationError as error:
        broken, summary = True, f"cannot be used: {error.detail}"
    return {
        "kind": kind,
        "name": clean(name, 120),
        "summary": clean(summary, 200),
        "packages": [clean(owner, 120) for owner in owners],
        "broken": broken,
    }


def _first_line(plugin: object) -> str:
    return (plugin.__doc__ or "").strip().partition("\n")[0]
