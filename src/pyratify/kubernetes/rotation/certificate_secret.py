"""The Secret: read, and written only as long as nobody else has changed it since."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyratify.kubernetes.client.api import MERGE_PATCH, Api, ApiFault, Object, collection_path, object_path
from pyratify.kubernetes.rotation.secret_contents import Material, Service
from pyratify.pki.encoding import InvalidBase64, decode_base64

ANNOTATION = "ratify.sh/certificates"
"""Set on every Secret that we wrote; one with a certificate and without it may be somebody else's."""
OURS = "rotated"
_FIELDS = {"authorities": "ca.crt", "authority_key": "ca.key", "certificate": "tls.crt", "key": "tls.key"}


@dataclass(frozen=True, slots=True)
class Stored:
    """What the Secret held when it was read.

    Attributes:
        material: Its documents; empty where there is no Secret.
        version: Its version; empty where there is none.
    """

    material: Material
    version: str = ""


@dataclass(frozen=True, slots=True)
class SecretStore:
    """The Secret of a service.

    Attributes:
        api: The API server.
        service: The service.
    """

    api: Api
    service: Service

    def __str__(self) -> str:
        return f"Secret {self.service.namespace}/{self.service.secret}"

    async def read(self) -> Stored:
        """Return what the Secret holds.

        Raises:
            ApiFault: It cannot be read; that there is none is no fault.
        """
        try:
            return _stored(await self.api.get(self._path))
        except ApiFault as fault:
            if not fault.is_missing:
                raise
            return Stored(Material())

    async def write(self, stored: Stored, material: Material) -> Stored:
        """Write the material, if the Secret is still what was read, and return what it is then.

        Raises:
            ApiFault: It was changed meanwhile (`is_conflict`), or cannot be written.
        """
        data = {name: base64.b64encode(getattr(material, field)).decode() for field, name in _FIELDS.items()}
        metadata: Object = {"annotations": {ANNOTATION: OURS}}
        if stored.version:
            metadata["resourceVersion"] = stored.version
            body: Object = {"metadata": metadata, "data": data}
            return _stored(await self.api.request("PATCH", self._path, body, content_type=MERGE_PATCH))
        metadata |= {"name": self.service.secret, "namespace": self.service.namespace}
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "type": "kubernetes.io/tls",
            "metadata": metadata,
            "data": data,
        }
        path = collection_path("v1", "secrets", self.service.namespace)
        return _stored(await self.api.request("POST", path, body))

    @property
    def _path(self) -> str:
        return object_path("v1", "secrets", self.service.secret, self.service.namespace)


def _stored(found: Object) -> Stored:
    metadata, data = _mapping(found.get("metadata")), _mapping(found.get("data"))
    documents = {field: _decoded(data.get(name)) for field, name in _FIELDS.items()}
    ours = _mapping(metadata.get("annotations")).get(ANNOTATION) == OURS
    return Stored(Material(**documents, ours=ours), str(metadata.get("resourceVersion", "")))


def _decoded(text: object) -> bytes:
    try:
        return decode_base64(text) if isinstance(text, str) else b""
    except InvalidBase64:
        return b""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
