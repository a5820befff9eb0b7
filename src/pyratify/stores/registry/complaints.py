"""What a registry says of its own errors (OCI distribution specification, "Error Codes"), made safe to show."""

from datetime import datetime, timedelta
from typing import Any

from pyratify.core.reason import Reason
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.http.response_checks import TryLater
from pyratify.http.transport import Response

_MAX = 200


def error_code(response: Response) -> str:
    """Return the code of the first error in the body; empty when there is none."""
    code = _first_error(response).get("code")
    return code if isinstance(code, str) else ""


def complaint(response: Response) -> str:
    """Return `: CODE: message` for the first error in the body; empty when there is none."""
    error = _first_error(response)
    parts = [part for part in (error.get("code"), error.get("message")) if isinstance(part, str) and part]
    return f": {printable(': '.join(parts))}" if parts else ""


def try_later(response: Response, seconds: float, now: datetime) -> TryLater:
    """Return the failure of a request whose server asks for a wait of that many seconds from now."""
    until = (now + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return TryLater(
        Reason.REGISTRY_ERROR,
        f"{response.url.origin.authority} answers HTTP {response.status}{complaint(response)} and asks for a wait of "
        f"{seconds:.0f} seconds, until {until}",
        remedy=f"Ask again after {until}, as it answers HTTP {response.status} until then; a login usually allows more requests.",
    )


def printable(text: str) -> str:
    """Return at most 200 characters of the text, with everything that a terminal could act upon replaced."""
    return "".join(char if char.isprintable() else "?" for char in text[:_MAX])


def _first_error(response: Response) -> dict[str, Any]:
    if not response.body.lstrip().startswith(b"{"):
        return {}
    try:
        errors = load_object(response.body).get("errors")
    except InvalidJson:
        return {}
    first = errors[0] if isinstance(errors, list) and errors else None
    return first if isinstance(first, dict) else {}
