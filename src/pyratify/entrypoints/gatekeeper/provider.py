"""The provider: every key of a request together, every answer within the deadline."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Any, Protocol

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError, Failure, InvalidReference, RatifyError
from pyratify.core.guard import internal
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult
from pyratify.core.verdicts import Verdicts
from pyratify.entrypoints.gatekeeper.keys import Key, Namespaces, parse_key
from pyratify.entrypoints.gatekeeper.values import v1_value, v2_value
from pyratify.entrypoints.gatekeeper.wire import Item, shown
from pyratify.render.soundness import sound

_LOG = logging.getLogger("pyratify.gatekeeper")


class Lent(Protocol):
    """One whole configuration, while it is used."""

    engine: Engine
    types: Mapping[str, str]

    def used(self) -> AbstractAsyncContextManager[Any]:
        """Keep it open meanwhile."""
        ...


class Source(Protocol):
    """Where the configuration of the moment comes from."""

    @property
    def current(self) -> Lent | None:
        """The configuration of the moment, or None when there is none yet."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the provider answers.

    Attributes:
        verify_seconds: In how many seconds every verification is answered.
        mutate_seconds: In how many seconds every mutation is answered.
        namespaces: Whether keys begin with a namespace.

    Raises:
        ConfigurationError: A deadline that is not above zero.
    """

    verify_seconds: float = 4.9
    mutate_seconds: float = 1.95
    namespaces: Namespaces = Namespaces.OPTIONAL

    def __post_init__(self) -> None:
        if not (0 < self.verify_seconds <= 600 and 0 < self.mutate_seconds <= 600):
            raise ConfigurationError("a deadline is more than 0 and at most 600 seconds")


Answer = Callable[[str, Lent, str], Awaitable[Item]]


def _nobody_counts(code: str) -> None:
    del code


@dataclass(slots=True)
class Provider:
    """Answers for keys.

    Attributes:
        source: The configuration of the moment.
        verdicts: Remembers verdicts.
        settings: How it answers.
        clock: Where deadlines are taken from.
        count: Told the code of every error item.
    """

    source: Source
    verdicts: Verdicts
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=SystemClock)
    count: Callable[[str], None] = _nobody_counts
    _left: set["asyncio.Task[Any]"] = field(default_factory=set)

    async def verify(self, keys: tuple[str, ...]) -> tuple[Item, ...]:
        """Return Ratify v2's value, or an error, for every key in order."""
        return await self._each(keys, self._verify_v2, self.settings.verify_seconds)

    async def verify_v1(self, keys: tuple[str, ...]) -> tuple[Item, ...]:
        """Return Ratify v1's value, or an error, for every key in order."""
        return await self._each(keys, self._verify_v1, self.settings.verify_seconds)

    async def mutate(self, keys: tuple[str, ...]) -> tuple[Item, ...]:
        """Return every key's reference by digest; where that fails the reference as it is, with an error."""
        return await self._each(keys, self._mutate, self.settings.mutate_seconds, keeps=True)

    async def aclose(self) -> None:
        """Wait for the end of what was left when a deadline was over."""
        if self._left:
            await asyncio.wait(self._left, timeout=1)

    async def _each(
        self, keys: tuple[str, ...], answer: Answer, seconds: float, *, keeps: bool = False
    ) -> tuple[Item, ...]:
        """Answer equal keys once, all keys together, and late ones with an error."""
        lent, trace = self.source.current, secrets.token_hex(8)
        if lent is None:
            fault = Failure(Reason.NO_EXECUTOR, "no valid executor configured", Reason.NO_EXECUTOR.remedy)
            return tuple(self._failed(key, fault, trace, keeps=keeps) for key in keys)
        async with lent.used():
            tasks = {key: asyncio.create_task(self._one(key, answer, lent, trace, keeps)) for key in keys}
            await self._until(set(tasks.values()), seconds)
            late = Failure(Reason.TIMEOUT, f"not answered within {seconds:g} seconds", Reason.TIMEOUT.remedy)
            found = {
                key: task.result() if task.done() else self._failed(key, late, trace, keeps=keeps)
                for key, task in tasks.items()
            }
            self._leave(*tasks.values())
        return tuple(found[key] for key in keys)

    async def _until(self, tasks: "set[asyncio.Task[Item]]", seconds: float) -> None:
        """Wait for all tasks, but not longer than that."""
        bell = asyncio.ensure_future(self.clock.sleep(seconds))
        try:
            waiting: set[asyncio.Future[Any]] = set(tasks)
            while waiting and not bell.done():
                await asyncio.wait({bell, *waiting}, return_when=asyncio.FIRST_COMPLETED)
                waiting = {task for task in waiting if not task.done()}
        except asyncio.CancelledError:
            self._leave(*tasks)
            raise
        finally:
            self._leave(bell)

    def _leave(self, *tasks: "asyncio.Future[Any]") -> None:
        """End tasks without waiting for their end."""
        for task in tasks:
            if isinstance(task, asyncio.Task) and not task.done():
                task.cancel()
                self._left.add(task)
                task.add_done_callback(self._left.discard)

    async def _one(self, key: str, answer: Answer, lent: Lent, trace: str, keeps: bool) -> Item:
        try:
            async with lent.used():
                return await answer(key, lent, trace)
        except RatifyError as error:
            return self._failed(key, error.failure, trace, keeps=keeps)
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            return self._failed(key, internal(error), trace, keeps=keeps)

    def _failed(self, key: str, failure: Failure, trace: str, *, keeps: bool) -> Item:
        self.count(failure.reason.value)
        extra = {"key": key, "code": failure.reason.value, "error": failure.message, "trace": trace}
        _LOG.warning("not answered", extra=extra)
        text = key.partition("]")[2] if keeps and key.startswith("[") and "]" in key else key
        return Item(key, text if keeps else None, shown(failure))

    async def _verify_v2(self, key: str, lent: Lent, trace: str) -> Item:
        return Item(key, v2_value(await self._verdict(key, lent, trace)))

    async def _verify_v1(self, key: str, lent: Lent, trace: str) -> Item:
        result = await self._verdict(key, lent, trace)
        return Item(key, v1_value(result, lent.types, trace, self.clock.now()))

    async def _verdict(self, key: str, lent: Lent, trace: str) -> ValidationResult:
        asked = parse_key(key, self.settings.namespaces)
        result = sound(await self.verdicts.validate(lent.engine, asked.reference, asked.namespace))
        if result.error is not None:
            raise _Undecided(result.error)
        if result.subject is None:
            raise _Undecided(_no_executor(asked))
        extra = {
            "key": key,
            "decision": result.decision.value,
            "digest": result.subject.digest,
            "trace": trace,
        }
        _LOG.info("answered", extra=extra)
        return result

    async def _mutate(self, key: str, lent: Lent, trace: str) -> Item:
        del trace
        asked = parse_key(key, self.settings.namespaces)
        if asked.reference.digest is not None:
            return Item(key, _pinned(asked, asked.reference.at(asked.reference.digest)))
        if lent.engine.executors.match(asked.reference) is None:
            raise _Undecided(_no_executor(asked))
        found = await self.verdicts.resolve(lent.engine, asked.reference, asked.namespace)
        return Item(key, _pinned(asked, asked.reference.at(found.digest)))


class _Undecided(RatifyError):
    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.reason, failure.message, remedy=failure.remedy)


def _no_executor(asked: Key) -> Failure:
    reason = Reason.SCOPE_NO_MATCH
    message = f"no executor configured for the artifact {asked.reference.name}"
    return Failure(reason, message, reason.remedy)


def _pinned(asked: Key, wanted: Reference) -> str:
    """Return the reference by digest, its repository spelled as it was; what reads as another one is never returned."""
    name = asked.text.partition("@")[0].removesuffix(f":{asked.reference.tag}")
    text = f"{name}@{wanted.digest}"
    try:
        same = Reference.parse(text) == wanted
    except InvalidReference:
        same = False
    return text if same else str(wanted)
