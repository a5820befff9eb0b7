"""The one import site of google-auth: access tokens of an identity, in threads, bounded in time."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

from pyratify.core.blocking import BlockingCalls
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.strictjson import InvalidJson, load_object
from pyratify.credentials.access_token import AccessToken, IdentityError, is_token
from pyratify.http.json_api import is_refusal
from pyratify_gcp.google_hosts import is_api_url

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_MAX_FILE = 256 * 1024
_SECONDS = 15.0
# As libraries should do themselves: without a handler, its warnings go to standard error, with what the service answered.
logging.getLogger("google").addHandler(logging.NullHandler())
_CONNECT, _READ = 3.0, 5.0
_ADDRESSES = ("token_uri", "token_url", "service_account_impersonation_url")


class GoogleError(IdentityError):
    """Google gave no token."""


@dataclass(slots=True)
class GoogleTokens:
    """Tokens of the identity that Google's tools would use, or of a file.

    Attributes:
        file: A service account's key or the configuration of a workload identity federation; what the environment has
            (GOOGLE_APPLICATION_CREDENTIALS, gcloud, the metadata server) when None. Read again for every token.
    """

    file: Path | None = None
    _calls: BlockingCalls = field(default_factory=lambda: BlockingCalls(_SECONDS), repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    async def token(self) -> AccessToken:
        """Return a new token.

        Raises:
            GoogleError: There is no identity, or it was refused, or nothing answered in time.
        """
        try:
            return await self._calls.run(self._token)
        except TimeoutError:
            raise GoogleError(f"no token of Google within {_SECONDS:g} seconds", refused=False) from None

    def _token(self) -> AccessToken:
        # Lazy: some 0.1 seconds, in the thread, and only where Google is asked at all.
        from google.auth import exceptions
        from google.auth.transport.urllib3 import Request
        from urllib3 import PoolManager, Timeout

        # Without redirects: what is sent is the identity itself.
        pool = PoolManager(timeout=Timeout(connect=_CONNECT, read=_READ), retries=False)
        request = _Recorded(Request(pool))
        try:
            with self._lock, pool:
                credentials = self._credentials(request)
                credentials.refresh(request)
        except (exceptions.GoogleAuthError, OSError, ValueError) as error:
            raise _fault(error, request) from None
        return _checked(credentials)

    def _credentials(self, request: Any) -> Any:
        from google.auth import default

        # New for each token: a file that was replaced is another identity, and metadata may name another one.
        if self.file is not None:
            return _of_file(self.file)
        return default(scopes=_SCOPES, request=request)[0]


@dataclass(slots=True)
class _Recorded:
    """Makes google-auth's requests and keeps the status of the last one: its errors do not tell a refusal from an outage.

    Attributes:
        request: Makes them.
        sent: Whether there was one.
        status: Of the answer; 0 where none came.
    """

    request: Any
    sent: bool = False
    status: int = 0

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        self.sent, self.status = True, 0
        answer = self.request(*arguments, **named)
        self.status = int(answer.status)
        return answer


def _fault(error: Exception, request: _Recorded) -> GoogleError:
    status, kind = request.status, type(error).__name__
    # Not its text: answers of identity services quote what they were sent.
    if not request.sent:
        return GoogleError(f"Google's identity cannot be used: {kind}", refused=True, answered=False)
    if status:
        what = f"Google's identity service answers HTTP {status} ({kind})"
        # 200 with what is no token.
        return GoogleError(what, refused=status == 200 or is_refusal(status))
    return GoogleError(f"Google's identity service does not answer ({kind})", refused=False)


def _of_file(path: Path) -> Any:
    """Return the credentials of a file, by the type that it names; one that would start a program is refused."""
    from google.auth import identity_pool
    from google.oauth2 import service_account

    try:
        info = load_object(read_file(path, _MAX_FILE), what="credential file")
    except (UnreadableFile, InvalidJson) as error:
        raise GoogleError(f"{path}: {error}", refused=True, answered=False) from None
    if foreign := next((name for name in _ADDRESSES if name in info and not is_api_url(info[name])), ""):
        # The identity is sent there (Google Cloud, "Validate credential configurations from external sources").
        raise GoogleError(
            f"{path}: its {foreign} is no https address of Google", refused=True, answered=False
        )
    if info.get("type") == "service_account":
        return service_account.Credentials.from_service_account_info(info, scopes=_SCOPES)
    source = info.get("credential_source")
    if (
        info.get("type") == "external_account"
        and isinstance(source, Mapping)
        and {"file", "url"} & set(source)
    ):
        return identity_pool.Credentials.from_info(info, scopes=_SCOPES)
    raise GoogleError(
        f"{path} is neither the key of a service account nor a federation by a file or an address",
        refused=True,
        answered=False,
    )


def _checked(credentials: Any) -> AccessToken:
    token, expiry = credentials.token, credentials.expiry
    if not is_token(token):
        raise GoogleError("Google's identity service sent no token", refused=True)
    if not isinstance(expiry, datetime):
        raise GoogleError("Google's identity service sent a token without an end", refused=True)
    # google-auth's times are naive and UTC.
    return AccessToken(token, expiry.replace(tzinfo=UTC) if expiry.tzinfo is None else expiry)
