"""SLSA levels: ordered within a track, and not comparable between tracks (slsa.dev, "Verification Summary", `SlsaResult`)."""

import re
from collections.abc import Iterable, Mapping

FAILED = "FAILED"
"""Stands in the place of a level where verification failed."""
_LEVEL = re.compile(r"SLSA_([A-Z]+)_LEVEL_(0|[1-9][0-9]?|UNEVALUATED)", re.ASCII)

# SLSA 1.2, "Verified Properties", as SLSA_SOURCE_TWO_PARTY_REVIEWED: they stand among the levels and have no order.
_PROPERTY = re.compile(r"SLSA(?:_[A-Z]+){2,}", re.ASCII)


def is_known(level: str) -> bool:
    """Return whether a text can be a level that is asked for: of a track, a property, or a custom one, which does not begin with `SLSA_`."""
    if not level or level == FAILED:
        return False
    # In any case: `slsa_build_level_2` would be a custom level that no summary has.
    if not level.upper().startswith("SLSA_") or _LEVEL.fullmatch(level):
        return True
    return "LEVEL" not in level and _PROPERTY.fullmatch(level) is not None


def reaches(verified: Iterable[str], required: str) -> bool:
    """Return whether one of the verified levels is the required one, or a higher one of the same track."""
    found = tuple(verified)
    # Custom levels have no order: only the same text satisfies them.
    if required in found:
        return True
    wanted = _read(required)
    return wanted is not None and any(
        each is not None and each[0] == wanted[0] and each[1] >= wanted[1] for each in map(_read, found)
    )


def all_reach(counts: Mapping[str, int], required: str) -> bool:
    """Return whether every dependency that was counted is at the required level or a higher one of its track.

    An empty mapping says that there are no dependencies; one that counts dependencies in other tracks alone says nothing of
    this one.
    """
    # A count of zero states no dependency at that level, so it must not fail the rule.
    counted = {level: number for level, number in counts.items() if number}
    if not counted:
        return True
    # `SlsaResult`: a dependency whose verification failed is at no level of any track.
    if FAILED in counted:
        return False
    wanted = _read(required)
    track = {
        level
        for level in counted
        if level == required or (wanted is not None and (_read(level) or ("", 0))[0] == wanted[0])
    }
    # VSA, `dependencyLevels`: each dependency counts once, at its highest level.
    return bool(track) and all(reaches((level,), required) for level in track)


def _read(level: str) -> tuple[str, int] | None:
    match = _LEVEL.fullmatch(level)
    if match is None:
        return None
    # Below every number: the verifier makes no claim.
    return match[1], -1 if match[2] == "UNEVALUATED" else int(match[2])
