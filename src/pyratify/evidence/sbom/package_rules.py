"""Rules about packages: by name and version, by package URL, and by ranges of versions."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from pyratify.core.dataclass import dataclass
from pyratify.evidence.findings import Finding
from pyratify.evidence.lookalikes import plain
from pyratify.evidence.sbom.document import Package
from pyratify.evidence.sbom.package_url import InvalidPackageUrl, PackageUrl, loosely, parse_purl
from pyratify.evidence.sbom.version_range import MAX_VERSION, VersionRange
from pyratify.evidence.sbom.work_budget import PACKAGE_URL, VERSION, WorkBudget


@dataclass(frozen=True)
class DeniedPackage:
    """A package that must not be there.

    Attributes:
        name: Its name, exactly, with its group before it or without; empty where it is named by a package URL.
        purl: Its package URL; None where it is named by a name.
        version: The only version that is denied; empty for every one.
        versions: The range that is denied; None for every version.
    """

    name: str = ""
    purl: PackageUrl | None = None
    version: str = ""
    versions: VersionRange | None = None

    def fault(self, package: Package, budget: WorkBudget) -> str | None:
        """Return why a package is denied, or None."""
        if self.purl is not None:
            budget.spend(sum(map(len, package.purls)), PACKAGE_URL)
        found = self._versions(package)
        if found is None:
            return None
        if self.versions is not None:
            return _in_range(self.versions, found, budget)
        if self.version:
            return f"version {self.version} is denied" if self.version in found else None
        return "it is denied in every version"

    def _versions(self, package: Package) -> frozenset[str] | None:
        """Return the versions that a package states, where it is the one that the rule names; None where it is another."""
        stated = plain(package.version)
        if self.purl is None:
            return frozenset((stated,)) if plain(self.name) in _names(package) else None
        purls = list(_purls(package))
        matching = [each for each in purls if self.purl.covers(each)]
        # Both versions: a document may state one and put another one into the package URL.
        if matching:
            # An exact version also as it is written: without an epoch, which is a qualifier of rpm's.
            written = [each.version for each in matching] if self.version else []
            return frozenset(filter(None, (stated, *map(_version, matching), *written))) or frozenset(("",))
        # Without a package URL only the name can tell: leaving it out must not hide a package.
        is_it = not purls and loosely(package.name) in self.purl.names
        return frozenset((stated,)) if is_it else None


def _in_range(versions: VersionRange, found: frozenset[str], budget: WorkBudget) -> str | None:
    # Sorted, so that one document always gives the same message.
    for version in sorted(found):
        budget.spend(min(len(version), MAX_VERSION), VERSION)
        inside = versions.contains(version)
        if inside:
            return f"its version is in {versions.text}"
        if inside is None:
            # What cannot be compared could be in it.
            return f"its version {version[:60]!r} cannot be compared with {versions.text}"
    return None


Rules = Mapping[str, Sequence[DeniedPackage]]


class PackageRules:
    """All packages that must not be there.

    Args:
        denied: The packages.
    """

    def __init__(self, denied: Iterable[DeniedPackage]) -> None:
        rules = tuple(denied)
        self._by_name = _grouped((plain(rule.name), rule) for rule in rules if rule.purl is None)
        self._by_purl = _grouped((loosely(rule.purl.name), rule) for rule in rules if rule.purl is not None)

    def findings(self, packages: Sequence[Package], budget: WorkBudget) -> Iterator[Finding]:
        """Iterate over the packages that are denied, each once.

        Raises:
            VerificationError: `PARSE_LIMIT`.
        """
        # A quick look at all texts at once: to parse every package URL would take 15 us for each.
        everything = loosely(
            "\n".join(text for package in packages for text in (package.name, *package.purls))
        )
        by_purl = {name: rules for name, rules in self._by_purl.items() if name in everything}
        for package in packages:
            rules = self._rules(package, by_purl)
            fault = next((fault for rule in rules if (fault := rule.fault(package, budget))), None)
            if fault is not None:
                yield Finding(package.shown, fault)

    def _rules(self, package: Package, by_purl: Rules) -> Iterator[DeniedPackage]:
        if self._by_name:
            for name in _names(package):
                yield from self._by_name.get(name, ())
        if by_purl:
            text = loosely("\n".join((package.name, *package.purls)))
            for name, rules in by_purl.items():
                if name in text:
                    yield from rules


def _grouped(rules: Iterable[tuple[str, DeniedPackage]]) -> Rules:
    found: dict[str, list[DeniedPackage]] = {}
    for name, rule in rules:
        found.setdefault(name, []).append(rule)
    return found


def _version(purl: PackageUrl) -> str:
    # Package URLs of rpm have the epoch beside the version (purl specification, types/rpm).
    epoch = purl.qualifiers.get("epoch") if purl.type == "rpm" else None
    return f"{epoch}:{purl.version}" if epoch and purl.version else purl.version


def _names(package: Package) -> tuple[str, ...]:
    name, group = plain(package.name), plain(package.group)
    if not group:
        return (name,)
    # npm joins scope and name with a slash, Maven group and artifact with a colon.
    return name, f"{group}/{name}", f"{group}:{name}"


def _purls(package: Package) -> Iterator[PackageUrl]:
    for text in package.purls:
        try:
            yield parse_purl(text)
        # As if it were not there: the name is compared then, so a broken URL hides nothing.
        except InvalidPackageUrl:
            continue
