"""The session of commands that read and decide nothing."""

from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

from pyratify.core.platform_choice import PlatformChoice, PlatformMode
from pyratify.core.policy import NoPolicy
from pyratify.core.scope import ScopeMap
from pyratify.core.verifier import Verifier
from pyratify.entrypoints.cli.engines.session import Session, everything, open_session
from pyratify.entrypoints.cli.targets import Target
from pyratify.terminal.console import Console


@asynccontextmanager
async def reading_session(
    arguments: Namespace,
    console: Console,
    target: Target,
    verifier: Verifier,
    *,
    whole_index: bool = False,
) -> AsyncIterator[Session]:
    """Open a session that shows every artifact to one verifier, over the stores of `-c` or over registries.

    Args:
        arguments: The parsed flags.
        console: Says which configuration is used.
        target: What is read.
        verifier: What everything is shown to.
        whole_index: Whether the manifests that an image index lists are read too.

    Raises:
        ConfigurationError: The configuration or a flag has a fault.
    """
    platforms = PlatformChoice(PlatformMode.ANY if whole_index else PlatformMode.INDEX)
    if arguments.config is not None:
        from pyratify.entrypoints.cli.engines.from_configuration import configured_session

        async with configured_session(arguments, console) as session:
            executors = session.engine.executors
            changed = ScopeMap(
                # Stores and scopes of the configuration, but none of its trust: what is shown is not judged.
                (scope, replace(executor, verifiers=(verifier,), policy=NoPolicy(), platforms=platforms))
                for scope, executor in zip(executors, executors.values(), strict=True)
            )
            yield replace(session, engine=replace(session.engine, executors=changed))
        return
    from pyratify.entrypoints.cli.engines.executor_from_flags import reading_executor
    from pyratify.entrypoints.cli.engines.store_from_flags import direct_store

    stack = AsyncExitStack()
    executor = reading_executor(arguments, direct_store(arguments, (target,), stack), verifier, platforms)
    async with open_session(everything(executor), stack) as session:
        yield session
