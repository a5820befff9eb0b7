"""What every judge of a document takes and gives."""

from collections.abc import Collection, Mapping
from dataclasses import field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import Failure, VerificationError
from pyratify.core.reference import Reference

# Read-only, because every judgement without facts shares it.
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a document is judged against, beside the rules.

    Attributes:
        subject: The artifact that the document is attached to.
        now: The moment of the verification (aware).
        signed_at: When the document was signed, by a time that the signature proves; None where nothing proves one.
        reference: The repository and digest that are verified; None where a document is judged alone.
        tag: The tag that was asked for; None for a digest alone.
        predicate_type: The type of the statement that the document stands in; empty where it stands alone.
        signer: Who signed it, as in `Details.signers`; empty where nothing did.
        certificate: What the signer's certificate states, by Fulcio's names, as `sourceRepositoryRef`; empty for keys.
    """

    subject: Descriptor
    now: datetime
    signed_at: datetime | None = None
    reference: Reference | None = None
    tag: str | None = None
    predicate_type: str = ""
    signer: str = ""
    # hash=False: mappings have no hash.
    certificate: Mapping[str, str] = field(default_factory=lambda: _NOTHING, hash=False)


@dataclass(frozen=True, slots=True)
class Judgement:
    """The facts of a document that satisfies every rule.

    Attributes:
        facts: For reports and policies; JSON values only.
        valid_until: The first moment at which a rule could judge otherwise (aware); None where none depends on time.
        warnings: What a rule only reports.
    """

    facts: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, hash=False)
    valid_until: datetime | None = None
    warnings: tuple[Failure, ...] = ()


def united(found: Collection[Judgement], known: Mapping[str, Any] = _NOTHING) -> Judgement:
    """Return what judgements of one document find together, beside the facts that are known of it without them."""
    facts = dict(known)
    for each in found:
        facts.update(each.facts)
    ends = [each.valid_until for each in found if each.valid_until is not None]
    # The earliest end: from then on one of the rules could judge otherwise.
    return Judgement(
        facts, min(ends, default=None), tuple([warning for each in found for warning in each.warnings])
    )


class Denial(VerificationError):
    """A trusted document says that the artifact must not be used: no other evidence of the same verifier outweighs it."""


class Judge(Protocol):
    """Rules for one kind of document; pure."""

    def judge(self, document: object, circumstances: Circumstances) -> Judgement:
        """Judge a document that was parsed strictly (`core.strictjson`): a JSON value.

        Raises:
            VerificationError: It is malformed, or a rule refuses it.
        """
        ...
