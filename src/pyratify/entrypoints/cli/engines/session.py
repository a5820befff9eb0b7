"""The session of a command that reads artifacts: an engine, layouts, and keys that are being read concurrently."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING, Any

from pyratify.core.dataclass import dataclass
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine
from pyratify.core.errors import StoreError
from pyratify.core.executor import Executor
from pyratify.core.limits import Limits
from pyratify.core.reference import Reference
from pyratify.core.report import Decision, ValidationResult
from pyratify.core.scope import EVERYTHING, ScopeMap
from pyratify.core.store import Store, closing
from pyratify.entrypoints.cli.engines.store_from_flags import TIMEOUT
from pyratify.entrypoints.cli.targets import Target

if TYPE_CHECKING:
    from pyratify.stores.layout.layout_store import LayoutStore


@dataclass(slots=True)
class Session:
    """One run of a command.

    Attributes:
        engine: Answers for references.
        preparing: What has to succeed before any answer counts, as reading keys.
    """

    engine: Engine
    preparing: "tuple[asyncio.Task[None], ...]" = ()
    _layouts: "dict[str, LayoutStore]" = field(default_factory=dict)

    async def ready(self) -> None:
        """Wait until keys and certificates are read.

        Raises:
            ConfigurationError: A key or certificate cannot be used.
        """
        for task in self.preparing:
            # Shared by all references of a run: one that is late must not cancel the reading for the others.
            await asyncio.shield(task)

    async def judge(self, target: Target) -> ValidationResult:
        """Validate one reference while keys are still being read; an unusable key ends that at once.

        Raises:
            ConfigurationError: A key or certificate cannot be used.
        """
        # Requests take longer than keys take to parse; the verifiers wait for their keys themselves.
        work = asyncio.create_task(self.validate(target))
        try:
            await self.ready()
            return await work
        finally:
            work.cancel()
            # Awaited: its connections must be back before the store is closed.
            await asyncio.gather(work, return_exceptions=True)

    async def validate(self, target: Target) -> ValidationResult:
        """Validate one reference; a layout is read from disk whatever store the configuration names."""
        if not target.reference.is_layout:
            return await self.engine.validate(target.reference)
        try:
            reference = await self._name(target)
        except StoreError as error:
            # A layout that cannot be read is an answer about that reference; the others still get theirs.
            return ValidationResult(target.reference, None, Decision.DENY, error=error.failure)
        executor = self.engine.executors.match(reference)
        if executor is None:
            return _uncovered(await self.engine.validate(reference))
        # No cache: it would copy from disk to disk.
        over_layout = replace(executor, store=self._layout(target.reference), cache=None)
        return replace(await over_layout.validate(reference), reference=target.reference)

    async def count_passed_over(self, target: Target, result: ValidationResult) -> ValidationResult:
        """Return the result with the number of attached artifacts that an early answer left unread, as far as limits go."""
        # A refusal has looked at everything that is attached already, and so has the judging of platforms.
        by_platform = any(report.platform is not None for report in result.artifacts)
        if not result.succeeded or result.subject is None or by_platform:
            return result
        store, reference = self._store(target.reference), target.reference.at(result.subject.digest)
        seen = {report.artifact.digest for report in result.artifacts}
        more: set[str] = set()
        # An error leaves out a number of the tree; the verdict stands.
        with suppress(StoreError, TimeoutError):
            async with asyncio.timeout(TIMEOUT), closing(store.referrers(reference)) as listing:
                async for referrer in listing:
                    more |= {referrer.descriptor.digest} - seen
                    if len(more) >= Limits().referrers:
                        break
        return replace(result, passed_over=len(more))

    async def resolve(self, target: Target) -> Descriptor:
        """Return what a reference stands for.

        Raises:
            StoreError: `NOT_FOUND`, or why it could not be resolved.
        """
        return await self._store(target.reference).resolve(target.reference)

    async def _name(self, target: Target) -> Reference:
        if target.scope is None:
            return target.reference
        found = await self._layout(target.reference).resolve(target.reference)
        # By digest: the layout's tag need not exist in that repository.
        return target.scope.at(found.digest)

    def _store(self, reference: Reference) -> Store:
        if reference.is_layout:
            return self._layout(reference)
        executor = self.engine.executors.match(reference)
        if executor is None:
            from pyratify.core.reason import Reason

            raise StoreError(
                Reason.SCOPE_NO_MATCH,
                f"no executor's scopes cover {reference.name}",
                remedy="Add an executor for it to the configuration, or leave out -c to ask without one.",
            )
        return executor.store

    def _layout(self, reference: Reference) -> "LayoutStore":
        from pyratify.stores.layout.layout_store import LayoutStore

        # One store a layout: it keeps the index that it has read for the other references of the run.
        return self._layouts.setdefault(reference.repository, LayoutStore(reference.repository))


def everything(executor: Executor) -> Engine:
    """Return an engine that uses one executor for every reference."""
    return Engine(ScopeMap([(EVERYTHING, executor)]))


def _uncovered(result: ValidationResult) -> ValidationResult:
    """Return a refusal that says how a layout comes by a scope."""
    if result.failure is None or not result.reference.is_layout:
        return result
    remedy = "Say with --scope which repository the layout stands for."
    return replace(result, failure=replace(result.failure, remedy=remedy))


@asynccontextmanager
async def open_session(
    engine: Engine, stack: AsyncExitStack, *preparing: Callable[[], Coroutine[Any, Any, None]]
) -> AsyncIterator[Session]:
    """Open a session; preparations and the stack end with it."""
    async with stack:
        tasks = tuple(asyncio.create_task(prepare()) for prepare in preparing)
        try:
            yield Session(engine, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
