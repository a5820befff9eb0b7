"""Which image a container of NRI is made of (nri, pkg/api/api.proto, v1alpha1)."""

from collections.abc import Iterator, Mapping

from pyratify.core.dataclass import dataclass
from pyratify.core.digest import Digest
from pyratify.core.errors import RatifyError
from pyratify.core.protobuf import fields, integer, mapping, part, parts, texts
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference

# Runtimes before the field `image`: containerd, and CRI-O.
_NAMES = ("io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName")
_GONE = 4  # CONTAINER_STOPPED
_CONTAINER, _POD, _STATE, _IMAGE, _ANNOTATIONS = 2, 1, 4, 22, 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container that is made, or that is there.

    Attributes:
        identifier: The runtime's identifier.
        name: Its name in the Pod.
        pod: The Pod's name.
        namespace: The Pod's namespace.
        image: The image's name, as the runtime has it; empty where it does not say.
        digest: The digest that the name was resolved to; empty where it does not say.
        annotations: Of the container, some made by the runtime.
        stopped: Whether it runs no more.
    """

    identifier: str
    name: str
    pod: str
    namespace: str
    image: str = ""
    digest: str = ""
    annotations: Mapping[str, str]
    stopped: bool = False

    def reference(self) -> Reference:
        """Return the image by its digest; no registry is asked for it.

        Raises:
            RatifyError: `DIGEST_UNKNOWN`: the runtime says no digest.
            InvalidReference: The name is no reference.
            InvalidDigest: The digest is none.
        """
        # Annotations count only without an image: those of a Pod may be written by its author.
        if self.image or self.digest:
            name, digest = self.image, self.digest
        else:
            name, digest = next(filter(None, map(self.annotations.get, _NAMES)), ""), ""
        if not name:
            raise self._unknown("the runtime does not say of which image")
        found = Reference.parse(name)
        if digest:
            # The digest that the runtime resolved; one in the name is only text.
            return found.at(Digest(digest))
        if found.digest is None:
            raise self._unknown(f"the runtime names {found} without a digest")
        return found.at(found.digest)

    def _unknown(self, why: str) -> RatifyError:
        remedy = "Name the image by its digest in the Pod, or use a runtime with NRI 0.12 or newer (containerd 2.3)."
        return RatifyError(Reason.DIGEST_UNKNOWN, f"{self.pod}/{self.name}: {why}", remedy=remedy)


def created(payload: bytes) -> Container:
    """Return the container of a `CreateContainerRequest`.

    Raises:
        InvalidMessage: It is none.
    """
    return _container(part(payload, _CONTAINER), part(payload, _POD))


def present(pods: bytes, containers: bytes) -> Iterator[Container]:
    """Iterate over the containers of `SynchronizeRequest`s.

    Args:
        pods: The requests that have the Pods.
        containers: The requests that have the containers; often the same.

    Raises:
        InvalidMessage: They are none.
    """
    known = {texts(pod, 1)[0]: pod for pod in parts(pods, _POD)}
    for container in parts(containers, _CONTAINER):
        yield _container(container, known.get(texts(container, 2)[0], b""))


def more_follows(payload: bytes) -> bool:
    """Return whether a `SynchronizeRequest` is not the last one.

    Raises:
        InvalidMessage: It is none.
    """
    return any(number == 3 and value for number, value in fields(payload))  # SynchronizeRequest.more


def _container(data: bytes, pod: bytes) -> Container:
    identifier, name = texts(data, 1, 3)
    image, digest = texts(part(data, _IMAGE), 1, 2)
    pod_name, namespace = texts(pod, 2, 4)
    return Container(
        identifier=identifier,
        name=name,
        pod=pod_name,
        namespace=namespace,
        image=image,
        digest=digest,
        annotations=mapping(data, _ANNOTATIONS),
        stopped=integer(data, _STATE) == _GONE,
    )
