"""Write the status of resources, and Events about them."""

import asyncio
import hashlib
import logging
from dataclasses import field
from typing import Any, Literal

import msgspec

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.text import clean
from pyratify.kubernetes.client.api import MERGE_PATCH, Api, ApiFault, collection_path, object_path
from pyratify.kubernetes.client.kinds import API_VERSION, MAX_BRIEF, Condition, Status
from pyratify.kubernetes.client.resource import Resource

_LOG = logging.getLogger("pyratify.kubernetes")
_READY = "Ready"
_IN_SERVICE = "InService"
_MAX_ERROR = 2000
_MAX_NOTE = 900  # the API server refuses notes of more than 1024 bytes
_MAX_TRIES = 5
_AT_ONCE = 8  # the API server throttles eager clients
_MAX_EVENTS = 20
_EVENT_SECONDS = 10.0
_EVENTS = "events.k8s.io/v1"


@dataclass(slots=True)
class StatusReporter:
    """Writes statuses and Events, each only when it differs from the last one.

    Every replica writes; an equal status of another replica is not written again.

    Attributes:
        api: The API server.
        clock: Dates conditions and Events.
        instance: The name of this process, in Events.
    """

    api: Api
    clock: Clock = field(default_factory=SystemClock)
    instance: str = "pyratify"
    _written: dict[str, tuple[int, str]] = field(default_factory=dict)
    _logged: dict[str, tuple[int, str]] = field(default_factory=dict)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _budget: float = float(_MAX_EVENTS)
    _refilled: float = 0.0

    async def report(self, resource: Resource, problem: ConfigurationError | None, *, serving: bool) -> None:
        """Write a resource's status and an Event; failures are logged.

        Args:
            resource: The resource.
            problem: Why its specification is not in service; None where it is.
            serving: Whether its last valid specification is in service.
        """
        written = (resource.generation, problem.message if problem else "")
        if self._written.get(resource.uid) == written:
            return
        if self._logged.get(resource.uid) != written:
            self._log(resource, problem, serving=serving)
            self._logged[resource.uid] = written
        try:
            async with self._slots:
                if await self._write(resource, problem):
                    await self._emit(resource, problem, serving=serving)
            self._written[resource.uid] = written  # only now: after a fault the next check writes again
        except ApiFault as fault:
            _LOG.warning("status not written", extra={"resource": resource.title, "error": fault.message})

    def _log(self, resource: Resource, problem: ConfigurationError | None, *, serving: bool) -> None:
        level = logging.ERROR if problem else logging.INFO
        error = problem.message if problem else ""
        extra = {"resource": resource.title, "error": error, "last_valid_serves": serving}
        _LOG.log(level, "executor refused" if problem else "executor in service", extra=extra)

    def forget(self, uids: set[str]) -> None:
        """Forget the state of all resources but these."""
        self._written = {uid: written for uid, written in self._written.items() if uid in uids}
        self._logged = {uid: written for uid, written in self._logged.items() if uid in uids}

    async def _write(self, resource: Resource, problem: ConfigurationError | None) -> bool:
        """Write the status unless it is current; return whether it was written.

        Raises:
            ApiFault: The write failed, or conflicted too often.
        """
        where = (API_VERSION, resource.kind.plural, resource.name, resource.namespace)
        for _ in range(_MAX_TRIES):
            wanted = self._status(resource, problem)
            if wanted is None:
                return False
            # With the version, because this status is of the generation that was read: a newer one has its own.
            patch = {"metadata": {"resourceVersion": resource.version}, "status": wanted}
            try:
                await self.api.request(
                    "PATCH", object_path(*where, "status"), patch, content_type=MERGE_PATCH
                )
                return True
            except ApiFault as fault:
                if not fault.is_conflict:
                    raise
            fresh = Resource.of(resource.kind, await self.api.get(object_path(*where)))
            if fresh is None or (fresh.uid, fresh.generation) != (resource.uid, resource.generation):
                return False
            resource = fresh
        raise ApiFault(
            409, "Conflict", f"the status was changed by others between {_MAX_TRIES} attempts to write it"
        )

    def _status(self, resource: Resource, problem: ConfigurationError | None) -> dict[str, Any] | None:
        """Return the desired status, or None if current."""
        old = _read(resource.status)
        condition = self._condition(resource, problem, old)
        error = _short(problem.message, _MAX_ERROR) if problem else ""
        new = Status(
            succeeded=problem is None,
            error=error,
            brief_error=_short(error, MAX_BRIEF),
            observed_generation=resource.generation,
            conditions=(condition,),
        )
        if old == new:
            return None
        found: dict[str, Any] = msgspec.to_builtins(new)
        return {"error": None, "briefError": None, **found}  # a merge patch removes what is null

    def _condition(
        self, resource: Resource, problem: ConfigurationError | None, old: Status | None
    ) -> Condition:
        status: Literal["True", "False"] = "False" if problem else "True"
        before = next((each for each in old.conditions if each.type == _READY), None) if old else None
        # As `metav1.Condition` defines it: a new message alone is no transition.
        since = before.last_transition_time if before is not None and before.status == status else self._now()
        return Condition(
            type=_READY,
            status=status,
            reason=problem.reason.value if problem else _IN_SERVICE,
            message=_short(f"{problem.message}. {problem.remedy}", _MAX_ERROR) if problem else "in service",
            last_transition_time=since,
            observed_generation=resource.generation,
        )

    async def _emit(self, resource: Resource, problem: ConfigurationError | None, *, serving: bool) -> None:
        """Create an Event, rate limited; its name is a hash of its content, so that replicas create the same one once."""
        if not self._may_emit():
            return
        note = "the specification is in service"
        if problem:
            rest = "its last valid specification stays in service" if serving else "its scopes are denied"
            note = f"{_short(problem.message, _MAX_NOTE)}; {rest}"
        reason = problem.reason.value if problem else _IN_SERVICE
        digest = hashlib.sha256(f"{resource.uid} {resource.generation} {note}".encode()).hexdigest()[:16]
        namespace = resource.namespace or "default"  # where Events about cluster-wide objects belong
        event = {
            "apiVersion": _EVENTS,
            "kind": "Event",
            "metadata": {"name": f"{resource.name[:200]}.{digest}", "namespace": namespace},
            "eventTime": self.clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "reportingController": "config.ratify.sh/pyratify",
            "reportingInstance": self.instance[:128],
            "action": "Configure",
            "reason": reason,
            "regarding": resource.reference,
            "type": "Warning" if problem else "Normal",
            "note": note,
        }
        try:
            await self.api.request("POST", collection_path(_EVENTS, "events", namespace), event)
        except ApiFault as fault:
            if not fault.is_conflict:
                _LOG.warning("event not created", extra={"resource": resource.title, "error": fault.message})

    def _may_emit(self) -> bool:
        now = self.clock.monotonic()
        # A token bucket: a tenant that edits a resource in a loop must not fill etcd with Events.
        self._budget = min(_MAX_EVENTS, self._budget + (now - self._refilled) / _EVENT_SECONDS)
        self._refilled = now
        if self._budget < 1:
            return False
        self._budget -= 1
        return True

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")


def _short(text: str, limit: int) -> str:
    """Return a text with control characters escaped, cut to the limit."""
    shown = clean(text, 10 * limit)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def _read(status: Any) -> Status | None:
    try:
        return msgspec.convert(status, Status)
    except msgspec.ValidationError:  # of another version or writer: it is overwritten
        return None
