"""The enforcement points that the flags name."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.entrypoints.prove.containerd_pull import ContainerdPull
from pyratify.entrypoints.prove.docker_create import DockerCreate
from pyratify.entrypoints.prove.enforcement_point import EnforcementPoint
from pyratify.entrypoints.prove.server_requests import GatekeeperRequest, WebhookRequest
from pyratify.http.http_options import HttpOptions
from pyratify.http.url import Url


def open_points(arguments: Namespace, stack: AsyncExitStack) -> tuple[EnforcementPoint, ...]:
    """Return the enforcement points that the flags name.

    Args:
        arguments: The flags.
        stack: Closes what they hold open.

    Raises:
        ConfigurationError: A flag cannot be used, or what one of them needs is not installed.
    """
    return tuple(_points(arguments, stack))


def _points(arguments: Namespace, stack: AsyncExitStack) -> Iterator[EnforcementPoint]:
    if arguments.pod:
        yield _pod(arguments, stack)
    if arguments.containerd:
        flags = ("--plain-http",) if arguments.plain_http else ()
        snapshotter = ("--snapshotter", arguments.snapshotter) if arguments.snapshotter else ()
        yield ContainerdPull(arguments.containerd, arguments.ctr, (*flags, *snapshotter))
    if arguments.docker:
        yield DockerCreate(arguments.docker)
    if arguments.gatekeeper:
        yield GatekeeperRequest(_url("--gatekeeper", arguments.gatekeeper), _options(arguments))
    if arguments.webhook:
        url = _url("--webhook", arguments.webhook)
        yield WebhookRequest(url, arguments.namespace, _options(arguments))


def _pod(arguments: Namespace, stack: AsyncExitStack) -> EnforcementPoint:
    # Imported late: lightkube is an extra, which the other enforcement points do not need.
    try:
        from pyratify.entrypoints.prove.pod_dry_run import PodDryRun
        from pyratify.kubernetes.client.api import Api
    except ImportError:
        raise ConfigurationError(
            "--pod needs lightkube", remedy="Install it: pip install 'pyratify[kubernetes]'."
        ) from None
    api = Api.connect({"KUBECONFIG": arguments.kubeconfig}) if arguments.kubeconfig else Api.connect()
    stack.push_async_callback(api.aclose)
    return PodDryRun(api, arguments.namespace)


def _options(arguments: Namespace) -> HttpOptions:
    authority = arguments.server_ca_file
    return HttpOptions(
        ca_pem=_text("--server-ca-file", authority) if authority else "",
        client_cert_file=arguments.client_cert_file or "",
        client_key_file=arguments.client_key_file or "",
        # A proxy could answer in the place of the server that is proved.
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
