"""What an entry point gives to the process that serves it, and what it gets from there."""

from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import field
from typing import TYPE_CHECKING

from pyratify.caches.verdicts import Verdicts
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.shared_verdicts import SharedVerdicts
from pyratify.serving.configuration_source import Source
from pyratify.serving.http.routes import Site
from pyratify.serving.unix.listeners import UnixSite

if TYPE_CHECKING:
    from pyratify.serving.telemetry.metrics import Metrics


@dataclass(frozen=True, slots=True)
class ServerContext:
    """What an entry point makes its server from.

    Attributes:
        flags: The parsed command line.
        source: The current configuration.
        verdicts: Evaluates references, and remembers the results.
        clock: The clock of all deadlines and lifetimes.
        metrics: The process's metrics; None unless they are enabled.
        shared: The verdicts shared with other processes, or with this one after a restart; None for none.
    """

    flags: Namespace
    source: Source
    verdicts: Verdicts
    clock: Clock
    metrics: "Metrics | None" = None
    shared: SharedVerdicts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """An entry point's server, ready to listen.

    Attributes:
        site: The routes and their bounds at `--address`; None for a server that has unix sockets only.
        sockets: What is served at unix sockets.
        aclose: Waits for background work, after the last request was answered.
        open_to_all: Whether clients without a certificate of the clients' authority may be served: the answers reveal
            nothing, or the site authenticates its clients itself.
        watch: Follows files or services of the entry point's own until cancelled; None where there are none.
        checks: Readiness checks beside the configuration and the certificates: by name, the reason not to be ready, or "".
        sweeps: Each drops expired entries; called every second.
    """

    site: Site | None
    aclose: Callable[[], Awaitable[None]]
    sockets: tuple[UnixSite, ...] = ()
    open_to_all: bool = False  # a new entry point has to ask for it
    watch: Callable[[], Coroutine[None, None, None]] | None = None
    checks: Mapping[str, Callable[[], str]] = field(default_factory=dict)
    sweeps: tuple[Callable[[], None], ...] = ()
