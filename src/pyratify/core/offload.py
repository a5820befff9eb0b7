"""Work on large documents, beside the event loop: what one publisher sends must not delay the answers to others."""

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import cache
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

LARGE = 64 * 1024
"""Bytes above which a document is checked, parsed and verified in a thread: hashing, scanning and parsing it takes 1 to 3 ms."""
_WORKERS = 2  # more would only compete for the interpreter, with the event loop too
_TURN = 0.001  # seconds for which a thread keeps the interpreter while others wait for it; usually 0.005


async def offload(size: int, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function, in a thread where it works on a large document; raises what it raises.

    The threads are few and for documents alone, so that work on large ones waits for its like and for nothing else.

    Args:
        size: How many bytes it works on.
        function: Touches nothing that belongs to the event loop.
        args: Its arguments.
        kwargs: Its named arguments.
    """
    if size <= LARGE:
        return function(*args, **kwargs)
    context = copy_context()
    return await asyncio.get_running_loop().run_in_executor(
        _threads(), lambda: context.run(function, *args, **kwargs)
    )


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads; where they work, the event loop waits for its turn after every exchange with the system."""
    sys.setswitchinterval(min(_TURN, sys.getswitchinterval()))
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix="pyratify-documents")
