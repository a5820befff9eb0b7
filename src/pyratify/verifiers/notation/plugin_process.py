"""Running verification plugins: programs that speak JSON over standard input and output.

Notary Project, plugin-extensibility.md, "Plugin installation path" and "Plugin contract". A plugin gets a minimal
environment, a bounded time and a bounded output; every failure is an error and never an answer.
"""

import asyncio
import json
import os
import re
import signal
import stat
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import InconclusiveError, VerificationError
from pyratify.core.reason import Reason

# "Plugin contract" asks for a limit below 64 MiB; an answer has few and short members.
MAX_OUTPUT = 1024 * 1024
_MAX_ERROR = 64 * 1024
# One path segment: the name stands in the envelope and becomes part of a path.
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,127}", re.ASCII)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Plugins:
    """The verification plugins that may be run, and no others.

    Attributes:
        folder: The folder that has `NAME/notation-NAME` in it.
        allowed: The names of the plugins that signatures may ask for.
        seconds: The most time that one command of a plugin may take.
    """

    folder: Path
    allowed: frozenset[str]
    seconds: float = 10.0

    def find(self, name: str) -> Path:
        """Return the program of a plugin.

        Raises:
            VerificationError: `PLUGIN_REQUIRED`: it is not allowed, or is no regular, executable file that only its
                owner can change.
        """
        if name not in self.allowed or not _NAME.fullmatch(name):
            _required(name, "which is not among the plugins that may be run")
        folder = self.folder / name
        program = folder / f"notation-{name}"
        try:
            mode = program.lstat().st_mode  # not stat(): links are not supported ("Plugin installation path")
        except OSError:
            _required(name, "which is not installed")
        if folder.is_symlink() or not stat.S_ISREG(mode):
            _required(name, "whose program is no regular file")
        if not os.access(program, os.X_OK) or mode & stat.S_IWOTH:
            _required(name, "whose program is not executable, or can be changed by everyone")
        return program

    async def run(self, name: str, command: str, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """Run one command of a plugin and return what it answers.

        Raises:
            VerificationError: As `find`.
            InconclusiveError: `VERIFIER_ERROR` or `TIMEOUT`: it failed, or did not answer with one JSON object.
        """
        program = self.find(name)  # again for each command: the file may have been replaced
        try:
            process = await asyncio.create_subprocess_exec(
                program,
                command,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=_environment(),
                cwd=program.parent,
                start_new_session=True,  # a process group, so that `_end` reaches its children
            )
        except OSError as error:
            _failed(name, f"could not be started: {error.strerror}")
        try:
            out, err = await self._within(process, json.dumps(request).encode())
        except TimeoutError:
            message = f"the plugin {name} did not answer within {self.seconds:g} seconds"
            raise InconclusiveError(Reason.TIMEOUT, message) from None
        except _TooMuchOutput:
            _failed(name, "wrote more than it may")
        finally:
            await _end(process)
        return _answer(name, process.returncode, out, err)

    async def _within(self, process: Process, request: bytes) -> tuple[bytes, bytes]:
        async with asyncio.timeout(self.seconds):
            try:
                return await _converse(process, request)
            except ExceptionGroup as errors:
                raise errors.exceptions[0] from None  # callers handle the single errors


class _TooMuchOutput(Exception):
    """A plugin wrote more than it may."""


async def _converse(process: Process, request: bytes) -> tuple[bytes, bytes]:
    async with asyncio.TaskGroup() as tasks:
        # At the same time: a plugin that answers early would otherwise fill its pipe, and both would wait.
        tasks.create_task(_write(process.stdin, request))
        out = tasks.create_task(_read(process.stdout, MAX_OUTPUT))
        err = tasks.create_task(_read(process.stderr, _MAX_ERROR))
    await process.wait()
    return out.result(), err.result()


async def _write(stream: asyncio.StreamWriter | None, request: bytes) -> None:
    if stream is None:
        return
    with suppress(ConnectionError):  # a plugin need not read what it has no use for
        stream.write(request)
        await stream.drain()
    stream.close()


async def _read(stream: asyncio.StreamReader | None, limit: int) -> bytes:
    found = bytearray()
    while stream is not None and (part := await stream.read(65536)):
        found += part
        if len(found) > limit:
            raise _TooMuchOutput
    return bytes(found)


async def _end(process: Process) -> None:
    """End the plugin and everything that it started."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group that has ended
        os.killpg(process.pid, signal.SIGKILL)
    transport = getattr(process, "_transport", None)
    if transport is not None:  # else wait() would wait for a pipe that is no longer read
        transport.close()
    await process.wait()


def _answer(name: str, code: int | None, out: bytes, err: bytes) -> Mapping[str, Any]:
    if code != 0:
        _failed(name, f"ended with {code}: {_complaint(err)}")
    try:
        answer = strictjson.loads(out, what="answer")
    except strictjson.InvalidJson as error:
        _failed(name, f"did not answer in JSON: {error.message}")
    if not isinstance(answer, dict):
        _failed(name, "did not answer with a JSON object")
    return answer


def _complaint(err: bytes) -> str:
    try:
        said = strictjson.loads(err, what="error")  # optional ("Plugin contract")
        text = f"{said['errorCode']}: {said['errorMessage']}"
    except (strictjson.InvalidJson, KeyError, TypeError):
        text = err.decode("utf-8", "replace")
    return text.strip()[:500] or "no message"


def _environment() -> dict[str, str]:
    """Return a plugin's environment: no credentials, no settings of pyratify, nothing that changes how programs load."""
    known = {name: os.environ[name] for name in ("HOME", "XDG_CONFIG_HOME") if name in os.environ}
    return {"PATH": _PATH, "LANG": "C.UTF-8", **known}


def _required(name: str, why: str) -> NoReturn:
    raise VerificationError(Reason.PLUGIN_REQUIRED, f"the signature names the plugin {name[:120]!r}, {why}")


def _failed(name: str, why: str) -> NoReturn:
    raise InconclusiveError(Reason.VERIFIER_ERROR, f"the plugin {name} {why}")
