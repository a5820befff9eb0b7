"""The result of authentication: which trusted signer made a signature, before its statement is read."""

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.details import common_facts


@dataclass(frozen=True, slots=True)
class AuthenticatedSigner:
    """A trusted signer that made a signature.

    Attributes:
        name: `spki:sha256:HEX` for a key, `sigstore:ISSUER#SUBJECT` for an identity; the same for all of its signatures.
        facts: What its certificate, log entries and timestamps prove, for the report.
        identity: The subject that a certificate names; empty for a key.
        issuer: The OpenID Connect issuer that authenticated it; empty for a key.
        root: The subject of the trusted certificate that the chain ends at; empty for a key.
        signed_at: The first proved time at which the signature existed; None where nothing proves one.
    """

    name: str
    facts: Mapping[str, Any] = field(default_factory=dict, hash=False)
    identity: str = ""
    issuer: str = ""
    root: str = ""
    signed_at: datetime | None = None

    @property
    def common(self) -> dict[str, str]:
        """What all verifiers name alike in `Details.data`."""
        return common_facts(
            self.identity or self.name, issuer=self.issuer, root=self.root, signed_at=self.signed_at
        )

    @property
    def certificate(self) -> Mapping[str, str]:
        """What its certificate states, by Fulcio's names, as `sourceRepositoryRef`; empty for a key."""
        extensions = self.facts.get("certificateExtensions")
        if not extensions:
            return {}
        from pyratify.sigstore.fulcio import OIDS  # only where certificates are read

        return {name: extensions[oid] for name, oid in OIDS.items() if oid in extensions}
