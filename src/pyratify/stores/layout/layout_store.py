"""The store of an OCI image layout, in a directory or in a tar archive (OCI image layout specification 1.1).

Nothing is extracted, no link is followed and no name from a document becomes part of a path, save a digest's.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Iterator
from pathlib import Path

from pyratify.core import strictjson
from pyratify.core.content import check_content
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError, StoreError
from pyratify.core.limits import MIB, Limits
from pyratify.core.manifest import MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST, parse_manifest
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.store import Discovery, Referrer
from pyratify.stores.layout.archive import ArchiveFiles
from pyratify.stores.layout.directory import DirectoryFiles, Files, Stamp
from pyratify.stores.layout.layout_index import (
    MAX_INDEX,
    MAX_MANIFEST,
    MAX_MANIFESTS,
    LayoutIndex,
    build_index,
    check_layout_file,
)

_LARGE = MIB  # above, a read goes to a thread
_LARGE_INDEX = 64 * 1024
_MAX_LISTED = 20
_SHOWN = re.compile(r"[!-~]{1,128}", re.ASCII)


class LayoutStore:
    """Reads artifacts and what is attached to them from an OCI image layout.

    A name is found by the annotation `org.opencontainers.image.ref.name` (or containerd's `io.containerd.image.name`)
    that equals the whole reference. The tag alone is enough for `oci:` and `oci-archive:` references, which name the
    layout themselves. A layout that changes is read again.

    Args:
        path: The directory or the uncompressed tar archive.
        allow_bare_tags: Whether the tag alone is enough for every reference, whatever repository it names.
        allow_cosign_tag: Whether what cosign's tags (`sha256-<hex>.sig`, `.att`, `.sbom`) name is listed too.
    """

    def __init__(
        self, path: str | Path, *, allow_bare_tags: bool = False, allow_cosign_tag: bool = True
    ) -> None:
        self._path = Path(path).absolute()
        self._allow_bare_tags = allow_bare_tags
        self._allow_cosign_tag = allow_cosign_tag
        self._files: Files | None = None
        self._known: tuple[Stamp, LayoutIndex] | None = None

    async def open(self) -> None:
        """Read the layout's index now, so that a path that is no layout is found out early.

        Raises:
            StoreError: `NOT_FOUND`, `LAYOUT_INVALID`, `ARCHIVE_INVALID`, `DIGEST_INVALID` or `SIZE_EXCEEDED`.
        """
        await self._index()

    async def resolve(self, reference: Reference) -> Descriptor:
        """Return what the reference names; as in `Store`.

        Raises:
            StoreError: `NOT_FOUND`, `REF_AMBIGUOUS`, or the layout or the manifest is not as it should be.
        """
        self._check_path(reference)
        index = await self._index()
        if reference.digest is not None:
            descriptor = index.known.get(reference.digest) or self._guess(reference.digest)
        else:
            descriptor = self._named(reference, index)
        data = self._read(descriptor, Limits().manifest_bytes)
        if data is None:
            raise StoreError(Reason.NOT_FOUND, f"{descriptor.digest} is not in the layout {self._path}")
        try:
            check_content(data, descriptor)
            parse_manifest(data, descriptor)
        except RatifyError as error:
            raise StoreError(error.reason, error.message) from None
        return descriptor

    async def referrers(
        self, reference: Reference, artifact_type: str | None = None
    ) -> AsyncIterator[Referrer]:
        """Iterate over what the layout attaches to the reference's digest; as in `Store`."""
        del artifact_type
        self._check_path(reference)
        index = await self._index()
        digest = reference.digest or (await self.resolve(reference)).digest
        seen: set[Digest] = set()
        for referrer in (*index.referrers.get(digest, ()), *index.unreadable):
            wanted = self._allow_cosign_tag or referrer.discovery is not Discovery.COSIGN_TAG
            if wanted and referrer.descriptor.digest not in seen:
                seen.add(referrer.descriptor.digest)
                yield referrer

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes of a manifest; as in `Store`."""
        return await self._fetch(reference, descriptor, limit, Reason.NOT_FOUND)

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Return the bytes of a blob; as in `Store`."""
        return await self._fetch(reference, descriptor, limit, Reason.BLOB_NOT_FOUND)

    async def _fetch(
        self, reference: Reference, descriptor: Descriptor, limit: int, missing: Reason
    ) -> bytes:
        self._check_path(reference)
        if min(descriptor.size, limit) > _LARGE:
            data = await asyncio.to_thread(self._read, descriptor, limit)
        else:
            data = self._read(descriptor, limit)
        if data is None:
            raise StoreError(missing, f"{descriptor.digest} is not in the layout {self._path}")
        return data

    def _read(self, descriptor: Descriptor, limit: int) -> bytes | None:
        data = self._blob(descriptor.digest, limit)
        if data is not None and len(data) > limit:
            reason = Reason.SIZE_EXCEEDED if limit < descriptor.size else Reason.SIZE_MISMATCH
            raise StoreError(reason, f"{descriptor.digest} in the layout has more than {limit} bytes")
        return data

    def _blob(self, digest: Digest, limit: int) -> bytes | None:
        return self._open().read(f"blobs/{digest.algorithm}/{digest.hex}", limit)

    def _open(self) -> Files:
        if self._files is None:
            if not self._path.exists():
                raise StoreError(
                    Reason.NOT_FOUND,
                    f"there is no layout at {self._path}",
                    remedy="Check the path: a layout is a folder with index.json in it, or a tar archive of one.",
                )
            self._files = DirectoryFiles(self._path) if self._path.is_dir() else ArchiveFiles(self._path)
        return self._files

    async def _index(self) -> LayoutIndex:
        stamp = self._open().stamp()
        if self._known is None or self._known[0] != stamp:
            if stamp.size > _LARGE_INDEX:
                self._known = stamp, await asyncio.to_thread(self._load)
            else:
                self._known = stamp, self._load()
        return self._known[1]

    def _load(self) -> LayoutIndex:
        files = self._open()
        check_layout_file(files.read("oci-layout", _LARGE_INDEX))
        data = files.read("index.json", MAX_INDEX)
        if data is None:
            raise StoreError(Reason.LAYOUT_INVALID, f"there is no index.json in {self._path}")
        if len(data) > MAX_INDEX:
            raise StoreError(Reason.SIZE_EXCEEDED, f"index.json has more than {MAX_INDEX} bytes")
        return build_index(data, self._listed, self._unlisted)

    def _listed(self, descriptor: Descriptor) -> bytes | None:
        try:
            data = self._read(descriptor, descriptor.size)
        except StoreError:  # raised again, and reported, when it is read as evidence
            return None
        return data if data is not None and len(data) == descriptor.size else None

    def _unlisted(self) -> Iterator[tuple[Digest, bytes]]:
        """Iterate over the blobs that are short enough for a manifest and begin like one."""
        for count, (digest, size) in enumerate(self._open().blobs()):
            if count == MAX_MANIFESTS:
                raise StoreError(Reason.SIZE_EXCEEDED, f"the layout has more than {MAX_MANIFESTS} blobs")
            if size <= MAX_MANIFEST and (self._blob(digest, 0) or b"").startswith(b"{"):
                yield digest, self._blob(digest, size) or b""

    def _check_path(self, reference: Reference) -> None:
        if not reference.is_layout or reference.repository == str(self._path):
            return
        if Path(reference.repository).resolve() != self._path.resolve():
            raise StoreError(Reason.NOT_FOUND, f"{reference.name} is not the layout {self._path}")

    def _named(self, reference: Reference, index: LayoutIndex) -> Descriptor:
        found = self._candidates(reference, index)
        distinct = {descriptor.digest: descriptor for descriptor in found}
        if not distinct:
            raise StoreError(
                Reason.NOT_FOUND,
                f"the layout {self._path} has no image {reference.tag or ''!r} for {reference}",
                remedy=_names_of(index),
            )
        if len(distinct) > 1:
            raise StoreError(
                Reason.REF_AMBIGUOUS,
                f"{reference} could be each of {len(distinct)} images of the layout: {_shortened(distinct)}",
                remedy=_names_of(index),
            )
        return found[0]

    def _candidates(self, reference: Reference, index: LayoutIndex) -> tuple[Descriptor, ...]:
        if reference.tag is None:
            return index.images
        found = index.names.get(str(reference), ())
        if not found and (reference.is_layout or self._allow_bare_tags):
            found = index.names.get(reference.tag, ())
        if not found and reference.is_layout:  # the names in this layout may be whole references
            end = f":{reference.tag}"
            whole = (name for name in index.tags if name.endswith(end) and "/" in name)
            found = tuple(entry for name in whole for entry in index.names[name])
        return found

    def _guess(self, digest: Digest) -> Descriptor:
        """Return what a digest that `index.json` does not lead to calls itself."""
        data = self._blob(digest, Limits().manifest_bytes) or b""
        try:
            document = strictjson.load_object(data, what=str(digest))
        except strictjson.InvalidJson:
            document = {}
        media_type = document.get("mediaType", OCI_INDEX if "manifests" in document else OCI_MANIFEST)
        if not document or media_type not in MANIFEST_TYPES:
            raise StoreError(Reason.NOT_FOUND, f"the layout {self._path} has no manifest {digest}")
        return Descriptor(media_type, digest, len(data))


def _names_of(index: LayoutIndex) -> str:
    names = sorted(name for name in index.tags if _SHOWN.fullmatch(name))
    if not names:
        return "Name the image by its digest: the layout has no tags."
    return f"Name one of the layout's tags ({_shortened(names)}), or a digest."


def _shortened(names: Collection[object]) -> str:
    listed = ", ".join(map(str, tuple(names)[:_MAX_LISTED]))
    return f"{listed} and {len(names) - _MAX_LISTED} more" if len(names) > _MAX_LISTED else listed
