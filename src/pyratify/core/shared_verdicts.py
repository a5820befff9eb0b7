"""The interface of caches in which processes share their verdicts."""

from typing import Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult


@dataclass(frozen=True, slots=True)
class VerdictKey:
    """What a verdict depends on besides the content: a verdict is used for an equal key and for no other.

    Attributes:
        generation: The configuration.
        namespace: The tenant that the verdict was made for; empty for none.
        reference: The repository and digest; with the tag where a verifier compares it.
        credentials: The identity of the credentials that it was read with; empty for the configuration's own.
    """

    generation: str
    namespace: str
    reference: Reference
    credentials: str = ""


@dataclass(frozen=True, slots=True)
class SharedVerdict:
    """A verdict that another process made.

    Attributes:
        result: The verdict.
        seconds: For how many seconds it may still be used.
    """

    result: ValidationResult
    seconds: float


class SharedVerdicts(Protocol):
    """Verdicts that several processes share.

    An implementation may lose entries at any time, and gives up after a fraction of a second. It must never return a
    verdict that none of these processes stored under the same key.
    """

    async def get(self, key: VerdictKey) -> SharedVerdict | None:
        """Return the verdict, or None; never raises."""
        ...

    async def put(self, key: VerdictKey, result: ValidationResult, seconds: float) -> None:
        """Keep the verdict for at most that many seconds; never raises."""
        ...
