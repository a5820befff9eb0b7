"""`ratify verify`: decide whether references may be trusted."""

import asyncio
from argparse import Namespace
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing

from pyratify.core.report import ValidationResult
from pyratify.entrypoints.cli import exits
from pyratify.entrypoints.cli.console import Console
from pyratify.entrypoints.cli.direct import direct_executor, direct_store, is_direct
from pyratify.entrypoints.cli.order import in_order
from pyratify.entrypoints.cli.session import Session, everything, open_session
from pyratify.entrypoints.cli.targets import Target, read_targets


def run(arguments: Namespace, console: Console) -> int:
    """Verify every reference, print every result and return the exit code."""
    direct = is_direct(arguments)
    targets = read_targets(tuple(arguments.reference), arguments.from_file, arguments.scope)
    opening = _direct(arguments, targets) if direct else _configured(arguments, console)
    return asyncio.run(_verify(opening, targets, console, _renderer(arguments, console)))


async def _verify(
    opening: AbstractAsyncContextManager[Session],
    targets: tuple[Target, ...],
    console: Console,
    render: Callable[[ValidationResult], str],
) -> int:
    code = exits.ALLOWED
    async with opening as session, aclosing(in_order(targets, session.judge)) as results:
        done = 0
        async for result in results:
            code = exits.combine(code, _show(result, console, render))
            done += 1
            console.progress(done, len(targets))
    return code


def _show(result: ValidationResult, console: Console, render: Callable[[ValidationResult], str]) -> int:
    from pyratify.render.soundness import sound

    result = sound(result)
    console.result(render(result))
    return exits.of(result)


def _direct(arguments: Namespace, targets: tuple[Target, ...]) -> AbstractAsyncContextManager[Session]:
    from pyratify.entrypoints.cli.trust import direct_verifiers

    verifiers = direct_verifiers(arguments)
    stack = AsyncExitStack()
    executor = direct_executor(arguments, direct_store(arguments, targets, stack), verifiers)
    return open_session(everything(executor), stack, *(verifier.prepare for verifier in verifiers))


def _configured(arguments: Namespace, console: Console) -> AbstractAsyncContextManager[Session]:
    from pyratify.entrypoints.cli.configured import configured_session

    return configured_session(arguments, console)


def _renderer(arguments: Namespace, console: Console) -> Callable[[ValidationResult], str]:
    if arguments.output == "json":
        from pyratify.render.json import render as as_json

        return as_json
    if arguments.output == "tree":
        from pyratify.render.tree import render as as_tree

        return lambda result: as_tree(result, color=console.color)
    from pyratify.render.text import render as as_text

    return lambda result: as_text(result, color=console.color)
