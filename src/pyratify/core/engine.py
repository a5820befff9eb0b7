"""The engine: finds the executor whose scopes cover a reference, and validates with it."""

from dataclasses import field

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.errors import Failure, StoreError
from pyratify.core.executor import Executor
from pyratify.core.key_source import KeySource
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.scope import ScopeMap


@dataclass(slots=True)
class Lifetime:
    """Whether an engine's stores are open; shared by an engine and those derived from it with `replace`."""

    closed: bool = False

    def close(self) -> None:
        """Mark the stores as closed."""
        self.closed = True


@dataclass(frozen=True, slots=True)
class Engine:
    """Validates references with the executors whose scopes cover them.

    Attributes:
        executors: The executors by scope.
        generation: Identifies the configuration that it was built from; verdicts of another generation are not used.
        common: Whether every process with the same configuration and the same secret gives it the same generation.
        lifetime: Whether its stores are open; an engine that is built without a configuration stays open.
        key_sources: The sources of its keys that may change; a server builds another engine when one did.
    """

    executors: ScopeMap[Executor]
    generation: str = ""
    common: bool = False
    lifetime: Lifetime = field(default_factory=Lifetime, repr=False, compare=False)
    key_sources: tuple[KeySource, ...] = field(default=(), repr=False, compare=False)

    async def validate(self, reference: Reference | str, *, namespace: str = "") -> ValidationResult:
        """Decide whether what the reference names may be trusted.

        Args:
            reference: The artifact; a tag is resolved once.
            namespace: The namespace that asks, for policies that tell tenants apart; empty for none.

        Returns:
            The report, also when something could not be decided; a reference that no scope covers is denied with
            `SCOPE_NO_MATCH`.

        Raises:
            InvalidReference: The text is no reference.
            RuntimeError: The engine is closed.
        """
        parsed = self.parse(reference)
        # No match is a denial, never a default executor: a typing error in a scope must not allow.
        executor = self.executors.match(parsed)
        return _uncovered(parsed) if executor is None else await executor.validate(parsed, namespace)

    async def discover(self, reference: Reference | str) -> ValidationResult:
        """Find everything that is attached to what the reference names, without verifying or deciding anything.

        Returns:
            A report whose decision is `NONE`, with `artifacts` and with the `limits` that were hit; its `error` says why not all
            could be listed.

        Raises:
            InvalidReference: The text is no reference.
            RuntimeError: The engine is closed.
        """
        parsed = self.parse(reference)
        executor = self.executors.match(parsed)
        return _uncovered(parsed) if executor is None else await executor.discover(parsed)

    async def resolve(self, reference: Reference | str) -> Descriptor:
        """Return what the reference stands for; its `digest` pins a tag.

        Raises:
            InvalidReference: The text is no reference.
            StoreError: `NOT_FOUND`, `SCOPE_NO_MATCH`, `TIMEOUT`, or why the store could not say.
            RuntimeError: The engine is closed.
        """
        parsed = self.parse(reference)
        executor = self.executors.match(parsed)
        if executor is None:
            raise StoreError(Reason.SCOPE_NO_MATCH, _no_scope(parsed))
        return await executor.resolve(parsed)

    def sweep(self) -> None:
        """Forget what the executors remember of credentials that are no longer used."""
        # Once each: one executor may have thousands of scopes.
        for executor in {id(each): each for each in self.executors.values()}.values():
            executor.sweep()

    def parse(self, reference: Reference | str) -> Reference:
        """Parse a reference.

        Raises:
            InvalidReference: The text is no reference.
            TypeError: It is neither a text nor a reference.
            RuntimeError: The engine is closed.
        """
        # Closed stores would fail in ways that read like a registry's fault.
        if self.lifetime.closed:
            raise RuntimeError(
                "the engine is closed; use it inside the `with` block that opened it, or open another one"
            )
        if isinstance(reference, str):
            return Reference.parse(reference)
        if not isinstance(reference, Reference):
            raise TypeError(f"a reference is a text or a Reference, not {type(reference).__name__}")
        return reference


def _uncovered(reference: Reference) -> ValidationResult:
    reason = Reason.SCOPE_NO_MATCH
    failure = Failure(reason, _no_scope(reference), reason.remedy)
    return ValidationResult(reference, None, Decision.DENY, failure)


def _no_scope(reference: Reference) -> str:
    return f"no executor's scopes cover {reference.name}"
