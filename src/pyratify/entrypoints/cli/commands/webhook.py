"""`ratify webhook`: serve the admission webhook, or check its rules and manifests."""

from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli.facts import show
from pyratify.terminal import exits
from pyratify.terminal.console import Console

_IN_PARTS = "Give the manifests in several runs, or as files."


def run(arguments: Namespace, console: Console) -> int:
    """Run the action and return the exit code."""
    if arguments.action == "check":
        return _check(arguments, console)
    from pyratify.entrypoints.webhook import serve_webhook

    serve_webhook.run(arguments)
    return exits.ALLOWED


def _check(arguments: Namespace, console: Console) -> int:
    from pyratify.core.clock import SystemClock
    from pyratify.entrypoints.webhook.audit_manifests import weaknesses
    from pyratify.entrypoints.webhook.rules.watch_rules import load_rules

    if not arguments.rules and not arguments.manifest:
        raise ConfigurationError("there is nothing to check", remedy="Name manifests, or rules with --rules.")
    clock = SystemClock()
    rules = load_rules(Path(arguments.rules), clock) if arguments.rules else None
    # A note and no fault: an expired exception lets nothing through any more.
    for name in rules.expired(clock.now()) if rules else ():
        console.note(f"the exception {name} has expired; remove it")
    found = weaknesses(list(_documents(arguments.manifest)), rules)
    if arguments.output == "text" and found:
        for each in found:
            console.fault(f"{each.place}: {each.message}", each.remedy, debug=False)
        return exits.USAGE
    faults = [{"place": each.place, "message": each.message, "remedy": each.remedy} for each in found]
    show(console, arguments.output, {"faults": faults}, text=("nothing is wrong",))
    return exits.USAGE if found else exits.ALLOWED


def _documents(names: list[str]) -> Iterator[Any]:
    from pyratify.config.load import MAX_BYTES, parse, read
    from pyratify.config.yaml import loads_all
    from pyratify.terminal.inputs import STANDARD_INPUT, read_standard_input

    for name in names:
        is_piped = name == STANDARD_INPUT
        data = read_standard_input(MAX_BYTES, _IN_PARTS) if is_piped else read(Path(name), "the manifest")
        is_json = name.endswith(".json") or (is_piped and data.lstrip()[:1] == b"{")
        found = (parse(data, is_json=True),) if is_json else tuple(loads_all(data))
        # An audit of nothing must not end with "nothing is wrong".
        if not any(_says_something(document) for document in found):
            raise ConfigurationError(
                f"there is no manifest in {'standard input' if name == '-' else name}",
                remedy="Look at what printed it: what was not read could not be checked.",
            )
        yield from found


def _says_something(document: Any) -> bool:
    """Return whether a document is an object of Kubernetes, and not the empty list that kubectl prints where it found nothing."""
    return isinstance(document, dict) and "kind" in document and document.get("items") != []
