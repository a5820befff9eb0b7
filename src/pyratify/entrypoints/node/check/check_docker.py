"""Docker: whether every daemon asks the authorization plugin, and who may reach a daemon past it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.changes import text_of
from pyratify.entrypoints.node.check.finding import Finding, fault, gap
from pyratify.entrypoints.node.check.host import Host, values_of

CONFIG = "/etc/docker/daemon.json"
SOCKET = "/run/docker.sock"
PLUGIN = "ratify"
# A plugin is found by its socket, or by a file with its address (moby, pkg/plugins/discovery.go).
_PLUGIN_SOCKETS = (f"/run/docker/plugins/{PLUGIN}.sock", f"/etc/docker/plugins/{PLUGIN}.spec")
_REMEDY = f'Add "authorization-plugins": ["{PLUGIN}"] to {CONFIG} and restart Docker.'


def check_docker(host: Host) -> Iterator[Finding]:
    """Iterate over what is wrong with the Docker daemons of a node."""
    if not has_docker(host):
        return
    # One that is stopped is started with daemon.json.
    for words in list(host.commands("dockerd")) or [[]]:
        yield from _daemon(host, words)
    # Its group may ask by design: Docker makes the socket for the group docker.
    if host.at(SOCKET).exists() and (why := host.is_open(SOCKET, group=False)):
        yield gap(SOCKET, f"any user may ask Docker: {why}", f"chmod 0660 {SOCKET}")


def has_docker(host: Host) -> bool:
    """Return whether a node has Docker."""
    return any(host.at(path).exists() for path in (CONFIG, SOCKET)) or any(host.commands("dockerd"))


def _daemon(host: Host, words: list[str]) -> Iterator[Finding]:
    """Look at one daemon: its command line, empty for one that does not run, and its configuration."""
    path = next(values_of(words, "--config-file"), CONFIG)
    try:
        document = _document(host, path)
    except ConfigurationError as error:
        yield fault(path, error.message, error.remedy)
        return
    place = " ".join(words[:1]) or path
    if PLUGIN not in (
        *_texts(document, "authorization-plugins"),
        *values_of(words, "--authorization-plugin"),
    ):
        yield gap(
            place, f"this Docker daemon asks no plugin called {PLUGIN}: it creates any container", _REMEDY
        )
    elif not any(host.at(each).exists() for each in _PLUGIN_SOCKETS):
        yield fault(
            place,
            f"the plugin {PLUGIN} does not listen, so Docker refuses everything",
            "ratify node serve --docker PATH",
        )
    # Only tlsverify asks clients for certificates; tls alone encrypts (Docker, Protect the daemon socket).
    verified = document.get("tlsverify", False) or not {"--tlsverify", "--tlsverify=true"}.isdisjoint(words)
    for address in (*_texts(document, "hosts"), *values_of(words, "-H", "--host")):
        if address.startswith("tcp://") and not verified:
            yield gap(
                place,
                f"it listens at {address[:80]} for clients without a certificate",
                "Take the address out, or set tlsverify.",
            )


def _document(host: Host, path: str) -> Mapping[str, Any]:
    text = text_of(host.at(path))
    if text is None:
        return {}
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(
            f"it is no JSON: {error}", remedy="Correct it; Docker does not start with it."
        ) from None
    return found if isinstance(found, dict) else {}


def _texts(document: Mapping[str, Any], key: str) -> list[str]:
    found = document.get(key)
    return [str(each) for each in found] if isinstance(found, list) else []
