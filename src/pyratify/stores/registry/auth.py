"""Authentication to a registry as a pure generator: it yields requests and is sent the answers; it does no I/O.

(OCI distribution specification; Distribution, "Token Authentication" and "OAuth2"; RFC 6750; RFC 7617.)
"""

from collections.abc import Generator
from typing import Any

from pyratify.core.credential import Credential
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.http.response_checks import TryLater
from pyratify.http.transport import Request, Response
from pyratify.stores.registry.auth_steps import Access, CredentialRefused, Flow, Renewal, Step, Wanted
from pyratify.stores.registry.challenge import Challenge, parse_challenges
from pyratify.stores.registry.token_cache import Known, TokenKey
from pyratify.stores.registry.token_exchange import basic, fetch_token, shown
from pyratify.stores.registry.token_servers import ANTICIPATED

_UNSAID = "answers HTTP 401 and does not say how to authenticate"


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

    The driver sends back a `Response` for each `Request` and `TokenRequest`, and a `Credential` for `Wanted.CREDENTIAL` and
    `Renewal`.

    Raises:
        StoreError: `REGISTRY_AUTH`, `AUTH_SCOPE`, `AUTH_REALM_BLOCKED` or `SSRF_BLOCKED`; `REDIRECT_BLOCKED` for a challenge
            by another origin than the one that was asked.
    """
    try:
        response = yield from _attempt(request, access)
    except CredentialRefused as error:
        if not (yield from _renew(access, error.credential)):
            raise
    else:
        # ECR answers 403 to a credential that has expired.
        known = access.memory.known(access.registry) if response.status == 403 else None
        if known is None or not (yield from _renew(access, known.credential)):
            return response
    return (yield from _attempt(request, access))


def _renew(access: Access, refused: Credential) -> Generator[Step, Any, bool]:
    """Ask for another credential in place of one that expires; return whether there is one."""
    if refused.expires is None:
        return False
    fresh: Credential = yield Renewal(refused)
    if fresh == refused:
        return False
    known = access.memory.known(access.registry)
    # Another request may have learnt the new one meanwhile.
    if known is not None and known.credential == refused:
        access.memory.forget(access.registry, known)
    return True


def _attempt(request: Request, access: Access) -> Flow:
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
        return _Authorization(basic(credential)) if credential.username else _NOTHING
    key = _key(access, known)
    remembered = access.memory.token(key)
    token = remembered or (yield from fetch_token(request, access, key))
    return _Authorization(f"Bearer {token}", remembered=remembered is not None)


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


def _forget(access: Access, known: Known, used: _Authorization) -> None:
    access.memory.forget(access.registry, known)
    if known.challenge.scheme == "bearer":
        access.memory.drop(_key(access, known), used.token)


def _refused(access: Access, challenge: Challenge, credential: Credential) -> StoreError:
    asked = challenge.get("scope").split()
    if asked and access.scope not in asked and not any(_covers(scope, access) for scope in asked):
        return StoreError(
            Reason.AUTH_SCOPE,
            f"{access.registry} asks for {' '.join(asked)[:120]!r} where {access.scope} is enough",
        )
    return CredentialRefused(
        Reason.REGISTRY_AUTH,
        f"{access.registry} does not let {shown(credential)} read {access.repository}: HTTP 401",
        credential,
    )


def _covers(scope: str, access: Access) -> bool:
    return scope.startswith(f"repository:{access.repository}:") and "pull" in scope.rpartition(":")[2].split(
        ","
    )


def _authorized(request: Request, authorization: _Authorization) -> Request:
    return request.with_header("Authorization", authorization.value) if authorization.value else request
