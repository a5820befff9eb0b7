"""Requests to the servers of ratify, as Gatekeeper and the API server send them."""

import json
from collections.abc import Mapping
from dataclasses import field
from functools import partial
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.core.reference import Reference
from pyratify.entrypoints.prove.canary_pod import canary_pod
from pyratify.entrypoints.prove.enforcement_point import Offer, passed, refused, unknown
from pyratify.http.http_options import HttpOptions
from pyratify.http.json_api import ApiError, JsonApi
from pyratify.http.transport import REGISTRY
from pyratify.http.transport_asyncio import AsyncioTransport
from pyratify.http.url import Url

_SECONDS = 30.0


def connected(url: Url, options: HttpOptions) -> JsonApi:
    """Return the API of a server, which is shown the client's certificate of the options."""
    return JsonApi(url, partial(AsyncioTransport, options), _SECONDS, REGISTRY)


@dataclass(frozen=True, slots=True)
class GatekeeperRequest:
    """The external data provider.

    Attributes:
        url: Its address with the path, as the Provider resource has it.
        options: How it is connected to.
        name: What it is called in the report.
    """

    url: Url
    options: HttpOptions = field(default_factory=HttpOptions)
    name: str = "gatekeeper provider"

    async def offer(self, reference: Reference) -> Offer:
        """Ask for the image's verdict."""
        body = {
            "apiVersion": "externaldata.gatekeeper.sh/v1beta1",
            "kind": "ProviderRequest",
            "request": {"keys": [str(reference)]},
        }
        try:
            answer = await connected(self.url, self.options).post_json(self.url.target, body)
            return _provided(answer["response"])
        except ApiError as error:
            return unknown(str(error))
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            return unknown(f"the answer is none of a provider: {type(error).__name__}")


def _provided(response: Mapping[str, Any]) -> Offer:
    # Gatekeeper, external data: a systemError is about the request as a whole, not about an image.
    if error := response.get("systemError"):
        return unknown(str(error))
    item = response["items"][0]
    if error := item.get("error"):
        return refused(str(error))
    value = item["value"]
    # isSuccess: the same member in answers of the form that Ratify v1 gives.
    if value.get("succeeded") is True or value.get("isSuccess") is True:
        return passed("its verdict is that the image may be trusted")
    return refused(json.dumps(value))


@dataclass(frozen=True, slots=True)
class WebhookRequest:
    """The admission webhook.

    Attributes:
        url: Its address with the path, as the webhook configuration has it.
        namespace: The Pod's namespace.
        options: How it is connected to.
        name: What it is called in the report.
    """

    url: Url
    namespace: str
    options: HttpOptions = field(default_factory=HttpOptions)
    name: str = "admission webhook"

    async def offer(self, reference: Reference) -> Offer:
        """Ask for the admission of a Pod."""
        try:
            answer = await connected(self.url, self.options).post_json(
                self.url.target, review(reference, self.namespace)
            )
            response = answer["response"]
            # Exactly true: any other JSON value proves nothing.
            if response["allowed"] is True:
                return passed("; ".join(map(str, response.get("warnings", ()))) or "the Pod is admitted")
            return refused(str(response["status"]["message"]))
        except ApiError as error:
            return unknown(str(error))
        except (KeyError, TypeError, AttributeError) as error:
            return unknown(f"the answer is no AdmissionReview: {type(error).__name__}")


def review(reference: Reference, namespace: str) -> dict[str, Any]:
    """Return the AdmissionReview of a Pod (admission.k8s.io/v1), a dry run."""
    pod = canary_pod(reference, namespace)
    return {
        "apiVersion": "admission.k8s.io/v1",
        "kind": "AdmissionReview",
        "request": {
            "uid": "00000000-0000-0000-0000-000000000000",
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "requestKind": {"group": "", "version": "v1", "kind": "Pod"},
            "requestResource": {"group": "", "version": "v1", "resource": "pods"},
            "name": pod["metadata"]["name"],
            "namespace": namespace,
            "operation": "CREATE",
            "userInfo": {"username": "ratify-prove", "groups": ["system:authenticated"]},
            "object": pod,
            "oldObject": None,
            # admission.k8s.io/v1, dryRun: a webhook must then have no side effects.
            "dryRun": True,
            "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions", "dryRun": ["All"]},
        },
    }
