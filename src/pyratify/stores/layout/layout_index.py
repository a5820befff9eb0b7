"""What an OCI image layout's `index.json` says: names, and what is attached to what."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Any, TypeVar

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.errors import RatifyError, StoreError
from pyratify.core.limits import MIB
from pyratify.core.manifest import INDEX_TYPES, MANIFEST_TYPES, OCI_INDEX, read_descriptor
from pyratify.core.reason import Reason
from pyratify.core.store import Discovery, Referrer
from pyratify.stores.layout.cosign_save import attached, is_attached, is_saved

MAX_INDEX = 16 * MIB
_MAX_TOKENS = 1_000_000  # of index.json
MAX_MANIFEST = 4 * MIB
MAX_MANIFESTS = 20_000
_MAX_TOTAL = 256 * MIB
_MAX_DEPTH = 4
_NAMES = ("org.opencontainers.image.ref.name", "io.containerd.image.name")
_ATTACHED = re.compile(r"(sha256|sha384|sha512)-([0-9a-f]+)(\.sig|\.att|\.sbom)?", re.ASCII)

K = TypeVar("K")
V = TypeVar("V")
Read = Callable[[Descriptor], bytes | None]
Blobs = Callable[[], Iterable[tuple[Digest, bytes]]]


@dataclass(frozen=True, slots=True)
class LayoutIndex:
    """The names and the graph of a layout.

    Attributes:
        names: What each name stands for: the values of `org.opencontainers.image.ref.name` and containerd's name.
        tags: The names of images, without those that tie evidence to a digest.
        known: Every manifest that `index.json` leads to.
        images: What `index.json` lists that is not attached to something else.
        referrers: What is attached to a digest, in the order of `index.json`.
        unreadable: What could belong to anything: listed without a name, and missing, damaged or no JSON.
    """

    names: Mapping[str, tuple[Descriptor, ...]]
    tags: tuple[str, ...]
    known: Mapping[Digest, Descriptor]
    images: tuple[Descriptor, ...]
    referrers: Mapping[Digest, tuple[Referrer, ...]]
    unreadable: tuple[Referrer, ...]


def parse_index(data: bytes) -> tuple[Descriptor, ...]:
    """Return the entries of an `index.json` or of an image index.

    Raises:
        StoreError: `LAYOUT_INVALID`, or `DIGEST_INVALID` for a digest that is none.
    """
    try:
        return tuple(_entries(_index(data)))
    except InvalidDigest as error:
        raise StoreError(Reason.DIGEST_INVALID, f"index.json: {error.message}") from None
    except RatifyError as error:
        raise StoreError(Reason.LAYOUT_INVALID, f"index.json: {error.message}") from None


def check_layout_file(data: bytes | None) -> None:
    """Refuse an `oci-layout` file that is not of version 1 (OCI image layout specification, "oci-layout file").

    Raises:
        StoreError: `LAYOUT_INVALID`.
    """
    if data is None:
        raise StoreError(Reason.LAYOUT_INVALID, "there is no file oci-layout")
    try:
        version = strictjson.load_object(data, what="oci-layout").get("imageLayoutVersion")
    except strictjson.InvalidJson as error:
        raise StoreError(Reason.LAYOUT_INVALID, error.message) from None
    if not isinstance(version, str) or not re.fullmatch(r"1(\.[0-9]{1,9}){1,2}", version, re.ASCII):
        raise StoreError(Reason.LAYOUT_INVALID, f"the layout's version is {version!r:.40}, not 1.0.0")


def build_index(data: bytes, read: Read, blobs: Blobs) -> LayoutIndex:
    """Read each listed manifest once and return what the layout holds.

    Args:
        data: The bytes of `index.json`.
        read: Returns a manifest's bytes, or None where it is missing or not as long as announced.
        blobs: Returns what could be a manifest among all blobs; asked only for layouts of `cosign save`, which does not
            list what is attached to an image by its subject.

    Raises:
        StoreError: `LAYOUT_INVALID`, `DIGEST_INVALID`, or `SIZE_EXCEEDED` for more than can be looked at.
    """
    entries = parse_index(data)
    graph = _Graph(read)
    for entry in entries:
        graph.visit(entry, 1)
    if is_saved(entries):
        for digest, content in blobs():
            graph.add(digest, content)
    names = _gather((name, entry) for entry in entries for name in _names(entry))
    return LayoutIndex(
        names,
        tuple(name for name in names if _subject_of(name) is None),
        graph.known,
        tuple({entry.digest: entry for entry in entries if graph.is_image(entry)}.values()),
        _gather(_attached(entries, graph)),
        tuple(Referrer(entry, Discovery.LAYOUT) for entry in entries if graph.is_stray(entry)),
    )


@dataclass(slots=True)
class _Graph:
    """What reading the listed manifests brings to light."""

    read: Read
    known: dict[Digest, Descriptor] = field(default_factory=dict)
    subjects: dict[Digest, Digest] = field(default_factory=dict)
    children: dict[Digest, tuple[Descriptor, ...]] = field(default_factory=dict)
    broken: set[Digest] = field(default_factory=set)
    total: int = 0

    def visit(self, entry: Descriptor, depth: int) -> None:
        if entry.digest in self.known or depth > _MAX_DEPTH or entry.media_type not in MANIFEST_TYPES:
            return
        self.known[entry.digest] = entry
        document = self._document(entry)
        if document is None:
            self.broken.add(entry.digest)
            return
        subject = document.get("subject")
        if subject is not None:
            self._attach(entry, subject)
        if entry.media_type in INDEX_TYPES:
            self.children[entry.digest] = tuple(_readable(document))
            for child in self.children[entry.digest]:
                self.visit(child, depth + 1)

    def add(self, digest: Digest, data: bytes) -> None:
        """Look at a blob that `index.json` does not lead to: only a manifest with a subject is of interest."""
        if digest in self.known:
            return
        self._count(len(data))
        document = _object(data) or {}
        media_type = document.get("mediaType")
        if media_type in MANIFEST_TYPES and document.get("subject") is not None:
            entry = self.known[digest] = Descriptor(media_type, digest, len(data))
            self._attach(entry, document["subject"])

    def is_image(self, entry: Descriptor) -> bool:
        """Return whether an entry is something by itself, neither attached nor broken."""
        if is_attached(entry) or any(_subject_of(name) for name in _names(entry)):
            return False
        return entry.digest not in self.subjects and entry.digest not in self.broken

    def is_stray(self, entry: Descriptor) -> bool:
        """Return whether nothing says what an entry belongs to."""
        return entry.digest in self.broken and not _names(entry)

    def _attach(self, entry: Descriptor, subject: Any) -> None:
        try:
            self.subjects[entry.digest] = Digest(str(subject["digest"]))
        except (InvalidDigest, KeyError, TypeError):
            self.broken.add(entry.digest)

    def _document(self, entry: Descriptor) -> dict[str, Any] | None:
        self._count(min(entry.size, MAX_MANIFEST))
        data = self.read(entry) if entry.size <= MAX_MANIFEST else None
        return None if data is None else _object(data)

    def _count(self, size: int) -> None:
        self.total += size
        if len(self.known) > MAX_MANIFESTS or self.total > _MAX_TOTAL:
            raise StoreError(
                Reason.SIZE_EXCEEDED,
                f"the layout lists more than {MAX_MANIFESTS} manifests or {_MAX_TOTAL} bytes of them",
            )


def _attached(entries: tuple[Descriptor, ...], graph: _Graph) -> Iterator[tuple[Digest, Referrer]]:
    for digest, subject in graph.subjects.items():
        yield subject, Referrer(graph.known[digest], Discovery.LAYOUT)
    named = [(_subject_of(name), entry) for entry in entries for name in _names(entry)]
    for found, entry in named:
        if found is not None and found[1] is Discovery.REFERRERS_TAG:
            children = graph.children.get(entry.digest, ())
            yield from ((found[0], Referrer(child, found[1])) for child in children)
    for found, entry in named:
        if found is not None and found[1] is Discovery.COSIGN_TAG:
            yield found[0], Referrer(entry, found[1])
    for digest, entry in attached(entries):
        yield digest, Referrer(entry, Discovery.COSIGN_TAG)


def _subject_of(name: str) -> tuple[Digest, Discovery] | None:
    """Return what a tag of the referrers tag schema or one of cosign's says its content is attached to."""
    match = _ATTACHED.fullmatch(name.rpartition(":")[2])
    try:
        digest = Digest(f"{match[1]}:{match[2]}") if match else None
    except InvalidDigest:
        return None
    if match is None or digest is None:
        return None
    return digest, Discovery.COSIGN_TAG if match[3] else Discovery.REFERRERS_TAG


