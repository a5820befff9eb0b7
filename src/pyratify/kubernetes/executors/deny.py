"""An executor that denies: for the scopes of a resource that is not valid, which must not fall to a wider executor."""

from collections.abc import AsyncIterator

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import InconclusiveError, StoreError
from pyratify.core.executor import Executor
from pyratify.core.isolation import as_failure
from pyratify.core.manifest import Manifest
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.store import Referrer
from pyratify.core.verifier import Details, Evidence
from pyratify.kubernetes.client.resource import Resource


class DenyingExecutor(Executor):
    """Denies every reference."""

    async def validate(self, reference: Reference, namespace: str = "") -> ValidationResult:
        """Return a denial with the reason that its store has."""
        del namespace
        try:
            # For its error alone, so that reason and remedy are the same on every path.
            await self.store.resolve(reference)
        except StoreError as error:
            return ValidationResult(reference, None, Decision.DENY, as_failure(error))
        return ValidationResult(reference, None, Decision.DENY)  # also if its store should answer


def denying_executor(resource: Resource) -> Executor:
    """Return the executor that denies with `SCOPE_NO_MATCH` and names the resource to correct."""
    why = f"{resource.title} owns its scope and is not valid"
    return DenyingExecutor(store=DenyingStore(why), verifiers=(_UnusedVerifier(),))


@dataclass(frozen=True, slots=True)
class DenyingStore:
    """A store that raises for every request.

    Attributes:
        why: The end of the error's sentence.
    """

    why: str

    async def resolve(self, reference: Reference) -> Descriptor:
        """Raise `SCOPE_NO_MATCH`."""
        raise self._fault(reference)

    def referrers(self, reference: Reference, artifact_type: str | None = None) -> AsyncIterator[Referrer]:
        """Raise `SCOPE_NO_MATCH`."""
        del artifact_type
        raise self._fault(reference)

    async def fetch_manifest(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Raise `SCOPE_NO_MATCH`."""
        del descriptor, limit
        raise self._fault(reference)

    async def fetch_blob(self, reference: Reference, descriptor: Descriptor, limit: int) -> bytes:
        """Raise `SCOPE_NO_MATCH`."""
        del descriptor, limit
        raise self._fault(reference)

    def _fault(self, reference: Reference) -> StoreError:
        return StoreError(
            Reason.SCOPE_NO_MATCH,
            f"no executor may decide about {reference.name}: {self.why}",
            remedy="Look at the status of that resource, and correct it.",
        )


@dataclass(frozen=True, slots=True)
class _UnusedVerifier:
    """Fills the place of the one verifier that an executor needs; never called."""

    name: str = "none"

    def accepts(self, manifest: Manifest) -> bool:
        del manifest
        return False

    async def verify(self, evidence: Evidence) -> Details:
        del evidence
        raise InconclusiveError(Reason.SCOPE_NO_MATCH, "this executor only denies")
