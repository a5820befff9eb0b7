"""The service's routes."""

from collections.abc import Awaitable, Callable
from dataclasses import field
from functools import partial

from msgspec import json

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.entrypoints.service.access import Callers
from pyratify.entrypoints.service.assets import HEADERS, asset_routes
from pyratify.entrypoints.service.decisions import Decisions
from pyratify.entrypoints.service.openapi import openapi
from pyratify.entrypoints.service.problems import problem, rejected
from pyratify.entrypoints.service.request_bodies import MAX_REFERENCES, BadRequest, Questions, parse_questions
from pyratify.entrypoints.service.response_bodies import Recent
from pyratify.entrypoints.service.verification_service import Service
from pyratify.serving.http.bodies import Parsing
from pyratify.serving.http.server import Handler, Reply, Request, Site

_MAX_BODY = 256 * 1024

Measure = Callable[[str, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """What stands between a request and the service.

    Attributes:
        callers: The authorization of requests.
        most: The most references of one request.
        certificates: Whether TLS asks for a client's certificate.
        shows: Whether decisions are shown, on the page and as JSON; only where one process answers everything.
        clock: The clock of durations and deadlines.
        measure: Called after every request with `verification` or `mutation`, and its milliseconds.
        parsing: Parses bodies.
    """

    callers: Callers
    most: int = MAX_REFERENCES
    certificates: bool = False
    shows: bool = True
    clock: Clock = field(default_factory=SystemClock)
    measure: Measure | None = None
    parsing: Parsing = field(default_factory=Parsing)

    def guarded(self, handler: Handler) -> Handler:
        """Return the handler with authorization in front of it."""
        return partial(_guarded, self.callers, handler)

    @property
    def needed(self) -> tuple[str, ...]:
        """What a caller has to show."""
        return ("bearer",) * (self.callers.tokens is not None) + ("certificate",) * self.certificates


def service_site(service: Service, entrance: Entrance) -> Site:
    """Return the service's site."""
    document = openapi(entrance.most, entrance.needed, shows=entrance.shows)
    data: dict[tuple[str, str], Handler] = {
        ("POST", "/v1/verify"): partial(_ask, entrance, service.verify, "verification"),
        # Measured under Ratify's name for the same work at registries.
        ("POST", "/v1/resolve"): partial(_ask, entrance, service.resolve, "mutation"),
        ("GET", "/openapi.json"): partial(_described, Reply(200, json.encode(document))),
    }
    named: dict[tuple[str, str], Handler] = {}
    if entrance.shows:
        data["GET", "/v1/decisions"] = partial(_recent, service.decisions)
        named["GET", "/v1/decisions/"] = entrance.guarded(partial(_decision, service.decisions))
    # The description is guarded as well: it says which version this is.
    guarded = {route: entrance.guarded(handler) for route, handler in data.items()}
    return Site(
        routes={**asset_routes(entrance.callers), **guarded} if entrance.shows else guarded,
        refusals={},
        otherwise=rejected,
        named=named,
        # The same check as in `guarded`, before the body: strangers must not fill the body budget.
        admits={path: entrance.callers.refusal for _, path in data},
        max_body=_MAX_BODY,
    )


async def _guarded(callers: Callers, handler: Handler, request: Request) -> Reply:
    reply = callers.refusal(request) or await handler(request)
    # On data, too: a browser that is led to it must not take it for a page.
    return Reply(reply.status, reply.body, reply.content_type, {**HEADERS, **reply.headers})


async def _ask(
    entrance: Entrance, answer: Callable[[Questions], Awaitable[bytes]], kind: str, request: Request
) -> Reply:
    began = entrance.clock.monotonic()
    try:
        media_type = request.headers.get("Content-Type", "")
        parse = partial(parse_questions, content_type=media_type, most=entrance.most)
        questions = await entrance.parsing.parse(parse, request.body)
    except BadRequest as error:
        return problem(error.status, error.code, error.message, error.remedy)
    body = await answer(questions)
    if entrance.measure is not None:
        entrance.measure(kind, (entrance.clock.monotonic() - began) * 1000)
    return Reply(200, body)


async def _recent(decisions: Decisions, request: Request) -> Reply:
    tag = f'"{decisions.state}"'
    if request.headers.get("If-None-Match") == tag:
        # The page asks every few seconds; a 304 has to repeat the ETag (RFC 9110, section 15.4.5).
        return Reply(304, b"", headers={"ETag": tag})
    return Reply(200, json.encode(Recent(decisions=decisions.recent())), headers={"ETag": tag})


async def _decision(decisions: Decisions, request: Request) -> Reply:
    found = decisions.document(request.name)
    if found is None:
        remedy = "Only the last decisions of this process are kept (--keep)."
        return problem(404, "NOT_FOUND", "this decision is not kept", remedy)
    return Reply(200, found)


async def _described(description: Reply, request: Request) -> Reply:
    del request
    return description
