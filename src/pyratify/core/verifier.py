"""The interface of verifiers, which return details or raise."""

from collections.abc import Awaitable, Callable, Hashable, Mapping
from dataclasses import field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from pyratify.core.content import Content
from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import Failure, VerificationError
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference

# Read-only: a plugin that fills the default would change the details of all others.
_NOTHING: Mapping[str, Any] = MappingProxyType({})
T = TypeVar("T")


class Siblings(Protocol):
    """The artifacts attached to the same subject: for what one document says of another."""

    async def examine(
        self, key: Hashable, work: "Callable[[Evidence], Awaitable[T | None]]"
    ) -> tuple[T, ...]:
        """Return what the work returns for each of them, this evidence included, in the store's order and without None.

        Each piece of work is done once in a validation, whichever evidence asks for it first. An artifact that is not
        attached to the subject, or for which the work raises `VerificationError`, is left out.

        Args:
            key: Stands for the work: the same key is the same work.
            work: Must not ask for siblings itself.

        Raises:
            StoreError: Not all of them could be read, so one that says otherwise may be missing.
        """
        ...


@dataclass(frozen=True, slots=True)
class Evidence:
    """One artifact attached to a subject, offered for verification.

    Attributes:
        reference: The subject's repository and digest.
        subject: What the artifact is attached to; evidence must be bound to it.
        manifest: The artifact's manifest, checked against its digest.
        content: Reads the artifact's blobs, bounded and checked.
        tag: The tag by which the image was asked for; None where by digest alone. Verifiers that read it declare `reads_tag = True`,
            as verdicts of others are remembered for the digest alone.
        siblings: What is attached to the same subject; None for evidence that stands alone.
    """

    reference: Reference
    subject: Descriptor
    manifest: Manifest
    content: Content
    tag: str | None = None
    siblings: Siblings | None = field(default=None, compare=False, repr=False)

    async def blob(self, descriptor: Descriptor, *, most: int | None = None) -> bytes:
        """Return the checked bytes of one of the artifact's blobs.

        Args:
            descriptor: Which one.
            most: The most bytes that a document of this kind may have; a larger one is not read.

        Raises:
            VerificationError: `SIZE_EXCEEDED`: it is larger than that.
            StoreError: It could not be read or is not what its descriptor says.
        """
        # Before anything is read: the announced size is what a download is held to.
        if most is not None and descriptor.size > most:
            raise VerificationError(
                Reason.SIZE_EXCEEDED,
                f"{descriptor.digest} has {descriptor.size} bytes, more than the {most} allowed for a document of type "
                f"{descriptor.media_type[:120]!r}",
                remedy="Sign again with a tool that writes signatures as their specification says.",
            )
        return await self.content.blob(self.reference, descriptor)


@dataclass(frozen=True, slots=True)
class Details:
    """Positive evidence: the facts of an artifact that passed every check of a verifier.

    Attributes:
        description: One sentence.
        signers: Stable identities of distinct signers, as `spki:sha256:<hex>`; empty where the kind of evidence has none.
        data: Facts for programs; JSON values only.
        warnings: Failed checks that the policy only wants reported.
        valid_until: The first moment at which the result could change (aware); None where it depends on no time.
    """

    description: str
    signers: tuple[str, ...] = ()
    data: Mapping[str, Any] = field(default_factory=lambda: _NOTHING, hash=False)
    warnings: tuple[Failure, ...] = ()
    valid_until: datetime | None = None


class Verifier(Protocol):
    """Verifies one kind of evidence."""

    @property
    def name(self) -> str:
        """The name by which policies refer to this verifier."""
        ...

    def accepts(self, manifest: Manifest) -> bool:
        """Return whether the artifact is of a kind that this verifier verifies; pure, and implies no trust."""
        ...

    async def verify(self, evidence: Evidence) -> Details:
        """Verify the artifact and its bond to the subject.

        A manifest found by a cosign tag may lack a subject: then its content must be bound to the subject. A verifier
        that is configured to verify nothing must raise; empty details are refused.

        Raises:
            VerificationError: The artifact is not acceptable evidence.
            InconclusiveError: It could not be decided.
            StoreError: The artifact's content could not be read.
        """
        ...
