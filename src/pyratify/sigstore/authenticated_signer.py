"""The result of authentication: which trusted signer made a signature, before its statement is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class AuthenticatedSigner:
    """A trusted signer that made a signature.

    Attributes:
        name: `spki:sha256:HEX` for a key, `sigstore:ISSUER#SUBJECT` for an identity; the same for all of its signatures.
        facts: What its certificate, log entries and timestamps prove, for the report.
    """

    name: str
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
