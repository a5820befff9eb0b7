"""The path and the query of a request to Docker's API, as its router reads them.

The router (gorilla/mux) compares the decoded path after it removed empty and dot segments, with or without a version before
it. A plugin that compares the text it is shown misses `/v1.41/containers/create`, `//containers/create`,
`/containers/%63reate` and `http://x/containers/create`.
"""

import posixpath
import re
from collections.abc import Mapping
from urllib.parse import unquote_to_bytes

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")
# At the beginning alone: containers and services may be called v1, too.
_VERSION = re.compile(r"\A/v[0-9.]+(?=/)", re.ASCII)
_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_MAX_PARAMETERS = 256


class BadDockerRequest(RatifyError):
    """A request that is none of Docker's, or one that could be understood in two ways."""


@dataclass(frozen=True, slots=True)
class Target:
    """What a request is for.

    Attributes:
        path: The path without a version, as `/containers/create`.
        query: The values of each parameter, in their order.
    """

    path: str
    query: Mapping[str, tuple[str, ...]]

    def parameter(self, name: str) -> str:
        """Return the value of a parameter; empty where there is none.

        Raises:
            BadDockerRequest: There are several.
        """
        values = self.query.get(name, ())
        if len(values) > 1:
            raise bad(f"the parameter {name} is given {len(values)} times")
        return values[0] if values else ""


def parse_target(uri: str) -> Target:
    """Return the target of a request line.

    Raises:
        BadDockerRequest: An escape is broken or not UTF-8, the query has a semicolon, or there are too many parameters.
    """
    absolute = _ABSOLUTE.match(uri)  # RFC 9112, section 3.2.2
    path, _, query = (uri[absolute.end() :] if absolute else uri).partition("?")
    return Target(_VERSION.sub("", _cleaned(_decoded(path))), _parameters(query))


def bad(message: str, remedy: str | None = None) -> BadDockerRequest:
    """Return the error for a request that is not understood in one way only."""
    return BadDockerRequest(Reason.BAD_REQUEST, message, remedy=remedy)


def _cleaned(path: str) -> str:
    # POSIX leaves two slashes at the beginning as they are; the router does not.
    return posixpath.normpath("/" + path.lstrip("/"))


def _parameters(query: str) -> Mapping[str, tuple[str, ...]]:
    # Go before 1.17 separates at semicolons, too; later ones silently drop the parameter that has one (net/url, parseQuery).
    if ";" in query:
        raise bad("the query has a semicolon, and daemons differ in what it means", "Write it as %3B.")
    parts = [part for part in query.split("&", _MAX_PARAMETERS) if part]
    if len(parts) > _MAX_PARAMETERS:
        raise bad(f"the query has more than {_MAX_PARAMETERS} parameters")
    found: dict[str, tuple[str, ...]] = {}
    for part in parts:
        # In a query + is a space; in a path it stands for itself.
        name, _, value = (_decoded(text.replace("+", " ")) for text in part.partition("="))
        found[name] = (*found.get(name, ()), value)
    return found


def _decoded(text: str) -> str:
    # Python keeps a broken escape as text; Go takes it for an error.
    if _BROKEN.search(text):
        raise bad(f"{text[:80]!a} has a broken percent-encoding")
    try:
        # Not unquote(), which would replace what is not UTF-8.
        return unquote_to_bytes(text).decode("utf-8")
    except UnicodeDecodeError:
        raise bad(f"{text[:80]!a} is not UTF-8 once it is decoded") from None
