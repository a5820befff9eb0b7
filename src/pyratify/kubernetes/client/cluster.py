"""The API server of this process, connected to when it is first needed."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError

if TYPE_CHECKING:
    from pyratify.kubernetes.client.api import Api


@dataclass(slots=True)
class Cluster:
    """Asks the API server of `$KUBECONFIG`, or of the cluster that this process runs in."""

    _api: "Api | None" = None

    async def namespace(self, name: str) -> Mapping[str, Any]:
        """Return a Namespace; errors as in `get`."""
        return await self.get("namespaces", name)

    async def get(self, plural: str, name: str, namespace: str = "") -> Mapping[str, Any]:
        """Return an object of the core API.

        Args:
            plural: Its kind, as `secrets`.
            name: Its name, checked by the caller: it becomes part of a path.
            namespace: Its namespace, checked likewise; empty where the kind has none.

        Raises:
            ConfigurationError: There is no API server that can be used, or the extra `kubernetes` is not installed.
            ApiFault: It did not answer.
        """
        try:
            from pyratify.kubernetes.client.api import Api, object_path
        except ImportError:
            raise ConfigurationError(
                "asking the API server needs lightkube",
                remedy="Install it: pip install 'pyratify[kubernetes]'.",
            ) from None
        # At the first look-up: rules that select by names alone need no API server.
        if self._api is None:
            self._api = Api.connect()
        return await self._api.get(object_path("v1", plural, name, namespace))

    async def aclose(self) -> None:
        """Close what is open."""
        api, self._api = self._api, None
        if api is not None:
            await api.aclose()
