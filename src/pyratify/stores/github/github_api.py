"""GitHub's API for attestations: the bundles of a digest, bounded, the token for the API's host alone."""

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from pyratify.core.credential import CredentialProvider
from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.isolation import gather
from pyratify.core.limits import MIB
from pyratify.core.offload import offload
from pyratify.core.reason import Reason
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.http.transport import CONFIGURED, PUBLIC, Request, Response, Transport
from pyratify.http.url import Url
from pyratify.stores.github.snappy import decode
from pyratify.stores.registry.referrers import next_link

MAX_BUNDLE = 16 * MIB
MAX_LISTING = 48 * MIB
"""The most bytes of all bundles of one listing together."""
_MAX_PAGE = 32 * MIB
_MAX_TOKENS = 500_000
_PAGE = 30
_CONCURRENCY = 4
_MOST_REDIRECTS = 3
_REDIRECTS = (301, 302, 307, 308)
_HEADERS = (
    ("Accept", "application/vnd.github+json"),
    ("X-GitHub-Api-Version", "2022-11-28"),
    # GitHub's API refuses requests without one.
    ("User-Agent", "pyratify"),
)


@dataclass(frozen=True, slots=True)
class GitHubApi:
    """Reads attestations of one repository or organization.

    Attributes:
        address: The API's URL with its path.
        owner: The part of the path that names the repository or organization, as `repos/octo/app`.
        transport: The network; closed by what made it.
        credentials: Has the token for the API's host.
        most: How many attestations of one digest are read.
        seconds: How long one request may take.
        most_bytes: How many bytes the bundles of one digest may have together.
        otherwise: What is asked where the owner has nothing: a name is that of an organization or of a user; empty for nothing.
    """

    address: Url
    owner: str
    transport: Transport
    credentials: CredentialProvider
    most: int = 100
    seconds: float = 10.0
    most_bytes: int = MAX_LISTING
    otherwise: str = ""

    async def bundles(self, digest: Digest) -> AsyncGenerator[bytes, None]:
        """Iterate over the bundles of a digest, page by page; none where GitHub knows nothing of it.

        Raises:
            StoreError: The API could not be read, or an answer is none of its own, or `REFERRERS_LIMIT`; what came before it counts.
        """
        read = 0
        async with aclosing(self._entries(digest)) as entries:
            async for some in entries:
                # Few at a time: what is not asked for any more is neither fetched nor held.
                for bundle in await gather([partial(self._bundle, entry) for entry in some], _CONCURRENCY):
                    read += len(bundle)
                    # As in `_entries`: a list that is cut must not look whole.
                    if read > self.most_bytes:
                        raise StoreError(
                            Reason.REFERRERS_LIMIT,
                            f"GitHub's attestations of {digest} have more than the {self.most_bytes} bytes allowed together",
                            remedy="Remove attestations without need.",
                        )
                    yield bundle

    async def _entries(self, digest: Digest) -> AsyncGenerator[Sequence[Mapping[str, Any]], None]:
        """Iterate over what the pages list, a few at a time; errors as of `bundles`."""
        for owner in (self.owner, self.otherwise) if self.otherwise else (self.owner,):
            is_empty = True
            async with aclosing(self._entries_of(owner, digest)) as entries:
                async for some in entries:
                    is_empty = False
                    yield some
            if not is_empty:
                return

    async def _entries_of(
        self, owner: str, digest: Digest
    ) -> AsyncGenerator[Sequence[Mapping[str, Any]], None]:
        base = self.address.target.rstrip("/")
        url: Url | None = Url(
            self.address.origin,
            f"{base}/{owner}/attestations/{digest}?per_page={min(self.most, _PAGE)}",
        )
        left = self.most
        while url is not None:
            response = await self._ask(url)
            if response is None:
                return
            listed = await offload(len(response.body), _read_page, response.body)
            entries = listed[:left]
            left -= len(entries)
            for start in range(0, len(entries), _CONCURRENCY):
                yield entries[start : start + _CONCURRENCY]
            # Empty pages that name a next one would be followed for ever.
            url = _next(response) if entries else None
            # What is beyond may be what would deny: a list that is cut must not look whole.
            if len(listed) > len(entries) or (url is not None and left <= 0):
                raise StoreError(
                    Reason.REFERRERS_LIMIT,
                    f"GitHub has more than the {self.most} attestations allowed of {digest}",
                    remedy="Raise the store's attestations.maxAttestations, or remove attestations without need.",
                )

    async def _ask(self, url: Url) -> Response | None:
        headers = (*_HEADERS, *await self._authorization())
        for _ in range(1 + _MOST_REDIRECTS):
            response = await self.transport.send(
                Request(url, _MAX_PAGE, CONFIGURED, timeout=self.seconds, headers=headers)
            )
            if response.status not in _REDIRECTS:
                break
            # GitHub redirects from a repository's former name, and within its API: the token stays there.
            url = _at_the_api(
                response, response.headers.get("location") or "", "the address of a redirect is"
            )
        # What GitHub answers where there is nothing, and where the token may not see what there is.
        if response.status == 404:
            return None
        if response.status != 200:
            raise _refusal(response, has_token=len(headers) > len(_HEADERS))
        return response

    async def _authorization(self) -> tuple[tuple[str, str], ...]:
        credential = await self.credentials.credential(self.address.origin.authority)
        token = credential.registry_token or credential.identity_token or credential.password
        return (("Authorization", f"Bearer {token}"),) if token else ()

    async def _bundle(self, entry: Mapping[str, Any]) -> bytes:
        bundle, place = entry.get("bundle"), entry.get("bundle_url")
        # In the answer already: no further request. Either is only believed for what is signed in it.
        if isinstance(bundle, bytes):
            return bundle
        if not isinstance(place, str) or not place:
            raise _malformed("an attestation has neither a bundle nor a bundle_url")
        return await self._fetch(place)

    async def _fetch(self, place: str) -> bytes:
        try:
            url = self.address.join(place)
        except ValueError as error:
            raise _malformed(f"a bundle_url is no URL: {error}") from None
        own = url.origin.host == self.address.origin.host
        # An answer over TLS must not lead a request out of it.
        if url.origin.scheme != "https":
            raise StoreError(Reason.REDIRECT_BLOCKED, f"a bundle_url is not https: {url.origin.authority}")
        # Storage elsewhere: without the token, which its signed URL stands for, and at public addresses only.
        trust = CONFIGURED if own else PUBLIC
        response = await self.transport.send(
            Request(url, MAX_BUNDLE, trust, timeout=self.seconds, headers=(("User-Agent", "pyratify"),))
        )
        if response.status != 200:
            raise _refusal(response)
        return await offload(len(response.body), decode, response.body, MAX_BUNDLE)


