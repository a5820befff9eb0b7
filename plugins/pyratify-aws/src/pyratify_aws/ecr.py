"""Amazon ECR: an authorization token for the registry of an account and region (ECR API, GetAuthorizationToken)."""

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pyratify.core.clock import Clock
from pyratify.core.credential import Credential
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.credentials.access_token import no_credential
from pyratify_aws.aws_client import AwsClient, AwsError
from pyratify_aws.ecr_host import PUBLIC, PUBLIC_REGION, EcrHost, parse_host

_UNANSWERED = "Check that this process reaches Amazon ECR's API and what its identity comes from."
_REMEDY = "Allow ecr:GetAuthorizationToken to the identity of this process, and check its web identity or instance role."


class EcrExchange:
    """Exchanges an identity of AWS for credentials of ECR.

    Args:
        client: Calls AWS.
        clock: The time by which credentials expire.
    """

    def __init__(self, client: AwsClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def exchange(self, registry: str) -> Credential:
        """Return the credential for a host of ECR.

        Raises:
            StoreError: `REGISTRY_AUTH` where AWS refuses, cannot be asked without an identity, or sends what is of no use, `REGISTRY_ERROR` where it does not answer.
        """
        host = parse_host(registry)
        try:
            if registry in PUBLIC:
                data = await self._ask("ecr-public", PUBLIC_REGION, {})
            elif host is not None:
                data = await self._ask("ecr", host.region, {"registryIds": [host.account]})
            else:
                raise StoreError(Reason.CREDENTIAL_SCOPE, f"{registry} is no host of Amazon ECR")
        except AwsError as error:
            remedy = error.remedy or (_REMEDY if error.refused else _UNANSWERED)
            raise no_credential(registry, error, refused=error.refused, remedy=remedy) from None
        # The public registry's answer names no endpoint (ECR Public API, AuthorizationData).
        if host is not None:
            _check_endpoint(data, host, registry)
        return self._credential(data, registry)

    async def _ask(self, service: str, region: str, parameters: dict[str, Any]) -> Mapping[str, Any]:
        answer = await self._client.call(service, region, "get_authorization_token", **parameters)
        found = answer.get("authorizationData")
        # A list with one member for the private registry, the member itself for the public one.
        data = found[0] if isinstance(found, list) and len(found) == 1 else found
        return data if isinstance(data, Mapping) else {}

    def _credential(self, data: Mapping[str, Any], registry: str) -> Credential:
        expires = data.get("expiresAt")
        if not isinstance(expires, datetime) or expires.tzinfo is None or expires <= self._clock.now():
            raise StoreError(
                Reason.REGISTRY_AUTH, f"ECR sent a token for {registry} that has expired: {expires}"
            )
        try:
            # `AWS:password` in base64 (ECR API, AuthorizationData).
            text = base64.b64decode(str(data.get("authorizationToken", "")), validate=True).decode("ascii")
        except (binascii.Error, UnicodeDecodeError):
            text = ""
        username, colon, password = text.partition(":")
        if not colon or not username or not password:
            raise StoreError(Reason.REGISTRY_AUTH, f"ECR sent no token for {registry}")
        return Credential(username=username, password=password, expires=expires, note="Amazon ECR")


def _check_endpoint(data: Mapping[str, Any], host: EcrHost, registry: str) -> None:
    """Refuse a token that is for another registry than the one that was asked for."""
    endpoint = str(data.get("proxyEndpoint", "")).removeprefix("https://")
    # The endpoint is the plain host; the reference may have named the FIPS or the dual-stack one of the same registry.
    if parse_host(endpoint) != host:
        raise StoreError(
            Reason.CREDENTIAL_SCOPE,
            f"ECR sent a token for {endpoint[:120]!r}, and {registry} was asked for",
        )
