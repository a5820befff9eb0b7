"""URLs, parsed strictly: a text that two parsers could take for different hosts is refused."""

import ipaddress
import re
from typing import Self
from urllib.parse import urljoin, urlsplit

from pyratify.core.dataclass import dataclass
from pyratify.core.reference import DEFAULT_REGISTRY, is_registry

_PRINTABLE = re.compile(r"[!-\[\]-~]{1,8192}", re.ASCII)  # no backslash: some readers take it for a slash
_ADDRESS = re.compile(r"\[([0-9a-fA-F:.]+)(?:%25[0-9A-Za-z]+)?\](?::([0-9]{1,5}))?", re.ASCII)
_USER = re.compile(r"(?:^|(?<=//))[^/?#]*@")
_PORTS = {"http": 80, "https": 443}
# docker.io itself serves no registry API; Docker's clients ask this host.
_DOCKER_HUB_HOST = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port (RFC 6454).

    Attributes:
        scheme: `http` or `https`.
        host: In lower case, without a trailing dot; an IPv6 address has no brackets.
        port: The port.
    """

    scheme: str
    host: str
    port: int

    @property
    def authority(self) -> str:
        """Host and port as they stand in a URL and in the `Host` field, without a default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"


@dataclass(frozen=True, slots=True)
class Url:
    """An origin with a path and query.

    Attributes:
        origin: Scheme, host and port.
        target: Path and query, beginning with a slash.
    """

    origin: Origin
    target: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse an absolute http or https URL without user and password.

        Raises:
            ValueError: It is none.
        """
        # First: urlsplit removes tabs and line breaks without a word, and would parse another text than this.
        if not _PRINTABLE.fullmatch(text):
            raise ValueError("it is empty, too long or has characters that no URL has")
        parts = urlsplit(text)
        # `https://registry@other` shows one host and means another; credentials have their own configuration.
        if parts.scheme not in _PORTS or "@" in parts.netloc:
            raise ValueError("it is no http or https URL, or it contains a user")
        origin = parse_origin(parts.scheme, parts.netloc)
        # The fragment is dropped: it is no part of the target (RFC 9110 7.1).
        query = f"?{parts.query}" if parts.query else ""
        return cls(origin, f"{parts.path or '/'}{query}")

    def join(self, text: str) -> "Url":
        """Return what the text, absolute or relative, names when it stands in an answer from here.

        Raises:
            ValueError: It is no http or https URL.
        """
        if not _PRINTABLE.fullmatch(text):
            raise ValueError("it is empty, too long or has characters that no URL has")
        # Parsed again: a relative reference, `//user@host`, may name a host and a user, too (RFC 3986 4.2).
        return Url.parse(urljoin(str(self), text))

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"


def without_user(text: str) -> str:
    """Return the text of a URL, or of what should be one, without user and password, as it may be shown."""
    # To the last @ before the path: a password may have one that is not encoded.
    return _USER.sub("", text)


def parse_origin(scheme: str, authority: str) -> Origin:
    """Return the origin that a scheme and a host, perhaps with a port, name.

    Raises:
        ValueError: The host does not follow the grammar of hosts.
    """
    address = _ADDRESS.fullmatch(authority)
    # Hosts of certificate authorities and of storage have underscores now and then; registries' have none.
    if address is None and not is_registry(authority.replace("_", "0")):
        raise ValueError(f"it names no host: {authority[:80]!r}")
    if address is not None:  # a zone says nothing that a guard may rely on
        host, port = str(ipaddress.IPv6Address(address[1])), address[2]
    else:
        host, _, port = authority.partition(":")
    number = int(port or _PORTS[scheme])
    if not 0 < number < 65536:
        raise ValueError(f"it names no port: {authority[:80]!r}")
    # One spelling for one host: origins are compared, as keys of connections and for credentials.
    return Origin(scheme, host.lower().removesuffix("."), number)


def registry_origin(registry: str, *, plain_http: bool) -> Origin:
    """Return where a canonical registry is served.

    Args:
        registry: The canonical host and port.
        plain_http: Whether it speaks http.

    Raises:
        ValueError: It is no host.
    """
    host = _DOCKER_HUB_HOST if registry == DEFAULT_REGISTRY else registry
    return parse_origin("http" if plain_http else "https", host)
