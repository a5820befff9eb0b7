"""Docker: whether every daemon asks the authorization plugin, and who may reach a daemon past it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.changes import text_of
from pyratify.entrypoints.node.check.finding import Finding, fault, gap
from pyratify.entrypoints.node.check.host import Host

CONFIG = "/etc/docker/daemon.json"
SOCKET = "/run/docker.sock"
PLUGIN = "ratify"
_PLUGIN_SOCKETS = (f"/run/docker/plugins/{PLUGIN}.sock", f"/etc/docker/plugins/{PLUGIN}.spec")
_REMEDY = f'Add "authorization-plugins": ["{PLUGIN}"] to {CONFIG} and restart Docker.'


def check_docker(host: Host) -> Iterator[Finding]:
    """Iterate over what is wrong with the Docker daemons of a node."""
    if not has_docker(host):
        return
    running = list(host.commands("dockerd"))
    try:
        document = _document(host)
    except ConfigurationError as error:
        yield fault(CONFIG, error.message, error.remedy)
        return
    configured = _names(document)
    for words in running or [[]]:
        place = " ".join(words[:1]) or CONFIG
        plugins = configured + list(_values(words, "--authorization-plugin"))
        if PLUGIN not in plugins:
            yield gap(
                place, f"this Docker daemon asks no plugin called {PLUGIN}: it creates any container", _REMEDY
            )
        elif not any(host.at(path).exists() for path in _PLUGIN_SOCKETS):
            yield fault(
                place,
                f"the plugin {PLUGIN} does not listen, so Docker refuses everything",
                "ratify node serve --docker PATH",
            )
        yield from _exposed(
            [*document.get("hosts", ()), *_values(words, "-H"), *_values(words, "--host")],
            words,
            document,
            place,
        )
    if host.at(SOCKET).exists() and (why := host.is_open(SOCKET, group=False)):
        yield gap(SOCKET, f"any user may ask Docker: {why}", f"chmod 0660 {SOCKET}")


def has_docker(host: Host) -> bool:
    """Return whether a node has Docker."""
    return any(host.at(path).exists() for path in (CONFIG, SOCKET)) or any(host.commands("dockerd"))


def _exposed(
    addresses: list[str], words: list[str], document: Mapping[str, Any], place: str
) -> Iterator[Finding]:
    verified = document.get("tlsverify", False) or "--tlsverify" in words or "--tlsverify=true" in words
    for address in addresses:
        if str(address).startswith("tcp://") and not verified:
            yield gap(
                place,
                f"it listens at {str(address)[:80]} for clients without a certificate",
                "Take the address out, or set tlsverify.",
            )


def _document(host: Host) -> Mapping[str, Any]:
    text = text_of(host.at(CONFIG))
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(
            f"it is no JSON: {error}", remedy="Correct it; Docker does not start with it."
        ) from None
    return found if isinstance(found, dict) else {}


def _names(document: Mapping[str, Any]) -> list[str]:
    found = document.get("authorization-plugins", ())
    return [str(each) for each in found] if isinstance(found, list) else []


def _values(words: list[str], flag: str) -> Iterator[str]:
    """Iterate over the values of a flag, after it or joined to it."""
    for number, word in enumerate(words):
        if word == flag:
            yield from words[number + 1 : number + 2]
        elif word.startswith(f"{flag}="):
            yield word.partition("=")[2]
