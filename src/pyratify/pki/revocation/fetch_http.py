"""OCSP and revocation lists over plain http, bounded, and from public addresses only.

The answers are signed, so http is what certificates name and all that the Notary Project specification supports. The
URLs come out of certificates: the transport resolves each host once, checks every address of it, and connects to one of
just these.
"""

from pyratify.core.addresses import Destinations
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import StoreError
from pyratify.http.http_options import HttpOptions
from pyratify.http.name_resolution import Resolve, system_resolve
from pyratify.http.redirects import STATUSES as REDIRECTS
from pyratify.http.transport import PUBLIC, SAME_HOST, Request, Response, Transport
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.http.url import Url
from pyratify.pki.revocation.fetching import FetchFailed, FetchRequest

MAX_REDIRECTS = 3
_SECONDS = 600.0  # a last resort: the checker cancels a fetch after its own, configured time


@dataclass(frozen=True, slots=True)
class HttpFetcher:
    """Fetches over http, without a proxy.

    Attributes:
        allowed_hosts: Hosts that may have addresses which are not public, as `crl.corp.example`.
        resolve: Returns the addresses of a host and port; blocking.
        destinations: Where every host has to be, those allowed included; None for public addresses and the allowed hosts.
    """

    allowed_hosts: frozenset[str] = frozenset()
    resolve: Resolve = system_resolve
    destinations: Destinations | None = None

    async def fetch(self, request: FetchRequest) -> bytes:
        """Return the body of the answer 200, after at most three redirects."""
        # A proxy would resolve the name again, after the addresses were checked here.
        options = HttpOptions(proxy_from_environment=False, destinations=self.destinations)
        # Without a pool: a checker lives in several event loops, and asks a responder once in hours.
        transport = AsyncioTransport(options, resolve=self.resolve)
        try:
            return await self._fetch(transport, request)
        except StoreError as error:
            raise FetchFailed(error.message) from error
        finally:
            await transport.aclose()

    async def _fetch(self, transport: Transport, request: FetchRequest) -> bytes:
        url = _parse(request.url)
        for _ in range(MAX_REDIRECTS + 1):
            response = await transport.send(self._request(url, request))
            if response.status not in REDIRECTS:
                return _body(response)
            url = _parse(response.headers.get("location") or "", response.url)
        raise FetchFailed(f"more than {MAX_REDIRECTS} redirects")

    def _request(self, url: Url, request: FetchRequest) -> Request:
        headers = [("User-Agent", "pyratify"), ("Accept", request.accept), ("Connection", "close")]
        if request.body is not None:
            headers.append(("Content-Type", request.content_type))
        # With destinations, the transport refuses what is neither public nor among them.
        # Per hop: an allowed host that redirects does not pass its permission on.
        internal = self.destinations is not None or url.origin.host in self.allowed_hosts
        return Request(
            url,
            request.limit,
            SAME_HOST if internal else PUBLIC,
            timeout=_SECONDS,
            headers=tuple(headers),
            method="GET" if request.body is None else "POST",
            body=request.body or b"",
        )


def _parse(text: str, base: Url | None = None) -> Url:
    """Return an http URL; where there is a base, the text stands in an answer from there."""
    try:
        url = base.join(text) if base else Url.parse(text)
    except ValueError:
        url = None
    # TLS to a responder would need the status of its own certificate first (RFC 5280 8).
    if url is None or url.origin.scheme != "http":
        raise FetchFailed(f"only http is supported, not {text[:120]!r}")
    return url


def _body(response: Response) -> bytes:
    if response.status != 200:
        raise FetchFailed(f"{response.url.origin.authority} answers HTTP {response.status}")
    return response.body
