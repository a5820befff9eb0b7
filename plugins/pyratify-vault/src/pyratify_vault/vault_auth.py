"""How a token of Vault is come by: given, read from a file, or by logging in (Vault API, auth methods)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from pyratify.core.clock import Clock
from pyratify.core.files import UnreadableFile
from pyratify.credentials.access_token import is_token, read_token
from pyratify.http.json_api import ApiError
from pyratify_vault.vault_client import VaultClient

_LOGIN = "Check the method's mount, the role and what it is bound to; a token or secret id that has ended is refused, too."
_FILE = (
    "Have a token written to that file, where this process may read it, or configure another way to log in."
)


class TokenSource(Protocol):
    """A source of tokens."""

    async def token(self, client: VaultClient) -> str:
        """Return a token that has not expired.

        Raises:
            ApiError: There is none.
        """
        ...

    def drop(self) -> None:
        """Forget the token: Vault refused it."""
        ...


@dataclass(slots=True)
class GivenToken:
    """A token of the configuration or the environment, renewed before it ends where Vault lets it be renewed.

    Attributes:
        value: The token.
        clock: Measures the token's life.
        interval: Seconds between two reads, which the token is to outlive.
    """

    value: str = field(repr=False)
    clock: Clock
    interval: float = 0.0
    _renew_at: float | None = None

    async def token(self, client: VaultClient) -> str:
        """Return the token; whether it is good, the next request tells."""
        if self._renew_at is None:
            self._renew_at = await self._look_up(client)
        if self._renew_at is not None and self.clock.monotonic() >= self._renew_at:
            self._renew_at = await self._renew(client)
        return self.value

    def drop(self) -> None:
        """Do nothing: there is no other token."""

    async def _look_up(self, client: VaultClient) -> float | None:
        """Return when to renew it; None where Vault did not answer."""
        try:
            found = (await client.read("auth/token/lookup-self", self.value)).get("data")
        except ApiError as error:
            # A policy may allow a token to renew itself and not to look itself up: the renewal names its life too.
            return self.clock.monotonic() if error.refused else None
        return self._due(found, "ttl", 0)

    async def _renew(self, client: VaultClient) -> float | None:
        try:
            found = (await client.write("auth/token/renew-self", {}, self.value)).get("auth")
        except ApiError as error:
            # Tokens of some policies and kinds cannot be renewed.
            return math.inf if error.refused else self._renew_at
        # A life shorter than two intervals: at each read, and once for all that it reads.
        return self._due(found, "lease_duration", 1 / 3)

    def _due(self, found: Any, name: str, earliest: float) -> float:
        life = found.get(name) if isinstance(found, Mapping) else None
        # 0 is a token without an end, as a root token has none (Vault, "Tokens").
        if type(life) is not int or life <= 0 or found.get("renewable") is not True:
            return math.inf
        # The next read may come late, so that it is to be outlived twice.
        wait = life - max(life / 3, 2 * self.interval)
        return self.clock.monotonic() + max(wait, life * earliest)


@dataclass(frozen=True, slots=True)
class FileToken:
    """A token that another program keeps in a file, as Vault Agent or `vault login` does.

    Attributes:
        path: The file, read each time.
    """

    path: Path

    async def token(self, client: VaultClient) -> str:
        """Return the token that is in the file now."""
        del client
        return read_secret(self.path)

    def drop(self) -> None:
        """Do nothing: the file is read again in any case."""


@dataclass(slots=True)
class Login:
    """A token by an auth method, used for two thirds of its life.

    Attributes:
        path: The method's path, as `auth/kubernetes/login`.
        fields: What is posted, as it stands in the configuration.
        files: What is posted from files, which are read for each login.
        clock: Measures the token's life.
    """

    path: str
    clock: Clock
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    files: Mapping[str, Path] = field(default_factory=dict)
    _token: str = field(default="", repr=False)
    _until: float = 0.0

    async def token(self, client: VaultClient) -> str:
        """Return the token of this login, or of a new one."""
        if self._token and self.clock.monotonic() < self._until:
            return self._token
        # Files are read for each login: the kubelet replaces a projected token before it ends.
        body = {**self.fields, **{name: read_secret(path) for name, path in self.files.items()}}
        try:
            auth = (await client.write(self.path, body)).get("auth")
        except ApiError as error:
            if not error.refused:
                raise
            raise ApiError(str(error), error.status, remedy=_LOGIN) from None
        token, life = _token_of(auth)
        self._token, self._until = token, self.clock.monotonic() + life * 2 / 3
        return token

    def drop(self) -> None:
        """Log in again next time."""
        self._token = ""


def _token_of(auth: Any) -> tuple[str, float]:
    token = auth.get("client_token") if isinstance(auth, Mapping) else None
    life = auth.get("lease_duration") if isinstance(auth, Mapping) else None
    if not is_token(token):
        raise ApiError("the login gave no token", remedy=_LOGIN)
    # 0 is a token without an end (Vault, "Tokens"); an hour is enough until the next login.
    usual = isinstance(life, int) and not isinstance(life, bool) and life > 0
    return token, float(life) if usual and life is not None else 3600.0


def read_secret(path: Path) -> str:
    """Return the text of a file with a token, without the line break at its end.

    Raises:
        ApiError: It cannot be read or is empty, or holds what no token has.
    """
    try:
        return read_token(path)
    except UnreadableFile as error:
        # No answer of Vault: keys that it gave before are not withdrawn by it.
        raise ApiError(f"{path} {error}", unanswered=True, remedy=_FILE) from None
