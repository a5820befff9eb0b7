"""`ratify node install`: show the changes that put ratify before a runtime's pulls, and make them with --write."""

from argparse import Namespace
from importlib import import_module

from pyratify.terminal import exits
from pyratify.terminal.console import Console

_AFTERWARDS = {
    "containerd": "restart containerd, then look with: ratify node check",
    "nri": "start ratify node serve with --nri, restart the runtime, then look with: ratify node check",
    "docker": "start ratify node serve with --docker, restart Docker, then look with: ratify node check",
}


def run(arguments: Namespace, console: Console) -> int:
    """Run the action and return the exit code."""
    module = import_module(f"pyratify.entrypoints.node.{arguments.runtime}.install_{arguments.runtime}")
    changes = tuple(change for change in module.plan(arguments) if change.is_change)
    for change in changes:
        console.result(change.diff().rstrip("\n"))
    if not changes:
        console.note("there is nothing to change")
        return exits.ALLOWED
    if not arguments.write:
        console.note("nothing was written; --write makes these changes")
        return exits.ALLOWED
    # In the plan's order: no setting may name a program or plugin that is not there.
    for change in changes:
        change.apply()
    module.check_result(changes)
    console.note(_AFTERWARDS[arguments.runtime])
    return exits.ALLOWED
