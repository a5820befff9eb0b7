"""What became of a resource, said in its status and by an Event."""

import asyncio
import hashlib
import logging
from dataclasses import dataclass, field
from typing import Any

import msgspec

from pyratify.core.clock import Clock, SystemClock
from pyratify.core.errors import ConfigurationError
from pyratify.core.text import clean
from pyratify.kubernetes.client.api import MERGE_PATCH, Api, ApiFault, collection_path, object_path
from pyratify.kubernetes.client.kinds import API_VERSION, MAX_BRIEF, Condition, Status
from pyratify.kubernetes.client.resource import Resource

_LOG = logging.getLogger("pyratify.kubernetes")
_READY = "Ready"
_IN_SERVICE = "InService"
_MAX_ERROR = 2000
_MAX_NOTE = 900
_MAX_TRIES = 5
_AT_ONCE = 8
_MAX_EVENTS = 20
_EVENT_SECONDS = 10.0
_EVENTS = "events.k8s.io/v1"


@dataclass(slots=True)
class Reporter:
    """Writes status and Events, each only when there is something new to say.

    Every replica may say the same; what another replica says is left alone.

    Attributes:
        api: The API server.
        clock: Where all times come from.
        instance: The name of this process, in Events.
    """

    api: Api
    clock: Clock = field(default_factory=SystemClock)
    instance: str = "pyratify"
    _said: dict[str, tuple[int, str]] = field(default_factory=dict)
    _logged: dict[str, tuple[int, str]] = field(default_factory=dict)
    _gate: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _left: float = float(_MAX_EVENTS)
    _since: float = 0.0

    async def report(self, resource: Resource, trouble: ConfigurationError | None, *, serving: bool) -> None:
        """Say what became of a resource; that it cannot be said is logged.

        Args:
            resource: The resource.
            trouble: Why its specification is not in service; None where it is.
            serving: Whether it is in service as it last was valid.
        """
        said = (resource.generation, trouble.message if trouble else "")
        if self._said.get(resource.uid) == said:
            return
        if self._logged.get(resource.uid) != said:
            self._log(resource, trouble, serving=serving)
            self._logged[resource.uid] = said
        try:
            async with self._gate:
                if await self._write(resource, trouble):
                    await self._tell(resource, trouble, serving=serving)
            self._said[resource.uid] = said
        except ApiFault as fault:
            _LOG.warning("status not written", extra={"resource": resource.title, "error": fault.message})

    def _log(self, resource: Resource, trouble: ConfigurationError | None, *, serving: bool) -> None:
        level = logging.ERROR if trouble else logging.INFO
        error = trouble.message if trouble else ""
        extra = {"resource": resource.title, "error": error, "last_valid_serves": serving}
        _LOG.log(level, "executor refused" if trouble else "executor in service", extra=extra)

    def forget(self, uids: set[str]) -> None:
        """Forget what was said about all resources but these."""
        self._said = {uid: said for uid, said in self._said.items() if uid in uids}
        self._logged = {uid: said for uid, said in self._logged.items() if uid in uids}

    async def _write(self, resource: Resource, trouble: ConfigurationError | None) -> bool:
        """Write the status if it is another one; tell whether it was written.

        Raises:
            ApiFault: It could not be written.
        """
        where = (API_VERSION, resource.kind.plural, resource.name, resource.namespace)
        for _ in range(_MAX_TRIES):
            wanted = self._status(resource, trouble)
            if wanted is None:
                return False
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
        raise ApiFault(409, "Conflict", "somebody else writes this status again and again")

    def _status(self, resource: Resource, trouble: ConfigurationError | None) -> dict[str, Any] | None:
        """Return the status as it is to be, or None where it is so."""
        old = _read(resource.status)
        condition = self._condition(resource, trouble, old)
        error = _short(trouble.message, _MAX_ERROR) if trouble else ""
        new = Status(
            succeeded=trouble is None,
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
        self, resource: Resource, trouble: ConfigurationError | None, old: Status | None
    ) -> Condition:
        status = "False" if trouble else "True"
        before = next((each for each in old.conditions if each.type == _READY), None) if old else None
        since = before.last_transition_time if before is not None and before.status == status else self._now()
        return Condition(
            type=_READY,
            status="False" if trouble else "True",
            reason=trouble.reason.value if trouble else _IN_SERVICE,
            message=_short(f"{trouble.message}. {trouble.remedy}", _MAX_ERROR) if trouble else "in service",
            last_transition_time=since,
            observed_generation=resource.generation,
        )

    async def _tell(self, resource: Resource, trouble: ConfigurationError | None, *, serving: bool) -> None:
        """Make an Event; the same one of several replicas is one, and there are never many at once."""
        if not self._may_tell():
            return
        note = "the specification is in service"
        if trouble:
            rest = "as it last was valid it stays in service" if serving else "its scopes are denied"
            note = f"{_short(trouble.message, _MAX_NOTE)}; {rest}"
        reason = trouble.reason.value if trouble else _IN_SERVICE
        told = hashlib.sha256(f"{resource.uid} {resource.generation} {note}".encode()).hexdigest()[:16]
        namespace = resource.namespace or "default"
        event = {
            "apiVersion": _EVENTS,
            "kind": "Event",
            "metadata": {"name": f"{resource.name[:200]}.{told}", "namespace": namespace},
            "eventTime": self.clock.now().isoformat(timespec="microseconds").replace("+00:00", "Z"),
            "reportingController": "config.ratify.sh/pyratify",
            "reportingInstance": self.instance[:128],
            "action": "Configure",
            "reason": reason,
            "regarding": resource.reference,
            "type": "Warning" if trouble else "Normal",
            "note": note,
        }
        try:
            await self.api.request("POST", collection_path(_EVENTS, "events", namespace), event)
        except ApiFault as fault:
            if not fault.is_conflict:
                _LOG.warning("event not made", extra={"resource": resource.title, "error": fault.message})

    def _may_tell(self) -> bool:
        now = self.clock.monotonic()
        self._left = min(_MAX_EVENTS, self._left + (now - self._since) / _EVENT_SECONDS)
        self._since = now
        if self._left < 1:
            return False
        self._left -= 1
        return True

    def _now(self) -> str:
        return self.clock.now().isoformat(timespec="seconds").replace("+00:00", "Z")


def _short(text: str, limit: int) -> str:
    """Return a text without what a terminal would obey, its end left out where it is longer than the limit."""
    shown = clean(text, 10 * limit)
    return shown if len(shown) <= limit else f"{shown[: limit - 3]}..."


def _read(status: Any) -> Status | None:
    try:
        return msgspec.convert(status, Status)
    except msgspec.ValidationError:
        return None
