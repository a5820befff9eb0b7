"""Proxies from the environment: `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, in either case."""

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import is_loopback
from pyratify.http.url import Origin, parse_origin


@dataclass(frozen=True, slots=True)
class Proxy:
    """An http proxy.

    Attributes:
        origin: Where it listens.
        authorization: The value of `Proxy-Authorization`; empty for none.
    """

    origin: Origin
    authorization: str = ""


def proxy_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that say something about proxies; where there are none, no origin has a proxy."""
    return {name: text for name, text in environ.items() if text and name.lower().endswith("_proxy")}


def proxy_for(origin: Origin, environ: Mapping[str, str]) -> Proxy | None:
    """Return the proxy for an origin; None for this machine's loopback, for `NO_PROXY` and where none is set.

    Raises:
        StoreError: `REGISTRY_UNREACHABLE`: the variable's value is no URL of an http proxy.
    """
    text = _variable(environ, f"{origin.scheme}_proxy") or _variable(environ, "all_proxy")
    # Loopback is excepted as in Go's http.ProxyFromEnvironment, which docker and crane use.
    if not text or is_loopback(origin.authority) or _is_excluded(origin, _variable(environ, "no_proxy")):
        return None
    # curl and Go take `host:port` without a scheme.
    parts = urlsplit(text if "://" in text else f"http://{text}")
    # From the right: a password may contain an @ that is not encoded.
    authority = parts.netloc.rpartition("@")[2]
    try:
        if parts.scheme != "http":
            raise ValueError("only http proxies are supported")
        proxy = parse_origin("http", authority)
    except ValueError as error:
        raise StoreError(
            Reason.REGISTRY_UNREACHABLE,
            f"the proxy for {origin.scheme} in the environment cannot be used: {error}",
            remedy="Write http://host:port, or set proxyFromEnvironment to false.",
        ) from None
    if parts.username is None:
        return Proxy(proxy)
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    return Proxy(proxy, f"Basic {b64encode(user).decode()}")


def _variable(environ: Mapping[str, str], name: str) -> str:
    # Lower case first, as in curl.
    return environ.get(name) or environ.get(name.upper()) or ""


def _is_excluded(origin: Origin, no_proxy: str) -> bool:
    return any(_covers(entry.strip().lower(), origin) for entry in no_proxy.split(",") if entry.strip())


def _covers(entry: str, origin: Origin) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _in_network(entry, origin.host)
    # `*.corp.example` means the same as `.corp.example`, which does not cover corp.example itself.
    host = entry.removeprefix("*")
    if host in (origin.host, origin.authority, f"{origin.host}:{origin.port}"):
        return True
    return origin.host.endswith(host if host.startswith(".") else f".{host}")


def _in_network(entry: str, host: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
