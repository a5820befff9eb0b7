"""What a registry answers: manifests, listings, and what it says of its own errors."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest, InvalidDigest
from pyratify.core.errors import RatifyError, StoreError
from pyratify.core.manifest import MANIFEST_TYPES, OCI_INDEX, read_descriptor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.core.text import clean
from pyratify.http.response_checks import TryLater
from pyratify.http.transport import Response

_MAX_TOKENS = 300_000  # of a list of referrers, whose bytes the client bounds: some 10,000 entries
_JSON = re.compile(r"application/(?:json|[a-z0-9.+-]+\+json)", re.ASCII)

MAX_ENTRIES = 10_000
_PLACE = "See whether that is a registry, and whether a proxy or a login page stands before it."
_MAX_SHOWN = 200
_HEADER = "See whether a proxy before the registry removes or changes that header field."


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of an index, as far as they can be read.

    Attributes:
        descriptors: The entries.
        error: Why some entry could not be read.
    """

    descriptors: tuple[Descriptor, ...]
    error: StoreError | None = None


EMPTY_LISTING = Listing(())


def media_type(response: Response) -> str:
    """Return the media type of the answer's body, without parameters; empty when it names none or several."""
    values = response.headers.get_all("content-type")
    return values[0].partition(";")[0].strip().lower() if len(values) == 1 else ""


def error_detail(response: Response) -> str:
    """Return `: CODE: message` for the first error in the body (OCI distribution specification, "Error Codes"), or nothing."""
    error = _first_error(response)
    parts = [part for part in (error.get("code"), error.get("message")) if isinstance(part, str) and part]
    return f": {shown(': '.join(parts))}" if parts else ""


