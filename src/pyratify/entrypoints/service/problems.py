"""Requests that are refused as a whole, said as RFC 9457 wants it."""

from collections.abc import Mapping
from http import HTTPStatus

from msgspec import json

from pyratify.entrypoints.service.response_bodies import Problem
from pyratify.render.plain import clean
from pyratify.serving.http.server import Rejection, Reply

_MAX_DETAIL = 512


def problem(
    status: int, code: str, detail: str, remedy: str = "", headers: Mapping[str, str] | None = None
) -> Reply:
    """Return the answer to a request that is refused.

    Args:
        status: The HTTP status.
        code: A stable code.
        detail: One sentence that says what is wrong.
        remedy: One sentence that says what to do.
        headers: More headers of the answer.
    """
    found = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        # It may quote the request, and is shown on terminals and on the page.
        detail=clean(detail, _MAX_DETAIL),
        code=code,
        remedy=clean(remedy, _MAX_DETAIL),
    )
    return Reply(status, json.encode(found), "application/problem+json", headers or {})


def rejected(rejection: Rejection) -> Reply:
    """Say what the server itself refused."""
    return problem(rejection.status, rejection.code, rejection.message)
