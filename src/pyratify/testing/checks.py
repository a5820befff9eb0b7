"""What the contract tests are written with."""

from collections.abc import Awaitable


def must(holds: bool, what: str) -> None:
    """Fail a test whose contract is not kept.

    Args:
        holds: Whether it is kept.
        what: The contract, as the end of a sentence.

    Raises:
        AssertionError: It is not kept.
    """
    if not holds:
        raise AssertionError(f"the contract says that {what}")


async def error_of(work: Awaitable[object]) -> Exception | None:
    """Return the error that an awaitable raises, or None."""
    try:
        await work
    except Exception as error:  # noqa: BLE001 - which one it is, is what the contract asks
        return error
    return None
