"""Which images the body of a request names.

Go's JSON reader takes a key in any case and the last of several, so the only body that has one meaning is one with exactly the
key that is looked for, and no other spelling of it.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from pyratify.core import strictjson
from pyratify.core.errors import RatifyError
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.entrypoints.node.docker.target import bad

_MAX_BODY = MIB  # the daemon shows plugins no more (moby, pkg/authorization, maxBodySize)
_MAX_IMAGES = 16  # each costs a request to the daemon and an evaluation
_SHOWN = "Send it as application/json, in less than 1 MiB, with its Content-Length or in chunks."


def created_images(body: bytes | None) -> tuple[str, ...]:
    """Return the names of the images that a container would be made of: its own, and those mounted into it.

    Args:
        body: The body of `POST /containers/create`.

    Raises:
        BadDockerRequest: There is none, it has no image, or its image is spelled in another way.
        InvalidJson: It is no JSON, or has one key twice.
    """
    document = _object(body)
    # Without a HostConfig older daemons read its members at the top level (moby, runconfig/config_unix.go).
    hosts = (_inner(document, "HostConfig"), document)
    return _bounded(_image(document), chain.from_iterable(map(_mounted, hosts)))


def service_images(body: bytes | None) -> tuple[str, ...]:
    """Return the names of the images of a service's tasks.

    Args:
        body: The body of `POST /services/create` or `POST /services/{id}/update`.

    Raises:
        BadDockerRequest: As for `created_images`, or the tasks are no containers.
        InvalidJson: It is no JSON, or has one key twice.
    """
    return specified_images(_object(body))


def specified_images(service: dict[str, Any]) -> tuple[str, ...]:
    """Return the names of the images of a `ServiceSpec`; errors as in `service_images`."""
    task = _inner(service, "TaskTemplate")
    if _member(task, "PluginSpec") is not None:
        raise RatifyError(
            Reason.OPERATION_REFUSED,
            "the service installs a plugin of the daemon, which is not verified",
            remedy="Install the plugin on each node: docker plugin install.",
        )
    container = _inner(task, "ContainerSpec")
    return _bounded(_image(container), _mounted(container))


def _object(body: bytes | None) -> dict[str, Any]:
    if body is None:
        raise bad("the daemon does not show the body of the request", _SHOWN)
    return strictjson.load_object(body, what="the body of the request", max_bytes=_MAX_BODY)


def _bounded(image: str, mounted: Iterable[str]) -> tuple[str, ...]:
    """Return the images, each once; the daemon and registries are asked about all of them at the same time."""
    names = tuple(dict.fromkeys((image, *mounted)))
    if len(names) > _MAX_IMAGES:
        raise bad(f"the request names {len(names)} images, more than the {_MAX_IMAGES} allowed")
    return names


def _image(document: dict[str, Any]) -> str:
    name = _member(document, "Image")
    if not isinstance(name, str) or not name:
        raise bad("the request names no image", 'Name it by the key "Image".')
    return name


def _mounted(document: dict[str, Any]) -> Iterator[str]:
    """Iterate over the images that are mounted (API 1.48, `Mounts[].Type` is `image`)."""
    mounts = _member(document, "Mounts")
    if mounts is None:
        return
    if not isinstance(mounts, list) or not all(isinstance(mount, dict) for mount in mounts):
        raise bad("Mounts is no list of objects")
    for mount in mounts:
        if str(_member(mount, "Type")).casefold() == "image":
            source = _member(mount, "Source")
            if not isinstance(source, str) or not source:
                raise bad("a mount of the type image names no image")
            yield source


def _inner(document: dict[str, Any], name: str) -> dict[str, Any]:
    found = _member(document, name)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise bad(f"{name} is no object")
    return found


def _member(document: dict[str, Any], name: str) -> Any:
    # Casefolded as Go folds: it takes U+017F for an s and U+212A for a k.
    other = [key for key in document if key != name and key.casefold() == name.casefold()]
    if other:
        raise bad(f"the key {other[0]!a} could be taken for {name}", f'Write "{name}", once.')
    return document.get(name)
