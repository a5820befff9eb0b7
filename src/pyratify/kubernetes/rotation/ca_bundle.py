"""Telling clients whom to trust: `caBundle` of Gatekeeper's Providers and of admission webhooks."""

import base64
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from pyratify.kubernetes.client.api import MERGE_PATCH, Api, ApiFault, Object, object_path

_LOG = logging.getLogger("pyratify.rotation")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Target:
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
        """Where it is."""
        return object_path(self.api, self.plural, self.name)


def provider(name: str) -> Target:
    """Return the external data provider of Gatekeeper with this name."""
    return Target("Provider", "externaldata.gatekeeper.sh/v1beta1", "providers", name)


def validating_webhook(name: str) -> Target:
    """Return the configuration of validating webhooks with this name."""
    plural = "validatingwebhookconfigurations"
    return Target("ValidatingWebhookConfiguration", "admissionregistration.k8s.io/v1", plural, name)


def mutating_webhook(name: str) -> Target:
    """Return the configuration of mutating webhooks with this name."""
    plural = "mutatingwebhookconfigurations"
    return Target("MutatingWebhookConfiguration", "admissionregistration.k8s.io/v1", plural, name)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of the resources.

    Attributes:
        unchanged: Whether all of them said already what they are to say; those that are not there have no clients.
        faults: Which could not be read or changed, and why.
    """

    unchanged: bool
    faults: tuple[str, ...] = ()


async def tell(api: Api, targets: Iterable[Target], authorities: bytes) -> Told:
    """Have every resource tell its clients to trust these authorities, and only these.

    Args:
        api: The API server.
        targets: The resources; one that is not there is passed over.
        authorities: Certificates in PEM.
    """
    text, unchanged = base64.b64encode(authorities).decode(), True
    faults: list[str] = []
    for target in targets:
        try:
            changed = await _tell(api, target, text)
        except ApiFault as fault:
            faults.append(f"{target}: {fault.message}")
            continue
        if changed:
            unchanged = False
            _LOG.info("clients are told whom to trust", extra={"resource": str(target)})
    return Told(unchanged and not faults, tuple(faults))


async def _tell(api: Api, target: Target, text: str) -> bool:
    """Change one resource if it has to be; tell whether it was."""
    for attempt in range(1, _TRIES + 1):
        try:
            found = await api.get(target.path)
            patch = change(found, text)
            if patch:
                await api.request("PATCH", target.path, patch, content_type=MERGE_PATCH)
            return bool(patch)
        except ApiFault as fault:
            if fault.is_missing:
                return False
            if not fault.is_conflict or attempt == _TRIES:
                raise
    return False


def change(found: Object, text: str) -> Object:
    """Return the merge patch after which the resource says this, if it is still what was found; an empty one if it does already.

    Args:
        found: The resource.
        text: What `caBundle` is to be.
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
    version = (found.get("metadata") or {}).get("resourceVersion")
    return {"metadata": {"resourceVersion": version}, **part}


def _hook(hook: object, text: str) -> object:
    """Return a webhook with that bundle, everything else as it is."""
    if not isinstance(hook, dict) or not isinstance(hook.get("clientConfig"), dict):
        return hook
    return {**hook, "clientConfig": {**hook["clientConfig"], "caBundle": text}}
