"""How the registry simulator authenticates: not at all, by password, or by token."""

import json
import secrets
from base64 import b64decode
from dataclasses import field
from typing import Protocol
from urllib.parse import parse_qs, urlsplit

from pyratify.core.dataclass import dataclass
from pyratify.testing.registry_faults import Answer, Hit

_NOTHING = b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}'


class Auth(Protocol):
    """Decides which requests are let in."""

    def refuse(self, hit: Hit, base: str, repository: str) -> Answer | None:
        """Return the refusal of a request, or None to let it in."""
        ...

    def token(self, hit: Hit) -> Answer:
        """Answer a request to the token server, `/token`."""
        ...


def basic_credential(value: str) -> tuple[str, str] | None:
    """Return user and password from the value of `Authorization`."""
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return None
    # The first colon ends the user; a password may contain more (RFC 7617, section 2).
    user, _, password = b64decode(encoded).decode().partition(":")
    return user, password


@dataclass
class BasicAuth:
    """Requires a user name and a password.

    Attributes:
        username: The user.
        password: The password.
    """

    username: str = "user"
    password: str = "password"  # noqa: S105 - a test's

    def refuse(self, hit: Hit, base: str, repository: str) -> Answer | None:
        """Ask for the password."""
        del base, repository
        if basic_credential(hit.headers.get("authorization", "")) == (self.username, self.password):
            return None
        return Answer(401, (("WWW-Authenticate", 'Basic realm="simulator"'),), _NOTHING)

    def token(self, hit: Hit) -> Answer:
        """Know no tokens."""
        del hit
        return Answer(404)


@dataclass
class BearerAuth:
    """Requires a token for pulling from the repository.

    Attributes:
        username: The user that gets tokens.
        password: The password.
        identity_token: The refresh token that gets tokens by OAuth2; empty for none.
        anonymous: Whether tokens are given without credentials.
        realm: The URL of the token server; the simulator's own `/token` when empty.
        service: The name of the service.
        scope: What the challenge asks for; pulling from the repository when empty.
        lifetime: Seconds that tokens are said to be good for.
        issued: The tokens with their scopes, in order; removing one makes it bad.
    """

    username: str = "user"
    password: str = "password"  # noqa: S105 - a test's
    identity_token: str = ""
    anonymous: bool = False
    realm: str = ""
    service: str = "simulator"
    scope: str = ""
    lifetime: int = 300
    issued: dict[str, str] = field(default_factory=dict)

    def refuse(self, hit: Hit, base: str, repository: str) -> Answer | None:
        """Ask for a token."""
        scope = f"repository:{repository}:pull"
        token = hit.headers.get("authorization", "").removeprefix("Bearer ")
        # A token for another repository is none: clients must not reuse one across repositories.
        if self.issued.get(token) == scope:
            return None
        challenge = f'Bearer realm="{self.realm or base + "/token"}",service="{self.service}",scope="{self.scope or scope}"'
        return Answer(401, (("WWW-Authenticate", challenge),), _NOTHING)

    def token(self, hit: Hit) -> Answer:
        """Give a token to the user, to the holder of the identity token, or to anonymous clients."""
        # OAuth2 posts a form (auth-oauth.md), the older way is a GET with a query (auth-token.md).
        query = parse_qs(hit.body.decode() if hit.method == "POST" else urlsplit(hit.path).query)
        if not self._knows(hit, query):
            return Answer(401, (), _NOTHING)
        token = secrets.token_urlsafe(16)
        # As asked for, not as the challenge had it: a wrong scope shows in the next request.
        self.issued[token] = " ".join(query.get("scope", []))
        document = {"token": token, "expires_in": self.lifetime}
        return Answer(200, (("Content-Type", "application/json"),), json.dumps(document).encode())

    def _knows(self, hit: Hit, query: dict[str, list[str]]) -> bool:
        if hit.method == "POST":
            given = query.get("refresh_token", [""])[0]
            return bool(self.identity_token) and secrets.compare_digest(given, self.identity_token)
        authorization = hit.headers.get("authorization", "")
        if not authorization:
            return self.anonymous
        return basic_credential(authorization) == (self.username, self.password)
