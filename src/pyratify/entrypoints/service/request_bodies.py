"""The bodies of requests."""

from typing import Annotated

from msgspec import Meta, Struct

from pyratify.config.decode import decode
from pyratify.core import strictjson
from pyratify.core.errors import ConfigurationError, RatifyError
from pyratify.core.reason import Reason

MAX_REFERENCES = 64
# `$` also matches before a final newline; the look-ahead rules that out.
_LABEL = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?(?!\n)$"


class Questions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """References, at least one.

    Attributes:
        references: Each as registry/repository:tag or registry/repository@digest.
        reference: One more, before the others.
        namespace: The tenant that asks (RFC 1123); empty for none.
    """

    references: tuple[str, ...] = ()
    reference: str | None = None
    namespace: Annotated[str, Meta(pattern=_LABEL)] = ""

    @property
    def texts(self) -> tuple[str, ...]:
        """All references in order, as they were written."""
        first = () if self.reference is None else (self.reference,)
        return first + self.references


class BadRequest(RatifyError, ValueError):
    """A request that is not as the API's description says.

    Attributes:
        status: The HTTP status of the answer.
    """

    def __init__(
        self, message: str, status: int = 400, *, code: str = Reason.BAD_REQUEST, remedy: str | None = None
    ) -> None:
        super().__init__(Reason.BAD_REQUEST, message, remedy=remedy)
        self.status = status
        self.code = code


def parse_questions(body: bytes, content_type: str, most: int = MAX_REFERENCES) -> Questions:
    """Return what a request asks.

    Args:
        body: The request's body.
        content_type: Its media type. For other types browsers send the requests of foreign pages at once; for
            this one they send a CORS preflight first, which this service never grants.
        most: The most references.

    Raises:
        BadRequest: It is not JSON, not what `Questions` says, or asks nothing or too much.
    """
    # First of all: what a page of another site can send as a form is not even parsed (CSRF).
    if content_type.partition(";")[0].strip().lower() != "application/json":
        remedy = "Send the header Content-Type: application/json (`curl --json`)."
        raise BadRequest("the body is not sent as application/json", 415, code="MEDIA_TYPE", remedy=remedy)
    try:
        # Strict before typed: msgspec alone takes the last of two members with one name.
        found = decode(Questions, strictjson.load_object(body, what="the request"), nulls=True)
    except strictjson.InvalidJson as error:
        raise BadRequest(error.message) from None
    except ConfigurationError as error:
        raise _explained(error) from None
    if not found.texts:
        raise BadRequest(
            "no reference is asked about", remedy='Send {"references": ["registry/repository:tag"]}.'
        )
    # Each reference may cost a look at a registry; 413 says that fewer would do.
    if len(found.texts) > most:
        remedy = "Ask in several requests, or raise --max-references."
        raise BadRequest(f"more than {most} references", 413, code="REQUEST_TOO_LARGE", remedy=remedy)
    return found


def _explained(error: ConfigurationError) -> BadRequest:
    """Say what is wrong with a member as one says it of a request: what the error advises is about configurations."""
    # msgspec quotes the pattern, which explains nothing to a user.
    if error.path == "namespace" and "regex" in error.detail:
        remedy = (
            "A namespace is 1 to 63 lower-case letters, digits and dashes (RFC 1123); leave it out for none."
        )
        return BadRequest("namespace: this is not the name of a namespace", remedy=remedy)
    return BadRequest(error.message, remedy=None if error.remedy == error.reason.remedy else error.remedy)
