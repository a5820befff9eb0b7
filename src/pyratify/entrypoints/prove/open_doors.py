"""The doors that the flags name."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.entrypoints.prove.door import Door
from pyratify.entrypoints.prove.door_containerd import ContainerdDoor
from pyratify.entrypoints.prove.door_docker import DockerDoor
from pyratify.entrypoints.prove.door_http import GatekeeperDoor, WebhookDoor
from pyratify.http.http_options import HttpOptions
from pyratify.http.url import Url


def open_doors(arguments: Namespace, stack: AsyncExitStack) -> tuple[Door, ...]:
    """Return the doors that the flags name.

    Args:
        arguments: The flags.
        stack: Closes what they hold open.

    Raises:
        ConfigurationError: A flag cannot be used, or what is needed for a door is not installed.
    """
    return tuple(_doors(arguments, stack))


def _doors(arguments: Namespace, stack: AsyncExitStack) -> Iterator[Door]:
    if arguments.pod:
        yield _pod(arguments, stack)
    if arguments.containerd:
        flags = ("--plain-http",) if arguments.plain_http else ()
        snapshotter = ("--snapshotter", arguments.snapshotter) if arguments.snapshotter else ()
        yield ContainerdDoor(arguments.containerd, arguments.ctr, (*flags, *snapshotter))
    if arguments.docker:
        yield DockerDoor(arguments.docker)
    if arguments.gatekeeper:
        yield GatekeeperDoor(_url("--gatekeeper", arguments.gatekeeper), _options(arguments))
    if arguments.webhook:
        url = _url("--webhook", arguments.webhook)
        yield WebhookDoor(url, arguments.namespace, _options(arguments))


def _pod(arguments: Namespace, stack: AsyncExitStack) -> Door:
    try:
        from pyratify.entrypoints.prove.door_pod import PodDoor
        from pyratify.kubernetes.client.api import Api
    except ImportError:
        raise ConfigurationError(
            "--pod needs lightkube", remedy="Install it: pip install 'pyratify[kubernetes]'."
        ) from None
    api = Api.connect({"KUBECONFIG": arguments.kubeconfig}) if arguments.kubeconfig else Api.connect()
    stack.push_async_callback(api.aclose)
    return PodDoor(api, arguments.namespace)


def _options(arguments: Namespace) -> HttpOptions:
    authority = arguments.server_ca_file
    return HttpOptions(
        ca_pem=_text("--server-ca-file", authority) if authority else "",
        client_cert_file=arguments.client_cert_file or "",
        client_key_file=arguments.client_key_file or "",
        proxy_from_environment=False,
    )


def _text(flag: str, path: str) -> str:
    try:
        return read_file(Path(path), MIB).decode("ascii")
    except UnreadableFile as error:
        raise ConfigurationError(f"{flag}: {path} {error}", remedy=error.remedy) from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{flag}: {path} is no PEM", remedy="Give the authority as PEM.") from None


def _url(flag: str, text: str) -> Url:
    try:
        return Url.parse(text)
    except ValueError as error:
        raise ConfigurationError(
            f"{flag}: {text[:120]!r} is no URL: {error}",
            remedy="Write it with its path, as https://host:port/path.",
        ) from None
