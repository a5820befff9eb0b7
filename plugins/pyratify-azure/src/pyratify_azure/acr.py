"""Azure Container Registry: a refresh token for a token of Entra ID (ACR, "AAD-OAuth", POST /oauth2/exchange)."""

import base64
import binascii
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pyratify.core.clock import Clock
from pyratify.core.credential import Credential
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.telemetry import NULL_OBSERVER, Observer
from pyratify.credentials.access_token import is_token, no_credential
from pyratify.http.json_api import ApiError, JsonApi
from pyratify.http.transport import Transport
from pyratify.http.url import Url
from pyratify_azure.azure_clouds import REGISTRY_SCOPE
from pyratify_azure.entra_tokens import EntraError, TokenSource

_UNKNOWN = timedelta(hours=3)  # the life of a refresh token, as ACR documents it
_UNANSWERED = "Check that this process reaches the registry and what its identity comes from."
_REMEDY = (
    "Grant AcrPull (or Container Registry Repository Reader) on the registry to the identity of this process."
)


class AcrExchange:
    """Exchanges an identity of Entra ID for refresh tokens of registries.

    Args:
        tokens: Tokens of Entra ID.
        connect: Opens the network, for one request.
        clock: Tells when a token ends.
        tenant: The tenant that is named in the exchange.
        observer: Records each exchange.
    """

    def __init__(
        self,
        tokens: TokenSource,
        connect: Callable[[], Transport],
        clock: Clock,
        tenant: str = "",
        observer: Observer = NULL_OBSERVER,
    ) -> None:
        self._tokens = tokens
        self._connect = connect
        self._clock = clock
        self._tenant = tenant
        self._observer = observer

    async def exchange(self, registry: str) -> Credential:
        """Return the credential for a registry.

        Raises:
            StoreError: `REGISTRY_AUTH` where the identity is refused or the token has expired, `REGISTRY_ERROR` where nothing
                answers.
        """
        try:
            token = await self._tokens.token(REGISTRY_SCOPE)
            form = {"grant_type": "access_token", "service": registry, "access_token": token.value}
            if self._tenant:
                form["tenant"] = self._tenant
            api = JsonApi(Url.parse(f"https://{registry}"), self._connect)
            with self._observer.span("acr exchange", repository=registry):
                answer = await api.post_form("/oauth2/exchange", form)
        except (ApiError, EntraError) as error:
            remedy = _UNANSWERED if error.unanswered or not error.refused else _REMEDY
            raise no_credential(registry, error, refused=error.refused, remedy=remedy) from None
        refresh = answer.get("refresh_token")
        if not is_token(refresh):
            raise StoreError(Reason.REGISTRY_AUTH, f"{registry} sent no refresh token")
        # An end that cannot be read is no refusal: the registry itself refuses what has ended.
        expires = end_of(refresh) or self._clock.now() + _UNKNOWN
        if expires <= self._clock.now():
            raise StoreError(Reason.REGISTRY_AUTH, f"{registry} sent a refresh token that ended at {expires}")
        return Credential(identity_token=refresh, expires=expires, note="Azure Container Registry")


def end_of(token: str) -> datetime | None:
    """Return the end that a JSON Web Token names (RFC 7519, 4.1.4); None where it cannot be read.

    Nothing is trusted for it: it tells only when to ask again.
    """
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        return datetime.fromtimestamp(int(claims["exp"]), UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None
