"""`ratify plugins`: list the plugins that are installed."""

from argparse import Namespace
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.core.plugin import KINDS, Plugin, Registry
from pyratify.entrypoints.cli.facts import show
from pyratify.render.plain import clean
from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Print every plugin of every kind, whether it can be imported, and return the exit code."""
    found = [_describe(kind, name, owners) for kind in KINDS for name, owners in _names(kind)]
    show(console, arguments.output, found, text=map(_line, found))
    return exits.USAGE if any(each["broken"] for each in found) else exits.ALLOWED


def _names(kind: str) -> Any:
    return Registry[Any](kind).names().items()


def _describe(kind: str, name: str, owners: tuple[str, ...]) -> dict[str, Any]:
    broken = False
    try:
        # Really imported: that a package is installed does not say that its dependencies are.
        plugin = Registry[Any](kind).load(name, f"{kind}.{name}")
        summary = plugin.summary if isinstance(plugin, Plugin) else _first_line(plugin)
    except ConfigurationError as error:
        # One broken package must not hide the rest of the list.
        broken, summary = True, f"cannot be used: {error.detail}"
    return {
        "kind": kind,
        "name": clean(name, 120),
        "summary": clean(summary, 200),
        "packages": [clean(owner, 120) for owner in owners],
        "broken": broken,
    }


def _line(plugin: dict[str, Any]) -> str:
    owner = ", ".join(plugin["packages"])
    return f"{plugin['kind']:<12} {plugin['name']:<22} {plugin['summary']} ({owner})"


def _first_line(plugin: object) -> str:
    return (plugin.__doc__ or "").strip().partition("\n")[0]
