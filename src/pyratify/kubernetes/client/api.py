"""A client of the API server: lightkube reads the kubeconfig and makes connections, this module makes the requests.

The only place that knows lightkube and its HTTP client (extra `kubernetes`).
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx2
from lightkube.config.client_adapter import AsyncClient, ConnectionParams
from lightkube.config.kubeconfig import KubeConfig
from lightkube.core.exceptions import ConfigError

from pyratify.core import strictjson
from pyratify.core.errors import ConfigurationError
from pyratify.core.isolation import end
from pyratify.core.limits import MIB
from pyratify.core.offload import offload
from pyratify.kubernetes.client.server_address import checked

Object = dict[str, Any]
JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
WATCH_SECONDS = 300  # a connection that was dropped without a word is noticed at last
_PAGE = 20
_MAX_ANSWER = 64 * MIB
_MAX_TOKENS = 4_000_000
_MAX_EVENT = 8 * MIB
_SECONDS, _GRACE = 10.0, 1.0
_UNREADABLE = 599  # no status of HTTP: the answer itself is unusable


class ApiFault(Exception):
    """A request that the API server refused, or did not answer.

    Args:
        code: The HTTP status; 0 without an answer.
        reason: The `reason` of its Status.
        message: One sentence, safe to log.
    """

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message

    @property
    def is_conflict(self) -> bool:
        """Whether the object was changed meanwhile, or exists already."""
        return self.code == 409

    @property
    def is_gone(self) -> bool:
        """Whether the version that a watch starts from is no longer known."""
        return self.code == 410

    @property
    def is_missing(self) -> bool:
        """Whether there is no such object, or no such kind."""
        return self.code == 404


class Api:
    """A client of one API server.

    Args:
        client: An HTTP client with the address, the authority and the credentials.
        namespace: The namespace of the provider.
    """

    def __init__(self, client: httpx2.AsyncClient, namespace: str) -> None:
        self._client = client
        self._opening: set[asyncio.Task[httpx2.Response]] = set()
        self._closing: set[asyncio.Future[None]] = set()
        self.namespace = namespace

    @classmethod
    def connect(cls, environment: Mapping[str, str] = os.environ) -> "Api":
        """Return the API server of `$KUBECONFIG`, else the one of the cluster that this process runs in.

        Raises:
            ConfigurationError: Neither is there, or it cannot be used.
        """
        try:
            named = environment.get("KUBECONFIG")
            config = checked(KubeConfig.from_file(named) if named else KubeConfig.from_service_account())
            params = ConnectionParams(timeout=_timeout(), trust_env=False)  # no proxy for the token
            return cls(AsyncClient(config, params), environment.get("RATIFY_NAMESPACE") or config.namespace)
        except ConfigurationError:  # a ValueError as well, which says itself what to do
            raise
        except (ConfigError, KeyError, OSError, TypeError, ValueError) as error:
            raise ConfigurationError(
                f"the cluster's API server is not known: {type(error).__name__}: {error}",
                remedy="Set KUBECONFIG to a file that can be read, or mount a service account's token.",
            ) from None

    async def aclose(self) -> None:
        """Close all connections, with those that were being opened when their request was cancelled."""
        if self._opening:
            await asyncio.wait(self._opening, timeout=_GRACE)
        await end(*self._opening)
        if self._closing:
            await asyncio.wait(self._closing, timeout=_GRACE)
        await self._client.aclose()

    async def get(self, path: str) -> Object:
        """Return an object; errors as in `request`."""
        return await self.request("GET", path)

    async def request(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
    ) -> Object:
        """Send a request and return the object of its answer.

        Args:
            method: The HTTP method.
            path: The path, as `object_path` makes it.
            body: JSON values.
            query: The query.
            content_type: The media type of the body, as `MERGE_PATCH`.

        Raises:
            ApiFault: It was refused, or its answer cannot be read.
        """
        headers = {"Content-Type": content_type} if body is not None else {}
        content = json.dumps(body).encode() if body is not None else None
        data = bytearray()
        async with self._answer(method, path, headers=headers, content=content, params=query) as response:
            async for chunk in response.aiter_bytes():
                data += chunk
                if len(data) > _MAX_ANSWER:
                    raise ApiFault(_UNREADABLE, "TooLarge", "the API server's answer is too large")
        return await offload(len(data), _parsed, bytes(data))  # tenants decide how large Secrets are

    async def list(self, path: str) -> tuple[tuple[Object, ...], str]:
        """Return all objects of a collection, and the version of that list.

        Raises:
            ApiFault: As in `request`, and for a malformed list, which must not count as an empty one.
        """
        found: list[Object] = []
        # Pages bound an answer: an object may have 1.5 MiB (etcd), so that 20 of them stay below `_MAX_ANSWER`.
        query = {"limit": str(_PAGE)}
        while True:
            items, more, version = _page(await self.request("GET", path, query=query))
            found.extend(items)
            if not more:
                return tuple(found), version
            query["continue"] = more

    async def watch(self, path: str, version: str) -> AsyncIterator[tuple[str, Object]]:
        """Iterate over the changes of a collection after that version, until the server ends the watch.

        Yields:
            `ADDED`, `MODIFIED` or `DELETED` with the object, `BOOKMARK` with a version only.

        Raises:
            ApiFault: With the code 410 where the version is no longer known.
        """
        query = {
            "watch": "true",
            "allowWatchBookmarks": "true",  # or the version of a quiet collection expires
            "resourceVersion": version,
            "timeoutSeconds": str(WATCH_SECONDS),
        }
        patience = _timeout(WATCH_SECONDS + 30)  # the server ends the watch before that
        async with self._answer("GET", path, params=query, timeout=patience) as response:
            async for line in _lines(response):
                event = _parsed(line)
                kind, value = event.get("type"), event.get("object")
                if not isinstance(kind, str) or not isinstance(value, dict):
                    raise ApiFault(_UNREADABLE, "Malformed", "the API server sent a malformed watch event")
                if kind == "ERROR":  # an expired version comes as an event of a successful answer
                    raise _fault(value, _UNREADABLE)
                yield kind, value

    @asynccontextmanager
    async def _answer(self, method: str, path: str, **how: Any) -> AsyncIterator[httpx2.Response]:
        try:
            response = await self._open(self._client.build_request(method, path, **how))
            try:
                if not response.is_success:
                    raise _fault(await _status(response), response.status_code)
                yield response
            finally:
                await response.aclose()
        except (httpx2.HTTPError, httpx2.StreamError, ConfigError, OSError) as error:
            why = f"the API server did not answer: {type(error).__name__}"
            raise ApiFault(0, "Unreachable", why) from None

    async def _open(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request and return its response, the body unread.

        The library never closes a connection that is cancelled in its handshake, so let it be opened, then close it.
        """
        task = asyncio.create_task(self._client.send(request, stream=True))
        self._opening.add(task)
        try:
            response = await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(self._close_unused)
            raise
        except BaseException:
            self._opening.discard(task)
            raise
        self._opening.discard(task)
        return response

    def _close_unused(self, task: "asyncio.Task[httpx2.Response]") -> None:
        """Close the response of a request that was cancelled."""
        self._opening.discard(task)
        if task.cancelled() or task.exception() is not None:
            return
        closing = asyncio.ensure_future(task.result().aclose())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)


