"""What the registry simulator serves: repositories, each a store in memory."""

import json
import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.manifest import INDEX_TYPES, MANIFEST_TYPES, OCI_INDEX, OCI_MANIFEST
from pyratify.core.store import Discovery
from pyratify.testing.memory import MemoryStore, as_json
from pyratify.testing.registry_faults import Answer

# Greedy, as a repository's name may itself contain `manifests` or `blobs`; the last one counts.
_ROUTE = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs|referrers)/(?P<name>[^/]+)")


@dataclass(slots=True, kw_only=True)
class Features:
    """What a simulated registry can do; registries in use differ in all of these.

    Attributes:
        referrers_api: Whether there is a referrers API; without one the tag schema's index is served.
        page_size: How many referrers a page has; None for all of them.
        filters: Whether the API filters by artifact type.
        config_types: Whether the API lists a referrer's config media type as its artifact type, as go-containerregistry's.
        annotations: Whether the API lists annotations.
        digest_header: Whether manifests come with `Docker-Content-Digest`.
    """

    referrers_api: bool = True
    page_size: int | None = None
    filters: bool = True
    config_types: bool = False
    annotations: bool = True
    digest_header: bool = True


@dataclass(slots=True)
class Content:
    """The repositories.

    Attributes:
        features: What the registry can do.
        repositories: The repositories by name.
    """

    features: Features
    repositories: dict[str, MemoryStore] = field(default_factory=dict)

    def answer(self, path: str) -> Answer:
        """Answer a GET of a path below `/v2/`."""
        try:
            return self._answer(path)
        except InvalidDigest:
            return _error(400, "DIGEST_INVALID")

    def _answer(self, path: str) -> Answer:
        parts = urlsplit(path)
        route = _ROUTE.fullmatch(parts.path)
        if route is None:
            return _error(404, "UNSUPPORTED")
        store = self.repositories.get(route["repository"])
        if store is None:
            return _error(404, "NAME_UNKNOWN")
        if route["kind"] == "blobs":
            return _blob(store, route["name"])
        if route["kind"] == "manifests":
            return self._manifest(store, route["name"])
        return self._referrers(store, path)

    def _manifest(self, store: MemoryStore, name: str) -> Answer:
        # Tags have no colon, so a name with one can only be a digest.
        digest = Digest(name) if ":" in name else store.tags.get(name)
        # Tags of the schema exist only where clients, not the registry, keep the index.
        if digest is None and not self.features.referrers_api:
            return self._tag_schema(store, name)
        if digest is None or digest not in store.manifests:
            return _error(404, "MANIFEST_UNKNOWN")
        return self._document(store.manifests[digest], store.types.get(digest, OCI_MANIFEST), digest)

    def _document(self, data: bytes, media_type: str, digest: Digest) -> Answer:
        named = (("Docker-Content-Digest", str(digest)),) if self.features.digest_header else ()
        return Answer(200, (("Content-Type", media_type), *named), data)

    def _tag_schema(self, store: MemoryStore, name: str) -> Answer:
        """Serve the index `sha256-<hex>` (OCI distribution specification, "Referrers Tag Schema")."""
        # Cut to 64 characters (distribution-spec.md, "Referrers Tag Schema"): it matters for sha512.
        subject = next((d for d in store.listings if f"{d.algorithm}-{d.hex[:64]}" == name), None)
        if subject is None:
            return _error(404, "MANIFEST_UNKNOWN")
        data = _index(self._entries(store, subject))
        return self._document(data, OCI_INDEX, Digest.of(data))

    def _referrers(self, store: MemoryStore, path: str) -> Answer:
        if not self.features.referrers_api:
            # Go's text for an unknown route: a registry without this API need not answer in JSON.
            return Answer(404, (("Content-Type", "text/plain"),), b"404 page not found\n")
        parts = urlsplit(path)
        query = parse_qs(parts.query)
        entries = self._entries(store, Digest(parts.path.rpartition("/")[2]))
        headers = [("Content-Type", OCI_INDEX)]
        wanted = query.get("artifactType", [""])[0]
        if wanted and self.features.filters:
            entries = [entry for entry in entries if entry.get("artifactType") == wanted]
            # Only where applied: its absence tells the client to filter by itself ("Listing Referrers").
            headers.append(("OCI-Filters-Applied", "artifactType"))
        start, size = int(query.get("last", ["0"])[0]), self.features.page_size or len(entries) or 1
        if start + size < len(entries):
            kind = f"artifactType={wanted}&" if wanted else ""
            # Relative and with the filter: clients must follow it as it is ("Listing Referrers").
            headers.append(("Link", f'<{parts.path}?{kind}last={start + size}>; rel="next"'))
        return Answer(200, tuple(headers), _index(entries[start : start + size]))

    def _entries(self, store: MemoryStore, subject: Digest) -> list[dict[str, Any]]:
        return [
            self._entry(store, referrer.descriptor)
            for referrer in store.listings.get(subject, [])
            # Found by tag: no registry lists them as referrers.
            if referrer.discovery is not Discovery.COSIGN_TAG
        ]

    def _entry(self, store: MemoryStore, descriptor: Descriptor) -> dict[str, Any]:
        entry = as_json(descriptor)
        data = store.manifests.get(descriptor.digest)
        # A listing may claim what it likes: an artifactType that a test set is served as it is.
        if data is None or descriptor.artifact_type:
            return entry
        try:
            document = json.loads(data)
        except ValueError:  # broken on purpose
            return entry
        config = document.get("config", {}).get("mediaType")
        # Without an artifactType the config's media type counts (distribution-spec.md, "Listing Referrers").
        kind = config if self.features.config_types else document.get("artifactType", config)
        if kind:
            entry["artifactType"] = kind
        if self.features.annotations and document.get("annotations"):
            entry["annotations"] = document["annotations"]
        return entry


def load_layout(store: MemoryStore, folder: Path) -> None:
    """Put everything of an OCI layout into a repository: manifests, blobs, tags, and referrers by their subject."""

    def read(digest: str) -> bytes:
        algorithm, _, value = digest.partition(":")
        return (folder / "blobs" / algorithm / value).read_bytes()

    index = json.loads((folder / "index.json").read_bytes())
    for entry in index["manifests"]:
        tag = entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
        _load(store, entry, tag, read)


def _load(store: MemoryStore, entry: dict[str, Any], tag: str | None, read: Callable[[str], bytes]) -> None:
    # Manifests are shared between indices; reading one again would list its referrers twice.
    known = Digest(entry["digest"]) in store.manifests
    descriptor = store.add_manifest(read(entry["digest"]), tag=tag, media_type=entry["mediaType"])
    if known or entry["mediaType"] not in MANIFEST_TYPES:
        return
    document = json.loads(store.manifests[descriptor.digest])
    for child in document.get("manifests", []) if entry["mediaType"] in INDEX_TYPES else []:
        _load(store, child, None, read)
    for blob in (document.get("config"), *document.get("layers", [])):
        if blob is not None:
            store.add_blob(read(blob["digest"]))
    if document.get("subject"):
        store.list_under(Digest(document["subject"]["digest"]), descriptor)


def _blob(store: MemoryStore, name: str) -> Answer:
    data = store.blobs.get(Digest(name))
    if data is None:
        return _error(404, "BLOB_UNKNOWN")
    return Answer(200, (("Content-Type", "application/octet-stream"),), data)


def _index(entries: list[dict[str, Any]]) -> bytes:
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries}).encode()


def _error(status: int, code: str) -> Answer:
    body = json.dumps({"errors": [{"code": code, "message": code.lower()}]}).encode()
    return Answer(status, (("Content-Type", "application/json"),), body)
