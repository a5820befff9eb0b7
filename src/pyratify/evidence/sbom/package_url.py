"""Package URLs, compared as they are meant; the only module that knows their library."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote

from pyratify.core.dataclass import dataclass
from pyratify.evidence.lookalikes import plain

_MAX_TEXT = 4096
_BROKEN = re.compile("%(?![0-9A-Fa-f]{2})")
# PyPI takes `_`, `.` and `-` for the same (PEP 503).
_SEPARATORS = str.maketrans("_.", "--")


class InvalidPackageUrl(ValueError):
    """A text that is no package URL."""


@dataclass(frozen=True, slots=True)
class PackageUrl:
    """A package URL in its canonical form.

    Attributes:
        type: As `npm`.
        namespace: Empty for none.
        name: The package's name.
        version: Empty for none.
        qualifiers: As `arch`.
    """

    type: str
    namespace: str
    name: str
    version: str
    qualifiers: Mapping[str, str]

    @property
    def names(self) -> frozenset[str]:
        """What the package is called where no package URL is stated, with its namespace and without, as `loosely` writes it."""
        # npm joins them by a slash, Maven by a colon.
        whole = (f"{self.namespace}{joint}{self.name}" for joint in "/:") if self.namespace else ()
        return frozenset(map(loosely, (self.name, *whole)))

    def covers(self, other: "PackageUrl") -> bool:
        """Return whether the other is of the same package, and has the qualifiers of this one; the version is not compared."""
        return ((self.type, self.namespace, self.name) == (other.type, other.namespace, other.name)) and all(
            other.qualifiers.get(name) == value for name, value in self.qualifiers.items()
        )


def parse_purl(text: str) -> PackageUrl:
    """Parse a package URL.

    Raises:
        InvalidPackageUrl: It is none.
    """
    # Lazy: only rules that name a package URL need it.
    from packageurl import PackageURL

    # RFC 3986, section 2.1: readers differ on a percent sign that encodes nothing.
    if _BROKEN.search(text):
        raise InvalidPackageUrl("a percent sign in it encodes nothing")
    if len(text) > _MAX_TEXT:
        raise InvalidPackageUrl(f"it has {len(text)} characters")
    try:
        # purl specification, "How to parse": the scheme has no case.
        scheme, _, rest = text.strip().partition(":")
        found = PackageURL.from_string(f"{scheme.lower()}:{rest}")
    except ValueError as error:
        raise InvalidPackageUrl(str(error)[:200]) from None
    qualifiers = found.qualifiers if isinstance(found.qualifiers, dict) else {}
    # A rule must find what people read as its name.
    namespace, name, version = (plain(each or "") for each in (found.namespace, found.name, found.version))
    return PackageUrl(found.type, namespace, name, version, MappingProxyType(qualifiers))


def loosely(text: str) -> str:
    """Return a text in a form in which all spellings of one name are equal: for a quick look before parsing."""
    # Percent-encoded letters must not hide a name from the quick look.
    decoded = unquote(text) if "%" in text else text
    return plain(decoded).translate(_SEPARATORS).lower()
