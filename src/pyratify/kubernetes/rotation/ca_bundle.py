"""Update `caBundle` of Gatekeeper's Providers and of admission webhooks, by which their clients trust the server."""

import base64
import logging
from collections.abc import Iterable

from pyratify.core.dataclass import dataclass
from pyratify.kubernetes.client.api import MERGE_PATCH, Api, ApiFault, Object, object_path

_LOG = logging.getLogger("pyratify.rotation")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class CaBundleTarget:
    """A resource with a `caBundle`; none of them belongs to a namespace.

    Attributes:
        kind: Its kind, for messages.
        api: Group and version.
        plural: The kind's plural.
        name: Its name.
    """

    kind: str
    api: str
    plural: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def path(self) -> str:
        """Its path at the API server."""
        return object_path(self.api, self.plural, self.name)


def provider(name: str) -> CaBundleTarget:
    """Return the external data provider of Gatekeeper with this name."""
    return CaBundleTarget("Provider", "externaldata.gatekeeper.sh/v1beta1", "providers", name)


def validating_webhook(name: str) -> CaBundleTarget:
    """Return the configuration of validating webhooks with this name."""
    plural = "validatingwebhookconfigurations"
    return CaBundleTarget("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", plural, name)


def mutating_webhook(name: str) -> CaBundleTarget:
    """Return the configuration of mutating webhooks with this name."""
    plural = "mutatingwebhookconfigurations"
    return CaBundleTarget("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", plural, name)


@dataclass(frozen=True, slots=True)
class BundleUpdate:
    """The outcome of an update.

    Attributes:
        unchanged: Whether every bundle was current already; a missing resource has no clients and counts as current.
        faults: Which resources could not be read or changed, and why.
    """

    unchanged: bool
    faults: tuple[str, ...] = ()


async def update_ca_bundles(api: Api, targets: Iterable[CaBundleTarget], authorities: bytes) -> BundleUpdate:
    """Write these authorities, and only these, into the bundle of every resource.

    Args:
        api: The API server.
        targets: The resources; a missing one is skipped.
        authorities: Certificates in PEM.
    """
    text, unchanged = base64.b64encode(authorities).decode(), True
    faults: list[str] = []
    for target in targets:
        try:
            changed = await _update(api, target, text)
        except ApiFault as fault:
            faults.append(f"{target}: {fault.message}")  # the other bundles are updated all the same
            continue
        if changed:
            unchanged = False
            _LOG.info("caBundle updated", extra={"resource": str(target)})
    return BundleUpdate(unchanged and not faults, tuple(faults))


async def _update(api: Api, target: CaBundleTarget, text: str) -> bool:
    """Update one resource unless it is current; return whether it was changed."""
    for attempt in range(1, _TRIES + 1):
        try:
            found = await api.get(target.path)
            patch = change(found, text)
            if patch:
                await api.request("PATCH", target.path, patch, content_type=MERGE_PATCH)
            return bool(patch)
        except ApiFault as fault:
            if fault.is_missing:  # as a Provider where there is no Gatekeeper
                return False
            if not fault.is_conflict or attempt == _TRIES:
                raise
    return False


def change(found: Object, text: str) -> Object:
    """Return the merge patch that sets the bundle, valid for this version of the resource only; empty if it is current.

    Args:
        found: The resource.
        text: The bundle, in base64.
    """
    part: Object = {}
    hooks, spec = found.get("webhooks"), found.get("spec")
    if isinstance(hooks, list):
        new = [_hook(hook, text) for hook in hooks]
        part = {"webhooks": new} if new != hooks else {}
    elif isinstance(spec, dict) and spec.get("caBundle") != text:
        part = {"spec": {"caBundle": text}}
    if not part:
        return {}
    # With the version, because the list of webhooks replaces all changes of other writers.
    version = (found.get("metadata") or {}).get("resourceVersion")
    return {"metadata": {"resourceVersion": version}, **part}


def _hook(hook: object, text: str) -> object:
    """Return a copy of a webhook with that bundle: a merge patch replaces lists as a whole (RFC 7396)."""
    if not isinstance(hook, dict) or not isinstance(hook.get("clientConfig"), dict):
        return hook
    return {**hook, "clientConfig": {**hook["clientConfig"], "caBundle": text}}
