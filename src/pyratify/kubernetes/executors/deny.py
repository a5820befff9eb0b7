"""An executor that denies everything: whoever is responsible must not decide, and nobody else may in its place."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import InconclusiveError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.store import Referrer
from pyratify.core.verifier import Details, Evidence
from pyratify.kubernetes.client.resource import Resource


class RefusingExecutor(Executor):
    """Denies everything."""

    async def validate(self, reference: Reference) -> ValidationResult:
        """Deny, and say why."""
        try:
            await self.store.resolve(reference)
        except StoreError as error:
            return ValidationResult(reference, None, Decision.DENY, error.failure)
        return ValidationResult(reference, None, Decision.DENY)


def refusing(resource: Resource) -> Executor:
    """Return the executor that denies with `SCOPE_NO_MATCH`, and says which resource to look at."""
    why = f"{resource.title} is responsible and is not valid"
    return RefusingExecutor(store=ClosedStore(why), verifiers=(_Nobody(),))


@dataclass(frozen=True, slots=True)
class ClosedStore:
    """A store of which nothing can be read.

    Attributes:
        why: Why not.
    """

    why: str

    async def resolve(self, reference: Reference) -> Descriptor:
        """Refuse."""
        raise self._fault(reference)

    def referrers(self, reference: Reference, artifact_type: str | None = None) -> AsyncIterator[Referrer]:
        """Refuse."""
        del artifact_type
        raise self._fault(reference)

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Refuse."""
        del descriptor, limit
        raise self._fault(reference)

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Refuse."""
        del descriptor, limit
        raise self._fault(reference)

    def _fault(self, reference: Reference) -> StoreError:
        return StoreError(
            Reason.SCOPE_NO_MATCH,
            f"no executor may decide about {reference.name}: {self.why}",
            remedy="Look at the status of that resource, and correct it.",
        )


@dataclass(frozen=True, slots=True)
class _Nobody:
    """A verifier that is never asked; an executor has at least one."""

    name: str = "nobody"

    def accepts(self, manifest: Manifest) -> bool:
        del manifest
        return False

    async def verify(self, evidence: Evidence) -> Details:
        del evidence
        raise InconclusiveError(Reason.SCOPE_NO_MATCH, "nobody may decide")
