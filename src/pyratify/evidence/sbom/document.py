"""What readers of SBOMs of every format return."""

from datetime import datetime
from typing import Literal

import msgspec

from pyratify.core.dataclass import dataclass

Field = Literal["concluded", "declared", "either"]

NO_ASSERTION = "NOASSERTION"
UNSTATED = frozenset(("", NO_ASSERTION, "NONE"))
"""What stands where a license would and states none (SPDX 2.3, section 7.13)."""


class License(msgspec.Struct, frozen=True):
    """One statement about the license of a package.

    Attributes:
        text: An SPDX license expression, or a name.
        field: Whether the author of the SBOM concluded it or the package declares it; `either` where the document does not say.
        named: Whether the text is a free name and no expression (CycloneDX, `license.name`).
    """

    text: str
    field: Field = "either"
    named: bool = False


class Package(msgspec.Struct, frozen=True):
    """A package of an SBOM; a `msgspec.Struct` because documents hold thousands of them.

    Attributes:
        name: Its name.
        where: Where it stands in the document, as `packages[3]`.
        version: Empty where none is stated.
        group: What the name is unique in, as a Maven group; empty for none.
        purls: Its package URLs, as they are written.
        licenses: Every statement about its license; all of them hold.
        supplier: Empty where none is stated.
        kind: In lower case, as `library`, `container` or `file`; empty where it is not stated.
    """

    name: str
    where: str
    version: str = ""
    group: str = ""
    purls: tuple[str, ...] = ()
    licenses: tuple[License, ...] = ()
    supplier: str = ""
    kind: str = ""

    @property
    def shown(self) -> str:
        """Name, version and place, for messages."""
        # Bounded: a publisher may write a name as long as the document.
        return f"{self.name[:200]} {self.version[:100]}".rstrip() + f" ({self.where})"


@dataclass(frozen=True, slots=True)
class Sbom:
    """An SBOM.

    Attributes:
        format: `SPDX` or `CycloneDX`.
        version: The version of the format, as `2.3`.
        name: The name that the document has or that its subject has in it; may be empty.
        created: When it was made (aware); None where it does not say.
        tools: What made it, with versions; may be empty.
        authors: People and organisations that made it; may be empty.
        packages: Every package, nested ones and the described one included.
        digests: The digests that it gives to what it describes, as `sha256:...`.
        external: The other documents that it refers to for a part of its contents.
    """

    format: str
    version: str
    name: str
    created: datetime | None
    tools: tuple[str, ...]
    authors: tuple[str, ...]
    packages: tuple[Package, ...]
    digests: frozenset[str]
    external: tuple[str, ...]
