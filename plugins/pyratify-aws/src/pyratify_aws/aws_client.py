"""The one import site of botocore: blocking calls of AWS services, in threads, bounded in time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from pyratify.core.blocking import BlockingCalls
from pyratify.core.caching import LruCache
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile
from pyratify.core.reference import is_loopback
from pyratify.credentials.access_token import IdentityError, read_token
from pyratify.http.json_api import address_fault, is_refusal, safe_address
from pyratify.http.url import Url

_CONNECT, _READ = 3.0, 5.0
_CLIENTS = 16  # one for each region; references name regions, and a client takes megabytes
# Codes of a status from 400 to 499 that are about the moment, beside those with `Throttl` in them (botocore, retries.standard).
_LATER = frozenset(
    {
        "BandwidthLimitExceeded",
        "IDPCommunicationError",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "SlowDown",
        "TooManyRequestsException",
    }
)
_CLOCK = "Check the clock of this machine: AWS takes requests of the last five minutes."
_SESSION = "Have the token or the keys renewed that the identity of this process comes from: they have ended."
# By the code of the service, or the SDK's name of what is missing before it can be asked.
_REMEDIES = {
    "ExpiredToken": _SESSION,
    "ExpiredTokenException": _SESSION,
    "InsecureEndpoint": "Write https in AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_SERVICE or the profile's endpoint_url.",
    "InvalidSignatureException": _CLOCK,
    "NoCredentialsError": "Give this process an identity: a role of its service account or instance, or a profile.",
    "NoRegionError": "Set AWS_DEFAULT_REGION, or write the key's ARN, which names its region.",
    "NotFoundException": "Check the alias or the id of the key, its account and its region.",
    "ProfileNotFound": "Write the profile into the configuration file of the AWS tools, or name another one.",
    "RequestExpired": _CLOCK,
    "SignatureDoesNotMatch": _CLOCK,
    "UnreadableFile": "Have a token written to the file of the web identity, which this process may read.",
}
_SECONDS = 12.0  # two tries of one request, and one exchange of the web identity before it


class AwsError(IdentityError):
    """A call failed.

    Attributes:
        code: The error code of the service, as `AccessDeniedException`; the kind of fault where there was no answer.
    """

    def __init__(self, code: str, message: str, *, refused: bool, answered: bool = True) -> None:
        super().__init__(message, refused=refused, answered=answered)
        self.code = code

    @property
    def remedy(self) -> str:
        """What to do about this code; empty where that depends on what was asked for."""
        return _REMEDIES.get(self.code, "")


@dataclass(frozen=True, slots=True)
class AwsIdentity:
    """The identity of requests to AWS; botocore's usual chain (environment, profile, IRSA, Pod Identity, instance role) when empty.

    Attributes:
        profile: A profile of the configuration file of the AWS tools.
        role_arn: A role that the token of a web identity stands for.
        token_file: The file with that token; read again for every exchange.
        session_name: What CloudTrail calls the session.
    """

    profile: str = ""
    role_arn: str = ""
    token_file: Path | None = None
    session_name: str = "pyratify"


@dataclass(slots=True)
class AwsClient:
    """Calls AWS services as one identity.

    Attributes:
        identity: The identity of the calls.
        endpoint: The URL of the service in place of the one of its region.
    """

    identity: AwsIdentity = field(default_factory=AwsIdentity)
    endpoint: str = ""
    _calls: BlockingCalls = field(default_factory=lambda: BlockingCalls(_SECONDS), repr=False)
    _clients: LruCache[Any] = field(default_factory=lambda: LruCache(_CLIENTS), repr=False)
    _session: Any = field(default=None, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    async def call(
        self, service: str, region: str, operation: str, endpoint: str = "", **parameters: Any
    ) -> Mapping[str, Any]:
        """Call an operation, as `get_public_key` of `kms`.

        Args:
            service: The service.
            region: The region; the environment's when empty.
            operation: The operation, as botocore names it.
            endpoint: The service's URL for this call.
            parameters: The operation's parameters.

        Raises:
            AwsError: It was refused, or not answered in time.
        """
        try:
            return await self._calls.run(
                self._call, service, region, operation, endpoint or self.endpoint, parameters
            )
        except TimeoutError:
            message = f"{service}:{operation} was not answered within {_SECONDS:g} seconds"
            raise AwsError("Timeout", message, refused=False) from None

    def _call(
        self, service: str, region: str, operation: str, endpoint: str, parameters: dict[str, Any]
    ) -> Mapping[str, Any]:
        # Lazy: some 0.1 seconds, in the thread, and only where AWS is asked at all.
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

        try:
            client = self._client(service, region, endpoint)
            answer: Mapping[str, Any] = getattr(client, operation)(**parameters)
        except ClientError as error:
            found = error.response.get("Error", {})
            code = str(found.get("Code", "Unknown"))[:80]
            # Only its code: messages of STS quote the token's claims.
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
            refused = is_refusal(status) and "Throttl" not in code and code not in _LATER
            how = "refused" if refused else "not answered now: it failed"
            raise AwsError(code, f"{service}:{operation} is {how} with {code}", refused=refused) from None
        except UnreadableFile as error:
            what = f"{service}:{operation} is not asked: {self.identity.token_file} {error}"
            raise AwsError("UnreadableFile", what, refused=True, answered=False) from None
        # The files that variables and profiles of the AWS tools name are read by botocore.
        except (NoCredentialsError, FileNotFoundError, PermissionError) as error:
            self._forget(service, region, endpoint)
            kind = type(error).__name__
            what = f"{service}:{operation} is not asked: there is no identity ({kind})"
            raise AwsError(kind, what, refused=True, answered=False) from None
        except (BotoCoreError, OSError, ValueError) as error:
            kind = type(error).__name__
            raise AwsError(kind, f"{service}:{operation} failed with {kind}", refused=False) from None
        return answer

    def _client(self, service: str, region: str, endpoint: str) -> Any:
        from botocore.config import Config

        # Clients may be used by several threads at once, sessions may not.
        with self._lock:
            key = service, region, endpoint
            found = self._clients.get(key)
            if found is None:
                self._session = self._session or _session(self.identity)
                settings = Config(
                    connect_timeout=_CONNECT,
                    read_timeout=_READ,
                    # botocore's own five tries would take longer than a verification may.
                    retries={"total_max_attempts": 2, "mode": "standard"},
                )
                found = self._session.create_client(
                    service, region_name=region or None, endpoint_url=endpoint or None, config=settings
                )
                self._clients.put(key, found, 1)
            return found

    def _forget(self, service: str, region: str, endpoint: str) -> None:
        # A client looks for an identity when it is made, and never again.
        with self._lock:
            self._clients.discard((service, region, endpoint))
            self._session = None


class InsecureEndpoint(ValueError):
    """A service's address is neither https nor this machine's."""


def _check_request(request: Any, **more: Any) -> None:
    """Refuse a request in clear text: it has a session's token, and its answer could be replaced by another key."""
    del more
    url = Url.parse(request.url)
    if url.origin.scheme != "https" and not is_loopback(url.origin.authority):
        raise InsecureEndpoint


