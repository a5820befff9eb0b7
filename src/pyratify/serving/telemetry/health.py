"""Health: `/healthz` says that the process answers, `/readyz` that it can give verdicts."""

import json
from collections.abc import Callable
from dataclasses import field
from functools import partial

from pyratify.core.dataclass import dataclass
from pyratify.serving.http.server import Handler, Reply, Request, Site


@dataclass(slots=True)
class Readiness:
    """Whether requests should be sent here.

    Attributes:
        checks: By name, why not; an empty text where nothing is wrong.
        draining: Set when the process is about to end.
        serving: Set when requests are taken.
    """

    checks: dict[str, Callable[[], str]] = field(default_factory=dict)
    draining: bool = False
    serving: bool = False

    def faults(self) -> dict[str, str]:
        """Return what is wrong, by name; empty when the process is ready."""
        # All of them, not the first alone: one fault often stands before another.
        found = {name: check() for name, check in self.checks.items()}
        if self.draining:
            found["draining"] = "the process is about to end"
        return {name: why for name, why in found.items() if why}


def health_site(readiness: Readiness) -> Site:
    """Return the site with `/healthz` and `/readyz`; plain HTTP, and no secrets."""
    routes: dict[tuple[str, str], Handler] = {
        ("GET", "/healthz"): _alive,
        ("GET", "/readyz"): partial(_ready, readiness),
    }
    return Site(routes=routes, refusals={}, max_body=1024)


def metrics_site(expose: Callable[[], bytes]) -> Site:
    """Return the site with `/metrics`; plain HTTP.

    Args:
        expose: Returns all metrics in Prometheus's text format.
    """
    routes: dict[tuple[str, str], Handler] = {("GET", "/metrics"): partial(_measured, expose)}
    return Site(routes=routes, refusals={}, max_body=1024)


async def _alive(request: Request) -> Reply:
    del request
    # No checks: a restart mends neither a registry nor a configuration.
    return Reply(200, b'{"status":"ok"}')


async def _ready(readiness: Readiness, request: Request) -> Reply:
    del request
    faults = readiness.faults()
    text = json.dumps({"status": "not ready" if faults else "ok", "faults": faults})
    return Reply(503 if faults else 200, text.encode())


async def _measured(expose: Callable[[], bytes], request: Request) -> Reply:
    del request
    return Reply(200, expose(), "text/plain")
