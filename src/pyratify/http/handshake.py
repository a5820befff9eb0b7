"""Whether a port of this machine speaks TLS, found by a handshake that ends before a request is sent."""

import asyncio
import ssl

from pyratify.core.addresses import literal
from pyratify.http.name_resolution import Resolve
from pyratify.http.response_checks import is_not_tls
from pyratify.http.threads import in_thread
from pyratify.http.url import Origin

_LONGEST = 2.0  # seconds, on this machine


async def speaks_tls(origin: Origin, resolve: Resolve, seconds: float) -> bool:
    """Return whether one of the origin's addresses answers a TLS handshake, in whatever way.

    No certificate is trusted here: the handshake of a server that speaks TLS ends with the refusal of its certificate.

    Args:
        origin: An origin on loopback.
        resolve: Names to addresses.
        seconds: How long an address may take.
    """
    host = origin.host
    try:
        addresses = (
            (host,)
            if literal(host) == host
            else await in_thread(f"resolving {host}", lambda: tuple(resolve(host, origin.port)))
        )
    except OSError:
        return False
    for address in addresses:
        # `localhost` often is ::1 and 127.0.0.1, and a registry listens on one of them only.
        spoken = await _handshake(address, origin, seconds)
        if spoken is not None:
            return spoken
    return False


async def _handshake(address: str, origin: Origin, seconds: float) -> bool | None:
    """Return whether an address speaks TLS; None when it cannot be reached."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies, and knows no authority at all
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(min(seconds, _LONGEST)):
            transport, _ = await loop.create_connection(
                asyncio.Protocol, address, origin.port, ssl=context, server_hostname=origin.host
            )
    # The order matters: the errors below are all OSError, ssl.SSLError included.
    except ssl.SSLError as error:
        return not is_not_tls(error)
    except ConnectionRefusedError:
        return None
    except OSError:  # closed, or silent
        return False
    transport.abort()
    return True
