"""The Lease: its holder rotates the certificates, and every replica notes in it which certificate it serves.

Two replicas that both believe to hold it do no harm: every write carries the version that was read, and conflicts otherwise.
Times of other machines are never compared with the local clock: a holder loses the Lease when its entry has not changed, as seen
here, for the duration that it states.
"""

import hashlib
from dataclasses import field

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.kubernetes.client.api import MERGE_PATCH, Api, ApiFault, Object, collection_path, object_path

_API, _PLURAL = "coordination.k8s.io/v1", "leases"
_PREFIX = "serving.ratify.sh/"
_HEARTBEAT = 60.0
# Long, because retiring an authority too early cuts off replicas, and too late costs nothing.
_SILENCE = 6 * 3600.0
_MAX_SECONDS = 3600  # another writer may promise years


@dataclass(frozen=True, slots=True)
class LeaseState:
    """The Lease as one replica sees it.

    Attributes:
        leading: Whether this replica holds it.
        served: Fingerprints of the certificates that live replicas serve.
    """

    leading: bool
    served: frozenset[str] = frozenset()


@dataclass(slots=True)
class LeaderLease:
    """The Lease of a service's certificates.

    Attributes:
        api: The API server.
        name: Its name.
        namespace: Its namespace.
        identity: The holder; unique among replicas.
        clock: Wall time for the record, monotonic time for expiry.
        seconds: The duration of the Lease after it was renewed.
    """

    api: Api
    name: str
    namespace: str
    identity: str
    clock: Clock
    seconds: int = 40
    _seen: dict[str, tuple[str, float]] = field(default_factory=dict)
    _written: tuple[str, float] = ("", 0.0)

    async def hold(self, serving: str) -> LeaseState:
        """Take or renew the Lease if it is free, and note which certificate this replica serves.

        Args:
            serving: The fingerprint of the certificate that is served; empty while there is none.

        Raises:
            ApiFault: It can be neither read nor written.
        """
        for _ in range(2):  # once more after a conflict, with what the other replica wrote
            found = await self._read()
            free = self._is_free(found)
            try:
                if free or self._is_due(serving):
                    found = await self._write(found, serving, take=free)
            except ApiFault as fault:
                if not fault.is_conflict:
                    raise
                continue
            return LeaseState(_spec(found).get("holderIdentity") == self.identity, self._served(found))
        return LeaseState(leading=False)

    async def release(self) -> None:
        """Release it, so that another replica need not wait for its end; errors as in `hold`."""
        found = await self._read()
        if _spec(found).get("holderIdentity") == self.identity:
            mine = {self._annotation: None}
            body = {"metadata": {**_version(found), "annotations": mine}, "spec": {"holderIdentity": ""}}
            await self.api.request("PATCH", self._path, body, content_type=MERGE_PATCH)

    async def _read(self) -> Object:
        try:
            return await self.api.get(self._path)
        except ApiFault as fault:
            if not fault.is_missing:
                raise
            return {}

    async def _write(self, found: Object, serving: str, *, take: bool) -> Object:
        """Write the Lease; only taking it needs the version that was found, because notes of replicas do not collide."""
        # The time makes every note differ from the last, which is how replicas see that this one lives.
        noted = f"{serving[:32]}.{self.clock.now():%Y%m%dT%H%M%S%f}"
        annotations: Object = {self._annotation: noted}
        body: Object = {"metadata": {"annotations": annotations}}
        if take:
            annotations |= dict.fromkeys(self._silent(found) - {self._annotation})  # null removes (RFC 7396)
            body["spec"] = self._held(_spec(found))
            body["metadata"] |= _version(found)
        if found:
            found = await self.api.request("PATCH", self._path, body, content_type=MERGE_PATCH)
        else:
            body |= {"apiVersion": _API, "kind": "Lease"}
            body["metadata"] |= {"name": self.name, "namespace": self.namespace}
            path = collection_path(_API, _PLURAL, self.namespace)
            found = await self.api.request("POST", path, body)
        self._written = (serving, self.clock.monotonic())
        return found

    def _held(self, before: Object) -> Object:
        """Return the specification with this replica as the holder."""
        now = f"{self.clock.now():%Y-%m-%dT%H:%M:%S.%fZ}"
        spec: Object = {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": self.seconds,
            "renewTime": now,
        }
        if before.get("holderIdentity") != self.identity:
            count = before.get("leaseTransitions")
            spec |= {
                "acquireTime": now,
                "leaseTransitions": count + 1 if isinstance(count, int) else 0,
            }
        return spec

    def _is_free(self, found: Object) -> bool:
        """Return whether this replica may take it: its own, without a holder, or not renewed in time."""
        spec = _spec(found)
        holder = spec.get("holderIdentity")
        if not holder or holder == self.identity:
            return True
        promised = spec.get("leaseDurationSeconds")
        seconds = min(promised, _MAX_SECONDS) if isinstance(promised, int) else self.seconds
        return self._since("", f"{holder} {spec.get('renewTime')}") >= seconds

    def _is_due(self, serving: str) -> bool:
        noted, when = self._written
        return not when or noted != serving or self.clock.monotonic() - when >= _HEARTBEAT

    def _served(self, found: Object) -> frozenset[str]:
        silent = self._silent(found)
        noted = {name: value for name, value in _reports(found).items() if name not in silent}
        return frozenset(value.partition(".")[0] for value in noted.values())

    def _silent(self, found: Object) -> frozenset[str]:
        """Return the notes of replicas that have not been renewed for so long that the replicas must be gone."""
        reports = _reports(found)
        for gone in self._seen.keys() - reports.keys() - {""}:
            del self._seen[gone]
        return frozenset(name for name, value in reports.items() if self._since(name, value) >= _SILENCE)

    def _since(self, name: str, value: str) -> float:
        """Return for how many seconds, as seen here, an entry has had the same value."""
        now = self.clock.monotonic()
        before, when = self._seen.get(name, ("", now))
        if before != value:
            when = now
        self._seen[name] = (value, when)
        return now - when

    @property
    def _annotation(self) -> str:
        # A hash, because an annotation's name has at most 63 characters, and a Pod's up to 253.
        return _PREFIX + hashlib.sha256(self.identity.encode()).hexdigest()[:16]

    @property
    def _path(self) -> str:
        return object_path(_API, _PLURAL, self.name, self.namespace)


def _spec(found: Object) -> Object:
    spec = found.get("spec")
    return spec if isinstance(spec, dict) else {}


def _version(found: Object) -> Object:
    version = (found.get("metadata") or {}).get("resourceVersion")
    return {"resourceVersion": version} if version else {}


def _reports(found: Object) -> dict[str, str]:
    annotations = (found.get("metadata") or {}).get("annotations") or {}
    return {name: str(value) for name, value in annotations.items() if name.startswith(_PREFIX)}