def try_later(response: Response, seconds: float, now: datetime) -> TryLater:
    """Return the failure of a request whose server asks for a wait of that many seconds from now."""
    until = (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return TryLater(
        Reason.REGISTRY_ERROR,
        f"{response.url.origin.authority} answers HTTP {response.status}{error_detail(response)} and asks for a wait of "
        f"{seconds:.0f} seconds, until {until}",
        remedy=f"Ask again after {until}, as it answers HTTP {response.status} until then; a login usually allows more requests.",
    )


def shown(text: str) -> str:
    """Return a registry's own words for a message: safe to show, 200 characters at most."""
    return clean(text, _MAX_SHOWN)


def describe(response: Response, reference: Reference) -> Descriptor:
    """Return what the manifest in an answer is, by its own bytes.

    Args:
        response: The answer to a request for a manifest.
        reference: What was asked for; its digest must be the bytes'.

    Raises:
        StoreError: `DIGEST_MISMATCH`, `DIGEST_INVALID` for a header field that is no digest, `REGISTRY_ERROR` for a web page,
            `MEDIATYPE_MISMATCH` for an answer that does not say what it is.
    """
    check_says_what_it_is(response)
    algorithm = reference.digest.algorithm if reference.digest else "sha256"
    digest = Digest.of(response.body, algorithm)
    where = response.url.origin.authority
    if reference.digest is not None and digest != reference.digest:
        raise StoreError(
            Reason.DIGEST_MISMATCH, f"{where} delivered {digest} where {reference.digest} was asked for"
        )
    for announced in response.headers.get_all("docker-content-digest"):
        if not _digest(announced, response).matches(response.body):
            raise StoreError(Reason.DIGEST_MISMATCH, f"{where} announced {announced} and delivered {digest}")
    return Descriptor(media_type(response), digest, len(response.body))


def check_says_what_it_is(response: Response) -> None:
    """Refuse what stands in place of a manifest: a web page, or content without a type.

    Raises:
        StoreError: `REGISTRY_ERROR` or `MEDIATYPE_MISMATCH`.
    """
    where, found = response.url.origin.authority, media_type(response)
    if found == "text/html" and not response.body.lstrip().startswith(b"{"):
        raise StoreError(
            Reason.REGISTRY_ERROR,
            f"{where} sent a web page (text/html) in place of the manifest {response.url.target}",
            remedy=_PLACE,
        )
    if not found:
        count = len(response.headers.get_all("content-type"))
        how = {0: "no Content-Type", 1: "an empty Content-Type"}.get(count, f"{count} Content-Types")
        raise StoreError(
            Reason.MEDIATYPE_MISMATCH,
            f"{where} sent the manifest {response.url.target} with {how}",
            remedy=_HEADER,
        )


def check_manifest_type(response: Response, expected: str) -> None:
    """Refuse a manifest that is delivered as another type than the one it was announced with.

    Raises:
        StoreError: `MEDIATYPE_MISMATCH`.
    """
    check_says_what_it_is(response)
    found = media_type(response)
    if found != expected and expected in MANIFEST_TYPES:
        raise StoreError(
            Reason.MEDIATYPE_MISMATCH,
            f"{response.url.origin.authority} delivered {shown(found)!r} where {expected} was announced",
        )


def is_index(response: Response) -> bool:
    """Return whether an answer is a list of referrers, by its status and Content-Type; any other says that there is no API."""
    return response.status == 200 and media_type(response) == OCI_INDEX and bool(response.body.strip())


def read_listing(response: Response) -> Listing:
    """Read the image index with which a registry answers; of an entry only the digest will be believed.

    What cannot be read is the registry's fault, as no publisher wrote it, and the remedy says so.

    Raises:
        StoreError: `MEDIATYPE_MISMATCH`, or a JSON code.
    """
    try:
        listing = _read(response)
    except StoreError as error:
        raise _nonsense(error) from error
    return replace(listing, error=_nonsense(listing.error)) if listing.error else listing


def read_tagged_index(response: Response) -> Listing:
    """Read the image index under a referrers tag, which publishers' tools write.

    Raises:
        StoreError: `MEDIATYPE_MISMATCH`, `REGISTRY_ERROR` for what is not even JSON by its type, or a JSON code.
    """
    found = media_type(response)
    if not _JSON.fullmatch(found):
        raise StoreError(
            Reason.REGISTRY_ERROR,
            f"{response.url.origin.authority} answers a request for the referrers tag with {shown(found) or 'nothing'!r}",
        )
    if found != OCI_INDEX:
        raise _no_index(response, repr(shown(found)))
    return _read(response)


def _read(response: Response) -> Listing:
    try:
        document = load_object(
            response.body, what="list of referrers", max_bytes=len(response.body), max_tokens=_MAX_TOKENS
        )
    except RatifyError as error:
        raise StoreError(error.reason, f"{response.url.origin.authority}: {error.message}") from None
    entries = document.get("manifests")
    if document.get("mediaType", OCI_INDEX) != OCI_INDEX or document.get("schemaVersion") != 2:
        raise _no_index(response, "a document that does not call itself one")
    if not isinstance(entries, list):
        raise StoreError(
            Reason.JSON_INVALID, f"{response.url.origin.authority} sent a list of referrers without manifests"
        )
    return _entries(entries, response)


def _nonsense(error: StoreError) -> StoreError:
    return StoreError(error.reason, error.message, remedy=_PLACE)


def _entries(entries: list[object], response: Response) -> Listing:
    found: list[Descriptor] = []
    error: StoreError | None = None
    for index, entry in enumerate(entries[:MAX_ENTRIES]):
        try:
            found.append(read_descriptor(entry, f"manifests[{index}]"))
        except RatifyError as fault:
            message = f"{response.url.origin.authority} lists what is no referrer: {fault.message}"
            error = error or StoreError(fault.reason, message)
    if len(entries) > MAX_ENTRIES:
        error = error or StoreError(
            Reason.REFERRERS_LIMIT,
            f"{response.url.origin.authority} lists {len(entries)} referrers on one page, more than the {MAX_ENTRIES} that are read",
            remedy="Remove what is attached without need.",
        )
    return Listing(tuple(found), error)


def _no_index(response: Response, found: str) -> StoreError:
    return StoreError(
        Reason.MEDIATYPE_MISMATCH,
        f"{response.url.origin.authority} sent {found} where an image index was expected",
    )


def _first_error(response: Response) -> dict[str, Any]:
    if not response.body.lstrip().startswith(b"{"):
        return {}
    try:
        errors = load_object(response.body).get("errors")
    except InvalidJson:
        return {}
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}


def _digest(text: str, response: Response) -> Digest:
    try:
        return Digest(text)
    except InvalidDigest as error:
        said = f"a digest that is none, {shown(text)!r}" if text else "an empty Docker-Content-Digest"
        message = f"{response.url.origin.authority} announced {said}, with the manifest {response.url.target}"
        raise StoreError(error.reason, message, remedy=_HEADER) from None
