"""The page at `/`: its files, and what a browser is allowed to do with them."""

from functools import partial
from importlib.resources import files

from pyratify.entrypoints.service.access import Callers
from pyratify.serving.http.server import Handler, Reply, Request

# Everything comes from here, nothing is inline, and no text ever becomes markup (Trusted Types).
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    # A window of another site must neither hold a reference to the page nor be held by it.
    "Cross-Origin-Opener-Policy": "same-origin",
    # No other site may embed the files, nor tell from them that the service runs here.
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    # For browsers that do not know frame-ancestors (clickjacking).
    "X-Frame-Options": "DENY",
}
_FILES = {
    "/": ("index.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def asset_routes(callers: Callers) -> dict[tuple[str, str], Handler]:
    """Return the page's routes; the files hold no data, so they are served without a token.

    Args:
        callers: Knows the host names under which this service answers.
    """
    folder = files(__package__) / "page"
    return {
        # Read once at the start: no request can choose a file.
        ("GET", path): partial(_send, callers, Reply(200, (folder / name).read_bytes(), kind, HEADERS))
        for path, (name, kind) in _FILES.items()
    }


async def _send(callers: Callers, reply: Reply, request: Request) -> Reply:
    return callers.misdirected(request) or reply
