"""Which manifests of an image index are judged: pure functions of the index."""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Self

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.platform import UNKNOWN, Platform
from pyratify.core.reference import Reference

# BuildKit's annotations of attestation manifests (its "Image attestation storage").
REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
ATTESTATION_MANIFEST = "attestation-manifest"
MAX_NAMED = 32


class PlatformMode(StrEnum):
    """Which evidence counts for an image index."""

    INDEX = "index"
    EACH = "each"
    ANY = "any"
    NAMED = "named"


@dataclass(frozen=True, slots=True)
class PlatformChoice:
    """What must have evidence where a reference names an image index.

    Attributes:
        mode: INDEX: the index itself. EACH: every manifest in it that can be run. ANY: the index, or else every manifest in it that
            can be run, by its own evidence and the index's together; a single one of several is never enough. NAMED: every manifest that may be run on one of the platforms.
        named: The platforms of NAMED.
    """

    mode: PlatformMode = PlatformMode.INDEX
    named: tuple[Platform, ...] = ()

    @classmethod
    def parse(cls, value: str | Iterable[str]) -> Self:
        """Parse `index`, `each` or `any`, or platforms: a list, or texts with commas between.

        Raises:
            ValueError: It is neither, empty, or has more than 32 platforms.
        """
        if isinstance(value, str) and "/" in value:
            value = value.split(",")
        if isinstance(value, str):
            if value not in (PlatformMode.INDEX, PlatformMode.EACH, PlatformMode.ANY):
                raise ValueError(
                    f"{value[:80]!a} is no platform as linux/amd64, and none of index, each and any"
                )
            return cls(PlatformMode(value))
        named = tuple(dict.fromkeys(map(Platform.parse, value)))
        if not 1 <= len(named) <= MAX_NAMED:
            raise ValueError(f"a list of platforms has from 1 to {MAX_NAMED} of them")
        return cls(PlatformMode.NAMED, named)

    def includes(self, entry: Descriptor) -> bool:
        """Return whether an entry of the index must have evidence of its own."""
        if self.mode is PlatformMode.INDEX:
            return False
        platform = entry.platform
        # Runtimes take an entry without a platform for any; of an unknown one nothing says that it is not run.
        if self.mode is not PlatformMode.NAMED or platform is None or platform.is_unknown:
            return True
        return any(named.includes(platform) for named in self.named)

    def missing(self, entries: Iterable[Descriptor]) -> tuple[Platform, ...]:
        """Return the named platforms for which the index lists no manifest."""
        listed = [entry.platform for entry in entries if entry.platform is not None]
        return tuple(
            named for named in self.named if not any(named.includes(platform) for platform in listed)
        )


def attested(entry: Descriptor) -> Digest | None:
    """Return the manifest that an entry claims to attest, as BuildKit annotates it; None for an entry that may be run.

    Only an entry for `unknown/unknown` is exempt from being judged: with another platform, or without one, runtimes
    would run it whatever its annotations say.
    """
    if entry.annotations.get(REFERENCE_TYPE) != ATTESTATION_MANIFEST:
        return None
    if entry.platform is None or (entry.platform.os, entry.platform.architecture) != (UNKNOWN, UNKNOWN):
        return None
    try:
        return Digest(entry.annotations.get(REFERENCE_DIGEST, ""))
    except InvalidDigest:
        return None


def attestations(entries: tuple[Descriptor, ...]) -> Iterator[tuple[Digest, Descriptor]]:
    """Iterate over the entries that claim to attest another entry of the same index, with what they attest."""
    # Only a sibling is a subject: a mark that points elsewhere, or at another mark, exempts nothing.
    runnable = {entry.digest for entry in entries if attested(entry) is None}
    for entry in entries:
        subject = attested(entry)
        # Listed a second time as an image, it can be run, whatever its other entry says.
        if subject in runnable and entry.digest not in runnable and subject is not None:
            yield subject, entry


def names_index(reference: Reference) -> bool:
    """Return whether a reference to a digest may name its index too, by a tag."""
    return reference.digest is not None and reference.tag is not None
