"""One read from a registry, with the tokens, retries and redirects that it needs."""

from collections.abc import Callable
from dataclasses import replace

from pyratify.core.caching import SingleFlight
from pyratify.core.clock import Clock, SystemClock
from pyratify.core.credential import (
    Credential,
    CredentialProvider,
    ExchangingCredentialProvider,
    RepositoryCredentialProvider,
)
from pyratify.core.dataclass import dataclass
from pyratify.core.deadline import time_left
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import is_loopback
from pyratify.http.redirects import MAX_REDIRECTS, STATUSES, follow
from pyratify.http.response_checks import ConnectionLost, TryLater
from pyratify.http.retry import STATUSES as RETRIED
from pyratify.http.retry import RetryPolicy, retry_after
from pyratify.http.ssrf import InternalAddress
from pyratify.http.transport import REGISTRY, Request, Response, Transport
from pyratify.http.url import Origin, Url
from pyratify.stores.registry.auth import authenticate
from pyratify.stores.registry.auth_steps import Access, Flow, Renewal, TokenRequest, Wanted
from pyratify.stores.registry.origins import Origins
from pyratify.stores.registry.registry_options import RegistryOptions
from pyratify.stores.registry.responses import error_detail, try_later
from pyratify.stores.registry.token_cache import Known, Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What is read.

    Attributes:
        registry: The canonical registry, or a mirror of it.
        repository: The repository.
        path: What of it, as `manifests/v1`, with the query.
        what: What it is, for messages.
        accept: The value of `Accept`.
        limit: How many bytes are read at most.
        expected: How many bytes it has, where that is known.
        url: Replaces registry and path: the next page of a listing.
        forbidden: What status 403 means; an endpoint may be forbidden where the repository is not.
        statuses: Which statuses are an answer; every other one is an error.
    """

    registry: str
    repository: str
    path: str
    what: str
    accept: str
    limit: int
    expected: int | None = None
    url: Url | None = None
    forbidden: Reason = Reason.REGISTRY_AUTH
    statuses: frozenset[int] = frozenset({200, 404})


class RegistryClient:
    """Reads from registries.

    Args:
        options: The store's settings.
        credentials: Where credentials come from; asked only once a registry asks for one.
        transport: The network.
        clock: Time for tokens and retries.
        jitter: Returns a number from 0 to 1, for back-off; random when omitted.
    """

    def __init__(
        self,
        options: RegistryOptions,
        credentials: CredentialProvider,
        transport: Transport,
        clock: Clock | None = None,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self._options = options
        self._credentials = credentials
        self._by_repository = credentials if isinstance(credentials, RepositoryCredentialProvider) else None
        self._transport = transport
        self._clock = clock or SystemClock()
        self._retry = RetryPolicy(tries=options.tries, jitter=jitter or _random)
        self._memory = Memory(self._clock)
        self._origins = Origins(options, transport.speaks_tls)
        self._tokens: SingleFlight[Response] = SingleFlight()
        self._asked: SingleFlight[Credential] = SingleFlight()

    async def url(self, read: Read) -> Url:
        """Return the URL of a read.

        Raises:
            StoreError: `REGISTRY_UNREACHABLE` when the registry is no host.
        """
        return read.url or Url(await self._origins.find(read.registry), f"/v2/{read.repository}/{read.path}")

    async def get(self, read: Read) -> Response:
        """Return the answer, whose status is one of those that the read expects: 200 or 404.

        Raises:
            StoreError: Every other status and every failure; the message names the host and what was read.
        """
        origin = await self._origins.find(read.registry)
        request = Request(
            await self.url(read),
            read.limit,
            REGISTRY,
            headers=(
                ("Accept", read.accept),
                ("Accept-Encoding", "identity"),
                ("User-Agent", self._options.user_agent),
            ),
            expected=read.expected,
        )
        deadline = self._clock.monotonic() + self._options.timeout
        try:
            memory = await self._remembered(read)
            access = Access(read.registry, read.repository, self._options.auth_realms, memory)
            response = await self._drive(authenticate(request, access), access, origin, deadline)
        except StoreError as error:
            if error.reason in (Reason.REGISTRY_UNREACHABLE, Reason.TLS_REQUIRED):
                self._origins.forget(read.registry)
            message = f"{_place(read, origin)}: reading {read.what} of {read.repository}: {error.message}"
            kind = TryLater if isinstance(error, TryLater) else StoreError
            raise kind(error.reason, message, remedy=error.remedy) from error
        if response.status not in read.statuses:
            raise self._refusal(read, origin, response)
        return response

    async def _drive(self, flow: Flow, access: Access, origin: Origin, deadline: float) -> Response:
        try:
            step = next(flow)
            while True:
                if isinstance(step, Wanted):
                    step = flow.send(await self._credential(access.registry, access.repository))
                elif isinstance(step, Renewal):
                    step = flow.send(await self._renewed(access, step.refused))
                elif isinstance(step, TokenRequest):
                    step = flow.send(await self._token(step.request, deadline))
                else:
                    step = flow.send(await self._follow(step, origin, deadline))
        except StopIteration as done:
            response: Response = done.value
            return response

    async def _remembered(self, read: Read) -> Memory:
        """Return what is remembered for a read: for its repository where it may have a credential of its own."""
        if self._by_repository is None:
            return self._memory
        memory = self._memory.of(read.repository)
        challenge = memory.challenge(read.registry)
        if memory.known(read.registry) is None and challenge is not None:
            known = Known(challenge, await self._credential(read.registry, read.repository))
            memory.learn(read.registry, known)
        return memory

    async def _credential(self, registry: str, repository: str) -> Credential:
        provider = self._by_repository
        if provider is None:
            return await self._asked.run(registry, lambda: self._credentials.credential(registry))
        return await self._asked.run(
            f"{registry}/{repository}", lambda: provider.repository_credential(registry, repository)
        )

    async def _renewed(self, access: Access, refused: Credential) -> Credential:
        """Return a credential in place of a refused one; the same one where its source has no other."""
        if not isinstance(self._credentials, ExchangingCredentialProvider):
            return refused
        self._credentials.drop(access.registry, refused)
        return await self._credential(access.registry, access.repository)

    async def _token(self, request: Request, deadline: float) -> Response:
        same = f"{request.method} {request.url} {request.trust} {request.headers} {request.body!r}"
        return await self._tokens.run(same, lambda: self._send(request, deadline))

    async def _follow(self, request: Request, origin: Origin, deadline: float) -> Response:
        response = await self._send(request, deadline)
        for _ in range(MAX_REDIRECTS):
            if response.status not in STATUSES:
                return response
            try:
                request = follow(request, response, origin.host, self._options.blob_hosts)
                response = await self._send(request, deadline)
            except InternalAddress as error:
                remedy = "If the registry keeps its content there, name that host in the store's blobHosts."
                raise StoreError(error.reason, error.message, remedy=remedy) from error
        if response.status not in STATUSES:
            return response
        raise StoreError(
            Reason.REDIRECT_BLOCKED, f"{origin.authority} redirects more than {MAX_REDIRECTS} times"
        )

    async def _send(self, request: Request, deadline: float) -> Response:
        """Send a request until it is answered with something that time will not change."""
        tried = 0
        while True:
            tried += 1
            remaining = deadline - self._clock.monotonic()
            if remaining <= 0:
                raise StoreError(Reason.TIMEOUT, f"not finished within {self._options.timeout:.3g} seconds")
            try:
                response = await self._transport.send(
                    replace(request, timeout=remaining, patience=time_left(self._clock))
                )
            except ConnectionLost as error:
                delay = self._retry.delay(tried, self._remaining(deadline))
                if delay is None:
                    raise StoreError(error.reason, f"{error.message} ({_tries(tried)})") from error
            else:
                delay = self._delay(tried, response, deadline)
                if delay is None:
                    return response
            await self._clock.sleep(delay)

    def _delay(self, tried: int, response: Response, deadline: float) -> float | None:
        """Return how long to wait before the request is made again; None for never.

        Raises:
            TryLater: The server asks for a longer wait than there is time for.
        """
        if response.status not in RETRIED:
            return None
        remaining = self._remaining(deadline)
        now = self._clock.now()
        asked = retry_after(response.headers, now)
        if asked is not None and asked >= remaining:
            raise try_later(response, asked, now)
        return self._retry.delay(tried, remaining, asked)

    def _remaining(self, deadline: float) -> float:
        """Return the seconds until this read, or the answer that it is for, has to be finished."""
        return min(deadline - self._clock.monotonic(), time_left(self._clock))

    def _refusal(self, read: Read, origin: Origin, response: Response) -> StoreError:
        reason = read.forbidden if response.status == 403 else Reason.REGISTRY_ERROR
        tried = f" ({_tries(self._options.tries)} at most)" if response.status in RETRIED else ""
        return StoreError(
            reason,
            f"{_place(read, origin)}: reading {read.what} of {read.repository}: HTTP {response.status}"
            f"{error_detail(response)}{tried}",
        )


def _place(read: Read, origin: Origin) -> str:
    """Return the registry for a message, with what was spoken to it where that is not https as usual."""
    shown = origin.scheme == "http" or is_loopback(read.registry)
    return f"{read.registry} (over {origin.scheme})" if shown else read.registry


def _tries(count: int) -> str:
    return "1 try" if count == 1 else f"{count} tries"


def _random() -> float:
    from random import random

    return random()  # noqa: S311 - spreads retries, protects nothing
