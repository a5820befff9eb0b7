"""Authentication to a registry as a pure generator: it yields requests and is sent the answers; it does no I/O.

(OCI distribution specification; Distribution, "Token Authentication" and "OAuth2"; RFC 6750; RFC 7617.)
"""

import re
from base64 import b64encode
from collections.abc import Generator
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from urllib.parse import urlencode

from pyratify.core.credential import Credential
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.http.response_checks import TryLater
from pyratify.http.transport import Request, Response
from pyratify.http.url import Url
from pyratify.stores.registry.challenge import Challenge, parse_challenges
from pyratify.stores.registry.token_cache import LONGEST_LIFETIME, Known, Memory, TokenKey
from pyratify.stores.registry.token_servers import ANTICIPATED, check_realm

TOKEN_BYTES = 256 * 1024
DEFAULT_LIFETIME = 60.0
_NOT_NOW = (408, 425, 429, *range(500, 600))
_UNSAID = "answers HTTP 401 and does not say how to authenticate"
_CLIENT = "pyratify"
_TOKEN = re.compile(r"[!-~]+", re.ASCII)


class Wanted(Enum):
    """What the generator needs and cannot ask the network for."""

    CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to a token server; equal ones at the same time need to be made only once.

    Attributes:
        request: The request.
    """

    request: Request


Step = Request | TokenRequest | Wanted
Flow = Generator[Step, Any, Response]


@dataclass(frozen=True, slots=True)
class Access:
    """The registry and repository that a read needs access to.

    Attributes:
        registry: The canonical registry.
        repository: The repository; the only scope ever asked for is pulling from it.
        auth_realms: Token servers that the configuration allows.
        memory: What is known of registries.
    """

    registry: str
    repository: str
    auth_realms: tuple[str, ...]
    memory: Memory

    @property
    def scope(self) -> str:
        """What a token is asked for."""
        return f"repository:{self.repository}:pull"


@dataclass(frozen=True, slots=True)
class _Authorization:
    """A value of `Authorization`, and whether it is a token of an earlier answer, which may have been revoked."""

    value: str = ""
    remembered: bool = False

    @property
    def token(self) -> str:
        return self.value.removeprefix("Bearer ")


_NOTHING = _Authorization()


def authenticate(request: Request, access: Access) -> Flow:
    """Yield the request, and what its answer makes necessary; return the last answer.

    The driver sends back a `Response` for each `Request` and `TokenRequest`, and a `Credential` for `Wanted.CREDENTIAL`.

    Raises:
        StoreError: `REGISTRY_AUTH`, `AUTH_SCOPE`, `AUTH_REALM_BLOCKED` or `SSRF_BLOCKED`; `REDIRECT_BLOCKED` for a challenge
            by another origin than the one that was asked.
    """
    known = access.memory.known(access.registry)
    if known is None and access.registry in ANTICIPATED:
        known = yield from _learn(access, ANTICIPATED[access.registry])
    used = _NOTHING
    try:
        used = (yield from _authorization(request, access, known)) if known else _NOTHING
    except TryLater:
        raise
    except StoreError:  # what is remembered no longer holds: begin again
        access.memory.forget(access.registry, known)
        known = None
    response: Response = yield _authorized(request, used)
    if response.status != 401:
        return response
    _check_challenger(request, response)
    if known is not None:
        _forget(access, known, used)
    challenge = _choose(response, access, known)
    current = access.memory.known(access.registry)
    if current is None or current.challenge != challenge.essence:
        current = yield from _learn(access, challenge.essence)
    response, fresh = yield from _ask_again(request, access, current, (response, used))
    if response.status == 401:
        _forget(access, current, fresh)
        raise _refused(access, challenge, current.credential)
    return response


def _ask_again(
    request: Request, access: Access, current: Known, refused: tuple[Response, "_Authorization"]
) -> Generator[Step, Any, tuple[Response, "_Authorization"]]:
    """Ask with what the challenge wants; a remembered token that is refused is replaced by a new one, once."""
    response, used = refused
    fresh = yield from _authorization(request, access, current)
    for _ in range(2):
        if fresh.value in ("", used.value):
            break
        response, used = (yield _authorized(request, fresh)), fresh
        _check_challenger(request, response)
        if response.status != 401 or not fresh.remembered:
            break
        access.memory.drop(_key(access, current), fresh.token)
        fresh = yield from _authorization(request, access, current)
    return response, used


def _learn(access: Access, challenge: Challenge) -> Generator[Step, Any, Known]:
    credential: Credential = yield Wanted.CREDENTIAL
    known = Known(challenge, credential)
    access.memory.learn(access.registry, known)
    return known


def _authorization(request: Request, access: Access, known: Known) -> Generator[Step, Any, "_Authorization"]:
    """Return the value of `Authorization` for what is known; empty when there is nothing to show."""
    credential = known.credential
    if credential.registry_token:
        return _Authorization(f"Bearer {credential.registry_token}")
    if known.challenge.scheme == "basic":
        return _Authorization(_basic(credential)) if credential.username else _NOTHING
    key = _key(access, known)
    remembered = access.memory.token(key)
    token = remembered or (yield from _fetch_token(request, access, key))
    return _Authorization(f"Bearer {token}", remembered=remembered is not None)


def _fetch_token(request: Request, access: Access, key: TokenKey) -> Generator[Step, Any, str]:
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
    return get.with_header("Authorization", _basic(credential)) if credential.username else get


def _read_token(response: Response, access: Access, key: TokenKey) -> tuple[str, float]:
    where = response.url.origin.authority
    if response.status != 200:
        refusal = StoreError(
            Reason.REGISTRY_ERROR if response.status in _NOT_NOW else Reason.REGISTRY_AUTH,
            f"{access.registry}: the token server {where} refuses {key.scope}: HTTP {response.status} "
            f"({_shown(key.credential)})",
        )
        raise refusal
    try:
        document = load_object(response.body, what="token")
    except InvalidJson as error:
        raise StoreError(Reason.REGISTRY_ERROR, f"the token server {where} sent {error.message}") from None
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


def _choose(response: Response, access: Access, known: Known | None) -> Challenge:
    """Return the challenge that is answered; where the answer has none, the one that is known counts."""
    values = response.headers.get_all("www-authenticate")
    challenges = parse_challenges(values)
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme and (scheme == "basic" or challenge.get("realm")):
                return challenge
    if not values and known is not None:
        return known.challenge
    what = "asks for a kind of authentication that is not supported" if values else _UNSAID
    raise StoreError(Reason.REGISTRY_AUTH, f"{access.registry} {what}")


def _check_challenger(request: Request, response: Response) -> None:
    if response.status == 401 and response.url.origin != request.url.origin:
        raise StoreError(
            Reason.REDIRECT_BLOCKED,
            f"{request.url.origin.authority} redirects to {response.url.origin.authority}, which asks for a credential",
        )


def _key(access: Access, known: Known) -> TokenKey:
    challenge = known.challenge
    return TokenKey(
        access.registry, challenge.get("realm"), challenge.get("service"), access.scope, known.credential
    )


def _forget(access: Access, known: Known, shown: _Authorization) -> None:
    access.memory.forget(access.registry, known)
    if known.challenge.scheme == "bearer":
        access.memory.drop(_key(access, known), shown.token)


def _refused(access: Access, challenge: Challenge, credential: Credential) -> StoreError:
    asked = challenge.get("scope").split()
    if asked and access.scope not in asked and not any(_covers(scope, access) for scope in asked):
        return StoreError(
            Reason.AUTH_SCOPE,
            f"{access.registry} asks for {' '.join(asked)[:120]!r} where {access.scope} is enough",
        )
    return StoreError(
        Reason.REGISTRY_AUTH,
        f"{access.registry} does not let {_shown(credential)} read {access.repository}: HTTP 401",
    )


def _covers(scope: str, access: Access) -> bool:
    return scope.startswith(f"repository:{access.repository}:") and "pull" in scope.rpartition(":")[2].split(
        ","
    )


def _shown(credential: Credential) -> str:
    shown = "anonymous access" if credential.is_anonymous else "the configured credential"
    return f"{shown} ({credential.note})" if credential.note else shown


def _authorized(request: Request, shown: _Authorization) -> Request:
    return request.with_header("Authorization", shown.value) if shown.value else request


def _basic(credential: Credential) -> str:
    text = f"{credential.username}:{credential.password}".encode()
    return f"Basic {b64encode(text).decode('ascii')}"
