"""The seam between revocation and the network: one method."""

from typing import Protocol

from pyratify.core.dataclass import dataclass


class FetchFailed(Exception):
    """A fetch failed; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchRequest:
    """One request to a server named by a certificate.

    Attributes:
        url: As in the certificate, unchecked.
        limit: The most bytes that are of use.
        body: What to post; None to get.
        content_type: The media type of the body.
        accept: The media type of what is expected.
    """

    url: str
    limit: int
    body: bytes | None = None
    content_type: str = ""
    accept: str = "*/*"


class Fetcher(Protocol):
    """Fetches from URLs that certificates name; may be cancelled at any time."""

    async def fetch(self, request: FetchRequest) -> bytes:
        """Return the body of a successful answer.

        Raises:
            FetchFailed: Any other outcome.
        """
        ...
