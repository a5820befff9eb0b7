"""Where the images of an object are: in a Pod, and in everything that holds the template of one."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import RatifyError
from pyratify.core.reason import Reason
from pyratify.kubernetes.secrets.pod_secrets import PullSpec
from pyratify.render.plain import clean


class InadmissibleObject(RatifyError, ValueError):
    """An object that is not admitted before any image of it is looked at."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of object, whatever its version.

    Attributes:
        group: The API group; empty for the core group.
        name: The kind, as `Pod`.
    """

    group: str
    name: str

    def __str__(self) -> str:
        """Return it as people write it: `Deployment.apps`."""
        return f"{self.name}.{self.group}" if self.group else self.name


_POD = Kind("", "Pod")
# By kind and not by version: rules with matchPolicy Equivalent send the version they name.
_TEMPLATE = ("spec", "template", "spec")
POD_SPECS: Mapping[Kind, tuple[str, ...]] = MappingProxyType(
    {
        _POD: ("spec",),
        Kind("", "PodTemplate"): ("template", "spec"),
        Kind("", "ReplicationController"): _TEMPLATE,
        Kind("apps", "DaemonSet"): _TEMPLATE,
        Kind("apps", "Deployment"): _TEMPLATE,
        Kind("apps", "ReplicaSet"): _TEMPLATE,
        Kind("apps", "StatefulSet"): _TEMPLATE,
        Kind("batch", "CronJob"): ("spec", "jobTemplate", *_TEMPLATE),
        Kind("batch", "Job"): _TEMPLATE,
    }
)
"""Where Kubernetes' own kinds keep the specification of a Pod."""

_CONTAINERS = {
    "containers": "container",
    "initContainers": "init container",
    "ephemeralContainers": "ephemeral container",
}
_MAX_NAME = 63


@dataclass(frozen=True, slots=True)
class Image:
    """One image of an object.

    Attributes:
        path: Where its reference is, from the root of the object.
        field: The list that it is in, as `initContainers`.
        name: The name of its container or volume.
        text: Its reference as it is written.
    """

    path: tuple[str, ...]
    field: str
    name: str
    text: str

    @property
    def place(self) -> str:
        """Where it is, for people: `container app`; safe to show."""
        return f"{_CONTAINERS.get(self.field, 'image volume')} {clean(self.name, _MAX_NAME)}"


def images(document: Mapping[str, Any], where: tuple[str, ...]) -> tuple[Image, ...]:
    """Return every image of an object, in order.

    Args:
        document: The object.
        where: Where the specification of a Pod is in it.

    Raises:
        InadmissibleObject: `BAD_REQUEST`: there is no such specification, it is not shaped like one, or it has no images.
    """
    found = tuple(_images(_spec(document, where), where))
    # A Pod without containers is invalid in Kubernetes; here it hints at images that were not found.
    if not found:
        raise _malformed(where, "there are no images")
    return found


def changed(now: Iterable[Image], before: Iterable[Image]) -> tuple[Image, ...]:
    """Return the images that are new or different: not those of a container of this list and name that had the same."""
    # The text alone would let an admitted image move into another container, as an init container.
    known = {(image.field, image.name, image.text) for image in before}
    return tuple(image for image in now if (image.field, image.name, image.text) not in known)


def pull_spec(document: Mapping[str, Any], where: tuple[str, ...], kind: Kind) -> PullSpec:
    """Return what an object says about the Secrets that its images are pulled with.

    The API server has put the Secrets of its service account into a Pod that names none before it asks a webhook
    (Kubernetes, "ServiceAccount admission controller"); into a template it puts nothing.

    Raises:
        InadmissibleObject: `BAD_REQUEST`: it is not shaped like the specification of a Pod.
    """
    spec = _spec(document, where)
    named = tuple(_text(item.get("name"), path) for path, item in _items(spec, where, "imagePullSecrets"))
    if named or kind == _POD:
        return PullSpec(named)
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    return PullSpec(account=_text(account, (*where, "serviceAccountName")))


def labels(document: Mapping[str, Any]) -> Mapping[str, str]:
    """Return an object's labels.

    Raises:
        InadmissibleObject: `BAD_REQUEST`: they are not shaped like labels.
    """
    metadata = _members(_or_empty(document.get("metadata")), ("metadata",))
    found = _members(_or_empty(metadata.get("labels")), ("metadata", "labels"))
    if not all(isinstance(value, str) for value in found.values()):
        raise _malformed(("metadata", "labels"), "a label is not a string")
    return found


def _spec(document: Mapping[str, Any], where: tuple[str, ...]) -> Mapping[str, Any]:
    spec: Any = document
    # Strict at every step: an object that is read as empty would be admitted without images.
    for index, step in enumerate(where):
        spec = _members(spec, where[:index]).get(step)
    return _members(spec, where)


def _text(value: Any, path: tuple[str, ...]) -> str:
    if value is not None and not isinstance(value, str):  # the API has an empty name, too
        raise _malformed(path, "its name is not a string")
    return value or ""


def _images(spec: Mapping[str, Any], where: tuple[str, ...]) -> Iterator[Image]:
    for field in _CONTAINERS:
        for path, container in _items(spec, where, field):
            yield _image(container, path, field, "image", container.get("name"))
    # Image volumes (KEP-4639) mount a registry's content without running it.
    for path, volume in _items(spec, where, "volumes"):
        if volume.get("image") is not None:
            below = (*path, "image")
            yield _image(_members(volume["image"], below), below, "volumes", "reference", volume.get("name"))


def _items(
    spec: Mapping[str, Any], where: tuple[str, ...], field: str
) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    found = spec.get(field)
    if found is None:  # null is an absent list, as in Go
        return
    if not isinstance(found, list):
        raise _malformed((*where, field), "it is not a list")
    for index, item in enumerate(found):
        path = (*where, field, str(index))
        yield path, _members(item, path)


def _image(holder: Mapping[str, Any], path: tuple[str, ...], field: str, member: str, name: Any) -> Image:
    text = holder.get(member)
    # Templates may leave the image out, to be filled in later; a later value would not be judged.
    if not isinstance(text, str) or not text:
        raise _malformed((*path, member), "no image is named")
    if not isinstance(name, str):
        raise _malformed(path, "it has no name")
    return Image((*path, member), field, name, text)


def _or_empty(value: Any) -> Any:
    return {} if value is None else value


def _members(value: Any, path: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _malformed(path, "it is not an object")
    return value


def _malformed(path: tuple[str, ...], why: str) -> InadmissibleObject:
    where = ".".join(path) or "the object"
    return InadmissibleObject(
        Reason.BAD_REQUEST, f"{clean(where, 200)}: {why}", remedy="Correct the object as the message says."
    )
