"""Whether the Docker daemon may do what it was asked for: what it would run is what is judged, and by its digest."""

import asyncio
from dataclasses import field

from pyratify.config.schema import DockerConfig
from pyratify.core.dataclass import dataclass
from pyratify.core.deadline import time_left
from pyratify.core.errors import Failure, RatifyError
from pyratify.core.isolation import internal
from pyratify.core.reason import Reason
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.answer import NodeAnswer, malformed, refused
from pyratify.entrypoints.node.docker.authz_request import AuthorizationRequest
from pyratify.entrypoints.node.docker.daemon import Inventory, LocalImage
from pyratify.entrypoints.node.docker.operations import (
    Create,
    Operation,
    Pull,
    Rollback,
    Service,
    Start,
    Unjudged,
    Unverifiable,
    operation_of,
)
from pyratify.entrypoints.node.judge import NodeJudge
from pyratify.serving.deadline_group import DeadlineGroup, late_after
from pyratify.serving.http.bodies import Parsing

_MAX_REFERENCES = 8  # each is an evaluation, and all share the deadline of one request
_REFUSED = {
    "build": "a build runs images and makes one, and neither can be verified",
    "commit": "an image made of a container has no signature",
    "import": "an image made of a tar archive has no signature",
    "load": "an image loaded from a tar archive has no registry that its signatures could come from",
    "plugin": "a plugin made of a tar archive has no signature",
}
_PULL_AGAIN = (
    "Pull it from its registry, or allow such images in the configuration: node.docker.imagesWithoutDigest."
)


@dataclass(slots=True, kw_only=True)
class DockerJudge:
    """Judges requests to the Docker daemon.

    Attributes:
        judge: Judges images by digest.
        inventory: What the daemon has.
        seconds: In how many seconds every request is answered.
        parsing: Parses what the daemon shows, large bodies in a thread.
    """

    judge: NodeJudge
    inventory: Inventory
    seconds: float = 2.0
    parsing: Parsing = field(default_factory=Parsing)
    _group: DeadlineGroup = field(init=False)

    def __post_init__(self) -> None:
        self._group = DeadlineGroup(self.judge.clock)

    async def decide(self, request: AuthorizationRequest) -> NodeAnswer | None:
        """Return why a request is refused; None for one that is allowed. Never raises."""
        try:
            operation = await self.parsing.parse(lambda _: operation_of(request), request.body or b"")
        except RatifyError as error:
            return malformed(error.failure)
        if isinstance(operation, Unjudged):
            return None  # with no task and no deadline: most requests, our own among them
        found = await self._group.each(
            ("",),
            lambda _: self._guarded(operation),
            lambda _: malformed(late_after(self.seconds)),
            self.seconds,
        )
        return found[""]

    async def _guarded(self, operation: Operation) -> NodeAnswer | None:
        try:
            return await self._decide(operation)
        except RatifyError as error:
            return malformed(error.failure)
        except Exception as error:  # noqa: BLE001 - the end is a refusal
            return malformed(internal(error))

    async def _decide(self, operation: Operation) -> NodeAnswer | None:
        answers: list[NodeAnswer | None] = []
        match operation:
            case Create(names):
                answers = await asyncio.gather(*map(self._local, names))
            case Start(container):
                answers = [await self._started(container)]
            case Service(names):
                answers = await asyncio.gather(*map(self._remote, names))
            case Rollback(service):
                # Of a service that is not there the daemon says so itself.
                names = await self.inventory.previous_images(service) or ()
                answers = await asyncio.gather(*map(self._remote, names))
            case Pull(reference):
                answers = [await self._verdict(await self.judge.pinned(reference))]
            case Unverifiable(kind):
                answers = [self._unverifiable(kind)]
        return next(filter(None, answers), None)

    async def _local(self, name: str) -> NodeAnswer | None:
        """Decide on an image by a name that the daemon resolves."""
        image = await self.inventory.image(name)
        # The daemon answers that there is none, and the client pulls it. What appears meanwhile is judged at the start.
        return None if image is None else await self._image(image, name)

    async def _started(self, container: str) -> NodeAnswer | None:
        identifier = await self.inventory.container_image(container)
        if identifier is None:
            return None  # the daemon answers that there is none
        image = await self.inventory.image(identifier)
        # Removed by force under its container: no digest is known any more.
        return await self._image(image or LocalImage(identifier, ()), identifier)

    async def _image(self, image: LocalImage, name: str) -> NodeAnswer | None:
        if not image.references:
            return None if self._settings().images_without_digest == "allow" else _without_digest(image, name)
        answers = await asyncio.gather(*map(self._verdict, image.references[:_MAX_REFERENCES]))
        # One content under several names: evidence at one of them is enough.
        return None if None in answers else min(filter(None, answers), key=_telling)

    async def _remote(self, name: str) -> NodeAnswer | None:
        """Decide on an image that the nodes of a swarm will pull."""
        reference = Reference.parse(name)
        if reference.digest is None:
            why = f"the tasks of the service would run what {reference} names when they start"
            remedy = "Name the image by its digest; docker adds it where it can ask the registry."
            return refused(Failure(Reason.TAG_NOT_PINNED, why, remedy))
        return await self._verdict(reference.at(reference.digest))

    async def _verdict(self, reference: Reference) -> NodeAnswer | None:
        answer = await self.judge.judge(reference, time_left(self.judge.clock))
        return None if answer.allowed else answer

    def _unverifiable(self, kind: str) -> NodeAnswer | None:
        if kind in self._settings().allow:
            return None
        remedy = f"Push it to a registry and sign it there, or allow it in the configuration: node.docker.allow: [{kind}]."
        return refused(Failure(Reason.OPERATION_REFUSED, _REFUSED[kind], remedy))

    def _settings(self) -> DockerConfig:
        snapshot = self.judge.source.acquire("")
        return DockerConfig() if snapshot is None else snapshot.node.docker


def _telling(answer: NodeAnswer) -> tuple[bool, int]:
    """Order refusals by how much they say: a denial first, a repository that no scope covers last."""
    return answer.code == Reason.SCOPE_NO_MATCH, answer.exit


def _without_digest(image: LocalImage, name: str) -> NodeAnswer:
    why = f"the daemon knows no registry digest of {name[:200]!a} ({image.identifier})"
    return refused(Failure(Reason.DIGEST_UNKNOWN, why, _PULL_AGAIN))