def _session(identity: AwsIdentity) -> Any:
    from botocore.session import Session

    session = Session(profile=identity.profile or None)
    # Before each request of all services: variables and profiles of the AWS tools name addresses as well.
    session.register("before-send", _check_request)
    if identity.role_arn and identity.token_file is not None:
        resolver = session.get_component("credential_provider")
        # Before all others: a role that the configuration names must not be displaced by the environment.
        resolver.insert_before("env", _web_identity(session, identity, identity.token_file))
    return session


def _web_identity(session: Any, identity: AwsIdentity, token_file: Path) -> Any:
    from botocore.credentials import (
        AssumeRoleWithWebIdentityCredentialFetcher,
        CredentialProvider,
        DeferredRefreshableCredentials,
    )

    fetcher = AssumeRoleWithWebIdentityCredentialFetcher(
        client_creator=session.create_client,
        web_identity_token_loader=partial(read_token, token_file),
        role_arn=identity.role_arn,
        extra_args={"RoleSessionName": identity.session_name},
    )

    class WebIdentity(CredentialProvider):  # type: ignore[misc]
        METHOD = "assume-role-with-web-identity"

        def load(self) -> Any:
            return DeferredRefreshableCredentials(fetcher.fetch_credentials, self.METHOD)

    return WebIdentity()


def check_endpoint(endpoint: str, path: str) -> str:
    """Return a service's URL.

    Raises:
        ConfigurationError: It is not https, but for this machine's loopback, or has a user or a path.
    """
    url = safe_address(endpoint)
    if url is None:
        raise ConfigurationError(
            address_fault(endpoint),
            path=path,
            remedy="Write one as https://kms.eu-west-1.amazonaws.com.",
        )
    return str(url.origin)
