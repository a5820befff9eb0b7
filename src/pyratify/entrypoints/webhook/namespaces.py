"""The labels of namespaces, which a review does not say: asked of the API server, and remembered for a moment."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import field
from functools import partial
from typing import Any

from pyratify.core.caching import ExpiringCache, SingleFlight
from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.reason import Reason
from pyratify.entrypoints.webhook.pod_images import InadmissibleObject, labels

_LOG = logging.getLogger("pyratify.webhook")
# Short: a label that is set to make rules stricter has to count soon.
_SECONDS = 2.0
# The names come from reviews, so their number has to be bounded.
_MOST = 10_000


@dataclass(slots=True)
class NamespaceLabels:
    """Knows the labels of namespaces.

    Attributes:
        ask: Returns a Namespace by its name.
        clock: The clock of durations and deadlines.
    """

    ask: Callable[[str], Awaitable[Mapping[str, Any]]]
    clock: Clock
    _known: ExpiringCache[Mapping[str, str]] = field(init=False)
    _asking: SingleFlight[Mapping[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self._known = ExpiringCache(self.clock, _MOST)
        # The Pods of one Deployment arrive together; one request is enough for all of them.
        self._asking = SingleFlight()

    async def of(self, namespace: str) -> Mapping[str, str]:
        """Return the labels of a namespace, at most two seconds old.

        Raises:
            InadmissibleObject: `POLICY_ERROR`: the API server did not say.
        """
        found = self._known.get(namespace)
        return (
            found if found is not None else await self._asking.run(namespace, partial(self._ask, namespace))
        )

    async def _ask(self, namespace: str) -> Mapping[str, str]:
        try:
            found = _labels_of(namespace, await self.ask(namespace))
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            _LOG.error(
                "labels of a namespace are not known", extra={"namespace": namespace, "error": str(error)}
            )
            raise InadmissibleObject(
                Reason.POLICY_ERROR,
                f"the labels of the namespace {namespace} are not known",
                remedy="Check that the webhook reaches the API server and may get namespaces.",
            ) from None
        self._known.put(namespace, found, _SECONDS)
        return found


def _labels_of(namespace: str, given: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the labels of a Namespace; what is none, or another one, has no labels that say anything."""
    metadata = given.get("metadata")
    # A proxy that answers for another object would otherwise choose the rules.
    if not isinstance(metadata, dict) or metadata.get("name") != namespace:
        raise InadmissibleObject(Reason.POLICY_ERROR, "the answer is not about this namespace")
    return labels(given)
