"""`ratify sbom diff`: what differs between two SBOMs."""

import asyncio
from argparse import Namespace
from collections.abc import Iterator

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.cli.facts import show
from pyratify.entrypoints.cli.file_or_reference import is_file
from pyratify.entrypoints.cli.sbom_sources import attached_sboms, file_sbom
from pyratify.evidence.sbom.compare import Change, Difference, compare
from pyratify.evidence.sbom.document import Sbom
from pyratify.render.plain import clean
from pyratify.terminal import exits
from pyratify.terminal.console import Console


def run(arguments: Namespace, console: Console) -> int:
    """Print the difference and return the exit code."""
    before, after = (_one(arguments, console, text) for text in (arguments.before, arguments.after))
    difference = compare(before, after)
    show(console, arguments.output, difference.to_dict(), _lines(difference))
    return exits.DENIED if arguments.exit_code and difference else exits.ALLOWED


def _one(arguments: Namespace, console: Console, text: str) -> Sbom:
    if is_file(text):
        return file_sbom(text)
    found = asyncio.run(attached_sboms(arguments, console, text))
    good = [each.sbom for each in found if each.sbom is not None]
    if len(good) != 1:
        raise ConfigurationError(
            f"{text} has {len(good)} SBOMs that can be read, and one is needed",
            remedy="Save the one that you mean with `oras pull`, and give the file; `ratify discover` lists them.",
        )
    return good[0]


def _lines(difference: Difference) -> Iterator[str]:
    if not difference:
        yield "no difference"
    for sign, changes in (("+", difference.added), ("-", difference.removed)):
        for each in changes:
            # Cleaned: names are text of the document, whose control characters a terminal would obey.
            yield f"{sign} {clean(each.package)} {clean(', '.join(each.after or each.before))}".rstrip()
    yield from _changed("~", difference.versions)
    yield from _changed("~ license of", difference.licenses)


def _changed(sign: str, changes: tuple[Change, ...]) -> Iterator[str]:
    for each in changes:
        before, after = (clean(", ".join(texts)) or "none" for texts in (each.before, each.after))
        yield f"{sign} {clean(each.package)} {before} -> {after}"
