"""One resource as the API server has it, cut down to what is read of it."""

from dataclasses import dataclass
from typing import Any

from pyratify.core.scope import canonical_scope
from pyratify.kubernetes.client.kinds import API_VERSION, Kind


@dataclass(frozen=True, slots=True)
class Resource:
    """One Executor or NamespacedExecutor.

    Attributes:
        kind: Its kind.
        namespace: Its namespace; empty for none.
        name: Its name.
        uid: Tells it from a later one of the same name.
        generation: Counts its specifications.
        created: When it was created (RFC 3339).
        version: Counts every change of it.
        spec: Its specification, not yet decoded.
        status: Its status, not yet decoded.
    """

    kind: Kind
    namespace: str
    name: str
    uid: str
    generation: int
    created: str
    version: str
    spec: Any
    status: Any

    @classmethod
    def of(cls, kind: Kind, given: dict[str, Any]) -> "Resource | None":
        """Return an object of the API server as a resource, or None when it is none."""
        meta = given.get("metadata")
        if not isinstance(meta, dict):
            return None
        texts = [
            meta.get(key, "") for key in ("namespace", "name", "uid", "creationTimestamp", "resourceVersion")
        ]
        generation = meta.get("generation", 0)
        if not all(isinstance(text, str) for text in texts) or not isinstance(generation, int):
            return None
        namespace, name, uid, created, version = texts
        if not name or bool(namespace) is not kind.namespaced:
            return None
        return cls(
            kind, namespace, name, uid, generation, created, version, given.get("spec"), given.get("status")
        )

    @property
    def age(self) -> tuple[str, str]:
        """By what resources are ordered: the older first, then by name."""
        return self.created, self.name

    @property
    def title(self) -> str:
        """How it is called in messages."""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind.name} {self.name}{where}"

    @property
    def reference(self) -> dict[str, Any]:
        """What an Event says that it is about."""
        found = {
            "apiVersion": API_VERSION,
            "kind": self.kind.name,
            "name": self.name,
            "uid": self.uid,
            "resourceVersion": self.version,
        }
        return found | ({"namespace": self.namespace} if self.namespace else {})

    def claimed(self) -> tuple[str, ...]:
        """Return the scopes that it is for, as far as they are any, whatever else is wrong with it; those misspelled as they should be."""
        scopes = self.spec.get("scopes") if isinstance(self.spec, dict) else None
        given = scopes if isinstance(scopes, list) else ()
        found = (canonical_scope(scope) for scope in given if isinstance(scope, str))
        return tuple(
            dict.fromkeys(each for each in found if each is not None and canonical_scope(each) == each)
        )
