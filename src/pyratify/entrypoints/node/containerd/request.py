"""A question of containerd's image verifier plugin, as `ratify-containerd-verifier` passes it on.

The body has a line each for the seconds in which the answer has to be there, `-name`, `-digest` and `-stdin-media-type`, and
then what containerd wrote to standard input (containerd, docs/image-verification.md). Lines and not JSON: the program that
asks imports no JSON.
"""

from dataclasses import replace

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference

MEDIA_TYPE = "application/vnd.oci.descriptor.v1+json"
MAX_BODY = MIB
_HEAD = 4
_LONGEST = 60.0  # seconds; `ratify node install containerd` accepts no longer timeout
_REMEDY = "Install the program again: ratify node install containerd --write."


class BadQuestion(RatifyError):
    """A question that containerd does not ask, or one that contradicts itself."""


@dataclass(frozen=True, slots=True)
class Question:
    """One pull.

    Attributes:
        reference: The repository of the name, and the digest that the name was resolved to.
        seconds: In how many seconds the answer has to be there.
    """

    reference: Reference
    seconds: float


def parse_question(body: bytes) -> Question:
    """Return the question of a body.

    Raises:
        BadQuestion: It is none, or name, digest and descriptor contradict one another.
        InvalidReference: The name is no reference.
        InvalidDigest: The digest is none.
        InvalidJson: The descriptor is no JSON.
    """
    # The descriptor comes last, because JSON may have line breaks.
    *head, descriptor = body.split(b"\n", _HEAD)
    if len(head) != _HEAD:
        raise _bad(f"{len(head)} lines before the descriptor, not {_HEAD}")
    try:
        seconds, name, digest, media_type = (line.decode("utf-8") for line in head)
    except UnicodeDecodeError:
        raise _bad("an argument is not UTF-8") from None
    return Question(judged(name, digest, media_type, descriptor), _seconds(seconds))


def judged(name: str, digest: str, media_type: str, descriptor: bytes) -> Reference:
    """Return what is verified: the repository of the name at the digest, with the name's tag, which may name the digest's index.

    Errors as in `parse_question`.

    Args:
        name: The argument `-name`.
        digest: The argument `-digest`.
        media_type: The argument `-stdin-media-type`.
        descriptor: Standard input.
    """
    # containerd may change the payload; what is not known must not be taken for a descriptor.
    if media_type != MEDIA_TYPE:
        raise BadQuestion(
            Reason.MEDIATYPE_UNSUPPORTED,
            f"-stdin-media-type is {media_type[:80]!a} and not {MEDIA_TYPE}",
            remedy="Install a version of pyratify that knows this containerd.",
        )
    wanted, reference = Digest(digest), Reference.parse(name)
    # The name's own digest is only text; -digest is what will be pulled.
    for place, found in (("-name", reference.digest), ("the descriptor", _described(descriptor))):
        if found is not None and found != wanted:
            raise BadQuestion(
                Reason.DIGEST_MISMATCH,
                f"{place} has the digest {found}, and -digest is {wanted}",
                remedy="The question contradicts itself, and containerd asks none like it: look at what runs this program.",
            )
    return replace(reference, digest=wanted)


def _described(descriptor: bytes) -> Digest:
    # Strict: of two members `digest` containerd could read the other one.
    found = strictjson.loads(descriptor, what="the descriptor", max_bytes=MAX_BODY)
    if not isinstance(found, dict) or not isinstance(found.get("digest"), str):
        raise _bad("standard input is no descriptor with a digest")
    return Digest(found["digest"])


def _seconds(text: str) -> float:
    # Compared as text first: float() takes nan, inf and 1_0.
    if not (text.isascii() and text.replace(".", "", 1).isdigit() and 0 < float(text) <= _LONGEST):
        raise _bad(f"{text[:20]!a} is no time for an answer")
    return float(text)


def _bad(why: str) -> BadQuestion:
    return BadQuestion(Reason.BAD_REQUEST, f"this is no question of containerd: {why}", remedy=_REMEDY)
