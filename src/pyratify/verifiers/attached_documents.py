"""Documents that are attached as they are: which artifacts hold them, and where."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from pyratify.core.descriptor import Descriptor
from pyratify.core.manifest import EMPTY_CONFIG, Manifest

_TIMES = frozenset(("createdAt", "databaseUpdatedAt"))


def plain_type(media_type: str | None) -> str:
    """Return a media type in lower case and without its parameters, as `; version=1.6`."""
    return (media_type or "").partition(";")[0].strip().lower()


def read_types(given: tuple[str, ...] | str) -> frozenset[str]:
    """Return the types that a configuration names, in a list or in Ratify v1's text with commas."""
    listed = given.split(",") if isinstance(given, str) else given
    return frozenset(map(plain_type, listed)) - {""}


def documents_of(manifest: Manifest) -> tuple[Descriptor, ...]:
    """Return the layers that hold documents: all but the empty one that tools write where they need some layer."""
    return tuple(each for each in manifest.layers if each.media_type != EMPTY_CONFIG)


def facts_together(found: Sequence[Mapping[str, Any]], counts: Collection[str]) -> dict[str, Any]:
    """Return the facts of all documents of an artifact, for policies: what they read has to hold for each of them.

    Args:
        found: The facts of each document, at least one.
        counts: The names of numbers, which are added up.

    Returns:
        Of times the oldest, where all state one; of everything but counts what all state alike.
    """
    facts: dict[str, Any] = {}
    for name in dict.fromkeys(name for each in found for name in each):
        values = [each[name] for each in found if name in each]
        if name in counts:
            facts[name] = sum(values)
        # What one of them does not say may be otherwise in it.
        elif len(values) == len(found) and name in _TIMES:
            facts[name] = min(values)
        elif len(values) == len(found) and all(value == values[0] for value in values):
            facts[name] = values[0]
    return facts
