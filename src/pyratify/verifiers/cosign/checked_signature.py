"""The outcome for each signature of an artifact, for the report."""

from dataclasses import field
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError


@dataclass(frozen=True, slots=True)
class CheckedSignature:
    """The outcome for one signature.

    Attributes:
        digest: Of the layer that holds it.
        signer: The trusted signer; None when the signature does not count.
        error: Why it does not count.
        facts: Further facts for the report.
        common: The facts that all verifiers name alike.
    """

    digest: Digest
    signer: str | None = None
    error: RatifyError | None = None
    facts: dict[str, Any] = field(default_factory=dict, hash=False)
    common: dict[str, str] = field(default_factory=dict, hash=False)

    def as_data(self) -> dict[str, Any]:
        """Return the entry of the report; digest, succeeded and error are Ratify v2's."""
        data: dict[str, Any] = {
            "digest": str(self.digest),
            "succeeded": self.signer is not None,
            **self.facts,
        }
        if self.signer is not None:
            data["signer"] = self.signer
        if self.error is not None:
            data["error"] = f"{self.error.reason}: {self.error.message}"
        return data
