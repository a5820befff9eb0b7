"""Keys and certificates of Azure Key Vault (REST API 7.4)."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial, Validity, key_fault, read_each
from pyratify.core.telemetry import NULL_OBSERVER, Observer
from pyratify.http.json_api import ApiError, JsonApi
from pyratify_azure.certificate_secret import read_certificates
from pyratify_azure.entra_tokens import EntraError, TokenSource
from pyratify_azure.json_web_key import UnusableKey, public_key

_VERSION = "api-version=7.4"
_MAX_PAGES = 16
_IDENTITY = "Check the identity of this process: its workload identity or managed identity, and clientID and tenantID."
_MISSING = 404
_NAMES = "Check the names of the vault and of the key or certificate, and its version."
_ANOTHER = "Name a key that signs, or a certificate."
_ENABLE = "Enable it, or name another version."
_REMEDY = "Allow keys/get and keys/list (and secrets/get and secrets/list for certificates) to the identity of this process."


@dataclass(frozen=True, slots=True)
class VaultObject:
    """A key or certificate of a vault.

    Attributes:
        name: Its name.
        version: Its version; empty for the newest ones.
        history: How many of the newest versions count where none is named.
    """

    name: str
    version: str = ""
    history: int = 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of a vault.

    Attributes:
        keys: Keys.
        certificates: Certificates.
    """

    keys: tuple[VaultObject, ...] = ()
    certificates: tuple[VaultObject, ...] = ()


@dataclass(frozen=True, slots=True)
class VaultAccess:
    """A vault, and the identity of requests to it.

    Attributes:
        api: Its address.
        tokens: Tokens of Entra ID.
        scope: The scope of a token for it.
        observer: Records each certificate that is read.
    """

    api: JsonApi
    tokens: TokenSource
    scope: str
    observer: Observer = NULL_OBSERVER


class KeyVault:
    """Keys and certificates of one vault.

    Args:
        access: The vault.
        wanted: What is read.
        refresh_interval: Seconds after which it is read again.
    """

    def __init__(self, access: VaultAccess, wanted: Wanted, refresh_interval: float) -> None:
        self._access = access
        self._wanted = wanted
        self.refresh_interval = refresh_interval

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return the public keys.

        Raises:
            ConfigurationError: `KEY_UNAVAILABLE`: the vault cannot be read, or a key is disabled or none for signatures.
        """
        return await self._all("keys", self._wanted.keys, self._key)

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return the certificates; errors as for the keys."""
        return await self._all("secrets", self._wanted.certificates, self._certificate)

    async def _all(
        self,
        kind: str,
        wanted: tuple[VaultObject, ...],
        read: Callable[[VaultObject], Awaitable[KeyMaterial]],
    ) -> tuple[KeyMaterial, ...]:
        if not wanted:
            raise key_fault(f"{kind}: nothing is named to read", _REMEDY, unanswered=False)

        async def read_versions(one: VaultObject) -> list[KeyMaterial]:
            try:
                return [await read(version) async for version in self._versions(kind, one)]
            except (ApiError, EntraError, UnusableKey) as error:
                raise _unavailable(error) from None

        return await read_each(read_versions, wanted)

    async def _versions(self, kind: str, wanted: VaultObject) -> AsyncIterator[VaultObject]:
        if wanted.version or wanted.history == 1:
            # The newest one by its own address: no permission to list is needed, and one that is disabled is refused.
            yield wanted
            return
        found = [each async for each in self._listed(kind, wanted.name)]
        enabled = [each for each in found if _attributes(each).get("enabled") is True]
        if not enabled:
            raise ApiError(f"{wanted.name} has no version that is enabled", remedy=_ENABLE)
        # By their creation: the names of versions say nothing of their age.
        enabled.sort(key=_created, reverse=True)
        for each in enabled[: wanted.history]:
            yield VaultObject(wanted.name, str(each.get("kid") or each.get("id")).rpartition("/")[2])

    async def _listed(self, kind: str, name: str) -> AsyncIterator[Mapping[str, Any]]:
        target = f"/{kind}/{name}/versions?{_VERSION}&maxresults=25"
        for _ in range(_MAX_PAGES):
            answer = await self._get(target)
            listed = answer.get("value")
            if not isinstance(listed, list) or not all(isinstance(each, Mapping) for each in listed):
                raise ApiError(f"{name}: the answer has no list of versions")
            for each in listed:
                yield each
            link = answer.get("nextLink")
            if not link:
                return
            target = self._following(link)
        raise ApiError(f"{name} has more pages of versions than {_MAX_PAGES}")

    def _following(self, link: object) -> str:
        parts = urlsplit(str(link))
        # Only its path and query: the token goes to the vault that is configured, wherever the link points.
        if parts.netloc != self._access.api.address.origin.authority:
            raise ApiError(f"the next page is at {parts.netloc[:120]!r} and not in the vault")
        return f"{parts.path}?{parts.query}"

    async def _key(self, wanted: VaultObject) -> KeyMaterial:
        answer = await self._get(f"/keys/{wanted.name}/{wanted.version}?{_VERSION}")
        key, attributes = answer.get("key"), _attributes(answer)
        if not isinstance(key, Mapping):
            raise ApiError(f"{wanted.name}: the answer has no key")
        version = _version_of(key.get("kid"), "keys", wanted)
        _check_enabled(attributes, wanted)
        period = Validity(_moment(attributes, "nbf"), _moment(attributes, "exp"))
        return KeyMaterial(public_key(key), f"Key Vault {wanted.name} {version}", period, version)

    async def _certificate(self, wanted: VaultObject) -> KeyMaterial:
        with self._access.observer.span("akv certificate", certificate_name=wanted.name):
            # Through its secret: the certificate object has the leaf alone, and no chain.
            answer = await self._get(f"/secrets/{wanted.name}/{wanted.version}?{_VERSION}")
        version = _version_of(answer.get("id"), "secrets", wanted)
        _check_enabled(_attributes(answer), wanted)
        pem = read_certificates(answer)
        return KeyMaterial(pem, f"Key Vault {wanted.name} {version}", version=version)

    async def _get(self, target: str) -> Mapping[str, Any]:
        token = await self._access.tokens.token(self._access.scope)
        return await self._access.api.get(target, (("Authorization", f"Bearer {token.value}"),))


