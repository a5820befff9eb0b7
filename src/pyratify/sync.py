"""The engine for programs without an event loop.

```python
with pyratify.sync.open_engine("ratify.yaml") as engine:
    result = engine.validate("registry.example.com/team/app:1.4")
```
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pyratify.core.caching import ContentCache
from pyratify.core.clock import Clock
from pyratify.core.descriptor import Descriptor
from pyratify.core.engine import Engine
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult

if TYPE_CHECKING:
    from pyratify.config.load import LoadedConfig

T = TypeVar("T")


class SyncEngine:
    """An engine on an event loop of its own; threads that ask at the same time are served one after another.

    Args:
        engine: The engine.
        runner: Its event loop.
    """

    def __init__(self, engine: Engine, runner: asyncio.Runner) -> None:
        self._engine = engine
        self._runner = runner
        # asyncio.Runner.run is neither reentrant nor safe for threads.
        self._lock = threading.Lock()

    def validate(self, reference: Reference | str) -> ValidationResult:
        """Decide whether what the reference names may be trusted.

        Args:
            reference: What to validate; a tag is resolved once.

        Raises:
            InvalidReference: The text is no reference.
            RuntimeError: The engine is closed, or an event loop runs in this thread.
        """
        return self._run(self._engine.validate, reference)

    def discover(self, reference: Reference | str) -> ValidationResult:
        """Find everything that is attached, without verifying or deciding; as `Engine.discover`.

        Raises:
            InvalidReference: The text is no reference.
            RuntimeError: The engine is closed, or an event loop runs in this thread.
        """
        return self._run(self._engine.discover, reference)

    def resolve(self, reference: Reference | str) -> Descriptor:
        """Return what the reference stands for.

        Raises:
            InvalidReference: The text is no reference.
            StoreError: It could not be resolved.
            RuntimeError: The engine is closed, or an event loop runs in this thread.
        """
        return self._run(self._engine.resolve, reference)

    def _run(self, ask: Callable[[Reference], Coroutine[Any, Any, T]], reference: Reference | str) -> T:
        _refuse_in_loop()  # asyncio.Runner would refuse too, but without the way out
        with self._lock:
            # Before a coroutine exists: one that is never awaited is a warning.
            parsed = self._engine.parse(reference)
            return self._runner.run(ask(parsed))


@contextmanager
def open_engine(
    source: "LoadedConfig | str | Path", *, clock: Clock | None = None, cache: ContentCache | None = None
) -> Iterator[SyncEngine]:
    """Build the engine that a configuration or its file describes, and close its stores at the end.

    Args:
        source: The configuration or its file.
        clock: Where every part takes its time from; the machine's own when omitted.
        cache: The content cache, instead of the configuration's one in memory.

    Raises:
        ConfigurationError: With the path of what is wrong.
        RuntimeError: An event loop runs in this thread.
    """
    from pyratify.config import build  # msgspec and YAML load only where a configuration is opened

    _refuse_in_loop()
    with asyncio.Runner() as runner:
        opened = build.open_engine(source, clock=clock, cache=cache)
        # By hand: `async with` cannot span several calls of run, and connections belong to this one loop.
        engine = runner.run(opened.__aenter__())
        try:
            yield SyncEngine(engine, runner)
        finally:
            runner.run(opened.__aexit__(None, None, None))


def _refuse_in_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        "an event loop runs in this thread, as in an async function or a notebook, and pyratify.sync would stop it: "
        "use `async with pyratify.open_engine(...)` and `await engine.validate(...)`"
    )
