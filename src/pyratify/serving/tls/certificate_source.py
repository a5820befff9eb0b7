"""Where a server's certificates come from: files that are followed, or a Secret that we take care of ourselves."""

import asyncio
import logging
import os
import socket
import uuid
from argparse import Namespace
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.isolation import end
from pyratify.kubernetes.client.in_cluster import has_cluster
from pyratify.serving.tls.in_memory import TlsMemory
from pyratify.serving.tls.reloading import ReloadingTls, TlsFiles

if TYPE_CHECKING:
    from pyratify.kubernetes.rotation.rotator import Rotator

_LOG = logging.getLogger("pyratify.serving")
_ARRIVAL_SECONDS = 0.1
NAME = "RATIFY_NAME"
"""The environment variable that says which Service we are, as in Ratify v2's chart."""


@dataclass(slots=True)
class Certificates:
    """A server's certificates.

    Attributes:
        tls: Its TLS; None for plain HTTP.
        clock: The clock.
        rotator: Takes care of the Secret that they come from; None where they come from files.
    """

    tls: ReloadingTls | None
    clock: Clock
    rotator: "Rotator | None" = None

    def unready_reason(self) -> str:
        """Return why clients are not served as they should be, or an empty text."""
        found = self.tls.unready_reason(self.clock.now()) if self.tls is not None else ""
        why = self.rotator.fault if self.rotator is not None else ""
        # A fault of the rotation alone is no reason: the last good certificate is still served.
        return f"{found}: {why}" if found and why else found

    def watches(self) -> tuple[Callable[[], Coroutine[None, None, None]], ...]:
        """Return what follows them, each until it is cancelled."""
        tls, found = self.tls, list[Callable[[], Coroutine[None, None, None]]]()
        if tls is not None:
            found.append(lambda: tls.watch(self.clock))
        if self.rotator is not None:
            found.append(self.rotator.watch)
        return tuple(found)

    def gauges(self) -> Mapping[str, Callable[[], float]]:
        """Return what is measured, by name: in how many seconds the certificate ends, and whether its care has a fault."""
        found: dict[str, Callable[[], float]] = {}
        if (tls := self.tls) is not None:
            found["ratify_certificate_expiry_seconds"] = lambda: tls.seconds_left(self.clock.now())
        if (rotator := self.rotator) is not None:
            found["ratify_certificate_rotation_wrong"] = lambda: float(bool(rotator.fault))
            found["ratify_certificate_rotation_leader"] = lambda: float(rotator.leading)
        return found

    async def arrive(self, stop: asyncio.Event) -> None:
        """Wait until there is a certificate to serve with, or until everything ends.

        Listening only then leaves the connections to other workers at the same address, which have a certificate already.
        """
        # The usual case: no task, no timer.
        if self.tls is None or self.tls.expires is not None:
            return
        ending = asyncio.create_task(stop.wait())
        while self.tls.expires is None and not stop.is_set():
            await asyncio.wait({ending}, timeout=_ARRIVAL_SECONDS)
        await end(ending)

    async def aclose(self) -> None:
        """Close the connections to the API server."""
        if self.rotator is not None:
            await self.rotator.api.aclose()


def open_certificates(
    flags: Namespace, clock: Clock, environment: Mapping[str, str] = os.environ
) -> Certificates:
    """Return the certificates that the flags of an entry point ask for.

    Rotation is on unless it is disabled, where `$RATIFY_NAME` says which Service this is and there is an API server.

    Args:
        flags: Those of `add_serving_flags`, and perhaps those of `add_rotation_flags`.
        clock: The clock.
        environment: Where the names of the Service and its namespace are.

    Raises:
        ConfigurationError: Flags do not go together, or a file cannot be used.
    """
    certificate, key, authority = flags.cert_file, flags.key_file, flags.client_ca_file
    # One of the two is a mistake; serving plain HTTP in its place would hide it.
    if bool(certificate) != bool(key):
        raise ConfigurationError(
            "--cert-file and --key-file belong together", remedy="Give both, or none of them."
        )
    client_ca = Path(authority) if authority else None
    files = TlsFiles(Path(certificate), Path(key), client_ca) if certificate else None
    if (
        environment.get(NAME)
        and not getattr(flags, "disable_cert_rotation", True)
        and has_cluster(environment)
    ):
        return _rotated(flags, TlsMemory(client_ca, files), clock, environment)
    # An authority that checks no client must not look as if it did.
    if files is None and authority:
        raise ConfigurationError(f"{flags.client_ca_flag} needs --cert-file and --key-file")
    return Certificates(ReloadingTls(files) if files is not None else None, clock)


def _rotated(
    flags: Namespace, memory: TlsMemory, clock: Clock, environment: Mapping[str, str]
) -> Certificates:
    try:
        from pyratify.kubernetes.client.api import Api  # lightkube is an extra
        from pyratify.kubernetes.rotation.rotator import Rotator
        from pyratify.kubernetes.rotation.secret_contents import ServiceNames
    except ImportError:
        raise ConfigurationError(
            "certificate rotation needs lightkube",
            remedy="Install it: pip install 'pyratify[kubernetes]'; or give --disable-cert-rotation and certificates.",
        ) from None

    tls, api = ReloadingTls(memory), Api.connect(environment)

    def use(certificate: bytes, key: bytes) -> bool:
        memory.give(certificate, key)
        tls.reload()
        # Told to the rotator, which announces only what is really served.
        return tls.fault is None

    service = ServiceNames(environment[NAME], api.namespace, tuple(flags.cert_name))
    # The host alone is not enough: its workers compete for the same Lease.
    identity = f"{socket.gethostname()}_{uuid.uuid4().hex[:8]}"
    rotator = Rotator(api, service, flags.tells(flags), use, identity, clock)
    _LOG.info("certificates come from a Secret", extra={"secret": f"{service.namespace}/{service.secret}"})
    return Certificates(tls, clock, rotator)
