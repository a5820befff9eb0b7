"""AdmissionReview as the API server writes and reads it (admission.k8s.io/v1)."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from pyratify.core import strictjson
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason
from pyratify.entrypoints.webhook.pod_images import InadmissibleObject, Kind
from pyratify.render.plain import clean

_MAX_FACT = 253
_MAX_TOKENS = 400_000  # of a review, whose bytes the server bounds: an object and its predecessor
V1 = "admission.k8s.io/v1"
KIND = "AdmissionReview"
# The uid goes back into the answer and into the log; printable ASCII cannot forge either.
_UID = re.compile(r"[!-~]{1,253}", re.ASCII)
_NAMESPACE = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)


class Operation(StrEnum):
    """What is done to the object."""

    CREATE = "CREATE"
    UPDATE = "UPDATE"
    DELETE = "DELETE"
    CONNECT = "CONNECT"

    @property
    def brings_images(self) -> bool:
        """Whether images could come into the cluster by it."""
        # DELETE removes; CONNECT (exec, attach) carries options and no Pod.
        return self in (Operation.CREATE, Operation.UPDATE)


class NoReview(RatifyError, ValueError):
    """A body that is no AdmissionReview with a uid, so that there is nothing to answer."""


@dataclass(frozen=True, slots=True)
class Review:
    """What the API server asks.

    Attributes:
        uid: What the answer has to repeat.
        request: The rest, not looked at yet.
    """

    uid: str
    request: Mapping[str, Any]

    @property
    def operation(self) -> Operation:
        """What is done.

        Raises:
            InadmissibleObject: `BAD_REQUEST`: no operation that there is.
        """
        try:
            # An operation of a later version of Kubernetes is refused: it may bring images.
            return Operation(self._text("operation"))
        except ValueError:
            raise _bad("request.operation is none that there is") from None

    @property
    def kind(self) -> Kind:
        """The kind of the object, or of what a subresource is written with.

        Raises:
            InadmissibleObject: `BAD_REQUEST`: it is not named, or the object says another one.
        """
        kind = self.request.get("kind")
        if not isinstance(kind, dict):
            raise _bad("request.kind is missing")
        group, name = kind.get("group") or "", kind.get("kind")
        if not isinstance(group, str) or not isinstance(name, str) or not name:
            raise _bad("request.kind is not a kind")
        return Kind(group, name)

    @property
    def namespace(self) -> str:
        """The namespace of the object.

        Raises:
            InadmissibleObject: `BAD_REQUEST`: there is none, or it is no name of one (RFC 1123).
        """
        found = self._text("namespace")
        if not _NAMESPACE.fullmatch(found):
            raise _bad("request.namespace is not the name of a namespace")
        return found

    @property
    def object(self) -> Mapping[str, Any]:
        """The object as it is to be.

        Raises:
            InadmissibleObject: `BAD_REQUEST`: there is none, or it is of another kind than the request says.
        """
        found, kind = self.request.get("object"), self.kind
        if not isinstance(found, dict):
            raise _bad("request.object is missing")
        group = str(found.get("apiVersion", "")).rpartition("/")[0]
        # Otherwise request.kind would choose where images are looked for in another kind's object.
        if (group, found.get("kind")) != (kind.group, kind.name):
            raise _bad("request.object is of another kind than request.kind")
        return found

    @property
    def old(self) -> Mapping[str, Any] | None:
        """The object as it was before an update; None where there is none."""
        found = self.request.get("oldObject")
        return found if isinstance(found, dict) and self.operation is Operation.UPDATE else None

    def facts(self) -> dict[str, str]:
        """Return what a log says of it, each cut where it is longer than any name."""
        user, kind = self.request.get("userInfo"), self.request.get("kind")
        found = {
            "uid": self.uid,
            "operation": self._text("operation"),
            "namespace": self._text("namespace"),
            "object": self._text("name"),
            "kind": str(kind.get("kind", "")) if isinstance(kind, dict) else "",
            # The name alone: groups and extra fields may hold what belongs in no log.
            "user": str(user.get("username", "")) if isinstance(user, dict) else "",
            "dryRun": str(self.request.get("dryRun") is True).lower(),
        }
        return {name: clean(text, _MAX_FACT) for name, text in found.items()}

    def _text(self, name: str) -> str:
        found = self.request.get(name)
        return found if isinstance(found, str) else ""


def parse_review(body: bytes) -> Review:
    """Return what a body asks.

    Raises:
        NoReview: `BAD_REQUEST`: it is no AdmissionReview of v1, or has no uid to answer to.
    """
    try:
        # Duplicate members are refused: the API server might read the other one.
        document = strictjson.load_object(
            body, what="the review", max_bytes=len(body), max_tokens=_MAX_TOKENS
        )
    except strictjson.InvalidJson as error:
        raise NoReview(Reason.BAD_REQUEST, error.message) from None
    if document.get("kind") != KIND or document.get("apiVersion") != V1:
        raise NoReview(Reason.BAD_REQUEST, f"the body is not an AdmissionReview of {V1}")
    request = document.get("request")
    uid = request.get("uid") if isinstance(request, dict) else None
    if not isinstance(request, dict) or not isinstance(uid, str) or not _UID.fullmatch(uid):
        raise NoReview(Reason.BAD_REQUEST, "the review has no request with a uid")
    return Review(uid, request)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a review is answered.

    Attributes:
        allowed: Whether the object is admitted.
        message: Why not.
        code: The reason code of the first problem that keeps it out; empty when it is admitted.
        warnings: Warnings for the client that sent the object.
        audit: What the audit log of the API server keeps.
        patch: What is changed (RFC 6902); nothing when empty.
    """

    allowed: bool
    message: str = ""
    code: str = ""
    warnings: tuple[str, ...] = ()
    audit: Mapping[str, str] = field(default_factory=dict)
    patch: tuple[Mapping[str, Any], ...] = ()


def written(uid: str, answer: Answer) -> bytes:
    """Return the bytes of an answer."""
    response: dict[str, Any] = {"uid": uid, "allowed": answer.allowed}
    if not answer.allowed:
        response["status"] = {
            "status": "Failure",
            "reason": "Forbidden",
            "code": 403,  # what `kubectl` shows as Forbidden
            "message": answer.message,
        }
    if answer.warnings:
        response["warnings"] = list(answer.warnings)
    if answer.audit:
        response["auditAnnotations"] = dict(answer.audit)
    # admission.k8s.io/v1 demands that patch and patchType come together; a denial changes nothing.
    if answer.allowed and answer.patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(_json(list(answer.patch))).decode("ascii")
    return _json({"apiVersion": V1, "kind": KIND, "response": response})


def status(code: int, message: str) -> bytes:
    """Return the bytes of a Status, which the API server shows where there is no review to answer."""
    return _json(
        {"apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "message": message}
    )


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


def _bad(message: str) -> InadmissibleObject:
    return InadmissibleObject(Reason.BAD_REQUEST, message)
