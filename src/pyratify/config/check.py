"""Finds every fault of a configuration, not only the first (`ratify config check`)."""

from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from pyratify.config.build import Builder
from pyratify.config.check_shape import Shape
from pyratify.config.decode import ShapeError
from pyratify.config.exemption import read_exemptions
from pyratify.config.load import LoadedConfig, fill
from pyratify.config.plugin_resources import BuildResources
from pyratify.config.repaired_document import RepairedDocument
from pyratify.config.scopes import check_scopes
from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.core.reason import Reason

# Each round repairs something; the bound is for a repair that brings back its own fault.
_ROUNDS = 100


async def check_document(document: Any, base: Path) -> tuple[ConfigurationError, ...]:
    """Return every fault of a configuration's JSON values: each is repaired where it is found, and the rest checked again.

    Args:
        document: The JSON values.
        base: The folder that relative paths start from.
    """
    repaired, found = RepairedDocument(document), dict[str, ConfigurationError]()
    filled = _filled(repaired, base, found)
    repaired = RepairedDocument(filled)
    for _ in range(_ROUNDS):
        # By message: the same fault is found again in every round until it is repaired.
        faults = [each for each in await _faults(repaired.document, base) if each.message not in found]
        new = [each for each in faults if not repaired.is_consequence(each) and not _stands_in(each, found)]
        found |= {fault.message: fault for fault in new}
        # `sum`, as `any` would stop at the first repair: every fault of a round is repaired.
        if not sum(repaired.repair(fault) for fault in faults):
            break
    return tuple(found.values())


def _filled(repaired: RepairedDocument, base: Path, found: dict[str, ConfigurationError]) -> Any:
    """Return the document with variables and files substituted; those that are missing become an empty text."""
    for _ in range(_ROUNDS):
        try:
            return fill(repaired.document, base)
        except ConfigurationError as fault:
            found[fault.message] = fault
            repaired.replace(fault, "")
    return repaired.document


def _stands_in(fault: ConfigurationError, found: dict[str, ConfigurationError]) -> bool:
    """Return whether a fault is that of the empty text that `_filled` put in place of something missing."""
    return any(
        fault.path == each.path and not isinstance(each, ShapeError) and each.reason is Reason.CONFIG_INVALID
        for each in found.values()
        if each.path and "cannot be read" not in fault.detail
    )


async def _faults(document: Any, base: Path) -> tuple[ConfigurationError, ...]:
    shape = Shape.of(document)
    if shape.config is None:
        return shape.faults
    built = await check_config(LoadedConfig(shape.config, base))
    return (*shape.faults, *(each for each in built if not shape.stands_in_at(each.path)))


async def check_config(loaded: LoadedConfig) -> tuple[ConfigurationError, ...]:
    """Build every plugin on its own and return every fault."""
    found: list[ConfigurationError] = []
    try:
        check_scopes(loaded.config)
    except ConfigurationError as error:
        found.append(error)
    clock = SystemClock()
    try:
        read_exemptions(loaded.config.node.exceptions, "node.exceptions", clock.now())
    except ConfigurationError as error:
        found.append(error)
    async with AsyncExitStack() as stack:
        # No cache: what is built here is closed without being used.
        builder = Builder(BuildResources(clock, loaded.base), stack, None)
        for index, config in enumerate(loaded.config.executors):
            found.extend([error async for error in builder.faults(config, index)])
    return tuple(found)
