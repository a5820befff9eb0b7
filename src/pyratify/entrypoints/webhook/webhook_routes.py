"""The webhook's routes: `/validate` and `/mutate`."""

import re
from collections.abc import Awaitable, Callable
from functools import partial

from pyratify.core.clock import Clock, SystemClock
from pyratify.entrypoints.webhook.admission import Webhook
from pyratify.entrypoints.webhook.review import Answer, NoReview, Review, parse_review, status, written
from pyratify.render.plain import clean
from pyratify.serving.http.bodies import SMALL, Parsing
from pyratify.serving.http.server import Handler, Rejection, Reply, Request, Site
from pyratify.serving.server_flags import duration

VALIDATE, MUTATE = "/validate", "/mutate"
# An API server takes requests of 3 MiB; an update has the old object, too, and both are JSON here.
MAX_BODY = 8 * 1024 * 1024
_MAX_ARRIVING = 256  # more than the 200 writing requests that an API server has under way by default
_MAX_MESSAGE = 512
# The API server adds its timeoutSeconds to the URL of every call.
_TIMEOUT = re.compile(r"(?:^|&)timeout=([0-9a-z.]{1,16})(?:&|$)", re.ASCII)

Measure = Callable[[str, bool, float], None]
Act = Callable[[Review, float], Awaitable[Answer]]


def webhook_site(
    webhook: Webhook, *, seconds: float = 10.0, clock: Clock | None = None, measure: Measure | None = None
) -> Site:
    """Return the webhook's site.

    Args:
        webhook: The webhook.
        seconds: How long the API server waits, where it does not say that it waits for less.
        clock: The clock of durations and deadlines.
        measure: Called after every answer with `verification` or `mutation`, whether it allows, and its milliseconds.
    """
    watch = clock or SystemClock()
    acts: dict[str, tuple[str, Act]] = {
        VALIDATE: ("verification", webhook.validate),
        MUTATE: ("mutation", webhook.mutate),
    }
    parsing = Parsing()
    routes: dict[tuple[str, str], Handler] = {
        ("POST", path): partial(
            _handle, act, seconds, watch, partial(measure or _nothing, name), parsing=parsing
        )
        for path, (name, act) in acts.items()
    }
    return Site(
        routes=routes,
        refusals={},
        otherwise=_rejected,
        max_body=MAX_BODY,
        max_arriving=_MAX_ARRIVING,
        queries=True,
    )


def answer_in(query: str, most: float) -> float:
    """Return in how many seconds to answer: a twentieth, but at most half a second, before the API server stops waiting.

    Args:
        query: What the API server put behind the path: `timeout=10s`.
        most: How long it waits where that says nothing, or more.
    """
    found = _TIMEOUT.search(query)
    try:
        # The smaller one: the query may shorten the time that was configured, and not prolong it.
        waits = min(most, duration(found[1])) if found else most
    # Longer than ten minutes, or none: the configured time is the safe one.
    except ValueError:
        waits = most
    return waits - min(0.5, waits * 0.05)


async def _handle(
    act: Act,
    most: float,
    clock: Clock,
    measure: Callable[[bool, float], None],
    request: Request,
    *,
    parsing: Parsing,
) -> Reply:
    began = clock.monotonic()
    try:
        review = await parsing.parse(parse_review, request.body)
    except NoReview as error:
        # Without a uid there is no review to deny; failurePolicy Fail denies for us.
        return Reply(400, status(400, f"{error.reason}: {clean(error.message, _MAX_MESSAGE)}"))
    spent = clock.monotonic() - began if len(request.body) > SMALL else 0.0
    answer = await act(review, answer_in(request.query, most) - spent)
    measure(answer.allowed, (clock.monotonic() - began) * 1000)
    return Reply(200, written(review.uid, answer))


def _rejected(rejection: Rejection) -> Reply:
    return Reply(rejection.status, status(rejection.status, f"{rejection.code}: {rejection.message}"))


def _nothing(name: str, allowed: bool, milliseconds: float) -> None:
    del name, allowed, milliseconds
