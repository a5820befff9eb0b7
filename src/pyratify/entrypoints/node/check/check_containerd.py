"""containerd: whether each pull asks the verifier, and what goes past it."""

from collections.abc import Iterator

from pyratify.core.errors import ConfigurationError
from pyratify.entrypoints.node.check.check_bin_dir import check_bin_dir
from pyratify.entrypoints.node.check.finding import Finding, fault, gap, limit
from pyratify.entrypoints.node.check.host import Host, values_of
from pyratify.entrypoints.node.containerd.containerd_names import BIN_DIR, CONFIG, PLUGIN
from pyratify.entrypoints.node.containerd.containerd_settings import (
    NEWEST,
    ContainerdSettings,
    local_pull_reasons,
    read_settings,
)
from pyratify.entrypoints.node.run_program import run_program

# Distributions of Kubernetes keep containerd's files elsewhere.
CONFIGS = (
    CONFIG,
    "/var/lib/rancher/k3s/agent/etc/containerd/config.toml",
    "/var/lib/rancher/rke2/agent/etc/containerd/config.toml",
    "/var/snap/microk8s/current/args/containerd.toml",
)
SOCKETS = (
    "/run/containerd/containerd.sock",
    "/run/k3s/containerd/containerd.sock",
    "/run/docker/containerd/containerd.sock",
)
_TOLERANCE = 2.0  # seconds: the boot time of /proc/stat is a whole number
_TRANSFER = "io.containerd.transfer.v1.local"


def check_containerd(host: Host, named: str, socket: str) -> Iterator[Finding]:
    """Iterate over what is wrong with each containerd of a node.

    Args:
        host: The node.
        named: Its configuration; those of the usual places when empty.
        socket: Where our daemon listens.
    """
    found = configurations(host, named)
    if named and not host.at(named).exists():
        yield fault(named, "there is no such file", "Name containerd's configuration.")
    for path in found:
        yield from _check(host, path, socket)
    if found:
        yield from _sockets(host)
        yield from _version(host)
        yield from _limits()


def configurations(host: Host, named: str = "") -> list[str]:
    """Return the configurations of each containerd of a node; one that runs without a file has its defaults."""
    if named:
        return [named] if host.at(named).exists() else []
    running = [path for words in host.commands("containerd") for path in values_of(words, "-c", "--config")]
    # A relative path depends on the folder in which that containerd was started.
    wanted = dict.fromkeys((*CONFIGS, *(path for path in running if path.startswith("/"))))
    found = [path for path in wanted if host.at(path).exists()]
    if not found and any(host.at(path).exists() for path in (*SOCKETS, BIN_DIR)):
        return [CONFIG]
    return found


def _check(host: Host, path: str, socket: str) -> Iterator[Finding]:
    try:
        settings = read_settings(host.at(path), host.root)
    except ConfigurationError as error:
        yield fault(path, error.message, error.remedy)
        return
    if why := host.is_open(path):
        yield gap(
            path,
            f"other users may change containerd's configuration: {why}",
            f"chown root: {path}; chmod 0644 {path}",
        )
    if not settings.is_known:
        yield gap(
            path,
            f"version {settings.version} is not known, {NEWEST} is the newest that is",
            "Install a version of pyratify that knows this containerd.",
        )
        return
    yield from _settings(settings, path)
    changed = host.at(path).stat().st_mtime if settings.exists else 0.0
    if any(began < changed - _TOLERANCE for began in host.began("containerd")):
        yield gap(
            path,
            "it is newer than a containerd that runs, which may have read another one",
            "systemctl restart containerd",
        )
    yield from check_bin_dir(host, settings, socket)


def _settings(settings: ContainerdSettings, path: str) -> Iterator[Finding]:
    if PLUGIN in settings.disabled:
        yield gap(path, f"disabled_plugins has {PLUGIN}, so no image is verified", "Take it out.")
    if _TRANSFER in settings.disabled:
        yield gap(path, f"disabled_plugins has {_TRANSFER}, and only it asks verifiers", "Take it out.")
    for setting, remedy in local_pull_reasons(settings):
        yield gap(path, f"{setting} makes CRI pull images without asking verifiers", remedy)
    if settings.seconds < 0.5:
        yield fault(
            path,
            f"per_verifier_timeout is {settings.seconds:g} s, in which no answer comes",
            'Set it to "10s", its default.',
        )


def _sockets(host: Host) -> Iterator[Finding]:
    for path in SOCKETS:
        if host.at(path).exists() and (why := host.is_open(path)):
            yield gap(
                path,
                f"users beside root may pull with `ctr images pull --local` or import images: {why}",
                f"chown root: {path}; chmod 0660 {path}, and take users out of its group.",
            )


def _version(host: Host) -> Iterator[Finding]:
    """Look at the version of this node's containerd: before 2.1 CRI does not use the transfer service."""
    # With --root the containerd of this machine is not the node's.
    if not host.is_here:
        return
    done = run_program("containerd", "--version")
    for word in done.output.split() if done.code == 0 else ():
        numbers = word.removeprefix("v").split(".")[:2]
        if len(numbers) == 2 and all(each.isdigit() for each in numbers) and word[:1] in "v0123456789":
            if tuple(map(int, numbers)) < (2, 1):
                yield gap(
                    "containerd",
                    f"version {word} verifies no image that Kubernetes pulls: CRI asks verifiers from 2.1 on",
                    "Upgrade to 2.1 or newer.",
                )
            return


def _limits() -> Iterator[Finding]:
    text = (
        "Leave root and containerd's socket to administrators; NRI sees what runs: ratify node install nri."
    )
    yield limit(
        "ctr images pull --local", "the client pulls by itself, and containerd asks no verifier", text
    )
    yield limit("ctr images import", "images from files are not verified", text)
    yield limit(
        "nerdctl",
        "it pulls by itself, and its own --verify runs cosign or notation and not this verifier",
        text,
    )
    yield limit("images that are on the node already", "they run without a pull", text)
