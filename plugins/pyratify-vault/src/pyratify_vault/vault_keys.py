"""What is read of Vault: transit keys, documents of kv stores, and chains of PKI engines."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyratify.core.key import KeyMaterial, key_fault, read_each
from pyratify.http.json_api import ApiError
from pyratify.keys.documents import check_material
from pyratify_vault.vault_auth import TokenSource
from pyratify_vault.vault_client import VaultClient

_ED25519 = 32  # octets; Vault sends them raw and in base64, and all other keys in PEM
_MAX_VERSIONS = 100
_MISSING, _DENIED = 404, 403
_REMEDIES = {
    _MISSING: "Check the names of the mount and of the key or document; what was deleted is not found either.",
    _DENIED: "Allow `read` of this path to the token's policy; a token that has ended is refused in the same way.",
}
_LOOK = "Look at what Vault has there, and name another key or field."

_Document = tuple[str, Callable[[Mapping[str, Any]], tuple[KeyMaterial, ...]]]
"""A path, and what makes keys of the data there."""


@dataclass(frozen=True, slots=True)
class TransitKey:
    """A key of a transit engine.

    Attributes:
        name: Its name.
        mount: The engine's path.
    """

    name: str
    mount: str = "transit"

    @property
    def path(self) -> str:
        """The path below `/v1/`."""
        return f"{self.mount}/keys/{self.name}"


@dataclass(frozen=True, slots=True)
class KvDocument:
    """A field of a secret of a kv engine, version 2.

    Attributes:
        path: The secret.
        field: The field that holds PEM.
        mount: The engine's path.
    """

    path: str
    field: str
    mount: str = "secret"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read, at least one thing.

    Attributes:
        transit: Public halves of transit keys.
        kv: Documents with keys or certificates.
        pki: Mounts of PKI engines, whose CA chain is read.
    """

    transit: tuple[TransitKey, ...] = ()
    kv: tuple[KvDocument, ...] = ()
    pki: tuple[str, ...] = ()


class VaultDocuments:
    """Keys and certificates of Vault.

    Args:
        client: Asks Vault.
        tokens: Where the token comes from.
        wanted: What is read.
        refresh_interval: Seconds after which it is read again.
    """

    def __init__(
        self, client: VaultClient, tokens: TokenSource, wanted: Wanted, refresh_interval: float
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._wanted = wanted
        self.refresh_interval = refresh_interval

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return all versions of the transit keys that may still verify, and the documents.

        Raises:
            ConfigurationError: `KEY_UNAVAILABLE`: Vault cannot be read, or what it sent is no key for signatures.
        """
        return await read_each(
            self._read, [(each.path, _transit(each)) for each in self._wanted.transit] + self._documents()
        )

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return the chains and the documents; errors as for the keys."""
        chains = [(f"{mount}/cert/ca_chain", _chain(mount)) for mount in self._wanted.pki]
        return await read_each(self._read, chains + self._documents())

    def _documents(self) -> list[_Document]:
        return [(f"{each.mount}/data/{each.path}", _document(each)) for each in self._wanted.kv]

    async def _read(self, document: _Document) -> tuple[KeyMaterial, ...]:
        path, parse = document
        try:
            answer = await self._authorized(lambda token: self._client.read(path, token))
            data = answer.get("data")
            if not isinstance(data, Mapping):
                raise ApiError(f"{path} has no data")
            return parse(data)
        except ApiError as error:
            remedy = error.remedy or _REMEDIES.get(error.status, _LOOK)
            raise key_fault(f"Vault: {error}", remedy, unanswered=error.unanswered) from None

    async def _authorized(self, ask: Callable[[str], Awaitable[Mapping[str, Any]]]) -> Mapping[str, Any]:
        try:
            return await ask(await self._tokens.token(self._client))
        except ApiError as error:
            if error.status != _DENIED:
                raise
        # Once more with another token: the first one may have been revoked or outlived its end.
        self._tokens.drop()
        return await ask(await self._tokens.token(self._client))


def _transit(key: TransitKey) -> Callable[[Mapping[str, Any]], tuple[KeyMaterial, ...]]:
    def parse(data: Mapping[str, Any]) -> tuple[KeyMaterial, ...]:
        if data.get("supports_signing") is not True:
            raise ApiError(
                f"{key.path} is of the type {data.get('type')!r}, which does not sign",
                remedy="Name a key that signs, as of the type ecdsa-p256.",
            )
        versions, least = data.get("keys"), data.get("min_decryption_version", 1)
        if not isinstance(versions, Mapping) or not isinstance(least, int) or not _few(versions):
            raise ApiError(f"{key.path} has no versions that can be used")
        found = [
            _version(key, number, entry)
            for number, entry in sorted(versions.items())
            # Versions below it no longer verify in Vault itself (transit engine, min_decryption_version).
            if number.isdecimal() and int(number) >= least
        ]
        if not found:
            raise ApiError(f"{key.path} has no version from min_decryption_version {least} on")
        return tuple(found)

    return parse


def _few(versions: Mapping[str, Any]) -> bool:
    return 0 < len(versions) <= _MAX_VERSIONS


def _version(key: TransitKey, number: str, entry: object) -> KeyMaterial:
    text = entry.get("public_key") if isinstance(entry, Mapping) else None
    if not isinstance(text, str) or not text:
        raise ApiError(f"{key.path} has no public key in version {number}")
    data = text.encode() if text.startswith("-----BEGIN") else _raw(key, text)
    return check_material(KeyMaterial(data, f"Vault {key.path} version {number}", version=number))


def _raw(key: TransitKey, text: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _ED25519:
        raise ApiError(f"{key.path} has a public key that is neither PEM nor Ed25519")
    public = Ed25519PublicKey.from_public_bytes(raw)
    return public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _document(wanted: KvDocument) -> Callable[[Mapping[str, Any]], tuple[KeyMaterial, ...]]:
    def parse(data: Mapping[str, Any]) -> tuple[KeyMaterial, ...]:
        fields, metadata = data.get("data"), data.get("metadata")
        text = fields.get(wanted.field) if isinstance(fields, Mapping) else None
        if not isinstance(text, str) or not text.strip():
            raise ApiError(f"{wanted.mount}/{wanted.path} has no field {wanted.field!r} with a text")
        version = str(metadata.get("version", "")) if isinstance(metadata, Mapping) else ""
        origin = f"Vault {wanted.mount}/{wanted.path} {wanted.field}"
        return (check_material(KeyMaterial(text.encode(), origin, version=version)),)

    return parse


def _chain(mount: str) -> Callable[[Mapping[str, Any]], tuple[KeyMaterial, ...]]:
    def parse(data: Mapping[str, Any]) -> tuple[KeyMaterial, ...]:
        text = data.get("ca_chain") or data.get("certificate")
        if not isinstance(text, str) or not text.strip():
            raise ApiError(f"{mount} has no CA chain")
        return (check_material(KeyMaterial(text.encode(), f"Vault {mount} ca_chain")),)

    return parse
