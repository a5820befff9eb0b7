"""Everything that is wrong with a configuration, not only the first thing."""

from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from pyratify.config.build import Builder
from pyratify.config.decode import decode
from pyratify.config.load import LoadedConfig, decode_config, fill, read_document
from pyratify.config.resources import BuildResources
from pyratify.config.schema import Config, ExecutorConfig, PolicyConfig, StoreConfig, VerifierConfig
from pyratify.config.scopes import check_scopes
from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError

_PARTS = (("verifiers", VerifierConfig), ("stores", StoreConfig))


async def check_file(file: Path) -> tuple[ConfigurationError, ...]:
    """Return every fault of a configuration file; where its shape is wrong already, the faults of its shape.

    Raises:
        ConfigurationError: It cannot be read or parsed, or a variable or file in it is missing.
    """
    document, base = read_document(file)
    faults = tuple(_shape(fill(document, base)))
    return faults or await check_config(decode_config(document, base))


async def check_config(loaded: LoadedConfig) -> tuple[ConfigurationError, ...]:
    """Build every part by itself and return every fault."""
    found: list[ConfigurationError] = []
    try:
        check_scopes(loaded.config)
    except ConfigurationError as error:
        found.append(error)
    async with AsyncExitStack() as stack:
        builder = Builder(BuildResources(SystemClock(), loaded.base), stack, None)
        for index, config in enumerate(loaded.config.executors):
            found.extend([error async for error in builder.faults(config, index)])
    return tuple(found)


def _shape(document: Any) -> Iterator[ConfigurationError]:
    """Iterate over what does not fit the schema, each once: the parts first, so that no part hides another."""
    seen: set[str] = set()
    for kind, part, path in _parts(document):
        try:
            decode(kind, part, path)
        except ConfigurationError as error:
            if error.message not in seen:
                yield error
            seen.add(error.message)


def _parts(document: Any) -> Iterator[tuple[Any, Any, str]]:
    executors = document.get("executors") if isinstance(document, dict) else None
    for index, executor in enumerate(executors if isinstance(executors, list) else ()):
        path = f"executors[{index}]"
        if isinstance(executor, dict):
            yield from _members(executor, path)
        yield ExecutorConfig, executor, path
    yield Config, document, ""


def _members(executor: dict[str, Any], path: str) -> Iterator[tuple[Any, Any, str]]:
    for name, kind in _PARTS:
        parts = executor.get(name)
        for number, part in enumerate(parts if isinstance(parts, list) else ()):
            yield kind, part, f"{path}.{name}[{number}]"
    if executor.get("policyEnforcer") is not None:
        yield PolicyConfig, executor["policyEnforcer"], f"{path}.policyEnforcer"
