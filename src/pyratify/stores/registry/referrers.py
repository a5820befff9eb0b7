"""Listing what is attached: the referrers API, the tag schema, cosign's tags."""

import re
from collections.abc import Iterable

from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import is_tag
from pyratify.core.store import COSIGN_TAGS
from pyratify.http.transport import Response
from pyratify.http.url import Url

MAX_PAGES = 50
MAX_EMPTY_PAGES = 3
_MAX_LINK = 8192
_LINK = re.compile(r'\s*<([^<>]*)>((?:\s*;\s*[A-Za-z*]+\s*=\s*(?:"[^"]*"|[^\s";,]+))*)\s*(?:,|\Z)')
_NEXT = re.compile(r';\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?=[\s;]|\Z))', re.IGNORECASE)


def referrers_tag(digest: Digest) -> str:
    """Return the tag of the fallback index (OCI distribution specification, "Referrers Tag Schema").

    The algorithm is cut to 32 characters and the value to 64, so the tag is a hint and no name.
    """
    return f"{digest.algorithm[:32]}-{digest.hex[:64]}"


def cosign_tags(digest: Digest, suffixes: Iterable[str] = COSIGN_TAGS, prefix: str = "") -> tuple[str, ...]:
    """Return cosign's tags for a digest: signatures, attestations, SBOMs; none where they would be too long."""
    tags = (f"{prefix}{digest.algorithm}-{digest.hex}.{suffix}" for suffix in suffixes)
    return tuple(tag for tag in tags if is_tag(tag))


def next_link(response: Response) -> str | None:
    """Return the target of the `Link` with the relation `next` (RFC 8288), as it stands."""
    for value in response.headers.get_all("link"):
        position = 0
        while match := _LINK.match(value[:_MAX_LINK], position):
            position = match.end()
            if _NEXT.search(match[2]):
                return match[1]
    return None


class Pages:
    """Decides whether a listing goes on; a pure state without any I/O.

    Args:
        first: The URL of the first page.
    """

    def __init__(self, first: Url) -> None:
        self._origin = first.origin
        self._seen = {first.target}
        self._empty = 0

    def next(self, url: Url, response: Response, entries: int) -> Url | None:
        """Return the URL of the next page; None when this was the last.

        Args:
            url: This page's URL at the registry.
            response: This page.
            entries: How many entries it has.

        Raises:
            StoreError: `REDIRECT_BLOCKED` for another host, `REFERRERS_LIMIT` for pages without end.
        """
        link = next_link(response)
        if link is None:
            return None
        try:
            following = url.join(link)
        except ValueError as error:
            raise self._blocked(str(error)) from None
        if following.origin.host != self._origin.host:
            raise self._blocked(f"it is at {following.origin}")
        following = Url(
            self._origin, following.target
        )  # a proxy before the registry may hide its scheme or port
        self._count(following, entries)
        return following

    def _count(self, following: Url, entries: int) -> None:
        self._empty = 0 if entries else self._empty + 1
        if following.target in self._seen or self._empty >= MAX_EMPTY_PAGES or len(self._seen) >= MAX_PAGES:
            raise StoreError(
                Reason.REFERRERS_LIMIT,
                f"{self._origin.authority} lists referrers without end: page {len(self._seen) + 1} would be one too many",
                remedy="See whether the registry's pages of referrers come to an end, and remove what is attached without need.",
            )
        self._seen.add(following.target)

    def _blocked(self, why: str) -> StoreError:
        return StoreError(
            Reason.REDIRECT_BLOCKED,
            f"{self._origin.authority} continues its list of referrers elsewhere: {why}",
        )
