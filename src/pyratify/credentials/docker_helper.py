"""Docker's credential helpers: a program that prints a credential (docker-credential-helpers, "Development")."""

import asyncio
import os
import re
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NoReturn, cast

from pyratify.core import strictjson
from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason

TIMEOUT = 30.0
_MAX_OUTPUT = 64 * 1024  # far above the longest token; a helper without end must not fill the memory
# No slash and no leading dot: the name becomes a part of a program's path.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", re.ASCII)
# docker-credential-helpers have no exit code for this, only the sentence on standard output.
_NOT_FOUND = b"credentials not found"
_TOKEN_USER = "<token>"  # noqa: S105 - the helpers' own mark for "the secret is an identity token"
# An allow-list: other variables may hold secrets of the service, and a helper is a foreign program.
# Compiled where a helper runs: it is long, and most commands ask none.
_KEPT = (
    r"PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TMPDIR|DISPLAY|WAYLAND_DISPLAY|DBUS_\w+|XDG_\w+|GNUPGHOME|GPG_\w+"
    r"|PASSWORD_STORE_\w+|AWS_\w+|AZURE_\w+|GOOGLE_\w+|CLOUDSDK_\w+|DOCKER_CONFIG|SSL_CERT_(FILE|DIR)"
    r"|(HTTPS?|NO|ALL)_PROXY"
)


async def ask_helper(name: str, server: str, *, timeout: float = TIMEOUT) -> Credential:
    """Return what `docker-credential-<name> get` prints for a server; `ANONYMOUS` where it has nothing.

    The helper gets the environment variables that known helpers need and no others; what it prints never becomes
    part of a message.

    Args:
        name: The helper's name, as in `credsStore`.
        server: The server as Docker spells it.
        timeout: Seconds that the helper may take.

    Raises:
        StoreError: `REGISTRY_AUTH`: it is not installed, failed, took too long, or printed something else.
    """
    code, output = await _run(name, _find(name), server, timeout)
    if code != 0:
        if _NOT_FOUND in output:
            return ANONYMOUS
        # The output is dropped: a helper that fails may print the secret all the same.
        _refuse(name, f"ended with code {code}")
    try:
        document = strictjson.load_object(output, what="the helper's answer")
    except strictjson.InvalidJson:
        _refuse(name, "printed no JSON object")
    return _credential(name, document)


def _credential(name: str, document: Mapping[str, Any]) -> Credential:
    username, secret = document.get("Username", ""), document.get("Secret", "")
    if not isinstance(username, str) or not isinstance(secret, str):
        _refuse(name, "printed no user name and secret")
    if username == _TOKEN_USER:
        return Credential(identity_token=secret)
    return Credential(username=username, password=secret)


def _find(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise StoreError(
            Reason.REGISTRY_AUTH,
            f"{name[:80]!r} cannot be the name of a credential helper",
            remedy="Correct credsStore or credHelpers in Docker's config.json.",
        )
    # Relative entries of PATH would run a program from the current folder, which may be a checkout.
    folders = [folder for folder in os.get_exec_path() if folder.startswith("/")]
    from shutil import which  # it imports every compression, and most configurations name no helper

    path = which(f"docker-credential-{name}", path=os.pathsep.join(folders))
    if path is None:
        _refuse(name, "is not installed")
    return path


async def _run(name: str, path: str, server: str, timeout: float) -> tuple[int, bytes]:
    try:
        process = await _start(path)
    except OSError as error:
        _refuse(name, f"cannot be started: {error.strerror}")
    try:
        async with asyncio.timeout(timeout):
            output = await _talk(process, server)
            if len(output) > _MAX_OUTPUT:
                _refuse(name, f"printed more than {_MAX_OUTPUT} bytes")
            return await process.wait(), output
    except TimeoutError:
        _refuse(name, f"did not answer within {timeout} seconds")
    finally:
        await _end(process)


async def _start(path: str) -> asyncio.subprocess.Process:
    kept = re.compile(_KEPT, re.ASCII | re.IGNORECASE)
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            path,
            "get",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it may quote secrets, and a full pipe would block the helper
            env={key: value for key, value in os.environ.items() if kept.fullmatch(key)},
            start_new_session=True,  # a process group of its own, so that children of a shell script end too
        )
    )
    try:
        # Unshielded, a cancellation in the middle of the start leaves a process that no code can end.
        return await asyncio.shield(starting)
    except (
        asyncio.CancelledError
    ):  # wait for the start: the process group is known, and can be killed, only then
        await _end(await starting)
        raise


async def _talk(process: asyncio.subprocess.Process, server: str) -> bytes:
    listening = cast("asyncio.StreamWriter", process.stdin)
    with suppress(ConnectionError):  # a helper may answer and close its standard input unread
        listening.write(server.encode())
        await listening.drain()
    # The helpers' `get` reads its standard input to the end before it answers.
    listening.close()
    output = b""
    while process.stdout is not None and len(output) <= _MAX_OUTPUT:
        part = await process.stdout.read(_MAX_OUTPUT)
        if not part:
            break
        output += part
    return output


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    # It may have ended meanwhile; a setuid helper may not be killed at all.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    # Drained: a reader that asyncio has paused would keep the pipe open, and its transport with it.
    while process.stdout is not None and await process.stdout.read(_MAX_OUTPUT):
        pass
    await process.wait()


def _refuse(name: str, why: str) -> NoReturn:
    program = f"docker-credential-{name}"
    raise StoreError(
        Reason.REGISTRY_AUTH,
        f"the credential helper {program} {why}",
        remedy=f"Try `{program} list` by hand, or remove the helper from Docker's config.json.",
    )
