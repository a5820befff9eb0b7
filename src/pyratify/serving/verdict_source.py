"""What every entry point that serves asks: the verdict on a reference, and the digest that a tag names."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import field

from pyratify.caches.verdicts import Verdicts
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.credential_scope import CONFIGURED, CredentialScope
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.errors import Failure, RatifyError, StoreError
from pyratify.core.isolation import as_failure
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult, failures
from pyratify.serving.configuration_source import Snapshot, Source
from pyratify.serving.credential_choice import CredentialChoice, Scopes
from pyratify.serving.public_errors import for_clients


class Undecided(RatifyError):
    """There is no verdict; nothing is to be run, but asking again may help."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason, failure.message, remedy=failure.remedy)


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict: an ALLOW or a DENY of something that was found.

    Attributes:
        result: The engine's result as clients may see it; never one with an error, nor without a subject.
        types: The plugins of the configuration's verifiers, by the names of the verifiers.
        generation: The generation of the engine that decided.
        seconds: For how long that engine's answer stays the same; 0 where it may change at any time.
    """

    result: ValidationResult
    types: Mapping[str, str]
    generation: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Answers:
    """Verdicts and digests of the current engine.

    Attributes:
        source: The current configuration.
        verdicts: Remembers verdicts.
        clock: Measures how long choices of credentials are remembered.
    """

    source: Source
    verdicts: Verdicts
    clock: Clock = field(default_factory=SystemClock)
    _choice: CredentialChoice = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_choice", CredentialChoice(self.verdicts, self.clock))

    async def verdict(self, reference: Reference, namespace: str = "", credentials: Scopes = ()) -> Answer:
        """Return the verdict on a reference.

        Args:
            reference: What to validate.
            namespace: The tenant that asks; empty for none.
            credentials: What the question brings to read it with, in the order in which it is tried.

        Raises:
            Undecided: No configuration, no executor for it, or whatever kept the engine from deciding.
        """
        async with self._acquire(namespace) as snapshot:
            engine = snapshot.engine
            scope = await self._chosen(engine, reference, namespace, credentials)
            result = (await self.verdicts.validate(engine, reference, namespace, scope)).checked()
            # No verdict is not a denial: asking again may help, so it is answered differently.
            if result.error is not None:
                self._reconsider(engine, reference, namespace, credentials, result.error.reason)
                raise Undecided(result.error)
            if result.subject is None:
                raise Undecided(_no_executor(reference))
            # Read after the verdict, which may only just have been remembered. Credentials of a question may change with the next.
            seconds = 0.0 if credentials else self.verdicts.remaining(engine, reference, namespace)
            # Cleaned here, once, and not by each entry point, one of which could forget it.
            return Answer(for_clients(result), snapshot.types, engine.generation, seconds)

    async def pinned(self, reference: Reference, namespace: str = "", credentials: Scopes = ()) -> Reference:
        """Return a reference by digest; one that has a digest already needs no registry. Arguments as in `verdict`.

        Raises:
            Undecided: No configuration, or no executor for it.
            StoreError: It could not be resolved.
        """
        if reference.digest is not None:
            # `at` drops the tag: beside a digest it is decoration that says nothing about the content.
            return reference.at(reference.digest)
        async with self._acquire(namespace) as snapshot:
            # Before the registry is asked: a host outside all scopes must not be connected to (SSRF).
            if snapshot.engine.executors.match(reference) is None:
                raise Undecided(_no_executor(reference))
            scope = await self._choice.choose(snapshot.engine, reference, namespace, credentials)
            try:
                found = await self.verdicts.resolve(snapshot.engine, reference, namespace, scope)
            except StoreError as error:
                self._reconsider(snapshot.engine, reference, namespace, credentials, error.reason)
                raise
            return reference.at(found.digest)

    async def _chosen(
        self, engine: Engine, reference: Reference, namespace: str, credentials: Scopes
    ) -> CredentialScope:
        # A host outside all scopes must not be shown a credential.
        if not credentials or engine.executors.match(reference) is None:
            return CONFIGURED
        try:
            return await self._choice.choose(engine, reference, namespace, credentials)
        except StoreError as error:
            raise Undecided(as_failure(error)) from None

    def _reconsider(
        self, engine: Engine, reference: Reference, namespace: str, credentials: Scopes, reason: Reason
    ) -> None:
        """Let the next question choose anew where the chosen credential has no access any more."""
        if credentials and reason.is_no_access:
            self._choice.forget(engine, reference, namespace, credentials)

    @asynccontextmanager
    async def _acquire(self, namespace: str) -> AsyncIterator[Snapshot]:
        snapshot = self.source.acquire(namespace)
        if snapshot is None:
            reason = Reason.NO_EXECUTOR
            raise Undecided(Failure(reason, "no valid executor configured", reason.remedy))
        # A new configuration may arrive meanwhile; this one stays open until its last user is done.
        async with snapshot.used():
            yield snapshot


def refusal(result: ValidationResult) -> Failure:
    """Return why a result does not allow: where all evidence failed for one reason, that one."""
    why = result.failure or Failure(
        Reason.POLICY_UNSATISFIED, "no policy allows it", Reason.POLICY_UNSATISFIED.remedy
    )
    if why.reason is not Reason.POLICY_UNSATISFIED:
        return why
    known = {failure.reason: failure for _, failure in failures(result.artifacts)}
    # Where reasons differ none of them is the reason, so the policy's own answer stands.
    return next(iter(known.values())) if len(known) == 1 else why


def _no_executor(reference: Reference) -> Failure:
    reason = Reason.SCOPE_NO_MATCH
    message = f"no executor configured for the artifact {reference.name}"
    return Failure(reason, message, reason.remedy)
