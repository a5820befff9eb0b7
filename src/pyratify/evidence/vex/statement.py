"""What every reader of VEX documents makes of them."""

from datetime import datetime
from enum import Enum

from pyratify.core.dataclass import dataclass
from pyratify.evidence.vex.package_url import PackageUrl, parse_package_url
from pyratify.evidence.vulnerability.finding import Finding

_IMAGES = ("oci", "docker")
_ALGORITHMS = {"sha256": "sha256", "sha384": "sha384", "sha512": "sha512"}


class Status(Enum):
    """What a statement says of a vulnerability in a product (OpenVEX specification, "Status Labels")."""

    NOT_AFFECTED = "not_affected"
    FIXED = "fixed"
    AFFECTED = "affected"
    UNDER_INVESTIGATION = "under_investigation"

    @property
    def suppresses(self) -> bool:
        """Whether a finding may not count for it."""
        return self in (Status.NOT_AFFECTED, Status.FIXED)


@dataclass(frozen=True, slots=True)
class Product:
    """A product that a statement is about.

    Attributes:
        digests: The digests by which it is named; a name alone is never enough.
        components: The packages within it; with none and `whole`, all of them.
        whole: Whether the statement names no packages.
        unread: Whether it names packages in a way that is not read, so that it could be about any.
    """

    digests: frozenset[str]
    components: tuple[PackageUrl, ...] = ()
    whole: bool = True
    unread: bool = False

    def has(self, finding: Finding) -> bool:
        """Return whether the finding's package is one that the statement is about."""
        if self.whole:
            return True
        found = parse_package_url(finding.purl) if finding.purl else None
        if found is not None:
            return any(component.covers(found) for component in self.components)
        # A format without package URLs: name and version must both be equal, as the kind of package is unknown.
        # Without a version the name alone would suppress findings in every version.
        return any(bool(each.version) and _is_named(each, finding) for each in self.components)

    def may_have(self, finding: Finding) -> bool:
        """Return whether the finding's package could be one of them: what takes a suppression back is in doubt about it."""
        return (
            self.unread
            or self.has(finding)
            or (not finding.purl and any(_is_named(each, finding) for each in self.components))
        )


def _is_named(component: PackageUrl, finding: Finding) -> bool:
    """Return whether a package has the finding's name, and its version where it has one."""
    name = component.name.rpartition("/")[2]
    return name == finding.package and component.version in ("", finding.version)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a VEX document.

    Attributes:
        names: The vulnerability's identifiers, as `identifiers.normalise` writes them.
        status: What it says.
        products: What it is about.
        justified: Whether it says why, by one of the labels of its specification.
        time: When it was made (aware); None where nothing says so.
    """

    names: frozenset[str]
    status: Status
    products: tuple[Product, ...]
    justified: bool
    time: datetime | None

    @property
    def may_suppress(self) -> bool:
        """Whether it could suppress anything: `not_affected` needs its reason, and each needs its time."""
        return self.time is not None and (
            self.status is Status.FIXED or (self.status is Status.NOT_AFFECTED and self.justified)
        )


@dataclass(frozen=True, slots=True)
class VexDocument:
    """A VEX document.

    Attributes:
        format: `openvex` or `cyclonedx`.
        author: Who wrote it, as the document says; trusted no more than its signature.
        created: When it was made (aware); None where it does not say.
        statements: All statements, in the document's order.
    """

    format: str
    author: str
    created: datetime | None
    statements: tuple[Statement, ...]


def image_digests(texts: tuple[str, ...]) -> frozenset[str]:
    """Return the digests of the images that package URLs name, as `pkg:oci/nginx@sha256%3A...`."""
    # purl-spec, `oci`: the version is the digest; what has no colon is a tag, which may move.
    found = (parse_package_url(text) for text in texts)
    return frozenset(
        url.version for url in found if url is not None and url.type in _IMAGES and ":" in url.version
    )


def hash_digests(hashes: dict[str, object]) -> frozenset[str]:
    """Return digests from a mapping of algorithms, as `sha-256` or `SHA-256`, to hexadecimal values."""
    named = ((name.lower().replace("-", ""), value) for name, value in hashes.items())
    # MD5 and SHA-1 name nothing: collisions would let a statement be about two images.
    return frozenset(
        f"{_ALGORITHMS[name]}:{value.lower()}"
        for name, value in named
        if name in _ALGORITHMS and isinstance(value, str)
    )