def _read_page(body: bytes) -> Sequence[Mapping[str, Any]]:
    try:
        document = load_object(body, what="the answer of GitHub", max_bytes=_MAX_PAGE, max_tokens=_MAX_TOKENS)
    except InvalidJson as error:
        raise StoreError(error.reason, error.message, remedy=Reason.REGISTRY_ERROR.remedy) from None
    entries = document.get("attestations")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise _malformed("it has no list of attestations")
    # Here, beside the event loop where the page is large.
    return [_written(entry) for entry in entries]


def _written(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an entry with the bytes of the bundle that is in it."""
    bundle = entry.get("bundle")
    if not isinstance(bundle, dict):
        return entry
    return {**entry, "bundle": json.dumps(bundle, separators=(",", ":")).encode()}


def _next(response: Response) -> Url | None:
    found = next_link(response)
    if found is None:
        return None
    return _at_the_api(response, found, "the next page is")


def _at_the_api(response: Response, place: str, what: str) -> Url:
    try:
        url = response.url.join(place)
    except ValueError as error:
        raise StoreError(
            Reason.REGISTRY_ERROR, f"GitHub's answer is malformed: {what} no URL: {error}"
        ) from None
    # The token goes to the configured host and to no other, whatever an answer names.
    if url.origin != response.url.origin:
        raise StoreError(
            Reason.REDIRECT_BLOCKED, f"{what} at another host than GitHub's API, {url.origin.authority}"
        )
    return url


def _refusal(response: Response, *, has_token: bool = False) -> StoreError:
    where, status = response.url.origin.authority, response.status
    headers = response.headers
    # GitHub answers 403 for a spent rate limit too, and for its secondary limits names when to come back.
    spent = headers.get("x-ratelimit-remaining") == "0" or headers.get("retry-after") is not None
    if status == 429 or (status == 403 and spent):
        return StoreError(
            Reason.REGISTRY_BUSY,
            f"the rate limit of {where} is spent",
            remedy="Try again later, or give the store a token of its own, whose limit nothing else spends."
            if has_token
            else "Give the store's attestations.credential a token: with one, GitHub allows many more requests.",
        )
    if status in (401, 403):
        return StoreError(
            Reason.REGISTRY_AUTH,
            f"{where} answers HTTP {status} to the request for attestations",
            remedy="Give the store's attestations.credential a token that may read attestations of this repository.",
        )
    return StoreError(Reason.REGISTRY_ERROR, f"{where} answers HTTP {status} to the request for attestations")


def _malformed(why: str) -> StoreError:
    return StoreError(Reason.REGISTRY_ERROR, f"GitHub's list of attestations is malformed: {why}")
