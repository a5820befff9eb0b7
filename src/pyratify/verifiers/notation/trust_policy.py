"""Trust policies of notation, version 1.0: which signers are trusted for which repositories, and how strictly.

Notary Project, trust-store-trust-policy.md, "Trust Policy". A document is checked as a whole when it is read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import field
from enum import StrEnum
from types import MappingProxyType

from pyratify.core.dataclass import dataclass
from pyratify.core.reference import Reference
from pyratify.core.scope import ScopeMap
from pyratify.pki.names import SubjectIdentity

STORE_TYPES = ("ca", "signingAuthority", "tsa")
SKIP_LEVEL = "skip"


class Check(StrEnum):
    """The validations of the specification."""

    INTEGRITY = "integrity"
    AUTHENTICITY = "authenticity"
    AUTHENTIC_TIMESTAMP = "authenticTimestamp"
    EXPIRY = "expiry"
    REVOCATION = "revocation"


class Action(StrEnum):
    """What becomes of a validation that fails."""

    ENFORCE = "enforce"
    LOG = "log"
    SKIP = "skip"


class VerifyTimestamp(StrEnum):
    """When a timestamp is verified, where a trust store of type `tsa` is named."""

    ALWAYS = "always"
    AFTER_CERT_EXPIRY = "afterCertExpiry"


def _level(*enforced: Check) -> Mapping[Check, Action]:
    return MappingProxyType({check: Action.ENFORCE if check in enforced else Action.LOG for check in Check})


# The table of "Signature Verification details"; read-only, because all policies of a level share it.
LEVELS: Mapping[str, Mapping[Check, Action]] = MappingProxyType(
    {
        "strict": _level(*Check),
        "permissive": _level(Check.INTEGRITY, Check.AUTHENTICITY),
        "audit": _level(Check.INTEGRITY),
        SKIP_LEVEL: MappingProxyType(dict.fromkeys(Check, Action.SKIP)),
    }
)


@dataclass(frozen=True, slots=True)
class StoreName:
    """A named trust store.

    Attributes:
        type: `ca`, `signingAuthority` or `tsa`.
        name: Its name.
    """

    type: str
    name: str

    def __str__(self) -> str:
        """Return `type:name`."""
        return f"{self.type}:{self.name}"


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """One statement of a document.

    Attributes:
        name: Its name.
        scopes: Repositories, or `*` alone; with wildcards, every kind of scope; none for blobs.
        level: The level's name.
        actions: What becomes of each validation that fails, overrides applied.
        stores: The trust stores; empty for level `skip`.
        identities: The trusted identities; None for every signer whose chain leads to the trust stores.
        verify_timestamp: When a timestamp is verified.
        other_identities: Identities of other kinds than `x509.subject`, which only a plugin may understand: no certificate
            matches them.
    """

    name: str
    scopes: tuple[str, ...]
    level: str
    actions: Mapping[Check, Action] = field(hash=False)  # a mapping has no hash
    stores: tuple[StoreName, ...] = ()
    identities: tuple[SubjectIdentity, ...] | None = ()  # by default no signer is trusted
    verify_timestamp: VerifyTimestamp = VerifyTimestamp.ALWAYS
    other_identities: tuple[str, ...] = ()

    @property
    def identity_texts(self) -> tuple[str, ...]:
        """The identities as the policy writes them; `*` alone for any."""
        if self.identities is None:
            return ("*",)
        return (*(each.text for each in self.identities), *self.other_identities)

    def stores_of(self, kind: str) -> tuple[StoreName, ...]:
        """Return the trust stores of one type."""
        return tuple(store for store in self.stores if store.type == kind)


@dataclass(frozen=True, slots=True)
class TrustPolicyDocument:
    """A whole document; make it with `read_trust_policy` or `short_trust_policy`.

    Attributes:
        policies: The statements, at least one.
    """

    policies: tuple[TrustPolicy, ...]
    _scopes: ScopeMap[TrustPolicy] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Sort the statements by scope."""
        entries = ((scope, policy) for policy in self.policies for scope in policy.scopes)
        object.__setattr__(self, "_scopes", ScopeMap(entries))

    def select(self, reference: Reference) -> TrustPolicy | None:
        """Return the statement for the reference's repository: the most specific scope, else `*`, else None.

        A layout on disk has no repository, so `*` alone applies.
        """
        return self._scopes.match(reference)

    @property
    def stores(self) -> tuple[StoreName, ...]:
        """Every trust store that some statement names, once."""
        return _stores(self.policies)


@dataclass(frozen=True, slots=True)
class BlobPolicyDocument:
    """A whole document for blobs, which have no repository; make it with `read_blob_policy` or `short_blob_policy`.

    Attributes:
        policies: The statements, at least one.
        everything: The name of the statement that applies where none is named; None where there is none.
    """

    policies: tuple[TrustPolicy, ...]
    everything: str | None = None

    def select(self, name: str | None = None) -> TrustPolicy | None:
        """Return the statement of that name, or the global one where no name is given; None where there is none."""
        # An unknown name must not mean the global one ("Selecting a trust policy to verify a signed blob").
        wanted = self.everything if name is None else name
        return next((policy for policy in self.policies if policy.name == wanted), None)

    @property
    def stores(self) -> tuple[StoreName, ...]:
        """Every trust store that some statement names, once."""
        return _stores(self.policies)


def _stores(policies: tuple[TrustPolicy, ...]) -> tuple[StoreName, ...]:
    return tuple(dict.fromkeys(store for policy in policies for store in policy.stores))


def repeated(values: Sequence[str]) -> str | None:
    """Return the first value that occurs twice."""
    return next((value for index, value in enumerate(values) if value in values[:index]), None)
