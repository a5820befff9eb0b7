"""The tree of errors, by whose fault it is.

```
RatifyError                 reason, message, remedy
├── InvalidReference        the caller's: the text is no reference (also a ValueError)
├── ConfigurationError      the configuration's: path of what is wrong (also a ValueError)
├── StoreError              the store's, the registry's or the network's: INCONCLUSIVE
├── VerificationError       the artifact's: FAILED
└── InconclusiveError       the verifier's or its keys': INCONCLUSIVE
```
"""

from collections.abc import Mapping
from types import MappingProxyType

from pyratify.core.dataclass import dataclass
from pyratify.core.reason import Reason
from pyratify.core.text import clean

NO_FACTS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something was refused or could not be decided.

    Attributes:
        reason: The stable code.
        message: One sentence that says what is wrong, safe to show.
        remedy: One sentence that says what to do.
    """

    reason: Reason
    message: str
    remedy: str

    def to_dict(self) -> dict[str, str]:
        """Return the failure as a JSON object of `code`, `message` and `remedy`, safe to show."""
        # Messages quote what registries and artifacts say.
        return {
            "code": self.reason.value,
            "message": clean(self.message),
            "remedy": clean(self.remedy),
        }


class RatifyError(Exception):
    """The root of all errors raised by pyratify.

    Args:
        reason: The stable reason code.
        message: One sentence that says what is wrong.
        remedy: What to do; the code's own remedy when omitted.
    """

    def __init__(self, reason: Reason, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.remedy = reason.remedy if remedy is None else remedy

    @property
    def failure(self) -> Failure:
        """The error as data, for a report."""
        return Failure(self.reason, self.message, self.remedy)


class InvalidReference(RatifyError, ValueError):
    """A text that is not a reference, or one that readers could understand in different ways."""


class ConfigurationError(RatifyError, ValueError):
    """A fault of the configuration.

    Args:
        message: What is wrong.
        path: Where, as `executors[0].verifiers[1].parameters.keys`; empty for the whole document.
        reason: The stable reason code.
        remedy: What to do; the code's own remedy when omitted.
        stand_in: A value that would be no fault at the path, so that a check can go on behind this one; None where none is known.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str = "",
        reason: Reason = Reason.CONFIG_INVALID,
        remedy: str | None = None,
        stand_in: str | int | None = None,
    ) -> None:
        super().__init__(reason, f"{path}: {message}" if path else message, remedy=remedy)
        self.path = path
        self.stand_in = stand_in
        self.detail = message  # without the path, so that a longer one can be put before it


class StoreError(RatifyError):
    """The store could not deliver, or delivered something that must not be used."""


class VerificationError(RatifyError):
    """The artifact is not acceptable evidence.

    Args:
        reason: As in `RatifyError`.
        message: As in `RatifyError`.
        remedy: As in `RatifyError`.
        facts: What is known of it nonetheless, under the names of `Details.data`, as `createdAt` and `predicateType`: only from
            content whose signature was verified and whose signer is trusted. With it, rules can tell whether what failed is of
            their kind, and older than newer evidence.
    """

    def __init__(
        self,
        reason: Reason,
        message: str,
        *,
        remedy: str | None = None,
        facts: Mapping[str, str] = NO_FACTS,
    ) -> None:
        super().__init__(reason, message, remedy=remedy)
        self.facts = facts


class InconclusiveError(RatifyError):
    """A verifier could not decide, through no fault of the artifact."""
