"""The answer of a node for one image, and its words in the user's terminal."""

from dataclasses import replace

from pyratify.config.exemption import Exemption
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import Failure
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.render.plain import MAX_REFERENCE, clean
from pyratify.terminal import exits

# containerd truncates a verifier's standard output (docs/image-verification.md, Caller Contract).
_MAX_TEXT = 4096
_OF_JSON = frozenset({Reason.JSON_INVALID, Reason.JSON_DUPLICATE_KEY, Reason.PARSE_LIMIT})


@dataclass(frozen=True, slots=True)
class NodeAnswer:
    """Whether an image may be pulled or run.

    Attributes:
        exit: The exit code: 0 for an image that may, 1 for one that is denied, 2 where it could not be decided.
        code: The reason code; empty where a verdict of now allows the image.
        text: What the user is told: the verdict in the first line, at most 4 KiB.
    """

    exit: int
    code: str
    text: str

    @property
    def allowed(self) -> bool:
        """Whether the image may be pulled or run."""
        return self.exit == exits.ALLOWED

    @property
    def decision(self) -> str:
        """The decision as one word for logs."""
        return {exits.ALLOWED: "ALLOW", exits.DENIED: "DENY"}.get(self.exit, "UNDECIDED")


def allowed(reference: Reference) -> NodeAnswer:
    """Return the answer for an image with a verdict that allows."""
    return NodeAnswer(exits.ALLOWED, "", f"ratify: ALLOWED {_shown(reference)}")


def allowed_before(reference: Reference, why: Failure) -> NodeAnswer:
    """Return the answer for an image that is allowed by its last verdict, while its registry cannot be asked."""
    text = f"ratify: ALLOWED {_shown(reference)} by its last verdict: the registry cannot be asked [{why.reason}]"
    # The code too: the log says which images were admitted without a verdict of now.
    return NodeAnswer(exits.ALLOWED, why.reason.value, text)


def excepted(answer: NodeAnswer, exemption: Exemption) -> NodeAnswer:
    """Return the answer that admits an image which would be refused, where an exception covers it."""
    config = exemption.config
    until = config.until.isoformat(timespec="minutes")
    first = f"ratify: EXCEPTION {config.name} until {until}: admitted, and would be refused: "
    text = f"{first}{answer.text.removeprefix('ratify: ')}"
    return NodeAnswer(exits.ALLOWED, answer.code, text[:_MAX_TEXT])


def audited(answer: NodeAnswer) -> NodeAnswer:
    """Return the answer that admits an image which would be refused, where the configuration says so."""
    text = f"ratify: AUDIT: admitted, and would be refused: {answer.text.removeprefix('ratify: ')}"
    return NodeAnswer(exits.ALLOWED, answer.code, text[:_MAX_TEXT])


def denied(reference: Reference, why: Failure) -> NodeAnswer:
    """Return the answer for an image with a verdict that denies."""
    return _refused(exits.DENIED, "DENIED", _shown(reference), why)


def undecided(reference: Reference, why: Failure) -> NodeAnswer:
    """Return the answer for an image without a verdict."""
    return _refused(exits.UNDECIDED, "UNDECIDED", _shown(reference), why)


def malformed(why: Failure) -> NodeAnswer:
    """Return the answer for a request that names no image."""
    # What to do about JSON is otherwise said of what a registry sent.
    if why.reason in _OF_JSON:
        why = replace(why, remedy="Correct the request; no image was looked at.")
    return _refused(exits.UNDECIDED, "UNDECIDED", "", why)


def refused(why: Failure) -> NodeAnswer:
    """Return the answer for a request that is refused whatever its image is."""
    return _refused(exits.DENIED, "DENIED", "", why)


def _refused(code: int, word: str, image: str, why: Failure) -> NodeAnswer:
    first = f"ratify: {word} {image}".rstrip()
    # Cleaned: parts of a message come from registries, and a terminal would obey their control characters.
    text = f"{first}: {clean(why.message)} [{why.reason}]\n{clean(why.remedy)}"
    return NodeAnswer(code, why.reason.value, text[:_MAX_TEXT])


def _shown(reference: Reference) -> str:
    return clean(str(reference), MAX_REFERENCE)
