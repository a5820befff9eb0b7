"""What of a predicate policies may read: asked for by name, as reports and remembered verdicts have to hold it."""

from collections.abc import Mapping
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, VerificationError
from pyratify.core.reason import Reason
from pyratify.evidence.judgement import Circumstances, Judgement

EXPOSED = "predicate"
# Each is held by reports and remembered verdicts (decision 0049).
_MAX_NAMES = 64


@dataclass(frozen=True, slots=True)
class ExposeJudge:
    """Finds the named members of a predicate; refuses nothing but a predicate that is no object.

    Attributes:
        paths: Their paths, as `buildDefinition.buildType`; the empty one is the whole.
    """

    paths: tuple[tuple[str, ...], ...]

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Return the members that are there, at their places in `predicate`.

        Raises:
            VerificationError: `PREDICATE_TYPE`: the predicate is no object.
        """
        del circumstances
        if not isinstance(document, Mapping):
            raise VerificationError(Reason.PREDICATE_TYPE, "the statement's predicate is no object")
        found: dict[str, Any] = {}
        for path in self.paths:
            if not path:
                return Judgement({EXPOSED: document})
            _copy(document, path, found)
        return Judgement({EXPOSED: found})


def expose_judge(names: tuple[str, ...], path: str) -> ExposeJudge:
    """Return the judge for names as `predicate` or `predicate.buildDefinition.buildType`.

    Raises:
        ConfigurationError: No name, too many, or one of something else.
    """
    if not 1 <= len(names) <= _MAX_NAMES:
        raise ConfigurationError(f"names from 1 to {_MAX_NAMES} members, not {len(names)}", path=path)
    paths = []
    for number, name in enumerate(names):
        first, *rest = name.split(".")
        if first != EXPOSED or not all(rest):
            raise ConfigurationError(
                f"{name[:80]!r} is no member of a predicate",
                path=f"{path}[{number}]",
                remedy="Write predicate, or a path as predicate.buildDefinition.buildType.",
            )
        # Compared as a name, it would never be there, and every expression over it an error.
        if any(sign in name for sign in "[]*"):
            raise ConfigurationError(
                f"{name[:80]!r} names an element of a list, and lists are exposed whole",
                path=f"{path}[{number}]",
                remedy="Name the list, as predicate.buildDefinition.resolvedDependencies.",
            )
        paths.append(tuple(rest))
    # Without what a shorter path has already: nothing is put into the document itself.
    whole = [path for path in paths if not any(path[: len(each)] == each for each in paths if each != path)]
    return ExposeJudge(tuple(dict.fromkeys(whole)))


def _copy(document: Mapping[str, Any], path: tuple[str, ...], found: dict[str, Any]) -> None:
    """Put the member at a path into `found`, at the same path; what is not there is left out."""
    value: Any = document
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return
        value = value[name]
    place = found
    for name in path[:-1]:
        place = place.setdefault(name, {})
    place[path[-1]] = value
