"""Package URLs (purl-spec), as far as two of them are compared; whole ones alone, as their fields decide what is suppressed.

Read here and not by the library of `evidence/sbom/package_url.py`: VEX documents count without the extra `sbom`.
"""

from collections.abc import Mapping
from dataclasses import field
from types import MappingProxyType
from urllib.parse import unquote

from pyratify.core.dataclass import dataclass

_LONGEST = 2000
_NONE: Mapping[str, str] = MappingProxyType({})
# Their registries compare names in this way (purl-spec, "Known PURL types").
_CASELESS = ("pypi", "oci", "github", "bitbucket", "deb", "apk", "composer")


@dataclass(frozen=True, slots=True)
class PackageUrl:
    """A package URL.

    Attributes:
        type: As `deb` or `oci`.
        name: The name, with its namespace before it.
        version: Empty where it has none: then it stands for all versions.
        qualifiers: As `arch` and `distro`.
    """

    type: str
    name: str
    version: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=lambda: _NONE, hash=False)

    def covers(self, other: "PackageUrl") -> bool:
        """Return whether the other one is this package: of this version and with these qualifiers, where this one has them."""
        return (
            (self.type, self.name) == (other.type, other.name)
            and self.version in ("", other.version)
            and all(other.qualifiers.get(name) == value for name, value in self.qualifiers.items())
        )


def parse_package_url(text: str) -> PackageUrl | None:
    """Return the package URL, or None for another text."""
    if len(text) > _LONGEST or text[:4].lower() != "pkg:":
        return None
    rest, _, query = text[4:].lstrip("/").partition("#")[0].partition("?")
    kind, _, path = rest.partition("/")
    # An `@` within the name is escaped, one of a namespace (npm) stands before a slash.
    path, mark, version = path.rpartition("@") if "@" in path.rpartition("/")[2] else (path, "", "")
    name = "/".join(unquote(part) for part in path.split("/") if part)
    if not kind or not name or (mark and not version):
        return None
    kind = kind.lower()
    if kind in _CASELESS:
        name = name.lower()
    if kind == "pypi":
        name = name.replace("_", "-")
    pairs = (pair.partition("=") for pair in query.split("&") if pair)
    qualifiers = {key.lower(): unquote(value) for key, _, value in pairs}
    return PackageUrl(kind, name, unquote(version), MappingProxyType(qualifiers))
