"""containerd, asked by `ctr` in a namespace of its own."""

from pyratify.core.dataclass import dataclass
from pyratify.core.reference import Reference
from pyratify.entrypoints.node.run_program import Ended, started
from pyratify.entrypoints.prove.enforcement_point import Offer, passed, refused, unknown

_NAMESPACE = "ratify-prove"  # not k8s.io: the kubelet must not find what is pulled for a proof


@dataclass(frozen=True, slots=True)
class ContainerdPull:
    """`ctr images pull`.

    Attributes:
        socket: containerd's socket.
        ctr: The program.
        flags: More flags of the pull, as `--plain-http`.
        seconds: How long one pull may take.
        name: What it is called in the report.
    """

    socket: str
    ctr: str = "ctr"
    flags: tuple[str, ...] = ()
    seconds: float = 60.0
    name: str = "containerd (ctr images pull)"

    async def offer(self, reference: Reference) -> Offer:
        """Pull the image, and remove it where it came."""
        done = await self._ctr("images", "pull", *self.flags, str(reference))
        if done.code is None:
            return unknown(done.output)
        if done.code != 0:
            # The mark is containerd's own text for a verifier that answered no; other failures lack it.
            return refused(done.output.strip().rpartition("ctr: ")[2], "rejected image")
        # --sync: the content is gone with the command, and not with a later garbage collection.
        await self._ctr("images", "remove", "--sync", str(reference))
        return passed("it was pulled")

    async def _ctr(self, *arguments: str) -> Ended:
        return await started(self.ctr, "-a", self.socket, "-n", _NAMESPACE, *arguments, seconds=self.seconds)
