"""From the flags of a server to its parts, and what flags must not say together."""

from argparse import Namespace
from collections.abc import MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING

from pyratify.caches.verdicts import Lifetimes, Verdicts
from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.core.limits import MIB
from pyratify.core.shared_verdicts import SharedVerdicts
from pyratify.core.telemetry import Observer
from pyratify.core.work_limiter import WorkLimiter, WorkLimits
from pyratify.serving.http.activity import RefusedClients, Watch
from pyratify.serving.http.bodies import BodyBudget
from pyratify.serving.http.routes import Address
from pyratify.serving.tls.reloading import ReloadingTls

if TYPE_CHECKING:
    from pyratify.serving.telemetry.metrics import Metrics


def name_cluster(flags: Namespace, environment: MutableMapping[str, str]) -> None:
    """Let the API server of `--kubeconfig` be the one that everything finds, as `$KUBECONFIG` does.

    Raises:
        ConfigurationError: There is no such file.
    """
    path: str | None = getattr(flags, "kubeconfig", None)
    if not path:
        return
    if not Path(path).is_file():
        raise ConfigurationError(
            f"--kubeconfig: there is no file {path}", remedy="Name the file that kubectl uses."
        )
    # Through the environment, which every client of the API server in this process reads.
    environment["KUBECONFIG"] = path


def verdicts_of(
    flags: Namespace, clock: Clock, shared: SharedVerdicts | None, observer: Observer
) -> Verdicts:
    """Return the verdicts of a server: for how long they are remembered, and how many are found at the same time."""
    longest: float = flags.verdict_lifetime
    # Refusals and tags live shorter: a signature that was just pushed, or a moved tag, counts soon.
    lifetimes = Lifetimes(allowed=longest, denied=min(2.0, longest), tags=min(2.0, longest))
    limits = WorkLimits(total=flags.max_evaluations, registry=flags.max_evaluations_per_registry)
    return Verdicts(clock, lifetimes, shared=shared, observer=observer, admission=WorkLimiter(clock, limits))


def open_metrics(flags: Namespace, clock: Clock) -> "Metrics | None":
    """Return the metrics of this process; None unless the flags enable them.

    Raises:
        ConfigurationError: prometheus_client is not installed.
    """
    if not flags.enable_metrics:
        return None
    # prometheus_client is an extra.
    try:
        from pyratify.serving.telemetry.metrics import Metrics
    except ImportError:
        raise ConfigurationError(
            "metrics need prometheus_client", remedy="Install it: pip install 'pyratify[metrics]'."
        ) from None
    return Metrics(clock)


def watch_of(flags: Namespace, clock: Clock) -> Watch:
    """Return what the listeners of a server share.

    Raises:
        ConfigurationError: Clients are named, and none has to show a certificate.
    """
    bodies = BodyBudget(flags.max_body_memory * MIB)
    # Where no certificate is required no client shows a name, and all of them would be refused.
    names = frozenset(flags.client_name)
    if names and not flags.client_ca_file:
        raise ConfigurationError(
            "--client-name restricts clients by their certificates, and none is required",
            remedy=f"Give {flags.client_ca_flag} too.",
        )
    return Watch(bodies=bodies, refused=RefusedClients(clock.monotonic), names=names)


def check_exposure(address: Address, tls: ReloadingTls | None, flag: str, *, open_to_all: bool) -> None:
    """Refuse to serve verdicts unauthenticated to other machines.

    Args:
        address: Where is served.
        tls: With which certificates; None for plain HTTP.
        flag: The flag that names the authority of clients.
        open_to_all: Whether clients without a certificate may be answered.

    Raises:
        ConfigurationError: Other machines can reach it, and there is no TLS or no authority of clients.
    """
    if address.is_loopback:
        return
    # In clear text a host on the path could turn a refusal into an approval.
    if tls is None:
        raise ConfigurationError(
            "without TLS only this machine is served",
            remedy="Give --cert-file and --key-file, or an --address on 127.0.0.1.",
        )
    # Every client can make this server read from registries with the server's credentials.
    if tls.source.client_ca is None and not open_to_all:
        raise ConfigurationError(
            "other machines can reach this address, and no client certificate is required",
            remedy=f"Give {flag}; --allow-any-client serves clients without a certificate.",
        )
