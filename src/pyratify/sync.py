"""The engine for programs without an event loop.

```python
with pyratify.sync.open_engine("ratify.yaml") as engine:
    result = engine.validate("registry.example.com/team/app:1.4")
```
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pyratify.core.engine import Engine
from pyratify.core.reference import Reference
from pyratify.core.report import ValidationResult

if TYPE_CHECKING:
    from pyratify.config.load import LoadedConfig


class SyncEngine:
    """An engine on an event loop of its own; for one thread at a time.

    Args:
        engine: The engine.
        runner: Its event loop.
    """

    def __init__(self, engine: Engine, runner: asyncio.Runner) -> None:
        self._engine = engine
        self._runner = runner

    def validate(self, reference: Reference | str) -> ValidationResult:
        """Decide whether what the reference names may be trusted.

        Args:
            reference: What to validate; a tag is resolved once.

        Raises:
            InvalidReference: The text is no reference.
        """
        parsed = Reference.parse(reference) if isinstance(reference, str) else reference
        return self._runner.run(self._engine.validate(parsed))


@contextmanager
def open_engine(source: "LoadedConfig | str | Path") -> Iterator[SyncEngine]:
    """Build the engine that a configuration or its file describes, and close its stores at the end.

    Raises:
        ConfigurationError: With the path of what is wrong.
    """
    from pyratify.config import build

    with asyncio.Runner() as runner:
        opened = build.open_engine(source)
        engine = runner.run(opened.__aenter__())
        try:
            yield SyncEngine(engine, runner)
        finally:
            runner.run(opened.__aexit__(None, None, None))
