"""An event loop's connection to the process of a policy: an answer is whole, in time, and to the question."""

import asyncio
import gc
import socket

import pytest

from pyratify.expressions.rego.connection import AsyncConnection
from pyratify.expressions.rego.messages import MAX_MESSAGE, framed


def connected() -> tuple[AsyncConnection, socket.socket]:
    """Return a connection, and what is at its other end."""
    ours, theirs = socket.socketpair()
    connection = AsyncConnection(ours)
    assert connection.attach()
    return connection, theirs


async def test_an_answer_in_parts_is_put_together() -> None:
    """Down to single bytes."""
    connection, other = connected()
    with other:
        asked = asyncio.create_task(connection.exchange(b"question", 10))
        await asyncio.sleep(0)
        assert other.recv(100) == framed(b"question")
        for byte in framed(b"answer"):
            assert not asked.done()
            other.send(bytes([byte]))
            await asyncio.sleep(0.001)
        assert await asked == b"answer"


@pytest.mark.parametrize(
    ("sent", "named"),
    [
        (framed(b"one") + framed(b"two"), "more than one"),
        ((MAX_MESSAGE + 1).to_bytes(4, "big"), "bytes"),
        (framed(b"cut")[:-1], "ended"),
        (b"", "ended"),
    ],
)
async def test_what_is_no_single_answer_is_an_error(sent: bytes, named: str) -> None:
    """Also the end in the midst of one."""
    connection, other = connected()
    with other:
        other.send(sent)
        other.shutdown(socket.SHUT_WR)
        with pytest.raises(OSError, match=named):
            await connection.exchange(b"question", 10)


async def test_an_answer_to_no_question_answers_none() -> None:
    """It is not kept for the next one."""
    connection, other = connected()
    with other:
        other.send(framed(b"true"))
        await asyncio.sleep(0.01)
        with pytest.raises(TimeoutError):
            await connection.exchange(b"question", 0.05)


async def test_a_question_that_is_not_taken_is_late() -> None:
    """One that fills every buffer on its way waits for its other end."""
    connection, other = connected()
    with other, pytest.raises(TimeoutError):
        await connection.exchange(b"x" * 8_000_000, 0.05)


async def test_the_end_of_the_other_side_closes_it() -> None:
    """The event loop lets go of it, and no warning says that a socket was left open."""
    connection, other = connected()
    other.close()
    await asyncio.sleep(0.01)
    with pytest.raises(OSError, match="pipe"):
        await connection.exchange(b"question", 10)
    del connection
    gc.collect()
