"""Reads an image index: what it lists, within the bounds, down through indexes that it lists."""

from functools import partial

from pyratify.core.content import Content
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError, VerificationError
from pyratify.core.examine import read_manifest
from pyratify.core.isolation import gather
from pyratify.core.listed_by import Entry, ListedBy, ListedOnce
from pyratify.core.manifest import EMPTY_CONFIG, INDEX_TYPES, Manifest
from pyratify.core.platform_choice import attestations
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference

MAX_DEPTH = 3
"""How many levels of image indexes are read."""
_STATEMENTS = "application/vnd.in-toto+json"
# As BuildKit writes it: of an image for `unknown/unknown`, or empty with `oci-artifact=true`.
_CONFIGS = (
    "application/vnd.oci.image.config.v1+json",
    "application/vnd.docker.container.image.v1+json",
    EMPTY_CONFIG,
)


@dataclass(frozen=True, slots=True)
class IndexReader:
    """Reads image indexes of one validation.

    Attributes:
        content: Reads and checks all content.
        concurrency: How many manifests are read at the same time.
    """

    content: Content
    concurrency: int

    async def read(
        self, reference: Reference, index: Descriptor, depth: int = 1, *, proven: bool = True
    ) -> tuple[Entry, ...]:
        """Return the manifests that an index lists, and those of the indexes that it lists in their place.

        What it lists as an attestation of one of them is a part of that entry, and no entry.

        Args:
            reference: Names the index, or what it lists.
            index: The index.
            depth: Its level.
            proven: Whether an attestation is one only where its manifest shows that; not needed where no entry is left out for it.

        Raises:
            StoreError: Something could not be read.
            VerificationError: `GRAPH_LIMIT`, or what is wrong with an index.
        """
        if depth > MAX_DEPTH:
            raise VerificationError(
                Reason.GRAPH_LIMIT,
                f"image indexes are nested deeper than the {MAX_DEPTH} levels allowed",
                remedy="List the manifests in fewer levels of indexes: no limit in the configuration is for them.",
            )
        manifest = await read_manifest(self.content, reference, index)
        # Before attestations are read: each of them costs a request.
        self._check_number(len(manifest.manifests))
        attached = await self._attestations(reference, manifest, proven=proven)
        skipped = {entry.digest for entries in attached.values() for entry in entries}
        itself = ListedOnce(self.content.store, reference.at(index.digest))
        found: list[Entry] = []
        for entry in dict.fromkeys(manifest.manifests):
            if entry.digest in skipped:
                continue
            if entry.media_type in INDEX_TYPES:
                found += await self.read(reference, entry, depth + 1, proven=proven)
            else:
                listed = tuple(attached.get(entry.digest, ()))
                found.append(Entry(entry, ListedBy(index, listed, itself)))
            self._check_number(len(found))
        return tuple(found)

    async def _attestations(
        self, reference: Reference, manifest: Manifest, *, proven: bool
    ) -> dict[Digest, list[Descriptor]]:
        """Return by subject the entries that attest it and hold nothing that could be run."""
        claimed = list(attestations(manifest.manifests))
        # Of every platform, also of those that are not judged: only its manifest shows that it holds statements and no image.
        unique = dict.fromkeys(entry for _, entry in claimed) if proven else ()
        checks = [partial(self._is_attestation, reference, entry) for entry in unique]
        # One entry that is refused is enough, where a digest is listed as of several types.
        refused = {digest for digest, holds in await gather(checks, self.concurrency) if not holds}
        found: dict[Digest, list[Descriptor]] = {}
        for subject, entry in claimed:
            if entry.digest not in refused:
                found.setdefault(subject, []).append(entry)
        return found

    async def _is_attestation(self, reference: Reference, entry: Descriptor) -> tuple[Digest, bool]:
        try:
            manifest = await read_manifest(self.content, reference, entry)
        except VerificationError:
            # Nothing shows that it cannot be run: judged as an image.
            return entry.digest, False
        except StoreError as error:
            # What the registry does not have is not run; copies of single platforms leave attestations behind.
            if error.reason is not Reason.NOT_FOUND:
                raise
            return entry.digest, True
        config = manifest.config.media_type if manifest.config is not None else ""
        types = {layer.media_type for layer in manifest.layers}
        # An image layer among statements, or a config that is a program, could be run without being judged (decisions 0045 and 0054).
        return entry.digest, config in _CONFIGS and types == {_STATEMENTS}

    def _check_number(self, count: int) -> None:
        most = self.content.limits.platforms
        if count > most:
            raise VerificationError(
                Reason.GRAPH_LIMIT,
                f"the image index lists {count} manifests, more than the {most} allowed",
                remedy="Raise limits.platforms of the executor if that many are expected.",
            )
