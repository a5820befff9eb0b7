"""A token for a credential: the request to the token server, and what it answers.

(Distribution, "Token Authentication" and "OAuth2"; RFC 6749 6; RFC 7617.)
"""

import re
from base64 import b64encode
from collections.abc import Generator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from pyratify.core.credential import Credential
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.http.transport import Request, Response
from pyratify.http.url import Url
from pyratify.stores.registry.auth_steps import Access, CredentialRefused, Step, TokenRequest
from pyratify.stores.registry.token_cache import LONGEST_LIFETIME, TokenKey
from pyratify.stores.registry.token_servers import check_realm

TOKEN_BYTES = 256 * 1024
DEFAULT_LIFETIME = 60.0
_NOT_NOW = (408, 425, 429, *range(500, 600))
_CLIENT = "pyratify"
_TOKEN = re.compile(r"[!-~]+", re.ASCII)


def fetch_token(request: Request, access: Access, key: TokenKey) -> Generator[Step, Any, str]:
    """Ask the token server that the challenge names for a token, remember and return it.

    Raises:
        StoreError: `AUTH_REALM_BLOCKED`, `SSRF_BLOCKED` or `REGISTRY_ERROR`.
        CredentialRefused: It refuses the credential.
    """
    url, trust = check_realm(
        key.realm, access.registry, request.url.origin, access.auth_realms, key.credential
    )
    base = replace(
        request,
        url=url,
        trust=trust,
        limit=TOKEN_BYTES,
        expected=None,
        headers=tuple(field for field in request.headers if field[0] != "Accept"),
    )
    response: Response = yield TokenRequest(_token_request(base, key))
    token, lifetime = _read_token(response, access, key)
    access.memory.keep(key, token, lifetime)
    return token


def _token_request(base: Request, key: TokenKey) -> Request:
    fields = {"service": key.service, "scope": key.scope}
    credential = key.credential
    # OAuth2 where there is a refresh token ("Token Authentication via OAuth2"); a GET with a query otherwise.
    if credential.identity_token:
        body = {
            "grant_type": "refresh_token",
            **fields,
            "client_id": _CLIENT,
            "refresh_token": credential.identity_token,
        }
        post = replace(base, method="POST", body=urlencode(body).encode("ascii"))
        return post.with_header("Content-Type", "application/x-www-form-urlencoded")
    query = urlencode({name: value for name, value in fields.items() if value})
    joint = "&" if "?" in base.url.target else "?"
    get = replace(base, url=Url(base.url.origin, f"{base.url.target}{joint}{query}"))
    return get.with_header("Authorization", basic(credential)) if credential.username else get


def _read_token(response: Response, access: Access, key: TokenKey) -> tuple[str, float]:
    where = response.url.origin.authority
    if response.status != 200:
        message = (
            f"{access.registry}: the token server {where} refuses {key.scope}: HTTP {response.status} "
            f"({shown(key.credential)})"
        )
        # An overloaded server says nothing against the credential, which would be renewed in vain.
        if response.status in _NOT_NOW:
            raise StoreError(Reason.REGISTRY_ERROR, message)
        raise CredentialRefused(Reason.REGISTRY_AUTH, message, key.credential)
    try:
        document = load_object(response.body, what="token")
    except InvalidJson as error:
        raise StoreError(Reason.REGISTRY_ERROR, f"the token server {where} sent {error.message}") from None
    # Both names are in use (Distribution, "Token Authentication"). Printable ASCII alone: it becomes a header field.
    token = document.get("token") or document.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise StoreError(Reason.REGISTRY_ERROR, f"the token server {where} sent no token")
    return token, _lifetime(document.get("expires_in"))


def _lifetime(announced: object) -> float:
    """Return a token's lifetime in seconds; what is no number says nothing, and the default counts.

    (Distribution, "Token Authentication": `expires_in` may be missing, and then stands for 60 seconds.)
    """
    if isinstance(announced, bool) or not isinstance(announced, int | float) or not announced:
        return DEFAULT_LIFETIME
    return float(max(min(announced, LONGEST_LIFETIME), 0))


def shown(credential: Credential) -> str:
    """Return what to call a credential in a message."""
    found = "anonymous access" if credential.is_anonymous else "the configured credential"
    return f"{found} ({credential.note})" if credential.note else found


def basic(credential: Credential) -> str:
    """Return the value of `Authorization` for a user name and password (RFC 7617)."""
    text = f"{credential.username}:{credential.password}".encode()
    return f"Basic {b64encode(text).decode('ascii')}"
