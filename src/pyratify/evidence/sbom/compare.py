"""What differs between two SBOMs."""

from collections.abc import Iterable, Mapping
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.evidence.sbom.document import UNSTATED, Package, Sbom


@dataclass(frozen=True, slots=True, order=True)
class Change:
    """A package that one SBOM lists otherwise than another.

    Attributes:
        package: Its package URL without version and qualifiers, or its name where it has none.
        before: What the first SBOM states of it, a version or license for each time that it lists it, sorted.
        after: What the second states.
    """

    package: str
    before: tuple[str, ...]
    after: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the change as a JSON object."""
        return {"package": self.package, "before": list(self.before), "after": list(self.after)}


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs between two SBOMs; each list is sorted.

    Attributes:
        added: Packages that only the second lists, with its versions.
        removed: Packages that only the first lists.
        versions: Packages that both list, in other versions.
        licenses: Packages that both list, under other licenses.
    """

    added: tuple[Change, ...]
    removed: tuple[Change, ...]
    versions: tuple[Change, ...]
    licenses: tuple[Change, ...]

    def __bool__(self) -> bool:
        """Return whether anything differs."""
        return bool(self.added or self.removed or self.versions or self.licenses)

    def to_dict(self) -> dict[str, Any]:
        """Return the difference as a JSON object."""
        return {
            name: [each.to_dict() for each in getattr(self, name)]
            for name in ("added", "removed", "versions", "licenses")
        }


def compare(before: Sbom, after: Sbom) -> Difference:
    """Return what differs; the order of packages, their places and the format of the documents do not matter."""
    first, second = _versions(before.packages), _versions(after.packages)
    both = first.keys() & second.keys()
    return Difference(
        added=tuple(sorted(Change(name, (), second[name]) for name in second.keys() - both)),
        removed=tuple(sorted(Change(name, first[name], ()) for name in first.keys() - both)),
        versions=_changes(both, first, second),
        licenses=_changes(both, _licenses(before.packages), _licenses(after.packages)),
    )


def _changes(
    names: Iterable[str], before: Mapping[str, tuple[str, ...]], after: Mapping[str, tuple[str, ...]]
) -> tuple[Change, ...]:
    found = (Change(name, before[name], after[name]) for name in names)
    return tuple(sorted(each for each in found if each.before != each.after))


def _versions(packages: Iterable[Package]) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for package in packages:
        # A list, not a set: a package that is installed twice differs from one installed once.
        found.setdefault(_name(package), []).append(package.version)
    return {name: tuple(sorted(versions)) for name, versions in found.items()}


def _licenses(packages: Iterable[Package]) -> dict[str, tuple[str, ...]]:
    found: dict[str, set[str]] = {}
    for package in packages:
        texts = (each.text for each in package.licenses if each.text not in UNSTATED)
        found.setdefault(_name(package), set()).update(texts)
    return {name: tuple(sorted(texts)) for name, texts in found.items()}


def _name(package: Package) -> str:
    """Return what tells a package apart: a text, so that no library is needed and every document can be compared."""
    if not package.purls:
        return "/".join(filter(None, (package.group, package.name)))
    # purl specification: the version follows the last @ before qualifiers and subpath.
    plain = package.purls[0].partition("#")[0].partition("?")[0]
    place = plain.rfind("@")
    return plain[:place] if place > plain.rfind("/") else plain
