"""What the checks of a cluster's manifests find, and how they read them: what is misshapen says nothing."""

from collections.abc import Mapping
from typing import Any

from pyratify.core.dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Weakness:
    """One way around the decision, or one to refuse what has no images.

    Attributes:
        place: The object, and the part of it.
        message: What it lets through, or keeps out.
        remedy: What to do.
    """

    place: str
    message: str
    remedy: str


def title(each: Mapping[str, Any]) -> str:
    """Return what messages call an object."""
    return f"{each.get('kind')} {mapping(each.get('metadata')).get('name')}"


def mapping(value: Any) -> Mapping[str, Any]:
    """Return a mapping as it is, and everything else as an empty one."""
    return value if isinstance(value, dict) else {}


def mappings(value: Any) -> tuple[Mapping[str, Any], ...]:
    """Return the mappings in a list."""
    return tuple(each for each in value if isinstance(each, dict)) if isinstance(value, list) else ()


def texts(value: Any) -> set[str]:
    """Return the texts in a list."""
    return {each for each in value if isinstance(each, str)} if isinstance(value, list) else set()
