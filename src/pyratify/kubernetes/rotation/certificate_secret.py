"""Read the Secret, and write it only if it has not been changed since."""

import base64
from collections.abc import Mapping
from typing import Any

from pyratify.core.dataclass import dataclass
from pyratify.kubernetes.client.api import MERGE_PATCH, Api, ApiFault, Object, collection_path, object_path
from pyratify.kubernetes.rotation.secret_contents import SecretContents, ServiceNames
from pyratify.pki.encoding import InvalidBase64, decode_base64

ANNOTATION = "ratify.sh/certificates"
"""Marks every Secret that a rotator wrote; a certificate without it was put there by other means, and is never overwritten."""
ROTATED = "rotated"
_FIELDS = {"authorities": "ca.crt", "authority_key": "ca.key", "certificate": "tls.crt", "key": "tls.key"}


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """The Secret as it was read.

    Attributes:
        contents: Its documents; empty where there is no Secret.
        version: Its version; empty where there is none.
    """

    contents: SecretContents
    version: str = ""


@dataclass(frozen=True, slots=True)
class SecretStore:
    """The Secret of a service.

    Attributes:
        api: The API server.
        service: The service.
    """

    api: Api
    service: ServiceNames

    def __str__(self) -> str:
        return f"Secret {self.service.namespace}/{self.service.secret}"

    async def read(self) -> StoredSecret:
        """Return what the Secret holds.

        Raises:
            ApiFault: It cannot be read; a missing Secret is returned as an empty one.
        """
        try:
            return _stored(await self.api.get(self._path))
        except ApiFault as fault:
            if not fault.is_missing:
                raise
            return StoredSecret(SecretContents())

    async def write(self, stored: StoredSecret, contents: SecretContents) -> StoredSecret:
        """Write the contents if the Secret is still of the version that was read; return the new version.

        Raises:
            ApiFault: It was changed meanwhile (`is_conflict`), or cannot be written.
        """
        data = {name: base64.b64encode(getattr(contents, field)).decode() for field, name in _FIELDS.items()}
        metadata: Object = {"annotations": {ANNOTATION: ROTATED}}
        if stored.version:
            metadata["resourceVersion"] = stored.version  # 409 where it was changed since
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
        # POST, not an update: where another replica was faster, it conflicts.
        path = collection_path("v1", "secrets", self.service.namespace)
        return _stored(await self.api.request("POST", path, body))

    @property
    def _path(self) -> str:
        return object_path("v1", "secrets", self.service.secret, self.service.namespace)


def _stored(found: Object) -> StoredSecret:
    metadata, data = _mapping(found.get("metadata")), _mapping(found.get("data"))
    documents = {field: _decoded(data.get(name)) for field, name in _FIELDS.items()}
    managed = _mapping(metadata.get("annotations")).get(ANNOTATION) == ROTATED
    return StoredSecret(
        SecretContents(**documents, managed=managed), str(metadata.get("resourceVersion", ""))
    )


def _decoded(text: object) -> bytes:
    try:
        return decode_base64(text) if isinstance(text, str) else b""
    except InvalidBase64:  # counts as missing, so that it is replaced
        return b""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
