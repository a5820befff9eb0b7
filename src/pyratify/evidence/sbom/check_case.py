"""Members in another case than the one that is read: programs in Go read them, and a denied package could be in one."""

from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_origin

import msgspec

from pyratify.evidence.sbom.convert import malformed


def check_case(objects: Iterable[object], kind: type[msgspec.Struct], what: str) -> None:
    """Refuse objects with a member that differs from a known one in case alone, at any depth that the struct describes.

    Args:
        objects: JSON values; what is no object is left to `convert`.
        kind: The struct whose members are known.
        what: The name of the format.

    Raises:
        VerificationError: `SBOM_INVALID`.
    """
    # All objects of one kind at a time: keys are collected at the speed of C, and packages share a few.
    found = [each for each in objects if isinstance(each, dict)]
    if not found:
        return
    fields = msgspec.structs.fields(kind)
    _check_names(set().union(*found), {field.encode_name for field in fields}, what)
    for field in fields:
        parts = tuple(_structs(field.type))
        values = [each[field.encode_name] for each in found if field.encode_name in each] if parts else ()
        for part, in_list in parts:
            if in_list:
                lists = (value for value in values if isinstance(value, list))
                check_case((each for value in lists for each in value), part, what)
            else:
                check_case(values, part, what)


def _check_names(found: set[str], names: set[str], what: str) -> None:
    known = {name.casefold(): name for name in names}
    other = next((each for each in sorted(found - names) if each.casefold() in known), None)
    if other is not None:
        malformed(
            what,
            f"a member is called {other[:80]!a}, which some readers take for {known[other.casefold()]!r}",
        )


def _structs(kind: Any, *, in_list: bool = False) -> Iterator[tuple[type[msgspec.Struct], bool]]:
    """Iterate over the structs that a value may be, each with whether it is in a list of them."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind, in_list
    for part in get_args(kind):
        yield from _structs(part, in_list=in_list or get_origin(kind) is list)