def _unavailable(error: ApiError | EntraError | UnusableKey) -> ConfigurationError:
    """Return what is to be done about an error, and whether it is an answer."""
    remedy, unanswered = _ANOTHER, False
    if isinstance(error, EntraError):
        remedy, unanswered = _IDENTITY, error.unanswered
    elif isinstance(error, ApiError):
        remedy = error.remedy or (_NAMES if error.status == _MISSING else _REMEDY)
        unanswered = error.unanswered
    return key_fault(f"Key Vault: {error}", remedy, unanswered=unanswered)


def _version_of(identifier: object, kind: str, wanted: VaultObject) -> str:
    # The answer names what it holds: a key of another name or version must not stand for the one that is configured.
    parts = urlsplit(str(identifier)).path.split("/")
    if len(parts) != 4 or parts[1:3] != [kind, wanted.name]:
        raise ApiError(f"{wanted.name}: the answer is for another object")
    if wanted.version and parts[3] != wanted.version:
        raise ApiError(f"{wanted.name}: the answer is for the version {parts[3][:80]!r}")
    return parts[3][:80]


def _attributes(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    found = answer.get("attributes")
    return found if isinstance(found, Mapping) else {}


def _check_enabled(attributes: Mapping[str, Any], wanted: VaultObject) -> None:
    if attributes.get("enabled") is not True:
        raise ApiError(f"{wanted.name} {wanted.version or '(newest version)'} is disabled", remedy=_ENABLE)


def _created(each: Mapping[str, Any]) -> int:
    created = _attributes(each).get("created")
    return created if isinstance(created, int) else 0


def _moment(attributes: Mapping[str, Any], name: str) -> datetime | None:
    seconds = attributes.get(name)
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(int(seconds), UTC)
    except (ValueError, TypeError, OverflowError, OSError):
        raise ApiError(f"{name} is no time") from None
