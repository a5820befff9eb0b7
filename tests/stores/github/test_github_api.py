"""GitHub's API by itself: what is asked where, and how much is held."""

import json
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from pyratify.core.descriptor import Descriptor
from pyratify.core.digest import Digest
from pyratify.core.errors import StoreError
from pyratify.core.manifest import parse_manifest
from pyratify.core.offload import LARGE
from pyratify.core.reason import Reason
from pyratify.credentials.providers import AnonymousCredentials
from pyratify.http.http_options import HttpOptions
from pyratify.http.transport import Headers, Request
from pyratify.http.transport_asyncio import asyncio_transport
from pyratify.http.url import Url
from pyratify.stores.github import github_api
from pyratify.stores.github.github_api import GitHubApi
from pyratify.stores.github.github_store import GitHubStore
from pyratify.testing.github import GitHubSimulator, compress
from pyratify.testing.json_service import JsonService
from pyratify.testing.registry import Fault, RegistrySimulator
from pyratify.testing.tls import Authority
from support.registries import open_store

AUTHORITY = Authority()
IMAGE = Digest.of(b"image")
SIZE = len(b'{"a":"' + b"x" * 100 + b'"}')


def add(github: GitHubSimulator, index: int, *, stored: bool) -> None:
    """Keep an attestation whose bundle has SIZE bytes."""
    bundle = {"a": f"{index:x>100}"}
    compact = json.dumps(bundle, separators=(",", ":")).encode()
    github.add(IMAGE, bundle, stored=compress(compact) if stored else False)


@pytest.fixture
def github() -> Iterator[GitHubSimulator]:
    """GitHub, over TLS with a certificate of the test's own authority."""
    with GitHubSimulator(AUTHORITY.server_context()) as found:
        yield found


@asynccontextmanager
async def api(github: GitHubSimulator, most_bytes: int = 10_000) -> AsyncIterator[GitHubApi]:
    """Return the API, as it is asked for one repository."""
    transport = asyncio_transport(HttpOptions(ca_pem=AUTHORITY.pem))
    try:
        yield GitHubApi(
            Url.parse(github.url),
            "repos/octo/app",
            transport,
            AnonymousCredentials(),
            most_bytes=most_bytes,
        )
    finally:
        await transport.aclose()


async def listed(github: GitHubSimulator, most_bytes: int) -> tuple[int, StoreError | None]:
    """Return how many bundles are listed, and what ended the list."""
    found = 0
    async with api(github, most_bytes) as asked:
        try:
            async for each in asked.bundles(IMAGE):
                found += 1
                assert len(each) == SIZE
        except StoreError as error:
            return found, error
    return found, None


@pytest.mark.parametrize("stored", [False, True], ids=["inline", "bundle_url"])
@pytest.mark.parametrize("count", [5, 35], ids=["one page", "two pages"])
async def test_the_bundles_of_one_listing_are_bounded_together(
    github: GitHubSimulator, stored: bool, count: int
) -> None:
    """Each may be as large as a bundle may be; a list that is cut does not look whole."""
    for index in range(count):
        add(github, index, stored=stored)
    assert await listed(github, count * SIZE) == (count, None)
    found, error = await listed(github, count * SIZE - 1)
    assert found == count - 1
    assert error is not None
    assert error.reason is Reason.REFERRERS_LIMIT
    assert f"{count * SIZE - 1} bytes" in error.message


