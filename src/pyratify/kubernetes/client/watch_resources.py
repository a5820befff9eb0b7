"""Following all resources of one kind: listed once, then watched, and listed again whenever the thread is lost."""

import logging
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.isolation import describe
from pyratify.kubernetes.client.api import Api, ApiFault, Object, collection_path
from pyratify.kubernetes.client.kinds import API_VERSION, Kind
from pyratify.kubernetes.client.resource import Resource

_LOG = logging.getLogger("pyratify.kubernetes")
_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 30.0


@dataclass(slots=True)
class Follower:
    """All resources of one kind, as they are at the moment.

    Attributes:
        api: The API server.
        kind: The kind.
        changed: Told the namespace of whatever changed.
        clock: Where all times come from.
        jitter: Returns a number from 0 to 1, by which pauses of several replicas differ.
        resources: The resources by namespace, and there by name.
        synced: Whether they were listed at all.
        fault: Why they cannot be followed at the moment; None where they are.
        heard: The monotonic time at which the API server last said anything.
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
    _version: str = ""
    _events: int = 0

    @property
    def path(self) -> str:
        """Where the API server has them."""
        return collection_path(API_VERSION, self.kind.plural)

    def of(self, namespace: str) -> tuple[Resource, ...]:
        """Return the resources of a namespace, the oldest first."""
        return tuple(sorted(self.resources.get(namespace, {}).values(), key=lambda each: each.age))

    def knows(self, namespace: str) -> bool:
        """Tell whether there is any in a namespace."""
        return namespace in self.resources

    async def list(self) -> None:
        """Read them all anew, and tell what is different.

        Raises:
            ApiFault: They cannot be read; what was known before stays.
        """
        objects, version = await self.api.list(self.path)
        fresh: dict[str, dict[str, Resource]] = {}
        for each in (Resource.of(self.kind, given) for given in objects):
            if each is not None:
                fresh.setdefault(each.namespace, {})[each.name] = each
        old, self.resources = self.resources, fresh
        self._version, self.synced = version, True
        self._hear()
        for namespace in sorted({*old, *fresh}):
            if _marks(old.get(namespace, {})) != _marks(fresh.get(namespace, {})):
                self.changed(namespace)

    async def follow(self) -> None:
        """Follow them until cancelled, whatever happens on the way."""
        fails = 0
        while True:
            before = self._events
            try:
                if not self._version:
                    await self.list()
                await self._watch()
            except ApiFault as fault:
                self.lost(fault)
            except Exception as error:  # noqa: BLE001 - whoever follows must not stop to; everything is read again
                self.lost(ApiFault(410, "Internal", f"unexpected: {describe(error)}"))
            fails = 0 if self._events > before else fails + 1
            await self.clock.sleep(self._pause(fails))

    async def _watch(self) -> None:
        async for kind, given in self.api.watch(self.path, self._version):
            self._events += 1
            self._hear()
            self._apply(kind, given)
        self._hear()

    def _apply(self, kind: str, given: Object) -> None:
        meta = given.get("metadata")
        version = meta.get("resourceVersion") if isinstance(meta, dict) else None
        if not isinstance(version, str) or not version:
            raise ApiFault(410, "Malformed", "an event has no version")
        self._version = version
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
            del self.resources[resource.namespace]
        if before != _marks(there):
            self.changed(resource.namespace)

    def _hear(self) -> None:
        if self.fault is not None:
            _LOG.info("resources are followed again", extra={"kind": self.kind.name})
        self.heard, self.fault = self.clock.monotonic(), None

    def lost(self, fault: ApiFault) -> None:
        """Note that they cannot be followed at the moment."""
        if fault.code == 410:
            self._version = ""
        if self.fault is None or self.fault.message != fault.message:
            extra = {"kind": self.kind.name, "error": fault.message}
            _LOG.log(
                logging.INFO if fault.is_gone else logging.WARNING, "resources are not followed", extra=extra
            )
        self.fault = fault

    def _pause(self, fails: int) -> float:
        """Return for how many seconds to wait: longer with every failure, never longer than half a minute."""
        longest = min(_LONGEST_PAUSE, math.ldexp(_FIRST_PAUSE, min(fails, 10)))
        return longest * (0.5 + 0.5 * self.jitter())


def _marks(resources: dict[str, Resource]) -> frozenset[tuple[str, int]]:
    """Return by what resources are told from others; what is written into their status is no matter."""
    return frozenset((each.uid, each.generation) for each in resources.values())
