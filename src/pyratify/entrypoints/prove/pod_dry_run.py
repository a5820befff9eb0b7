"""A cluster, asked by a dry run of a Pod at its API server: everything but the scheduling happens."""

from typing import TYPE_CHECKING

from pyratify.core.dataclass import dataclass
from pyratify.core.reference import Reference
from pyratify.entrypoints.prove.canary_pod import canary_pod
from pyratify.entrypoints.prove.enforcement_point import Offer, passed, refused, unknown

if TYPE_CHECKING:
    from pyratify.kubernetes.client.api import Api


@dataclass(frozen=True, slots=True)
class PodDryRun:
    """`kubectl create --dry-run=server`.

    Attributes:
        api: The API server.
        namespace: The Pod's namespace.
        name: What it is called in the report.
    """

    api: "Api"
    namespace: str
    name: str = "Pod (server-side dry run)"

    async def offer(self, reference: Reference) -> Offer:
        """Create the Pod, which is not kept."""
        # Imported late, as its module needs the extra `kubernetes`.
        from pyratify.kubernetes.client.api import ApiFault, collection_path

        path = collection_path("v1", "pods", self.namespace)
        pod = canary_pod(reference, self.namespace)
        try:
            await self.api.request("POST", path, pod, query={"dryRun": "All"})
        except ApiFault as fault:
            # Code 0: no answer. The API server says "denied the request" of a webhook that refused.
            return unknown(fault.message) if fault.code == 0 else refused(fault.message, "denied")
        return passed("the Pod is admitted")
