"""The provider's routes."""

from collections.abc import Awaitable, Callable
from functools import lru_cache, partial

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.entrypoints.gatekeeper.external_data import (
    MAX_KEYS,
    V1ALPHA1,
    V1BETA1,
    BadRequest,
    parse_request,
    response,
)
from pyratify.entrypoints.gatekeeper.provider import Provider
from pyratify.serving.http.bodies import SMALL, Parsing
from pyratify.serving.http.server import Handler, Rejection, Reply, Request, Site

_PREFIX = "/ratify/gatekeeper"
# 64 keys of 5 KiB are 320 KiB; escaped as JSON they may be a few times longer.
_MAX_BODY = 1024 * 1024

# Only short bodies are remembered, so that 512 of them hold at most 4 MiB.
_OFTEN = 8192
Measure = Callable[[str, float], None]
Parse = Callable[[bytes], Awaitable[tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class _Route:
    """One route.

    Attributes:
        api: The version of Gatekeeper's API in refusals.
        answer: From keys, and the seconds that reading them took, to a response.
        kind: What it is measured as.
    """

    api: str
    answer: Callable[[tuple[str, ...], float], Awaitable[bytes]]
    kind: str


def provider_site(
    provider: Provider,
    *,
    mutation: bool = True,
    max_keys: int = MAX_KEYS,
    clock: Clock | None = None,
    measure: Measure | None = None,
) -> Site:
    """Return the provider's site.

    Args:
        provider: The provider.
        mutation: Whether tags are turned into digests here.
        max_keys: The most keys of one request.
        clock: The clock of durations and deadlines.
        measure: Called after every request with `verification` or `mutation`, and its milliseconds.
    """
    routes = {
        f"{_PREFIX}/v2/verify": _Route(V1BETA1, provider.verify, "verification"),
        # Ratify v1's shape, for templates that were not migrated yet.
        f"{_PREFIX}/v1/verify": _Route(V1ALPHA1, provider.verify_v1, "verification"),
    }
    # Else there is no such route: 404 says more than an error for each key.
    if mutation:
        routes[f"{_PREFIX}/v2/mutate"] = _Route(V1BETA1, provider.mutate, "mutation")
        routes[f"{_PREFIX}/v1/mutate"] = _Route(V1ALPHA1, partial(provider.mutate, api=V1ALPHA1), "mutation")
    watch, parse = clock or SystemClock(), _parser(max_keys)
    handlers: dict[tuple[str, str], Handler] = {
        ("POST", path): partial(_handle, route, parse, watch, measure) for path, route in routes.items()
    }
    refusals = {path: partial(_rejected, route) for path, route in routes.items()}
    return Site(routes=handlers, refusals=refusals, max_body=_MAX_BODY)


def _parser(max_keys: int) -> Parse:
    """Return how requests are parsed; Gatekeeper sends the same small ones again and again."""
    parse = partial(parse_request, max_keys=max_keys)
    often, parsing = lru_cache(maxsize=512)(parse), Parsing()

    async def parsed(body: bytes) -> tuple[str, ...]:
        # A request that cannot be parsed is not remembered: lru_cache keeps no exceptions.
        return often(body) if len(body) <= _OFTEN else await parsing.parse(parse, body)

    return parsed


async def _handle(
    route: _Route, parse: Parse, clock: Clock, measure: Measure | None, request: Request
) -> Reply:
    began = clock.monotonic()  # before parsing, which counts against the deadline
    try:
        keys = await parse(request.body)
    except BadRequest as error:
        return Reply(error.status, response(route.api, fault=f"{error.reason}: {error.message}"))
    answer = await route.answer(keys, clock.monotonic() - began if len(request.body) > SMALL else 0.0)
    if measure is not None:
        measure(route.kind, (clock.monotonic() - began) * 1000)
    return Reply(200, answer)


def _rejected(route: _Route, rejection: Rejection) -> Reply:
    return Reply(rejection.status, response(route.api, fault=f"{rejection.code}: {rejection.message}"))
