"""`ratify verify`: decide whether references may be trusted."""

import asyncio
from argparse import Namespace
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from pyratify.entrypoints.cli.engines.attestation_flags import attestation_flag, follows_chain
from pyratify.entrypoints.cli.engines.cosign_flags import is_cosign
from pyratify.entrypoints.cli.engines.disk_cache import disk_cache
from pyratify.entrypoints.cli.engines.document_flags import COSIGN_TAGS, document_flag
from pyratify.entrypoints.cli.engines.early_store import EarlyStore
from pyratify.entrypoints.cli.engines.store_from_flags import direct_store
from pyratify.entrypoints.cli.engines.trust_from_flags import is_direct
from pyratify.entrypoints.cli.in_order import in_order
from pyratify.entrypoints.cli.signature_types import BUNDLES, NOTATION
from pyratify.entrypoints.cli.targets import Target, read_targets
from pyratify.entrypoints.cli.totals import Totals
from pyratify.http.threads import in_thread
from pyratify.render import BUILT_IN
from pyratify.terminal import exits
from pyratify.terminal.console import Console

# What judges is imported while the registry answers (decision 0004).
if TYPE_CHECKING:
    from pyratify.core.caching import ContentCache
    from pyratify.core.executor import Executor
    from pyratify.core.policy import PolicyEnforcer
    from pyratify.core.report import ValidationResult
    from pyratify.core.store import Store
    from pyratify.core.verifier import Verifier
    from pyratify.entrypoints.cli.engines.session import Session

T = TypeVar("T")
_GRACE = 1.0  # seconds
Preparation = Callable[[], Coroutine[Any, Any, None]]


def run(arguments: Namespace, console: Console) -> int:
    """Verify every reference, print every result and return the exit code."""
    direct = is_direct(arguments)
    # Before anything is opened: a misspelt reference costs no request.
    targets = read_targets(tuple(arguments.reference), arguments.from_file, arguments.scope)
    opening = _direct(arguments, targets) if direct else _configured(arguments, console)
    printer = Printer(console, arguments.output, only_failures=arguments.only_failures)
    finish = partial(_finished, arguments, direct)
    return asyncio.run(_verify(opening, targets, console, printer, finish))


async def _verify(
    opening: "AbstractAsyncContextManager[Session]",
    targets: tuple[Target, ...],
    console: Console,
    printer: "Printer",
    finish: "Callable[[Session, Target], Awaitable[ValidationResult]]",
) -> int:
    code, totals = exits.ALLOWED, Totals()
    # aclosing: an exception must cancel the other verifications before the session closes under them.
    async with opening as session, aclosing(in_order(targets, partial(finish, session))) as results:
        # The renderer is imported in a thread while the registry answers (decision 0004), after what is asked first.
        loading = asyncio.create_task(asyncio.to_thread(printer.load))
        async for result in results:
            await loading
            # Counted whether printed or not: --only-failures and a closed pipe must not change the exit code.
            code = exits.combine(code, printer.show(result))
            totals.add(result)
            console.progress(totals.counts.total(), len(targets))
    if len(targets) > 1:
        console.note(str(totals))
    return code


async def _finished(
    arguments: Namespace, direct: bool, session: "Session", target: Target
) -> "ValidationResult":
    """Validate one reference, and add remedies that name flags."""
    result = await session.judge(target)
    # Only the tree shows this number, and it can cost another listing.
    if arguments.output == "tree":
        result = await session.count_passed_over(target, result)
    if direct and document_flag(arguments):
        from pyratify.entrypoints.cli.document_advice import with_missing_document

        result = with_missing_document(result, arguments)
    from pyratify.entrypoints.cli.advice import advised

    return advised(result, arguments, direct=direct)


