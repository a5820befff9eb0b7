"""Watches a configuration file: a new generation replaces the old one at once; an invalid file keeps the last valid one."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import field
from pathlib import Path
from types import MappingProxyType

from pyratify.config.build import build_engine
from pyratify.config.exemption import Exemption, read_exemptions
from pyratify.config.load import LoadedConfig, load_config, read
from pyratify.config.schema import NodeConfig
from pyratify.config.watched_files import State, beside, named, states
from pyratify.core.caching import ContentCache
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.engine import Engine
from pyratify.core.errors import ConfigurationError
from pyratify.core.executor import Executor
from pyratify.core.key_source import KeySource, any_changed, any_outdated, oldest
from pyratify.core.telemetry import Observer

_LOG = logging.getLogger("pyratify.config")


@dataclass(slots=True)
class Generation:
    """An engine built from one state of a configuration.

    Attributes:
        engine: The engine.
        types: The plugin of each verifier, by the verifier's name.
        node: What `ratify node` answers where there is no verdict.
        exemptions: Images that it admits all the same.
    """

    engine: Engine
    types: Mapping[str, str]
    _stack: AsyncExitStack
    node: NodeConfig = field(default_factory=NodeConfig)
    exemptions: tuple[Exemption, ...] = ()
    _used: int = 0
    _retired: bool = False

    async def retire(self) -> None:
        """Close its stores as soon as it is no longer in use."""
        self._retired = True
        await self._close()

    async def _close(self) -> None:
        # Validations that began with it still read from its stores.
        if self._retired and self._used == 0:
            await self._stack.aclose()

    @asynccontextmanager
    async def used(self) -> AsyncIterator["Generation"]:
        """Keep its stores open while the context is open."""
        self._used += 1
        try:
            yield self
        finally:
            self._used -= 1
            await self._close()


@dataclass(slots=True)
class WatchedConfig:
    """The current generation of a file that may change at any time.

    Attributes:
        path: The file.
        clock: The clock of every part.
        cache: The content cache, instead of the configuration's own.
        current: The generation in use; None before the first valid one.
        fault: Why the present file is not in use; None where it is.
        instrument: Changes every engine before it is used, as to measure it.
        observer: Watches what engines do.
        secret: The key of processes that share verdicts; see `build_engine`.
    """

    path: Path
    clock: Clock = field(default_factory=SystemClock)
    cache: ContentCache | None = None
    current: Generation | None = None
    fault: ConfigurationError | None = None
    instrument: Callable[[Engine], Engine] | None = None
    observer: Observer | None = None
    secret: bytes | None = field(default=None, repr=False)
    _seen: tuple[str, str] = ("", "")
    _named: tuple[Path, ...] = ()
    _since: float = 0.0

    def acquire(self, namespace: str) -> Generation | None:
        """Return the generation in use, the same for every namespace; None before the first good one."""
        del namespace
        return self.current

    def sweep(self) -> None:
        """Forget what the engine in use remembers of credentials that are no longer used."""
        if self.current is not None:
            self.current.engine.sweep()

    async def refresh(self) -> bool:
        """Rebuild if the file, files beside it, files that it names or keys elsewhere changed.

        A file that is gone, half written or invalid changes only `fault`, and so do keys that are no longer to be used; a source of
        keys that does not answer changes nothing.

        Returns:
            Whether a new generation is in use.
        """
        try:
            # In a thread: a folder on a network may answer slowly.
            file = await asyncio.to_thread(self._fingerprint)
            same = (file, await asyncio.to_thread(_state, self._named)) == self._seen
            if same and not await any_changed(self._key_sources()):
                # The file is right, and the keys in use are not those that it names: the fault stays until they are.
                if not any_outdated(self._key_sources()):
                    self._restored()
                return False
            # In a thread: parsing a large document would delay the requests of a server.
            loaded = await asyncio.to_thread(load_config, self.path)
            parts = await asyncio.to_thread(named, loaded)
            # Their state is taken before they are read, so that a change in between is found by the next refresh.
            state = await asyncio.to_thread(_state, parts)
            fresh = await self._build(loaded)
        except ConfigurationError as error:
            self._refuse(error)
            return False
        except Exception as error:  # noqa: BLE001 - a defect must not end the watch; the last valid configuration stays
            self._refuse(ConfigurationError(f"it could not be built: unexpected {type(error).__name__}"))
            return False
        # One assignment: every request sees the old generation or the new one whole.
        old, self.current = self.current, fresh
        self._seen, self._named, self.fault = (file, state), parts, None
        _LOG.info(
            "configuration in use",
            extra={"generation": fresh.engine.generation, "common": fresh.engine.common},
        )
        # After the new one is in use: no request can find it closed.
        if old is not None:
            await old.retire()
        return True

    async def watch(self, seconds: float = 2.0) -> None:
        """Refresh periodically, until cancelled."""
        while True:
            await self.clock.sleep(seconds)
            await self.refresh()

    async def aclose(self) -> None:
        """Close the generation in use."""
        old, self.current = self.current, None
        if old is not None:
            await old.retire()

    def unready_reason(self, grace: float = 60.0) -> str:
        """Return why no verdicts should be asked for here, or an empty text.

        Args:
            grace: For how many seconds a wrong file is put up with while the last good one is in use.
        """
        if self.current is None:
            return self.fault.message if self.fault else "no configuration has been read yet"
        if self.fault is not None and self.clock.monotonic() - self._since >= grace:
            return f"the configuration in use is older than its file, which is wrong: {self.fault.message}"
        return ""

    def gauges(self) -> Mapping[str, Callable[[], float]]:
        """Return its gauges by metric name."""
        return {
            "ratify_executors": lambda: len({id(one) for one in self._executors()}),
            "ratify_executors_invalid": lambda: float(self.fault is not None),
            "ratify_executor_scopes": lambda: len(self._executors()),
            "ratify_configuration_wrong": lambda: float(self.fault is not None),
            "ratify_keys_age_seconds": lambda: oldest(self._key_sources()),
        }

    def _key_sources(self) -> tuple[KeySource, ...]:
        return self.current.engine.key_sources if self.current else ()

    def _executors(self) -> tuple[Executor, ...]:
        return tuple(self.current.engine.executors.values()) if self.current else ()

    async def _build(self, loaded: LoadedConfig) -> Generation:
        node = loaded.config.node
        exemptions = read_exemptions(node.exceptions, "node.exceptions", self.clock.now())
        async with AsyncExitStack() as stack:
            engine = await build_engine(
                loaded,
                stack,
                clock=self.clock,
                cache=self.cache,
                secret=self.secret,
                observer=self.observer,
            )
            engine = engine if self.instrument is None else self.instrument(engine)
            # `pop_all`: from here on the generation closes what was opened; before, a failure does.
            types = MappingProxyType(dict(_types(loaded)))
            return Generation(engine, types, stack.pop_all(), node, exemptions)

    def _restored(self) -> None:
        """Clear the fault: the present file equals the one in use."""
        if self.fault is not None:
            _LOG.info("configuration is again as it is in use")
        self.fault = None

    def _refuse(self, error: ConfigurationError) -> None:
        # From the first refusal: a file that is wrong in a new way is not younger.
        if self.fault is None:
            self._since = self.clock.monotonic()
        # Once for each fault: the file is read every few seconds.
        if self.fault is None or self.fault.message != error.message:
            _LOG.error("configuration refused", extra={"error": error.message, "code": error.reason.value})
        self.fault = error

    def _fingerprint(self) -> str:
        # The document, which decides alone, by its content; files beside it, which may be many, by state.
        return hashlib.sha256(read(self.path)).hexdigest() + _hash(beside(self.path.absolute().parent))


def _state(paths: tuple[Path, ...]) -> str:
    return _hash(states(paths))


def _hash(found: Iterable[State]) -> str:
    hashed = hashlib.sha256()
    # Sorted: the order of a folder's entries is undefined.
    for name, size, changed in sorted(found):
        # Names need not be UTF-8.
        hashed.update(f"{name}\0{size}\0{changed}\0".encode("utf-8", "surrogateescape"))
    return hashed.hexdigest()


def _types(loaded: LoadedConfig) -> Iterator[tuple[str, str]]:
    for executor in loaded.config.executors:
        for verifier in executor.verifiers:
            yield verifier.name, verifier.type
