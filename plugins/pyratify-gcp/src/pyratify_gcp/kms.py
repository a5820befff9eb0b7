"""The public keys of Cloud KMS (Cloud KMS API v1, cryptoKeyVersions)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial, key_fault, read_each
from pyratify.http.json_api import ApiError, JsonApi
from pyratify.keys.documents import check_material
from pyratify_gcp.google_tokens import GoogleError, GoogleTokens

_REFERENCE = re.compile(
    r"gcpkms://(?P<key>projects/[a-z0-9][a-z0-9:.-]{0,63}/locations/[a-z0-9-]{1,64}"
    r"/keyRings/[A-Za-z0-9_-]{1,63}/cryptoKeys/[A-Za-z0-9_-]{1,63})"
    r"(?:/(?:cryptoKeyVersions|versions)/(?P<version>[1-9][0-9]{0,8}))?"
)
_MAX_VERSIONS = 100
_REMEDY = "Grant roles/cloudkms.publicKeyViewer and cloudkms.cryptoKeyVersions.list for this key to the identity of this process."
_IDENTITY = (
    "Check the identity of this process: its service account, or the file in GOOGLE_APPLICATION_CREDENTIALS."
)
_MISSING = 404
_NAMES = "Check the names of the project, the location, the key ring and the key, and its version."
_ENABLE = "Enable the version, or name another one."
_SIGNING = ("EC_SIGN_", "RSA_SIGN_")


@dataclass(frozen=True, slots=True)
class KmsReference:
    """A key of Cloud KMS, as cosign writes it.

    Attributes:
        key: `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
        version: Its version; empty for all that are enabled.
    """

    key: str
    version: str = ""


def parse_reference(text: str) -> KmsReference:
    """Parse a reference.

    Raises:
        ConfigurationError: It is none.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise ConfigurationError(
            f"{text[:200]!r} is no reference to a key of Cloud KMS",
            remedy="Write gcpkms://projects/P/locations/L/keyRings/R/cryptoKeys/K, perhaps with /cryptoKeyVersions/1.",
        )
    return KmsReference(found["key"], found["version"] or "")


class KmsKeys:
    """The public halves of keys of Cloud KMS.

    Args:
        references: The keys.
        api: Asks Cloud KMS.
        tokens: Tokens for it.
        refresh_interval: Seconds after which they are read again, as a key may have been rotated then.
    """

    def __init__(
        self,
        references: tuple[KmsReference, ...],
        api: JsonApi,
        tokens: GoogleTokens,
        refresh_interval: float,
    ) -> None:
        self._references = references
        self._api = api
        self._tokens = tokens
        self.refresh_interval = refresh_interval

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return every version that is enabled of each key, or the version that is named.

        Raises:
            ConfigurationError: `KEY_UNAVAILABLE`: Cloud KMS cannot be asked, or has no such key for signatures.
        """
        try:
            token = (await self._tokens.token()).value
        except GoogleError as error:
            raise key_fault(f"Cloud KMS: {error}", _IDENTITY, unanswered=error.unanswered) from None
        return await read_each(partial(self._read, token), self._references)

    async def _read(self, token: str, reference: KmsReference) -> tuple[KeyMaterial, ...]:
        try:
            return await self._key(reference, token)
        except ApiError as error:
            remedy = error.remedy or (_NAMES if error.status == _MISSING else _REMEDY)
            raise key_fault(f"Cloud KMS: {error}", remedy, unanswered=error.unanswered) from None

    async def _key(self, reference: KmsReference, token: str) -> tuple[KeyMaterial, ...]:
        # Where cosign's reference has no version: after a rotation, old signatures verify by an old one.
        if not reference.version:
            names = await self._enabled(reference.key, token)
            return tuple([await self._public_key(name, token) for name in names])
        name = f"{reference.key}/cryptoKeyVersions/{reference.version}"
        await self._check_enabled(name, token)
        return (await self._public_key(name, token),)

    async def _check_enabled(self, name: str, token: str) -> None:
        version = await self._get(f"/v1/{name}", token)
        if version.get("state") != "ENABLED" or version.get("name") != name:
            raise ApiError(f"{name} is {version.get('state')!r} and not enabled", remedy=_ENABLE)

    async def _enabled(self, key: str, token: str) -> tuple[str, ...]:
        query = f"?filter=state%3DENABLED&pageSize={_MAX_VERSIONS}"
        answer = await self._get(f"/v1/{key}/cryptoKeyVersions{query}", token)
        listed = answer.get("cryptoKeyVersions")
        versions = listed if isinstance(listed, list) else []
        # The state too: a filter that a server ignores must not bring back a version that was disabled.
        names = [
            each.get("name", "")
            for each in versions
            if isinstance(each, Mapping) and each.get("state") == "ENABLED"
        ]
        prefix = f"{key}/cryptoKeyVersions/"
        # A version of another key must not stand for the one that is configured.
        if not names or not all(isinstance(name, str) and name.startswith(prefix) for name in names):
            raise ApiError(f"{key} has no version that is enabled", remedy=_ENABLE)
        if answer.get("nextPageToken"):
            raise ApiError(f"{key} has more than {_MAX_VERSIONS} versions that are enabled: name one")
        return tuple(names)

    async def _public_key(self, name: str, token: str) -> KeyMaterial:
        from google_crc32c import value as crc32c

        answer = await self._get(f"/v1/{name}/publicKey", token)
        pem, checksum = answer.get("pem"), answer.get("pemCrc32c")
        if answer.get("name") != name or not isinstance(pem, str) or not pem.isascii():
            raise ApiError(f"{name}: the answer is for another key")
        # Cloud KMS, "Verifying end-to-end data integrity".
        if str(checksum) != str(crc32c(pem.encode("ascii"))):
            raise ApiError(f"{name}: the checksum {checksum!r} is not that of the key")
        algorithm = str(answer.get("algorithm"))
        if not algorithm.startswith(_SIGNING):
            raise ApiError(
                f"{name} is for {algorithm[:60]!r} and not for signatures",
                remedy="Name a key of the purpose ASYMMETRIC_SIGN.",
            )
        version = name.rpartition("/")[2]
        return check_material(KeyMaterial(pem.encode("ascii"), f"Cloud KMS {name}", version=version))

    async def _get(self, target: str, token: str) -> Mapping[str, Any]:
        return await self._api.get(target, (("Authorization", f"Bearer {token}"),))
