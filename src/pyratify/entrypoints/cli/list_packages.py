"""`ratify inspect --sbom`: the packages of SBOMs, the same for every format."""

import asyncio
from argparse import Namespace
from collections.abc import Iterable, Iterator
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli.decode.sbom_contents import listing
from pyratify.entrypoints.cli.facts import show
from pyratify.entrypoints.cli.file_or_reference import is_file
from pyratify.entrypoints.cli.sbom_sources import Found, attached_sboms, file_sbom
from pyratify.render.plain import MAX_REFERENCE, clean
from pyratify.terminal import exits
from pyratify.terminal.console import Console


def list_packages(arguments: Namespace, console: Console) -> int:
    """Print the packages of a file's SBOM, or of all that are attached to a reference, and return the exit code.

    Raises:
        RatifyError: There is none, or it cannot be read.
    """
    target = arguments.target
    if is_file(target):
        found = [Found(target, file_sbom(target))]
    else:
        found = asyncio.run(attached_sboms(arguments, console, target))
    if not found:
        raise ConfigurationError(
            f"no SBOM is attached to {target}", remedy="`ratify discover` lists what is attached."
        )
    entries = [_entry(each) for each in found]
    facts = {"target": clean(target, MAX_REFERENCE), "sboms": entries}
    show(console, arguments.output, facts, _lines(entries))
    return exits.ALLOWED


def _entry(found: Found) -> dict[str, Any]:
    origin = {"origin": clean(found.origin, MAX_REFERENCE)}
    return origin | (listing(found.sbom) if found.sbom is not None else {"error": clean(found.fault)})


def _lines(entries: Iterable[dict[str, Any]]) -> Iterator[str]:
    for entry in entries:
        if "error" in entry:
            yield f"{entry['origin']}: {entry['error']}"
            continue
        count = len(entry["packages"])
        yield f"{entry['origin']}: {entry['format']} {entry['specVersion']}, {count} packages"
        for each in entry["packages"]:
            licenses = ", ".join(each["licenses"])
            # Names and licences are text of the document, whose control characters a terminal would obey.
            yield clean("  " + "  ".join(filter(None, (each["name"], each["version"], licenses))))