def _names(entry: Descriptor) -> tuple[str, ...]:
    return tuple(entry.annotations[key] for key in _NAMES if entry.annotations.get(key))


def _entries(document: Mapping[str, Any]) -> Iterator[Descriptor]:
    values = document.get("manifests") or []
    if document.get("schemaVersion") != 2 or not isinstance(values, list):
        raise StoreError(Reason.LAYOUT_INVALID, "it is no image index")
    if document.get("mediaType", OCI_INDEX) not in INDEX_TYPES:
        raise StoreError(Reason.LAYOUT_INVALID, "it does not call itself an image index")
    for number, value in enumerate(values):
        yield read_descriptor(value, f"manifests[{number}]")


def _index(data: bytes) -> dict[str, Any]:
    return strictjson.load_object(data, what="index.json", max_bytes=MAX_INDEX, max_tokens=_MAX_TOKENS)


def _object(data: bytes) -> dict[str, Any] | None:
    try:
        return strictjson.load_object(data)
    except strictjson.InvalidJson:
        return None


def _readable(document: Mapping[str, Any]) -> Iterator[Descriptor]:
    try:
        yield from _entries(document)
    except RatifyError:  # a read of the index itself reports it
        return


def _gather(pairs: Iterable[tuple[K, V]]) -> dict[K, tuple[V, ...]]:
    gathered: dict[K, list[V]] = {}
    for key, value in pairs:
        gathered.setdefault(key, []).append(value)
    return {key: tuple(values) for key, values in gathered.items()}
