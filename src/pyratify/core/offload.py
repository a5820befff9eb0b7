"""Work on large documents, beside the event loop: one publisher's documents must not delay the answers to others."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache, partial
from threading import current_thread
from time import sleep
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 64 * 1024
"""Bytes above which a document is checked, parsed and verified in a thread: hashing, scanning and parsing it takes 1 to 3 ms."""
_WORKERS = 1  # two would compete for the interpreter, with the event loop too
_DOCUMENTS = "pyratify-documents"
_MOMENT = 0.0002  # seconds; the system makes a quarter of a millisecond of it
_WAITERS = 4  # they do nothing but wait


async def offload(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function, in a thread where the document is large; raises what it raises.

    One thread, used for documents alone: work on a large document delays only other large ones.

    Args:
        size: The bytes of the document.
        function: Must not touch anything that belongs to the event loop.
        args: Its arguments.
        kwargs: Its named arguments.
    """
    if size <= LARGE:
        return function(*args, **kwargs)
    return await _call(_threads(), partial(function, *args, **kwargs))


def give_way() -> None:
    """Leave the interpreter to the event loop for a moment: to be called between the steps of long work, in the documents' thread.

    Each read of a socket and each decrypted record gives the interpreter away, and a thread that works without a pause takes it
    for the whole switch interval every time: hundreds of times in one turn of the loop. Elsewhere it does nothing.
    """
    if current_thread().name.startswith(_DOCUMENTS):
        sleep(_MOMENT)


async def await_process(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that waits for another process, in a thread beside that for documents; raises what it raises.

    Args:
        function: Must not touch anything that belongs to the event loop, and has to end within seconds.
        args: Its arguments.
        kwargs: Its named arguments.
    """
    return await _call(_waiting(), partial(function, *args, **kwargs))


async def _call(threads: ThreadPoolExecutor, function: Callable[[], T]) -> T:
    # As `asyncio.to_thread` does: namespace and deadline must be visible in the thread.
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(threads, partial(context.run, function))


# Threads start with the first large document: most processes never need them.
@cache
def _threads() -> ThreadPoolExecutor:
    # While it works, the event loop waits up to sys.getswitchinterval() for the interpreter after every system call;
    # servers shorten it when they start (`serving.process`).
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix=_DOCUMENTS)


@cache
def _waiting() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WAITERS, thread_name_prefix="pyratify-processes")
