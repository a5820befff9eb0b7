"""The objects of the simulated API server: versions, history, conflicts and patches."""

import copy
import json
import threading
from dataclasses import field
from typing import Any

from pyratify.core.dataclass import dataclass

Object = dict[str, Any]
MERGE = "application/merge-patch+json"


class StatusError(Exception):
    """An error that an API server answers as a `Status`.

    Args:
        code: The HTTP status.
        reason: The `reason` of the Status.
        message: Its message.
    """

    def __init__(self, code: int, reason: str, message: str = "") -> None:
        super().__init__(message or reason)
        self.code = code
        self.status = {
            "apiVersion": "v1",
            "kind": "Status",
            "status": "Failure",
            "code": code,
            "reason": reason,
            "message": message or reason,
        }


@dataclass(frozen=True, slots=True)
class Place:
    """The address of an object or a collection.

    Attributes:
        api: Group and version, as `v1` or `apps/v1`.
        plural: The kind, as in paths.
        namespace: The namespace; empty for none or all.
        name: The object; empty for the collection.
        part: The subresource; empty for the object itself.
    """

    api: str
    plural: str
    namespace: str = ""
    name: str = ""
    part: str = ""

    @classmethod
    def parse(cls, path: str) -> "Place":
        """Parse the path of a request.

        Raises:
            StatusError: It leads nowhere.
        """
        parts = path.strip("/").split("/")
        # The core group is `/api/v1`; every other is `/apis/<group>/<version>`.
        size = {"api": 2, "apis": 3}.get(parts[0])
        if size is None or len(parts) <= size:
            raise StatusError(404, "NotFound", path)
        rest, namespace = parts[size:], ""
        # `namespaces/<name>` alone is the Namespace object itself, not the content of one.
        if rest[0] == "namespaces" and len(rest) > 2:
            namespace, rest = rest[1], rest[2:]
        return cls("/".join(parts[1:size]), rest[0], namespace, *rest[1:3])

    def covers(self, other: "Place") -> bool:
        """Return whether an object belongs to this collection."""
        same = (self.api, self.plural) == (other.api, other.plural)
        return same and self.namespace in ("", other.namespace)

    def whole(self) -> "Place":
        """Return the object's place without the subresource."""
        return Place(self.api, self.plural, self.namespace, self.name)


@dataclass(frozen=True, slots=True)
class Change:
    """One event of the history."""

    version: int
    place: Place
    type: str
    object: Object