class Printer:
    """Prints results; what renders them is imported beside the network."""

    def __init__(self, console: Console, output: str, *, only_failures: bool = False) -> None:
        self._console = console
        self._output = output
        self._only_failures = only_failures
        if output not in BUILT_IN:
            self.load()  # one that is not installed is a mistake of usage, before anything is asked

    def load(self) -> "Callable[[ValidationResult], str]":
        """Return the renderer.

        Raises:
            ConfigurationError: It is not installed, or cannot be used.
        """
        from pyratify.render.load_renderer import load_renderer

        return partial(load_renderer(self._output), color=self._console.color)

    def show(self, result: "ValidationResult") -> int:
        """Print a result and return its exit code."""
        # Before the exit code is taken: what cannot be written as JSON must not count as allowed.
        result = result.checked()
        if not (self._only_failures and result.succeeded):
            self._console.result(self.load()(result))
        return exits.of(result)


@asynccontextmanager
async def _direct(arguments: Namespace, targets: tuple[Target, ...]) -> "AsyncIterator[Session]":
    async with AsyncExitStack() as stack:
        cache = disk_cache(arguments)
        store: Store = direct_store(arguments, targets, stack, _cosign_tags(arguments))
        if not targets[0].reference.is_layout:
            store = early = EarlyStore(store, _signatures(arguments), cache)
            stack.push_async_callback(early.aclose)
            early.ask(targets[0].reference, by_platform=not {"index", "any"}.issuperset(arguments.platform))
        executor, preparing = await _beside(partial(_judging, arguments, store, cache))
        from pyratify.entrypoints.cli.engines.session import everything, open_session

        async with open_session(everything(executor), AsyncExitStack(), *preparing) as session:
            yield session


async def _beside(work: Callable[[], T]) -> T:
    """Return what work returns that imports modules and reads files, in a thread beside the requests."""
    task = asyncio.create_task(in_thread("judging", work))
    try:
        while not task.done():
            # Again and again: an interrupt that comes as the event loop goes to sleep is noticed at its next event.
            await asyncio.wait({task}, timeout=_GRACE)
    finally:
        # At an interrupt: native code that is being imported must not lose its thread; a pipe as the key is not waited for.
        await asyncio.wait({task}, timeout=_GRACE)
    return task.result()


def _cosign_tags(arguments: Namespace) -> tuple[str, ...]:
    """Return which of cosign's tags can hold what is asked for; none where notation alone is trusted."""
    if not is_cosign(arguments):
        return ()
    own = "att" if attestation_flag(arguments) else "sig"
    return tuple(dict.fromkeys((own, *(COSIGN_TAGS if document_flag(arguments) else ()))))


def _signatures(arguments: Namespace) -> tuple[str, ...]:
    """Return what the types of the signatures begin with that are read ahead: cosign's, or notation's where cosign's are not trusted."""
    return (BUNDLES,) if is_cosign(arguments) else (NOTATION,)


def _judging(
    arguments: Namespace, store: "Store", cache: "ContentCache | None"
) -> "tuple[Executor, list[Preparation]]":
    """Return the executor, and what reads the keys of its verifiers."""
    from pyratify.entrypoints.cli.engines.executor_from_flags import direct_executor

    verifiers, policy = _judges(arguments)
    prepare = (getattr(verifier, "prepare", None) for verifier in verifiers)
    executor = direct_executor(arguments, store, verifiers, policy, cache)
    return executor, [each for each in prepare if each is not None]


def _judges(arguments: Namespace) -> "tuple[tuple[Verifier, ...], PolicyEnforcer]":
    from pyratify.entrypoints.cli.engines.executor_from_flags import any_of
    from pyratify.entrypoints.cli.engines.verifiers_from_flags import direct_verifiers

    trusted = direct_verifiers(arguments)
    if document_flag(arguments):
        from pyratify.entrypoints.cli.engines.document_evidence import add_documents

        return add_documents(arguments, trusted)
    if follows_chain(arguments):
        from pyratify.entrypoints.cli.engines.chain_evidence import add_chain

        return add_chain(arguments, trusted)
    return trusted, any_of(verifier.name for verifier in trusted)


def _configured(arguments: Namespace, console: Console) -> "AbstractAsyncContextManager[Session]":
    from pyratify.entrypoints.cli.engines.from_configuration import configured_session

    return configured_session(arguments, console)
