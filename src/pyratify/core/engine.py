"""The engine: which executor is responsible, and one answer for every reference."""

from dataclasses import dataclass

from pyratify.core.errors import Failure
from pyratify.core.executor import Executor
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.scope import ScopeMap


@dataclass(frozen=True, slots=True)
class Engine:
    """Answers for every reference that its executors' scopes cover.

    Attributes:
        executors: The executors by scope.
        generation: Names the configuration that the engine was built from; verdicts of another one are not its own.
        common: Whether every process with the same configuration and the same secret gives it the same generation.
    """

    executors: ScopeMap[Executor]
    generation: str = ""
    common: bool = False

    async def validate(self, reference: Reference) -> ValidationResult:
        """Decide whether what the reference names may be trusted.

        Returns:
            The report; a reference that no scope covers is denied with `SCOPE_NO_MATCH`.
        """
        executor = self.executors.match(reference)
        if executor is None:
            reason = Reason.SCOPE_NO_MATCH
            failure = Failure(reason, f"no executor's scopes cover {reference.name}", reason.remedy)
            return ValidationResult(reference, None, Decision.DENY, failure)
        return await executor.validate(reference)
