"""What a request would do: run images, pull one, start a container, or bring content that no registry vouches for."""

import re
from collections.abc import Callable

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import InvalidReference
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.docker.authz_request import AuthorizationRequest
from pyratify.entrypoints.node.docker.bodies import created_images, service_images
from pyratify.entrypoints.node.docker.target import bad

_FIELD = "content-type"


@dataclass(frozen=True, slots=True)
class Unjudged:
    """Nothing that concerns an image."""


@dataclass(frozen=True, slots=True)
class Create:
    """A container is made of images that the daemon has.

    Attributes:
        names: The images, by whatever names the daemon finds them.
    """

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Start:
    """A container is started.

    Attributes:
        container: Its name or identifier.
    """

    container: str


@dataclass(frozen=True, slots=True)
class Service:
    """Tasks of a swarm are made of images that their nodes pull.

    Attributes:
        names: The images.
    """

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rollback:
    """A service gets its previous specification back.

    Attributes:
        service: Its name or identifier.
    """

    service: str


@dataclass(frozen=True, slots=True)
class Pull:
    """Something is pulled from a registry.

    Attributes:
        reference: What.
    """

    reference: Reference


@dataclass(frozen=True, slots=True)
class Unverifiable:
    """Content is made or brought whose origin no registry can vouch for.

    Attributes:
        kind: How: `build`, `commit`, `import`, `load` or `plugin`; the words of the configuration.
    """

    kind: str


Operation = Unjudged | Create | Start | Service | Rollback | Pull | Unverifiable
"""What a request would do."""


def operation_of(request: AuthorizationRequest) -> Operation:
    """Return what a request would do.

    Raises:
        BadDockerRequest: It is judged, and could be understood in two ways.
        InvalidReference: It names what is no reference.
        InvalidJson: Its body is no JSON, or has one key twice.
    """
    # First: this plugin's own requests to the daemon only read, and must not wait for themselves.
    if request.reads:
        return Unjudged()
    for pattern, make in _JUDGED:
        if found := pattern.fullmatch(request.target.path):
            return make(request, found)
    return Unjudged()


def _create(request: AuthorizationRequest, found: re.Match[str]) -> Operation:
    del found
    return Create(created_images(request.body))


def _start(request: AuthorizationRequest, found: re.Match[str]) -> Operation:
    del request
    return Start(found[1])


def _service(request: AuthorizationRequest, found: re.Match[str]) -> Operation:
    del found
    return Service(service_images(request.body))


def _update(request: AuthorizationRequest, found: re.Match[str]) -> Operation:
    # The daemon's words (moby, daemon/cluster/services.go); only a rollback ignores the body.
    match request.target.parameter("rollback"):
        case "previous":
            return Rollback(found[1])
        case "" | "none":
            return _service(request, found)
        case other:
            raise bad(f"rollback={other[:80]!a} is neither none nor previous")


def _pull(request: AuthorizationRequest, found: re.Match[str]) -> Operation:
    del found
    name, tag = (request.target.parameter(each) for each in ("fromImage", "tag"))
    # As the daemon: with an image it is a pull, whatever else is given. The archive of an import is a body of any type.
    if not name:
        return Unverifiable("import")
    _check_parameters(request)
    return Pull(_pulled(name, tag))


def _plugin(request: AuthorizationRequest, found: re.Match[str]) -> Operation:
    del found
    _check_parameters(request)
    return Pull(Reference.parse(request.target.parameter("remote")))


def _unverifiable(kind: str) -> Callable[[AuthorizationRequest, re.Match[str]], Operation]:
    def make(request: AuthorizationRequest, found: re.Match[str]) -> Operation:
        """Return the operation, whatever else the request says."""
        del request, found
        return Unverifiable(kind)

    return make


def _pulled(name: str, tag: str) -> Reference:
    plain = "@" not in name and ":" not in name.rpartition("/")[2]
    if not plain and tag:
        raise bad(f"fromImage={name[:80]!a} and tag={tag[:80]!a} both say which image")
    if plain and not tag:
        raise InvalidReference(
            Reason.TAG_NOT_PINNED,
            f"a pull of every tag of {name[:80]!a} cannot be judged",
            remedy="Pull each image by its tag or digest.",
        )
    # The daemon takes a digest as a tag, too.
    return Reference.parse(f"{name}{'@' if ':' in tag else ':'}{tag}" if tag else name)


def _check_parameters(request: AuthorizationRequest) -> None:
    """Refuse a request whose parameters may stand in a body that is not shown.

    Go reads parameters from a form before those of the query, and of several Content-Type fields the first, where plugins
    are shown the last.
    """
    kind = request.headers.get(_FIELD)
    if kind is None or (request.body is not None and kind.partition(";")[0].strip() == "application/json"):
        return
    if request.headers.get("content-length") != "0" or "form" in kind.lower():
        raise bad(
            f"its body of type {kind[:80]!a} is not shown, and could hold other parameters than the query",
            "Send no body and no Content-Type.",
        )


_JUDGED: tuple[tuple[re.Pattern[str], Callable[[AuthorizationRequest, re.Match[str]], Operation]], ...] = (
    tuple(
        # DOTALL: an escaped line break (%0A) must not make a path miss its pattern.
        (re.compile(pattern, re.DOTALL), make)
        for pattern, make in (
            (r"/containers/create", _create),
            # A container that never ran is started by a restart as well.
            (r"/containers/(.+)/(?:start|restart)", _start),
            (r"/images/create", _pull),
            (r"/images/load", _unverifiable("load")),
            # The last two are BuildKit's own protocol, by which buildx builds without /build.
            (r"/build|/session|/grpc", _unverifiable("build")),
            (r"/commit", _unverifiable("commit")),
            (r"/services/create", _service),
            (r"/services/(.+)/update", _update),
            (r"/plugins/pull|/plugins/.+/upgrade", _plugin),
            (r"/plugins/create", _unverifiable("plugin")),
        )
    )
)
