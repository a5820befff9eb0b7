#!/usr/bin/python3 -IS
"""Asks the daemon of this node for containerd whether an image may be pulled: exit code 0, and nothing else, means yes.

containerd starts a process for each pull, so this imports two built-in modules and nothing of pyratify. `ratify node install
containerd` writes it into containerd's bin_dir with the settings below. I and S in one word: the kernel passes all that follows the
interpreter as one argument (execve(2)).
"""

import sys

# The half of `socket` that is written in C: the other half imports six modules and doubles the CPU time of each pull.
from _socket import AF_UNIX, SO_PEERCRED, SO_SNDTIMEO, SOL_SOCKET, socket

SOCKET = "/run/ratify/node.sock"
SECONDS = 9.5  # less than containerd's per_verifier_timeout, so that the user reads why
OWNERS = (0,)  # the users whose daemon is believed
WITHOUT_DAEMON: tuple[str, ...] = ()  # what is run in its place; nothing: the pull is refused

ARGUMENTS = ("-name", "-digest", "-stdin-media-type")
GONE = "DAEMON_UNREACHABLE"
MOST = 1024 * 1024
INT = 4  # bytes of each member of struct ucred (unix(7))


class Refused(Exception):
    """Why the pull is refused without an answer."""


def main(given: list[str]) -> int:
    """Print the answer and return the exit code."""
    try:
        code, text = answer_of(ask(given))
    except Refused as error:
        code, text = 2, f"ratify: UNDECIDED: {error}"
    except (TimeoutError, BlockingIOError) as error:  # the second: a connection was not taken in time
        code, text = 2, f"ratify: UNDECIDED: the daemon at {SOCKET} does not answer: {error} [TIMEOUT]"
    except OSError as error:
        code, text = 2, f"ratify: UNDECIDED: the daemon at {SOCKET} cannot be asked: {error} [{GONE}]"
    except Exception as error:  # noqa: BLE001 - the end is a refusal
        code, text = 2, f"ratify: UNDECIDED: unexpected {type(error).__name__}: {error} [INTERNAL]"
    sys.stdout.buffer.write(text.encode("utf-8", "replace"))
    sys.stdout.flush()
    return code


def ask(given: list[str]) -> bytes:
    """Return the daemon's response to the question of these arguments and standard input."""
    found = dict(zip(given[::2], given[1::2], strict=False))
    if len(given) != 2 * len(ARGUMENTS) or sorted(found) != sorted(ARGUMENTS):
        raise Refused(f"the arguments are {given}, not {ARGUMENTS} with a value each [BAD_REQUEST]")
    lines = (str(SECONDS), *(found[name] for name in ARGUMENTS))
    if any("\n" in line for line in lines):
        raise Refused("an argument has a line break [BAD_REQUEST]")
    connection = socket(AF_UNIX)
    try:
        connect(connection, given)
        if sys.stdin is None:
            raise Refused("standard input is closed [BAD_REQUEST]")
        descriptor = sys.stdin.buffer.read(MOST)
        head = "".join(f"{line}\n" for line in lines).encode("utf-8", "surrogateescape")
        return exchange(connection, head + descriptor)
    finally:
        connection.close()


def connect(connection: socket, given: list[str]) -> None:
    """Connect to the daemon, if it is one of the users that are believed; without a daemon do what the settings say."""
    # Blocking, for a limited time: where many ask at once a connect that does not block fails with EAGAIN.
    # Seconds and microseconds (struct timeval); both 0 would be no limit.
    limit = (int(SECONDS), int(SECONDS % 1 * 1_000_000))
    connection.setsockopt(
        SOL_SOCKET, SO_SNDTIMEO, b"".join(each.to_bytes(8, sys.byteorder) for each in limit)
    )
    try:
        connection.connect(SOCKET)
    except (FileNotFoundError, ConnectionRefusedError):
        if not WITHOUT_DAEMON:
            raise Refused(
                f"no daemon listens at {SOCKET} [{GONE}]\nStart it: systemctl start ratify-node."
            ) from None
        become(WITHOUT_DAEMON + tuple(given))
    user = int.from_bytes(
        connection.getsockopt(SOL_SOCKET, SO_PEERCRED, 3 * INT)[INT : 2 * INT], sys.byteorder
    )
    if user not in OWNERS:
        raise Refused(
            f"the process that listens at {SOCKET} belongs to the user {user} and not to {OWNERS} [UNAUTHORIZED]"
        )
    connection.settimeout(SECONDS)


def become(command: tuple[str, ...]) -> None:
    """Run another program in place of this one, with standard input unread, and without containerd's environment and folder."""
    import posix

    posix.chdir("/")
    posix.execve(
        command[0], command, {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "LANG": "C.UTF-8"}
    )


def exchange(connection: socket, body: bytes) -> bytes:
    """Send a request and return the whole response."""
    head = f"POST /v1/containerd HTTP/1.1\r\nHost: ratify\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    connection.sendall(head.encode("ascii") + body)
    found = b""
    while len(found) < MOST and (chunk := connection.recv(65536)):
        found += chunk
    return found


def answer_of(response: bytes) -> tuple[int, str]:
    """Return the exit code and the text of a whole response; anything else is refused."""
    head, _, body = response.partition(b"\r\n\r\n")
    status, *headers = head.split(b"\r\n")
    text = body.decode("utf-8", "replace")
    if status != b"HTTP/1.1 200 OK":
        raise Refused(f"the daemon at {SOCKET} says: {text[:500].strip()}")
    # With its length: half of an answer is none.
    if f"content-length: {len(body)}".encode("ascii") not in [header.lower() for header in headers]:
        raise Refused(f"the answer of the daemon at {SOCKET} ended too early [BAD_REQUEST]")
    code, end, reason = text.partition("\n")
    if not end or code not in {"0", "1", "2"}:
        raise Refused(f"the daemon at {SOCKET} answered {code[:80]!r} [BAD_REQUEST]")
    return int(code), reason


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
