"""A way to run an image, and what it did with one that was offered."""

import re
from enum import StrEnum
from typing import Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.render.plain import clean

_CODE = re.compile(r"\b[A-Z][A-Z0-9_]{2,}\b", re.ASCII)
_MAX_MESSAGE = 600


class Outcome(StrEnum):
    """What an enforcement point did: REFUSED with a reason code of ratify, PASSED the image, or UNKNOWN, which proves nothing."""

    REFUSED = "refused"
    PASSED = "passed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Offer:
    """The end of one offer.

    Attributes:
        outcome: What it did with the image.
        code: The reason code of a refusal; empty for none.
        message: Its answer.
    """

    outcome: Outcome
    code: str
    message: str


class EnforcementPoint(Protocol):
    """A way to run an image."""

    @property
    def name(self) -> str:
        """What it is called in the report."""
        ...

    async def offer(self, reference: Reference) -> Offer:
        """Offer an image by digest, leave nothing behind, and return what came of it; never raises."""
        ...


def passed(message: str) -> Offer:
    """Return that the image was let through."""
    return Offer(Outcome.PASSED, "", clean(message, _MAX_MESSAGE))


def unknown(message: str) -> Offer:
    """Return that it could not be asked, or refused for another reason than ratify's."""
    return Offer(Outcome.UNKNOWN, "", clean(message, _MAX_MESSAGE))


def refused(message: str, mark: str = "") -> Offer:
    """Return a refusal, which counts where the message has a reason code of ratify.

    Args:
        message: Its answer.
        mark: What its message has beside the code, where a verifier refused.
    """
    # Another webhook or plugin may refuse too: only a reason code of ratify proves that it was asked.
    codes = (word for word in _CODE.findall(message) if word in Reason.__members__)
    code = next(codes, "")
    if not code or mark not in message:
        return unknown(f"refused, but for no reason of ratify's: {message}")
    return Offer(Outcome.REFUSED, code, clean(message, _MAX_MESSAGE))
