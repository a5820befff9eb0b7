"""GitHub's API for attestations on this machine, over TLS, for tests."""

import json
import ssl
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.testing.registry_faults import Answer, Fault, Hit
from pyratify.testing.registry_server import Server


@dataclass
class GitHubSimulator:
    """Answers `GET /{repos|orgs}/…/attestations/{digest}` with pages, and bundles below `/bundles`; listens until it is closed.

    Attributes:
        tls: The server's TLS context; None for plain http.
        owner: The part of the path that names the repository or organization.
        former: The same of the repository's former name, which is redirected; empty for none.
        token: The token that is asked for; empty for none.
        status: The status of every answer, where it is not 0.
        headers: More header fields of every answer.
        body: The body of every list, where it is not None.
        bundle_host: What `bundle_url` names, where it is not this server.
        next_host: Where the next page is, where it is not this server.
        missing: Whether storage has none of the bundles.
        hits: The requests.
    """

    tls: ssl.SSLContext | None = None
    owner: str = "repos/octo/app"
    former: str = ""
    token: str = ""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    bundle_host: str = ""
    next_host: str = ""
    missing: bool = False
    hits: list[Hit] = field(default_factory=list)
    _entries: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    _stored: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._server = Server(self._respond, self.tls)
        self._server.start()

    @property
    def url(self) -> str:
        """The API's address."""
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self._server.server_address[1]}"

    def add(self, subject: Digest, bundle: Mapping[str, Any] | None, *, stored: bytes | bool = False) -> None:
        """Keep an attestation of a subject.

        Args:
            subject: What it is about.
            bundle: Stands in the list, unless it is stored.
            stored: Whether the list names where it is stored, compressed; or the bytes that stand there.
        """
        entry: dict[str, Any] = {"repository_id": 1, "bundle": bundle}
        if stored is not False:
            data = stored if isinstance(stored, bytes) else compress(json.dumps(bundle).encode())
            self._stored.append(data)
            host = self.bundle_host or self.url
            entry |= {"bundle": None, "bundle_url": f"{host}/bundles/{len(self._stored) - 1}?sig=secret"}
        self._entries.setdefault(str(subject), []).append(entry)

    def close(self) -> None:
        """End the server."""
        self._server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _respond(self, hit: Hit) -> tuple[Answer, Fault | None]:
        self.hits.append(hit)
        answer = self._answer(hit)
        return Answer(answer.status, (*answer.headers, *self.headers), answer.body), None

    def _answer(self, hit: Hit) -> Answer:
        if self.status:
            return Answer(self.status, body=b'{"message":"no"}')
        parts = urlsplit(hit.path)
        if parts.path.startswith("/bundles/"):
            stored = self._stored[int(parts.path.rpartition("/")[2])]
            # No token is asked for here: the address itself is signed, as by GitHub's storage.
            return Answer(404 if self.missing else 200, body=stored)
        if self.token and hit.headers.get("authorization") != f"Bearer {self.token}":
            return Answer(401, body=b'{"message":"Bad credentials"}')
        if self.body is not None:
            return Answer(200, body=self.body)
        if self.former and parts.path.startswith(f"/{self.former}/"):
            place = hit.path.replace(self.former, self.owner, 1)
            return Answer(301, (("Location", f"{self.url}{place}"),))
        start, _, digest = parts.path.rpartition("/")
        entries = self._entries.get(digest, []) if start == f"/{self.owner}/attestations" else []
        return self._page(parts.path, parse_qs(parts.query), entries)

    def _page(self, path: str, query: Mapping[str, list[str]], entries: list[dict[str, Any]]) -> Answer:
        # GitHub's answer where a digest has no attestation.
        if not entries:
            return Answer(404, body=b'{"message":"Not Found"}')
        size, begin = int(query["per_page"][0]), int(query.get("after", ["0"])[0])
        body = json.dumps({"attestations": entries[begin : begin + size]}).encode()
        if begin + size >= len(entries):
            return Answer(200, body=body)
        following = f"{self.next_host or self.url}{path}?per_page={size}&after={begin + size}"
        return Answer(200, (("Link", f'<{following}>; rel="next"'),), body)


def compress(data: bytes) -> bytes:
    """Return a block in Snappy's format with literals alone."""
    found = bytearray()
    length = len(data)
    while length >= 0x80:
        found.append(length & 0x7F | 0x80)
        length >>= 7
    # Snappy's format: first the whole length as a varint, then literals.
    found.append(length)
    for begin in range(0, len(data), 65536):
        piece = data[begin : begin + 65536]
        found.append(61 << 2)  # a literal whose length stands in two bytes
        found += (len(piece) - 1).to_bytes(2, "little") + piece
    return bytes(found)
