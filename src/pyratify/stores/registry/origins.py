"""Where registries are served: over https, or over http where that is configured, or found on this machine's loopback."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable

from pyratify.core.caching import SingleFlight
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import is_loopback
from pyratify.http.url import Origin, registry_origin
from pyratify.stores.registry.registry_options import RegistryOptions

_MAX_ORIGINS = 1024


class Origins:
    """Finds and remembers the origins of registries.

    Args:
        options: The store's settings.
        speaks_tls: Returns whether an origin of this machine answers a TLS handshake.
    """

    def __init__(self, options: RegistryOptions, speaks_tls: Callable[[Origin], Awaitable[bool]]) -> None:
        self._plain_http = options.plain_http
        self._probes = options.destinations is None
        self._speaks_tls = speaks_tls
        self._known: OrderedDict[str, Origin] = OrderedDict()
        self._asked: SingleFlight[Origin] = SingleFlight()

    async def find(self, registry: str) -> Origin:
        """Return where a registry is served; on loopback https is tried first, as Docker does.

        Raises:
            StoreError: `REGISTRY_UNREACHABLE` when the registry is no host.
        """
        origin = self._known.get(registry)
        if origin is None:
            origin = await self._asked.run(registry, lambda: self._find(registry))
            self._known[registry] = origin
            if len(self._known) > _MAX_ORIGINS:
                self._known.popitem(last=False)
        return origin

    def forget(self, registry: str) -> None:
        """Forget what was found of a registry on loopback, which could not be reached so."""
        if self._plain_http is None and is_loopback(registry):
            self._known.pop(registry, None)

    async def _find(self, registry: str) -> Origin:
        plain = is_loopback(registry) if self._plain_http is None else self._plain_http
        try:
            origin = registry_origin(registry, plain_http=plain)
            secure = registry_origin(registry, plain_http=False)
        except ValueError as error:
            raise StoreError(Reason.REGISTRY_UNREACHABLE, f"{registry} is no registry: {error}") from None
        undecided = self._plain_http is None and plain and self._probes
        return secure if undecided and await self._speaks_tls(secure) else origin
