"""Tokens by identity binding: the cluster's API server stands for Entra ID (AKS, "identity bindings"; Ratify v2's variables)."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from pyratify.core.blocking import BlockingCalls
from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.core.telemetry import NULL_OBSERVER, Observer
from pyratify.credentials.access_token import AccessToken, is_token, read_token
from pyratify.http.json_api import is_refusal, safe_address
from pyratify.http.url import without_user
from pyratify_azure.entra_tokens import EntraError

_SECONDS = 10.0
_LIMIT = 256 * 1024
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Binding:
    """Where the token is exchanged.

    Attributes:
        sni: The name that the server is asked for, and that its certificate has to have.
        host: The API server's host that is connected to.
        port: Its port.
        token_file: The file with the service account's token, read for each exchange.
        ca_file: The CA certificates of that server.
        client_id: The identity.
    """

    sni: str
    host: str
    port: int
    token_file: Path
    ca_file: Path
    client_id: str


def binding_of(environment: Mapping[str, str], client_id: str) -> Binding:
    """Return the binding that the environment describes.

    Raises:
        ConfigurationError: A variable is missing.
    """
    own = "AZURE_ACR_IDENTITY_BINDING_"
    # Ratify v2's own variables first, then those that AKS sets.
    names = {
        "sni": (f"{own}SNI_NAME", "AZURE_KUBERNETES_SNI_NAME"),
        "host": (f"{own}APISERVER_HOST", "AZURE_KUBERNETES_TOKEN_PROXY"),
        "token": (f"{own}TOKEN_FILE", "AZURE_FEDERATED_TOKEN_FILE"),
        "ca": (f"{own}CA_CERT_PATH", "AZURE_KUBERNETES_CA_FILE"),
    }
    found = {
        key: environment.get(first) or environment.get(second, "") for key, (first, second) in names.items()
    }
    client = client_id or environment.get("AZURE_CLIENT_ID", "")
    missing = [" or ".join(names[key]) for key, value in found.items() if not value]
    if missing or not client:
        raise ConfigurationError(
            f"the environment lacks {', '.join(missing) or 'AZURE_CLIENT_ID'}",
            path="identityBinding",
            remedy="Annotate the service account for identity bindings, or turn identityBinding off.",
        )
    host, port = _address(found["host"])
    return Binding(found["sni"], host, port, Path(found["token"]), Path(found["ca"]), client)


def _address(text: str) -> tuple[str, int]:
    # The first variable has a host, the second one an address.
    url = safe_address(text if "://" in text else f"https://{text}")
    if url is None or url.origin.scheme != "https":
        raise ConfigurationError(
            f"{without_user(text)[:120]!r} is no host of an API server",
            path="identityBinding",
            remedy="Write it as kubernetes.default.svc or https://10.0.0.1:443.",
        )
    return url.origin.host, url.origin.port


@dataclass(slots=True)
class BoundTokens:
    """Tokens by identity binding.

    Attributes:
        binding: Where they are exchanged.
        clock: Tells when they end.
        observer: Records each exchange.
    """

    binding: Binding
    clock: Clock
    observer: Observer = NULL_OBSERVER
    _calls: BlockingCalls = field(default_factory=lambda: BlockingCalls(_SECONDS), repr=False)

    async def token(self, scope: str) -> AccessToken:
        """Return a token for a scope.

        Raises:
            EntraError: It was refused, or nothing answered in time.
        """
        with self.observer.span("aad exchange", resource_type=scope.removesuffix("/.default")):
            try:
                return await self._calls.run(self._token, scope, self.clock.now())
            except TimeoutError:
                raise EntraError(f"no token within {_SECONDS:g} seconds", refused=False) from None

    def _token(self, scope: str, now: datetime) -> AccessToken:
        binding = self.binding
        try:
            assertion = read_token(binding.token_file)
            form = {
                "grant_type": "client_credentials",
                "client_assertion_type": _ASSERTION,
                "scope": scope,
                "client_assertion": assertion,
                "client_id": binding.client_id,
            }
            status, body = _post(binding, urlencode(form).encode("ascii"))
        except UnreadableFile as error:
            raise EntraError(f"{binding.token_file} {error}", refused=True, answered=False) from None
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise EntraError(
                f"the binding {binding.sni} failed with {type(error).__name__}", refused=False
            ) from None
        # Without the body: identity services quote what they were sent.
        if status != 200:
            raise EntraError(f"the binding {binding.sni} answers HTTP {status}", refused=is_refusal(status))
        return _read(body, now)


def _post(binding: Binding, body: bytes) -> tuple[int, bytes]:
    # With the binding's authorities alone: the system's have no say about an API server.
    context = ssl.create_default_context(cafile=str(binding.ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    fields = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    # By hand, because the name in the handshake is another one than the host that is connected to; no proxy, no redirect.
    with socket.create_connection((binding.host, binding.port), timeout=_SECONDS / 2) as plain:
        connection = http.client.HTTPConnection(binding.sni)
        connection.sock = context.wrap_socket(plain, server_hostname=binding.sni)
        try:
            connection.request("POST", "/", body, fields)
            answer = connection.getresponse()
            return answer.status, answer.read(_LIMIT)
        finally:
            connection.close()


def _read(body: bytes, now: datetime) -> AccessToken:
    try:
        document: Mapping[str, Any] = load_object(body, what="token")
    except InvalidJson as error:
        raise EntraError(f"the binding sent {error.message}", refused=False) from None
    value, life = document.get("access_token"), document.get("expires_in")
    if not is_token(value):
        raise EntraError("the binding sent no token", refused=True)
    if isinstance(life, bool) or not isinstance(life, int) or not 0 < life <= 86400:
        raise EntraError("the binding sent a token without an end", refused=True)
    return AccessToken(value, now + timedelta(seconds=life))
