"""One resource of the API server, with the fields that are read."""

from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.scope import canonical_scope
from pyratify.kubernetes.client.kinds import API_VERSION, Kind


@dataclass(frozen=True, slots=True)
class Resource:
    """One Executor or NamespacedExecutor.

    Attributes:
        kind: Its kind.
        namespace: Its namespace; empty for none.
        name: Its name.
        uid: Distinguishes it from a later one of the same name.
        generation: Counts changes of its specification.
        created: When it was created (RFC 3339).
        version: Its `resourceVersion`.
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
        """Return an object of the API server as a resource, or None when its metadata is malformed."""
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
        # A tenant's object must not pass for one of the cluster, which may do more.
        if not name or bool(namespace) is not kind.namespaced:
            return None
        return cls(
            kind, namespace, name, uid, generation, created, version, given.get("spec"), given.get("status")
        )

    @property
    def age(self) -> tuple[str, str]:
        """The sort key of resources: the older first, then by name."""
        return self.created, self.name  # the API server writes UTC with whole seconds, so texts sort as times

    @property
    def title(self) -> str:
        """Its name in messages."""
        where = f" in {self.namespace}" if self.namespace else ""
        return f"{self.kind.name} {self.name}{where}"

    @property
    def reference(self) -> dict[str, Any]:
        """Its object reference, as `regarding` of an Event has it."""
        found = {
            "apiVersion": API_VERSION,
            "kind": self.kind.name,
            "name": self.name,
            "uid": self.uid,
            "resourceVersion": self.version,
        }
        return found | ({"namespace": self.namespace} if self.namespace else {})

    def claimed(self) -> tuple[str, ...]:
        """Return the valid scopes of a specification that may not be valid otherwise, misspelled ones in canonical form.

        They are denied as long as the specification is not valid, so that no wider executor decides about them.
        """
        scopes = self.spec.get("scopes") if isinstance(self.spec, dict) else None
        given = scopes if isinstance(scopes, list) else ()
        found = (canonical_scope(scope) for scope in given if isinstance(scope, str))
        return tuple(
            dict.fromkeys(each for each in found if each is not None and canonical_scope(each) == each)
        )
