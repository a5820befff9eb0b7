"""An authorization token for an instance: the identity of a service account (RRSA), by way of the security token service.

(Alibaba Cloud, STS AssumeRoleWithOIDC 2015-04-01; Container Registry GetAuthorizationToken 2018-12-01.)
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from pyratify.core.clock import Clock
from pyratify.core.credential import Credential
from pyratify.core.errors import StoreError
from pyratify.core.files import UnreadableFile
from pyratify.core.reason import Reason
from pyratify.credentials.access_token import IdentityError, no_credential, read_token
from pyratify.http.json_api import ApiError, JsonApi
from pyratify.http.transport import Transport
from pyratify.http.url import Url
from pyratify_alibaba.acr_host import parse_host
from pyratify_alibaba.signed_request import encode, signature

_STS = "https://sts.{region}.aliyuncs.com"
_REGISTRY = "https://cr.{region}.aliyuncs.com"
_UNANSWERED = "Check that this process reaches the cloud's security token service and registry API and what its identity comes from."
_REMEDY = "Check the role, its OIDC provider and AliyunContainerRegistryReadOnlyAccess (cr:GetAuthorizationToken, cr:PullRepository)."


@dataclass(frozen=True, slots=True)
class RoleIdentity:
    """A role for the token of a service account.

    Attributes:
        role: The role's ARN.
        provider: The ARN of its OIDC provider.
        token_file: The file with the token, read for each exchange.
    """

    role: str
    provider: str
    token_file: Path


@dataclass(frozen=True, slots=True)
class _Keys:
    key: str
    secret: str = field(repr=False)
    token: str = field(repr=False)


class AcrExchange:
    """Exchanges the identity for credentials of instances.

    Args:
        identity: The identity.
        instances: The instance's id by the instance's name.
        usual: The id of an instance that is not named there; empty for none.
        connect: Opens the network, for one request.
        clock: Signs requests with the time, and tells what has expired.
    """

    def __init__(
        self,
        identity: RoleIdentity,
        instances: Mapping[str, str],
        usual: str,
        connect: Callable[[], Transport],
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._instances = instances
        self._usual = usual
        self._connect = connect
        self._clock = clock

    async def exchange(self, registry: str) -> Credential:
        """Return the credential for a host of Alibaba Cloud.

        Raises:
            StoreError: `CREDENTIAL_SCOPE` where no instance is known for it, `REGISTRY_AUTH` where it is refused,
                `REGISTRY_ERROR` where nothing answers.
        """
        host = parse_host(registry)
        instance = self._instances.get(host.name, self._usual) if host is not None else ""
        if host is None or not instance:
            raise StoreError(
                Reason.CREDENTIAL_SCOPE,
                f"no instance is known for {registry}",
                remedy="Name it in acrInstancesConfig, or give a defaultInstanceId.",
            )
        try:
            keys = await self._assume(host.region)
            answer = await self._authorization(host.region, instance, keys)
        except ApiError as error:
            remedy = _REMEDY if error.refused else _UNANSWERED
            raise no_credential(registry, error, refused=error.refused, remedy=remedy) from None
        except IdentityError as error:
            raise no_credential(registry, error, refused=error.refused, remedy=_UNANSWERED) from None
        return self._credential(answer, registry)

    async def _assume(self, region: str) -> _Keys:
        try:
            token = read_token(self._identity.token_file)
        except UnreadableFile as error:
            what = f"{self._identity.token_file} {error}"
            raise IdentityError(what, refused=True, answered=False) from None
        form = self._common("AssumeRoleWithOIDC", "2015-04-01") | {
            "RoleArn": self._identity.role,
            "OIDCProviderArn": self._identity.provider,
            "OIDCToken": token,
            "RoleSessionName": "pyratify",
        }
        # Unsigned: the token itself is the proof. In the body, which no log of addresses has.
        answer = await self._api(_STS, region).post_form("/", form)
        found = answer.get("Credentials")
        values = (
            [found.get(name) for name in ("AccessKeyId", "AccessKeySecret", "SecurityToken")]
            if isinstance(found, Mapping)
            else []
        )
        if len(values) != 3 or not all(isinstance(value, str) and value for value in values):
            raise ApiError("the security token service sent no credentials")
        return _Keys(*map(str, values))

    async def _authorization(self, region: str, instance: str, keys: _Keys) -> Mapping[str, Any]:
        parameters = self._common("GetAuthorizationToken", "2018-12-01") | {
            "InstanceId": instance,
            "AccessKeyId": keys.key,
            "SecurityToken": keys.token,
            "SignatureMethod": "HMAC-SHA1",  # the only method of version 1.0
            "SignatureVersion": "1.0",
            "SignatureNonce": str(uuid4()),  # against replay (signature version 1.0)
        }
        signed = parameters | {"Signature": signature("GET", parameters, keys.secret)}
        return await self._api(_REGISTRY, region).get(f"/?{encode(signed)}")

    def _credential(self, answer: Mapping[str, Any], registry: str) -> Credential:
        username, password, end = (
            answer.get(name) for name in ("TempUsername", "AuthorizationToken", "ExpireTime")
        )
        if not isinstance(username, str) or not isinstance(password, str) or not username or not password:
            raise StoreError(Reason.REGISTRY_AUTH, f"Alibaba Cloud sent no token for {registry}")
        try:
            # In milliseconds (GetAuthorizationToken, ExpireTime).
            expires = datetime.fromtimestamp(int(str(end)) / 1000, UTC)
        except (ValueError, OverflowError, OSError):
            raise StoreError(
                Reason.REGISTRY_AUTH, f"Alibaba Cloud sent a token for {registry} without an end"
            ) from None
        if expires <= self._clock.now():
            raise StoreError(
                Reason.REGISTRY_AUTH, f"Alibaba Cloud sent a token for {registry} that has expired"
            )
        return Credential(username=username, password=password, expires=expires, note="Alibaba Cloud")

    def _common(self, action: str, version: str) -> dict[str, str]:
        now = self._clock.now().astimezone(UTC)
        return {
            "Action": action,
            "Version": version,
            "Format": "JSON",
            "Timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _api(self, address: str, region: str) -> JsonApi:
        return JsonApi(Url.parse(address.format(region=region)), self._connect)