@dataclass
class Objects:
    """All objects, and the history of their changes.

    Attributes:
        changed: Notified of every change.
        compacted: The version up to which the history was forgotten.
    """

    # A condition's lock is reentrant, so patch, replace and get may nest under it.
    changed: threading.Condition = field(default_factory=threading.Condition)
    compacted: int = 0
    _version: int = 1
    _objects: dict[Place, Object] = field(default_factory=dict)
    _history: list[Change] = field(default_factory=list)

    @property
    def version(self) -> int:
        """The current version."""
        return self._version

    def listed(self, place: Place) -> list[Object]:
        """Return the objects of a collection, by namespace and name."""
        with self.changed:
            found = [each for each in self._objects if place.covers(each)]
            # Copies in and out: a test that edits an object must not change what is stored.
            return [copy.deepcopy(self._objects[each]) for each in sorted(found, key=_order)]

    def since(self, place: Place, version: int) -> list[Change]:
        """Return the changes of a collection after that version.

        Raises:
            StatusError: 410, that is no longer known.
        """
        # The compacted version itself is still good: it is the one that lists have just given.
        if version < self.compacted:
            raise StatusError(410, "Expired", f"too old resource version: {version} ({self.compacted})")
        return [each for each in self._history if each.version > version and place.covers(each.place)]

    def get(self, place: Place) -> Object:
        """Return an object.

        Raises:
            StatusError: 404.
        """
        with self.changed:
            if place.whole() not in self._objects:
                raise StatusError(404, "NotFound", f'{place.plural} "{place.name}" not found')
            return copy.deepcopy(self._objects[place.whole()])

    def create(self, place: Place, given: Object) -> Object:
        """Add an object.

        Raises:
            StatusError: 409, there is one.
        """
        with self.changed:
            new = copy.deepcopy(given)
            meta = new.setdefault("metadata", {})
            if not meta.get("name") and meta.get("generateName"):
                # Real servers append random characters; the version is as unique and gives equal runs.
                meta["name"] = f"{meta['generateName']}{self._version}"
            where = Place(place.api, place.plural, place.namespace, meta["name"])
            if where in self._objects:
                raise StatusError(409, "AlreadyExists", f'{place.plural} "{where.name}" already exists')
            if place.namespace:
                meta["namespace"] = place.namespace
            meta |= {"uid": f"uid-{self._version}", "generation": 1}
            # Fixed, so that runs give equal objects.
            meta.setdefault("creationTimestamp", "2026-01-01T00:00:00Z")
            return self._store(where, new, "ADDED")

    def replace(self, place: Place, given: Object) -> Object:
        """Replace an object, or its status where that is what the place names.

        Raises:
            StatusError: 404; 409, it was changed meanwhile.
        """
        with self.changed:
            old = self.get(place)
            expected = given.get("metadata", {}).get("resourceVersion")
            # Optimistic concurrency is opt-in: an update without a resourceVersion is unconditional.
            if expected and expected != old["metadata"]["resourceVersion"]:
                raise StatusError(409, "Conflict", "the object has been modified")
            # A subresource changes its own part only, and an update of the object leaves the status as it is.
            new = copy.deepcopy(old if place.part else given)
            if place.part:
                new[place.part] = given.get(place.part)
            else:
                new["metadata"] = old["metadata"] | {**given.get("metadata", {})}
                new |= {"status": old["status"]} if "status" in old else {}
            # A generation is a new spec (`observedGeneration` refers to it), never a new status.
            if new.get("spec") != old.get("spec"):
                new["metadata"]["generation"] = old["metadata"]["generation"] + 1
            # As real servers: an update that changes nothing is no event and no new version.
            return old if new == old else self._store(place.whole(), new, "MODIFIED")

    def patch(self, place: Place, given: Any, kind: str) -> Object:
        """Change an object by a merge patch, by a JSON patch, or (with any other kind) as if merged; errors as in `replace`."""
        with self.changed:
            # Under the lock with `replace`: else another change could come between reading and writing.
            old = self.get(place)
            if kind == "application/json-patch+json":
                return self.replace(place, json_patch(old, given))
            if place.part:
                return self.replace(
                    place, {**given, place.part: merge(old.get(place.part), given.get(place.part))}
                )
            return self.replace(place, merge(old, given))

    def delete(self, place: Place) -> Object:
        """Remove an object.

        Raises:
            StatusError: 404.
        """
        with self.changed:
            old = self.get(place)
            del self._objects[place]
            # A deletion has a version of its own, or a watch that goes on from it would see it again.
            self._version += 1
            old["metadata"]["resourceVersion"] = str(self._version)
            self._history.append(Change(self._version, place, "DELETED", old))
            self.changed.notify_all()
            return old

    def compact(self) -> None:
        """Forget the history: a watch from an older version gets 410."""
        with self.changed:
            # One further, so that watches from the version that was current until now are too old as well.
            self._version += 1
            self.compacted = self._version
            self._history.clear()
            self.changed.notify_all()

    def _store(self, place: Place, new: Object, type_: str) -> Object:
        self._version += 1
        new["metadata"]["resourceVersion"] = str(self._version)
        self._objects[place] = new
        # The history keeps the object as it was at this version.
        self._history.append(Change(self._version, place, type_, copy.deepcopy(new)))
        self.changed.notify_all()
        return copy.deepcopy(new)


def merge(old: Any, patch: Any) -> Any:
    """Return what a merge patch (RFC 7396) makes of a value."""
    # A patch that is no object replaces the whole value, arrays included (RFC 7396, section 2).
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    new = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            new.pop(key, None)
        else:
            new[key] = merge(new.get(key), value)
    return new


def json_patch(old: Any, operations: list[dict[str, Any]]) -> Any:
    """Return what the operations `add`, `replace`, `remove` and `test` of a JSON patch (RFC 6902) make of a value.

    Raises:
        StatusError: 422, a path leads nowhere or a test fails.
    """
    # A copy, since a patch applies as a whole or not at all (RFC 5789, section 2).
    new = json.loads(json.dumps(old))
    for each in operations:
        *parents, last = (_unescaped(part) for part in each["path"].split("/")[1:])
        try:
            place = new
            for part in parents:
                place = place[int(part) if isinstance(place, list) else part]
            _operate(place, last, each)
        except (KeyError, IndexError, TypeError, ValueError):
            raise StatusError(422, "Invalid", f"the path {each['path']} leads nowhere") from None
    return new


def _operate(place: Any, last: str, each: dict[str, Any]) -> None:
    # `-` is the element after the last (RFC 6901, section 4).
    key: Any = last if isinstance(place, dict) else (len(place) if last == "-" else int(last))
    if each["op"] == "add" and isinstance(place, list):
        place.insert(key, each["value"])
    elif each["op"] == "remove":
        del place[key]
    elif each["op"] == "test":
        if place[key] != each["value"]:
            raise StatusError(422, "Invalid", "the test failed")
    else:
        # The target of `replace` must exist (RFC 6902, section 4.3); `add` may overwrite (4.1).
        if each["op"] == "replace":
            _ = place[key]
        place[key] = each["value"]


def _unescaped(part: str) -> str:
    # In this order, or `~01` would become `/` (RFC 6901, section 4).
    return part.replace("~1", "/").replace("~0", "~")


def _order(place: Place) -> tuple[str, str]:
    return place.namespace, place.name
