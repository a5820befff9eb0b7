"""Redirects of registries: which are followed, and which header fields go along."""

from dataclasses import replace

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.ssrf import check_literal
from pyratify.http.transport import CONFIGURED, PUBLIC, SAME_HOST, Request, Response
from pyratify.http.url import Url

STATUSES = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 5
# A list of what goes along: a field that is added later stays behind by default. S3 also refuses a signed
# URL that comes with an Authorization field.
_CARRIED = ("accept", "accept-encoding", "user-agent")


def follow(
    request: Request, response: Response, registry_host: str, blob_hosts: tuple[str, ...] = ()
) -> Request:
    """Return the request that a redirect asks for.

    Once the origin changes, everything but what is asked for is left behind, and never taken up again.

    Args:
        request: The request that was redirected.
        response: The redirect.
        registry_host: The host of the registry, which may be at an address that is not public.
        blob_hosts: Hosts where the configuration says that the registry keeps its blobs; these may be, too.

    Raises:
        StoreError: `REDIRECT_BLOCKED` or `SSRF_BLOCKED`.
    """
    location = response.headers.get("location")
    # A POST carries a credential in its body, which no other URL may receive.
    if location is None or request.method != "GET":
        raise _blocked(request, "to nowhere")
    try:
        url = request.url.join(location)
    except ValueError as error:
        raise _blocked(request, f"to what is no URL: {error}") from None
    if url.origin == request.url.origin:
        return replace(request, url=url)
    configured = url.origin.host in blob_hosts or url.origin.authority in blob_hosts
    # Never REGISTRY: another port may be another server, which is not shown the client certificate.
    trust = SAME_HOST if url.origin.host == registry_host else CONFIGURED if configured else PUBLIC
    if not trust.internal:
        check_literal(url.origin.host)
    _check_scheme(request, url, configured=configured)
    # Taken from this request, not the first one: a redirect back does not bring the credential back.
    headers = tuple(field for field in request.headers if field[0].lower() in _CARRIED)
    return replace(request, url=url, headers=headers, trust=trust)


def _check_scheme(request: Request, url: Url, *, configured: bool) -> None:
    if url.origin.scheme == "https":
        return
    # A downgrade would expose the content and the signed URL to the network path.
    if request.url.origin.scheme == "https":
        raise _blocked(request, f"from https to http at {url.origin.authority}")
    # Plain http was allowed for the registry alone, by name.
    if url.origin.host != request.url.origin.host and not configured:
        raise _blocked(request, f"to another host over http, {url.origin.authority}")


def _blocked(request: Request, what: str) -> StoreError:
    return StoreError(Reason.REDIRECT_BLOCKED, f"{request.url.origin.authority} redirects {what}")
