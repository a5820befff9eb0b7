"""Entries in Redis, Valkey or another server of their protocol; the only module that imports `redis` (extra `redis`)."""

from dataclasses import field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

if TYPE_CHECKING:
    from redis.asyncio import Redis

_SCHEMES = ("redis", "rediss", "unix")
_CONNECTIONS = 128  # more than are ever used at the same time (`replicated._MAX_UNDER_WAY`)


@dataclass(frozen=True, slots=True)
class RedisRemote:
    """Entries in Redis.

    Attributes:
        client: The connections.
    """

    client: "Redis" = field(repr=False)

    async def get(self, name: str, most: int) -> bytes | None:
        """Return at most so many of the bytes, or None; an entry of any other type is an error.

        Raises:
            Exception: Whatever the package raises.
        """
        # GETRANGE: GET would load an entry of any size that another client has put there.
        data = await self.client.getrange(name, 0, most - 1)
        return data if isinstance(data, bytes) and data else None

    async def put(self, name: str, data: bytes, seconds: float) -> None:
        """Keep the bytes for that many seconds; errors as in `get`."""
        # The lifetime in the same command: a process that ends between two would leave the entry for ever.
        await self.client.set(name, data, px=max(1, int(seconds * 1000)))

    async def aclose(self) -> None:
        """Close all connections."""
        await self.client.aclose()


def open_redis(url: str, *, password: str = "", ca_file: str = "", seconds: float = 0.25) -> RedisRemote:
    """Return the entries of a Redis; the first use connects.

    Args:
        url: `redis://HOST:PORT/DATABASE`, `rediss://...` for TLS, or `unix:///PATH`; it may hold a user name, and no password.
        password: The password; empty for none.
        ca_file: The authority of its certificate, in PEM; the system's when empty.
        seconds: The timeout of a connection and of each response.

    Raises:
        ConfigurationError: The address cannot be used, or the package is not installed.
    """
    scheme = _check(url)
    settings: dict[str, Any] = {}
    if scheme == "rediss":
        # Stated, so that the checks of TLS depend on no default of the package.
        settings = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_certs": ca_file or None}
    elif ca_file:
        raise _refused("a certificate authority is given and it does not use TLS")
    try:
        # Lazy, as the extra is optional and slow to import.
        from redis.asyncio import Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise ConfigurationError(
            "the shared cache needs redis", remedy="Install it: pip install 'pyratify[redis]'."
        ) from None
    try:
        client = Redis.from_url(
            url,
            password=password or None,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            max_connections=_CONNECTIONS,
            # No retries: the breaker decides about the next attempt, and an evaluation waits for this one.
            retry=Retry(NoBackoff(), 0),
            # RESP2: every server has it, and RESP3 costs a HELLO for each connection.
            protocol=2,
            **settings,
        )
    except (ValueError, OSError):
        raise _refused("it is not the address of a Redis server") from None  # the text may hold the address
    return RedisRemote(client)


def _check(url: str) -> str:
    """Return the scheme; refuse ambiguous addresses, and passwords in a process's arguments, which every local user can read."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _refused("it is not a URL") from None
    # Port 0 would be replaced by the package's default.
    if parts.scheme not in _SCHEMES or not (parts.hostname or parts.scheme == "unix") or port == 0:
        raise _refused("it does not begin with redis://HOST, rediss://HOST or unix://")
    # The package reads both from the query, too.
    if parts.password or parse_qs(parts.query).keys() & {"password", "username"}:
        raise _refused("it contains a password, which every user of this machine can read")
    # The query can switch off the checks of TLS (`ssl_cert_reqs=none`).
    if parts.query or parts.fragment:
        raise _refused("it has parameters")
    return parts.scheme


def _refused(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the address of the shared cache cannot be used: {why}",
        remedy="Write rediss://USER@HOST:PORT/0, and the password into a file.",
    )
