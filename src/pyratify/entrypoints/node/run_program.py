"""Programs of a node that a check or a proof runs: with a chosen environment, bounded in time and output."""

import asyncio
import os
import signal
from contextlib import suppress

from pyratify.core.dataclass import dataclass

# No variable of ours is passed on: a program of a container runtime needs none of them.
_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
_MAX_OUTPUT = 65536


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended.

    Attributes:
        code: Its exit code; None where it could not be started or did not end in time.
        output: What it wrote, standard output and standard error; else why it did not run.
    """

    code: int | None
    output: str


def run_program(*command: str, seconds: float = 5.0) -> Ended:
    """Run a program to its end; never raises."""
    return asyncio.run(started(*command, seconds=seconds))


async def started(*command: str, seconds: float = 5.0) -> Ended:
    """Run a program to its end, as `run_program` does."""
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,  # a question must not wait for an answer
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=_ENVIRONMENT,
            cwd="/",
            start_new_session=True,
        )
    except OSError as error:
        if isinstance(error, FileNotFoundError) and "/" not in command[0]:
            return Ended(None, f"there is no {command[0]} in {_ENVIRONMENT['PATH']}")
        return Ended(None, f"{command[0]} cannot be run: {error.strerror}")
    try:
        async with asyncio.timeout(seconds):
            output = await _last_of(process.stdout)
            await process.wait()
    except TimeoutError:
        # With its children: one that lives on would hold the pipe of the output open.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
        return Ended(None, f"{command[0]} did not end within {seconds:g} s")
    return Ended(process.returncode, output.decode(errors="replace"))


async def _last_of(stream: asyncio.StreamReader | None) -> bytes:
    """Read a stream to its end and return the last of it, where programs write their errors."""
    found = b""
    while stream is not None and (chunk := await stream.read(_MAX_OUTPUT)):
        found = (found + chunk)[-_MAX_OUTPUT:]
    return found