def collection_path(api: str, plural: str, namespace: str = "") -> str:
    """Return the path of a kind's objects.

    Args:
        api: Group and version, as `v1` or `apps/v1`.
        plural: The kind's plural.
        namespace: Only of this namespace.
    """
    root = "/apis" if "/" in api else "/api"
    return f"{root}/{api}/namespaces/{namespace}/{plural}" if namespace else f"{root}/{api}/{plural}"


def object_path(api: str, plural: str, name: str, namespace: str = "", part: str = "") -> str:
    """Return the path of one object, or of a part of it as `status`."""
    path = f"{collection_path(api, plural, namespace)}/{name}"
    return f"{path}/{part}" if part else path


def _timeout(read: float = _SECONDS) -> httpx2.Timeout:
    """Return the timeouts of a request; waiting for the pool has none, because every request in it has one."""
    return httpx2.Timeout(_SECONDS, read=read, pool=None)


async def _lines(response: httpx2.Response) -> AsyncIterator[bytes]:
    rest = bytearray()
    async for chunk in response.aiter_bytes():
        *whole, last = chunk.split(b"\n")
        for line in whole:
            yield bytes(rest + line)
            rest.clear()
        rest += last
        if len(rest) > _MAX_EVENT:
            raise ApiFault(_UNREADABLE, "TooLarge", "an event of the API server is too large")


def _page(page: Object) -> tuple[list[Object], str, str]:
    """Return a list's objects, the token of its next page, and its version."""
    meta, items = page.get("metadata"), page.get("items")
    if isinstance(meta, dict) and isinstance(items, list) and all(isinstance(item, dict) for item in items):
        more, version = meta.get("continue") or "", meta.get("resourceVersion")
        if isinstance(more, str) and isinstance(version, str) and version:
            return items, more, version
    raise ApiFault(_UNREADABLE, "Malformed", "the API server sent a malformed list")


async def _status(response: httpx2.Response) -> Object:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > MIB:  # only its message is wanted
            break
    try:
        return _parsed(bytes(data))
    except ApiFault:
        return {}


def _fault(status: Object, code: int) -> ApiFault:
    stated, reason = status.get("code"), str(status.get("reason") or "Unknown")[:80]
    code = stated if isinstance(stated, int) and stated else code
    message = str(status.get("message") or "")[:300]
    return ApiFault(code, reason, f"the API server refused with {code} {reason}: {message}")


def _parsed(data: bytes) -> Object:
    try:
        return strictjson.load_object(
            data, what="the API server's answer", max_bytes=_MAX_ANSWER, max_tokens=_MAX_TOKENS
        )
    except strictjson.InvalidJson as error:
        raise ApiFault(_UNREADABLE, "Malformed", error.message) from None
