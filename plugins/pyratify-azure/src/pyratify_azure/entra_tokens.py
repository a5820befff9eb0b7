"""The one import site of azure-identity: access tokens of Entra ID, in threads, bounded in time."""

import logging
import os
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from pyratify.core.blocking import BlockingCalls
from pyratify.core.files import UnreadableFile
from pyratify.core.telemetry import NULL_OBSERVER, Observer
from pyratify.credentials.access_token import AccessToken, IdentityError, is_token, read_token
from pyratify.http.json_api import is_refusal

_SECONDS = 15.0
_FILE_VARIABLE = "AZURE_FEDERATED_TOKEN_FILE"
# As libraries should do themselves: without a handler, their warnings go to standard error, with what the service answered.
for _name in ("azure", "msal"):
    logging.getLogger(_name).addHandler(logging.NullHandler())


class EntraError(IdentityError):
    """Entra ID gave no token."""


class TokenSource(Protocol):
    """A source of access tokens."""

    async def token(self, scope: str) -> AccessToken:
        """Return a token for a scope.

        Raises:
            EntraError: There is no identity, or it was refused, or nothing answered in time.
        """
        ...


@dataclass(slots=True)
class EntraTokens:
    """Tokens by workload identity, and by managed identity where there is none.

    Attributes:
        client_id: The identity; that of the environment when empty.
        tenant_id: Its tenant; that of the environment when empty.
        observer: Records each exchange.
    """

    client_id: str = ""
    tenant_id: str = ""
    observer: Observer = NULL_OBSERVER
    _calls: BlockingCalls = field(default_factory=lambda: BlockingCalls(_SECONDS), repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)
    _credential: Any = field(default=None, repr=False)

    async def token(self, scope: str) -> AccessToken:
        """Return a token for a scope; errors as in `TokenSource`."""
        with self.observer.span("aad exchange", resource_type=scope.removesuffix("/.default")):
            try:
                return await self._calls.run(self._token, scope)
            except TimeoutError:
                raise EntraError(f"no token of Entra ID within {_SECONDS:g} seconds", refused=False) from None

    def _token(self, scope: str) -> AccessToken:
        # Lazy: some 0.15 seconds, in the thread, and only where Azure is asked at all.
        from azure.core.exceptions import AzureError

        try:
            with self._lock:
                self._credential = self._credential or self._made()
                found = self._credential.get_token(scope)
        except (AzureError, OSError, ValueError) as error:
            raise _fault(error) from None
        except UnreadableFile as error:
            what = f"{os.environ.get(_FILE_VARIABLE)} of {_FILE_VARIABLE} {error}"
            raise EntraError(what, refused=True, answered=False) from None
        return _checked(found)

    def _made(self) -> Any:
        from azure.identity import ClientAssertionCredential, ManagedIdentityCredential

        # azure-core's own limits are 300 seconds and ten tries, for which no verification can wait. No other try after an answer:
        # it would come after the Retry-After of that answer, however long, and all other calls would wait for it.
        options: dict[str, Any] = {
            "connection_timeout": 3,
            "read_timeout": 5,
            "retry_total": 1,
            "retry_status": 0,
        }
        client = self.client_id or os.environ.get("AZURE_CLIENT_ID", "")
        # Workload identity first, as in Ratify v2; exclusive, because a chain would show another identity's token.
        if file := os.environ.get(_FILE_VARIABLE):
            tenant = self.tenant_id or os.environ.get("AZURE_TENANT_ID", "")
            if not client or not tenant:
                missing = "clientID" if tenant else "tenantID"
                what = f"{_FILE_VARIABLE} is set, and there is no {missing}"
                raise EntraError(what, refused=True, answered=False)
            # Not WorkloadIdentityCredential, which sends an empty file and keeps what it read for ten minutes.
            return ClientAssertionCredential(
                tenant,
                client,
                partial(read_token, Path(file)),
                # Discovery asks the public cloud, which a cluster with an authority of its own may not reach.
                disable_instance_discovery=bool(os.environ.get("AZURE_AUTHORITY_HOST")),
                **options,
            )
        return ManagedIdentityCredential(client_id=client or None, **options)


def _fault(error: Exception) -> EntraError:
    """Return the error for one of the SDK, which raises the same one for a refusal and for an outage."""
    status, kind = _status(error), type(error).__name__
    # Not its text: answers of identity services quote what they were sent.
    if is_refusal(status):
        return EntraError(f"Entra ID refuses the identity: HTTP {status} ({kind})", refused=True)
    if status:
        return EntraError(f"Entra ID answers HTTP {status} ({kind})", refused=False)
    return EntraError(f"Entra ID cannot be asked: {kind}", refused=False)


def _status(error: BaseException | None) -> int:
    """Return the status of the answer that an error is about; 0 where there was none."""
    while error is not None:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if isinstance(status, int):
            return status
        error = error.__cause__ or error.__context__
    return 0


def _checked(found: Any) -> AccessToken:
    value, expires = found.token, found.expires_on
    if not is_token(value):
        raise EntraError("Entra ID sent no token", refused=True)
    return AccessToken(value, datetime.fromtimestamp(int(expires), UTC))
