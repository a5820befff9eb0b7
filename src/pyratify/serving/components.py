"""From the flags of an entry point to the parts that its process runs."""

from argparse import Namespace
from collections.abc import Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from pyratify.caches.verdicts import Verdicts
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.telemetry import Observer, combine_observers
from pyratify.serving.choose_source import choose_source
from pyratify.serving.configuration_source import FollowedSource
from pyratify.serving.context_from_flags import check_exposure, open_metrics, verdicts_of, watch_of
from pyratify.serving.entry_point import Server, ServerContext
from pyratify.serving.http.activity import Watch
from pyratify.serving.http.routes import Address
from pyratify.serving.shared_verdicts import open_shared
from pyratify.serving.telemetry.gauges import measure
from pyratify.serving.telemetry.health import Readiness
from pyratify.serving.telemetry.tracing import open_tracer
from pyratify.serving.tls.certificate_source import Certificates, open_certificates

if TYPE_CHECKING:
    from pyratify.caches.replicated import SharedCache
    from pyratify.serving.telemetry.metrics import Metrics
    from pyratify.serving.telemetry.otel import Tracer


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The parts of a serving process, opened but not yet running.

    Attributes:
        address: Where the server listens; None for one that has unix sockets only.
        server: The entry point's server.
        certificates: The server's TLS identity.
        source: The current configuration.
        verdicts: Evaluates references, and remembers the results.
        shared: The verdicts shared with other replicas; None unless the flags name a cache.
        watch: What all listeners share.
        observer: Receives metrics and traces.
        metrics: The process's metrics; None unless they are enabled.
        tracer: Sends traces; None unless they are enabled.
        readiness: Whether requests should be sent here.
    """

    address: Address | None
    server: Server
    certificates: Certificates
    source: FollowedSource
    verdicts: Verdicts
    shared: "SharedCache | None"
    watch: Watch
    observer: Observer
    metrics: "Metrics | None"
    tracer: "Tracer | None"
    readiness: Readiness


def open_components(flags: Namespace, make: Callable[[ServerContext], Server], clock: Clock) -> Components:
    """Return the components that the flags describe.

    Args:
        flags: The parsed command line; flags of `add_serving_flags` and the entry point's own.
        make: Makes the entry point's server.
        clock: The clock of all deadlines and lifetimes.

    Raises:
        ConfigurationError: A flag, a certificate or an address cannot be used, or the address would be exposed without
            authentication.
    """
    address = Address.parse(flags.address) if flags.address else None
    certificates = open_certificates(flags, clock)
    metrics, tracer = open_metrics(flags, clock), open_tracer(flags)
    observer = combine_observers(metrics, tracer)
    source, shared = choose_source(flags, clock), open_shared(flags, clock)
    watch, verdicts = watch_of(flags, clock), verdicts_of(flags, clock, shared, observer)
    # Secret, observer and instrument have to be set before the first refresh builds an engine.
    source.secret = None if shared is None else shared.secret.generations
    source.observer = observer if metrics or tracer else None
    if metrics is not None:
        source.instrument = metrics.measured
        measure(metrics, source, verdicts, shared, certificates)
        metrics.know(version("pyratify"), watch)
    # Made before the check below: only the server knows whether it authenticates its clients itself.
    server = make(ServerContext(flags, source, verdicts, clock, metrics, shared))
    if address is not None:
        check_exposure(address, certificates.tls, flags.client_ca_flag, open_to_all=server.open_to_all)
    return Components(
        address=address,
        server=server,
        certificates=certificates,
        source=source,
        verdicts=verdicts,
        shared=shared,
        watch=watch,
        observer=observer,
        metrics=metrics,
        tracer=tracer,
        readiness=_readiness(server, source, certificates),
    )


def _readiness(server: Server, source: FollowedSource, certificates: Certificates) -> Readiness:
    # Ours come last, so that no check of an entry point replaces one of the same name.
    checks = {
        **server.checks,
        "configuration": source.unready_reason,
        "certificates": certificates.unready_reason,
    }
    readiness = Readiness(checks)
    # Added after the object was made, because this check reads it; the mapping is kept, not copied.
    checks["serving"] = lambda: "" if readiness.serving else "requests are not taken yet"
    return readiness