async def test_a_large_page_is_taken_apart_beside_the_event_loop(
    github: GitHubSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its bundles are written there, too: megabytes of JSON would delay all other requests."""
    github.add(IMAGE, {"a": "x" * LARGE})
    writers: set[str] = set()

    def dumps(value: object, **options: Any) -> str:
        writers.add(threading.current_thread().name)
        return json.dumps(value, **options)

    monkeypatch.setattr(github_api, "json", SimpleNamespace(dumps=dumps))
    async with api(github, 10 * LARGE) as asked:
        assert [len(each) async for each in asked.bundles(IMAGE)] == [LARGE + len('{"a":""}')]
    assert writers == {"pyratify-documents_0"}


async def test_bundles_are_fetched_as_they_are_asked_for(github: GitHubSimulator) -> None:
    """A page lists thirty: memory holds a few of them, and where the first is enough no others are fetched."""
    for index in range(30):
        add(github, index, stored=True)
    async with api(github) as asked, aclosing(asked.bundles(IMAGE)) as bundles:
        for most in (4, 4, 4, 4, 8):
            await anext(bundles)
            assert len(github.hits) - 1 == most


class Recorded(JsonService):
    """An API that has nothing."""

    def respond(self, request: Request) -> tuple[int, object]:
        """Answer as GitHub does where a digest has no attestations."""
        return 404, {"message": "Not Found"}


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.github.com", "https://api.github.com/repos/octo/app"),
        ("https://github.example.com/api/v3", "https://github.example.com/api/v3/repos/octo/app"),
        ("https://api.octo.ghe.com", "https://api.octo.ghe.com/repos/octo/app"),
        ("https://api.octo.ghe.com/", "https://api.octo.ghe.com/repos/octo/app"),
    ],
)
async def test_each_form_of_address_is_asked_where_its_api_is(address: str, expected: str) -> None:
    """GitHub's own, of an Enterprise Server, and of an enterprise with data residency."""
    service = Recorded()
    asked = GitHubApi(Url.parse(address), "repos/octo/app", service, AnonymousCredentials())
    assert [each async for each in asked.bundles(IMAGE)] == []
    (request,) = service.asked
    url = f"{request.url.origin}{request.url.target}"
    assert url == f"{expected}/attestations/{IMAGE}?per_page=30"


class Redirecting(JsonService):
    """An API that redirects the first request within itself.

    Args:
        status: The status of that answer.
    """

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status

    def respond(self, request: Request) -> tuple[int, object]:
        """Redirect, then list one bundle."""
        first = len(self.asked) == 1
        self.headers = Headers((("location", "/repositories/1/attestations/x"),) if first else ())
        return (self.status, {}) if first else (200, {"attestations": [{"bundle": {}}]})


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_every_redirect_that_keeps_the_method_is_followed(status: int) -> None:
    """From the former name of a repository; each request says which version of the API is meant."""
    service = Redirecting(status)
    asked = GitHubApi(Url.parse("https://api.github.com"), "repos/octo/app", service, AnonymousCredentials())
    assert [each async for each in asked.bundles(IMAGE)] == [b"{}"]
    assert [request.url.target.partition("?")[0] for request in service.asked] == [
        f"/repos/octo/app/attestations/{IMAGE}",
        "/repositories/1/attestations/x",
    ]
    expected = {
        ("Accept", "application/vnd.github+json"),
        ("X-GitHub-Api-Version", "2022-11-28"),
        ("User-Agent", "pyratify"),
    }
    assert [set(request.headers) for request in service.asked] == [expected, expected]


@pytest.mark.parametrize("status", [300, 303, 304])
async def test_no_other_redirect_is_followed(status: int) -> None:
    """What is not known to be an answer leaves it undecided."""
    service = Redirecting(status)
    asked = GitHubApi(Url.parse("https://api.github.com"), "repos/octo/app", service, AnonymousCredentials())
    with pytest.raises(StoreError) as refused:
        assert not [each async for each in asked.bundles(IMAGE)]
    assert refused.value.reason is Reason.REGISTRY_ERROR
    assert len(service.asked) == 1


async def test_a_bundle_that_left_memory_is_a_gap_and_not_the_publishers_fault(
    github: GitHubSimulator,
) -> None:
    """Other images' attestations may have taken its place: what it denies must not go unread."""
    for index in range(3):
        add(github, index, stored=False)
    with RegistrySimulator() as registry:
        registry.repository().add_image()
        reference = registry.reference().at(IMAGE)
        async with open_store(plain_http=True) as inner, api(github) as asked:
            store = GitHubStore(inner, asked, memory=1000)
            found = [each async for each in store.referrers(reference)]
            layers = [parse_manifest(each.manifest or b"", each.descriptor).layers[0] for each in found]
            assert len(await store.fetch_blob(reference, layers[-1], 10_000)) == SIZE
            with pytest.raises(StoreError) as gone:
                await store.fetch_blob(reference, layers[0], 10_000)
            assert gone.value.reason is Reason.REGISTRY_BUSY
            assert gone.value.reason.is_gap
            other = Descriptor(layers[0].media_type, Digest.of(b"never listed"), 12)
            with pytest.raises(StoreError) as absent:
                await store.fetch_blob(reference, other, 10_000)
            assert absent.value.reason is Reason.BLOB_NOT_FOUND
            # What the registry says of itself is not hidden by that.
            registry.fault(Fault(path="/blobs/", status=403))
            with pytest.raises(StoreError) as refused:
                await store.fetch_blob(reference, layers[0], 10_000)
            assert refused.value.reason is Reason.REGISTRY_AUTH
