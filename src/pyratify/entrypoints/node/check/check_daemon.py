"""The daemon of `ratify node serve`: its sockets, and the files that it keeps."""

import socket
import stat
from collections.abc import Iterator

from pyratify.entrypoints.node.check.finding import Finding, fault, gap
from pyratify.entrypoints.node.check.host import Host

_SECONDS = 2.0
_USER = "ratify"  # of the units in deploy/systemd


def check_daemon(host: Host, path: str, state: str) -> Iterator[Finding]:
    """Iterate over what is wrong with the daemon's socket and its folder."""
    yield from _socket(host, path)
    yield from _kept(host, state)


def _socket(host: Host, path: str) -> Iterator[Finding]:
    place = host.at(path)
    try:
        mode = place.lstat().st_mode
    except OSError:
        yield fault(
            path, "no daemon listens, so pulls are refused", "systemctl enable --now ratify-node.socket"
        )
        return
    if not stat.S_ISSOCK(mode):
        yield fault(
            path, "it is no socket, so pulls are refused", f"rm {path}; systemctl restart ratify-node.socket"
        )
        return
    # Its group may ask by design; the folder around it is what an exchange needs.
    if why := host.is_open(path, group=False, owner=host.user(_USER)):
        yield gap(
            path,
            f"other users could answer in the place of the daemon, or ask it: {why}",
            f"chown root: {path}; chmod 0660 {path}",
        )
    # Below --root the process that listens may be another machine's.
    if host.is_here and (fault_text := _silent(path)):
        yield fault(path, fault_text, "systemctl restart ratify-node; its log says why it ended")


def _silent(path: str) -> str:
    try:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(_SECONDS)
            probe.connect(path)
    except OSError as error:
        return f"no daemon answers: {error.strerror or error}"
    return ""


def _kept(host: Host, state: str) -> Iterator[Finding]:
    secret = f"{state}/secret"
    if not state or not host.at(secret).exists():
        return
    # Read access is enough to forge: the same secret makes and checks the signatures (HMAC).
    if host.at(secret).stat().st_mode & 0o077:
        yield gap(secret, "other users may read the secret that signs remembered verdicts", f"rm -r {state}")
