"""An informer for one kind: list its resources once, then watch; list again when the watch's version is no longer known."""

import logging
import math
import random
from collections.abc import Callable
from dataclasses import field

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.isolation import describe
from pyratify.kubernetes.client.api import Api, ApiFault, Object, collection_path
from pyratify.kubernetes.client.kinds import API_VERSION, Kind
from pyratify.kubernetes.client.resource import Resource

_LOG = logging.getLogger("pyratify.kubernetes")
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class Informer:
    """The current resources of one kind.

    Attributes:
        api: The API server.
        kind: The kind.
        changed: Called with the namespace of every change.
        clock: Paces reconnection.
        jitter: Returns a number from 0 to 1, which spreads the reconnections of several replicas.
        resources: The resources by namespace, and there by name.
        synced: Whether they have been listed at least once.
        fault: Why the last list or watch failed; None after a success.
        heard: The monotonic time of the API server's last answer or event.
        version: The `resourceVersion` that the next watch starts from; empty to list first.
    """

    api: Api
    kind: Kind
    changed: Callable[[str], None]
    clock: Clock = field(default_factory=SystemClock)
    jitter: Callable[[], float] = random.SystemRandom().random
    resources: dict[str, dict[str, Resource]] = field(default_factory=dict)
    synced: bool = False
    fault: ApiFault | None = None
    heard: float = 0.0
    version: str = ""
    _events: int = 0

    @property
    def path(self) -> str:
        """The path of the collection."""
        return collection_path(API_VERSION, self.kind.plural)

    def of(self, namespace: str) -> tuple[Resource, ...]:
        """Return the resources of a namespace, the oldest first."""
        return tuple(sorted(self.resources.get(namespace, {}).values(), key=lambda each: each.age))

    def has_namespace(self, namespace: str) -> bool:
        """Return whether a namespace has any."""
        return namespace in self.resources

    async def list(self) -> None:
        """List them all, and report the namespaces in which a specification changed.

        Raises:
            ApiFault: The list failed; the known resources stay.
        """
        objects, version = await self.api.list(self.path)
        fresh: dict[str, dict[str, Resource]] = {}
        for each in (Resource.of(self.kind, given) for given in objects):
            if each is not None:
                fresh.setdefault(each.namespace, {})[each.name] = each
        old, self.resources = self.resources, fresh
        self.version, self.synced = version, True
        self._hear()
        for namespace in sorted({*old, *fresh}):
            if _marks(old.get(namespace, {})) != _marks(fresh.get(namespace, {})):
                self.changed(namespace)

    async def run(self) -> None:
        """List and watch until cancelled; failures are noted and tried again."""
        failures = 0
        while True:
            before = self._events
            try:
                if not self.version:
                    await self.list()
                await self._watch()
            except ApiFault as fault:
                self.note_fault(fault)
            except Exception as error:  # noqa: BLE001 - the informer must go on; everything is listed again
                self.note_fault(ApiFault(410, "Internal", f"unexpected: {describe(error)}"))
            # Events end the back-off, a connection does not: a server may accept a watch and end it at once.
            failures = 0 if self._events > before else failures + 1
            await self.clock.sleep(self._pause(failures))

    async def _watch(self) -> None:
        async for kind, given in self.api.watch(self.path, self.version):
            self._events += 1
            self._hear()
            self._apply(kind, given)
        self._hear()

    def _apply(self, kind: str, given: Object) -> None:
        meta = given.get("metadata")
        version = meta.get("resourceVersion") if isinstance(meta, dict) else None
        if not isinstance(version, str) or not version:
            # 410, so that everything is listed again: no watch can start from here.
            raise ApiFault(410, "Malformed", "an event has no version")
        # Also for bookmarks and malformed objects, or the next watch would begin with the same event.
        self.version = version
        resource = Resource.of(self.kind, given)
        if kind == "BOOKMARK" or resource is None:
            return
        there = self.resources.get(resource.namespace, {})
        before = _marks(there)
        there = {name: each for name, each in there.items() if name != resource.name}
        if kind != "DELETED":
            there[resource.name] = resource
        self.resources[resource.namespace] = there
        if not there:
            del self.resources[resource.namespace]  # `has_namespace` asks for the key alone
        if before != _marks(there):
            self.changed(resource.namespace)

    def _hear(self) -> None:
        if self.fault is not None:
            _LOG.info("resources are watched again", extra={"kind": self.kind.name})
        self.heard, self.fault = self.clock.monotonic(), None

    def note_fault(self, fault: ApiFault) -> None:
        """Note a failed list or watch; after a 410 the next attempt lists again."""
        if fault.code == 410:
            self.version = ""
        if self.fault is None or self.fault.message != fault.message:
            extra = {"kind": self.kind.name, "error": fault.message}
            # Old versions expire in normal operation: the API server compacts etcd every five minutes.
            _LOG.log(
                logging.INFO if fault.is_gone else logging.WARNING, "resources are not watched", extra=extra
            )
        self.fault = fault

    def _pause(self, failures: int) -> float:
        """Return the seconds to wait: exponential back-off with jitter, at most half a minute."""
        longest = min(_LONGEST_PAUSE, math.ldexp(_FIRST_PAUSE, min(failures, 10)))
        return longest * (0.5 + 0.5 * self.jitter())


def _marks(resources: dict[str, Resource]) -> frozenset[tuple[str, int]]:
    """Return what identifies specifications; a change of status alone (our own writes) changes none of it."""
    return frozenset((each.uid, each.generation) for each in resources.values())
