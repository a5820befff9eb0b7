"""What the contract tests are written with."""

import asyncio
from collections.abc import Awaitable


def must(holds: bool, what: str) -> None:
    """Fail a test whose contract is not kept.

    Args:
        holds: Whether it is kept.
        what: The contract, as the end of a sentence.

    Raises:
        AssertionError: It is not kept.
    """
    # No assert statement: `python -O` removes it, and pytest explains asserts only in modules it rewrites.
    if not holds:
        raise AssertionError(f"the contract says that {what}")


async def error_of(work: Awaitable[object]) -> Exception | None:
    """Return the error that an awaitable raises, or None."""
    # `gather` accepts any awaitable, so a contract does not demand that methods are coroutine functions.
    (result,) = await asyncio.gather(work, return_exceptions=True)
    return result if isinstance(result, Exception) else None
