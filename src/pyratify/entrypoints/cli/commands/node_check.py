"""`ratify node check`: say what of a node lets images past verification."""

from argparse import Namespace
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli.facts import show
from pyratify.entrypoints.node.check.check_node import CheckOptions, check_node
from pyratify.entrypoints.node.check.finding import Severity
from pyratify.entrypoints.node.check.host import Host
from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Run the check and return the exit code: 1 where something lets images past, or refuses those that may be pulled."""
    root = Path(arguments.root)
    if not root.is_absolute() or not root.is_dir():
        raise ConfigurationError(
            f"--root: {root} is no folder", remedy="Give the full path of the node's root."
        )
    options = CheckOptions(
        host=Host(root),
        containerd_config=arguments.containerd_config,
        socket=arguments.socket,
        state=arguments.state,
    )
    found = list(check_node(options))
    # A limit cannot be closed by a setting: with it in the exit code no node would ever pass.
    bad = [each for each in found if each.severity is not Severity.LIMIT]
    lines = [f"{each.severity.upper()} {each.place}: {each.message}\n  {each.remedy}" for each in found]
    if not bad:
        lines.append("no gap was found")
    show(console, arguments.output, {"findings": [each.to_dict() for each in found]}, text=lines)
    return exits.DENIED if bad else exits.ALLOWED
