"""Where a redirect may lead, and what comes along."""

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.report import Decision, ValidationResult
from pyratify.http.redirects import follow
from pyratify.http.transport import (
    CONFIGURED,
    PUBLIC,
    REGISTRY,
    SAME_HOST,
    Headers,
    Request,
    Response,
)
from pyratify.http.url import Url
from pyratify.testing.registry import RegistrySimulator, redirect
from support.registries import executor, open_store, sign

URL_HTTP = Url.parse("http://reg.example.com/v2/app/blobs/x")
SECRETS = (("Authorization", "Bearer secret"), ("Cookie", "a=b"), ("X-Token", "secret"))


def _request(url: str) -> Request:
    return Request(Url.parse(url), 100, REGISTRY, headers=(("Accept", "x"), *SECRETS))


def _follow(url: str, location: str) -> Request:
    request = _request(url)
    response = Response(307, Headers((("location", location),)), b"", request.url)
    return follow(request, response, request.url.origin.host)


@pytest.mark.parametrize(
    ("location", "trust"),
    [
        ("https://cdn.example.net/blob?signature=x", PUBLIC),
        ("https://reg.example.com:8443/blob", SAME_HOST),
        ("//cdn.example.net/blob", PUBLIC),
    ],
)
def test_nothing_secret_crosses_to_another_origin(location: str, trust: object) -> None:
    """No authorization, cookie or unknown field, and less trust."""
    request = _follow("https://reg.example.com/v2/app/blobs/x", location)
    assert request.headers == (("Accept", "x"),)
    assert request.trust == trust


def test_the_same_origin_keeps_everything() -> None:
    """A registry may move a path."""
    request = _follow("https://reg.example.com/a", "/b")
    assert request.headers == _request("https://reg.example.com/a").headers
    assert request.trust == REGISTRY
    assert str(request.url) == "https://reg.example.com/b"


def test_what_was_dropped_does_not_come_back() -> None:
    """From A to B to A, the request at A is that of a stranger."""
    away = _follow("https://reg.example.com/a", "https://cdn.example.net/b")
    response = Response(307, Headers((("location", "https://reg.example.com/c"),)), b"", away.url)
    back = follow(away, response, "reg.example.com")
    assert back.headers == (("Accept", "x"),)
    assert not back.trust.client_certificate


@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("https://reg.example.com/a", "http://reg.example.com/a"),
        ("https://reg.example.com/a", "http://cdn.example.net/a"),
        ("http://reg.example.com/a", "http://cdn.example.net/a"),
        ("https://reg.example.com/a", "https://user:pw@cdn.example.net/a"),
        ("https://reg.example.com/a", "ftp://cdn.example.net/a"),
        ("https://reg.example.com/a", "https://cdn.example.net:99999/a"),
        ("https://reg.example.com/a", ""),
        ("https://reg.example.com/a", "file:///etc/passwd"),
    ],
)
def test_a_redirect_downwards_or_to_nowhere_is_refused(url: str, location: str) -> None:
    """From https to http, to another host over http, with a user, to no http place."""
    with pytest.raises(StoreError) as caught:
        _follow(url, location)
    assert caught.value.reason is Reason.REDIRECT_BLOCKED


@pytest.mark.parametrize(
    "location", ["https://169.254.169.254/", "http://10.0.0.1/", "https://[::1]/", "https://2130706433/"]
)
def test_a_redirect_inside_is_refused(location: str) -> None:
    """Addresses that are not public, in any spelling."""
    with pytest.raises(StoreError) as caught:
        _follow("https://reg.example.com/a", location)
    assert caught.value.reason is Reason.SSRF_BLOCKED


def test_a_redirect_without_a_location_is_refused() -> None:
    """There is nothing to follow."""
    request = _request("https://reg.example.com/a")
    with pytest.raises(StoreError) as caught:
        follow(request, Response(302, Headers(), b"", request.url), "reg.example.com")
    assert caught.value.reason is Reason.REDIRECT_BLOCKED


@pytest.mark.parametrize("named", ["minio.corp.example", "minio.corp.example:9000"])
def test_the_storage_that_is_configured_may_be_inside(named: str) -> None:
    """`blobHosts` names a host, or a host and its port; it is shown nothing secret, and no client certificate."""
    request = _request("https://reg.example.com/v2/app/blobs/x")
    response = Response(307, Headers((("location", "https://minio.corp.example:9000/x"),)), b"", request.url)
    followed = follow(request, response, "reg.example.com", (named,))
    assert followed.trust == CONFIGURED
    assert followed.headers == (("Accept", "x"),)
    assert follow(request, response, "reg.example.com", ("minio.corp.example:1",)).trust == PUBLIC


def test_only_a_registry_over_http_leads_to_its_storage_over_http() -> None:
    """Never from https to http, whatever is configured."""
    response = Response(307, Headers((("location", "http://minio.corp.example/x"),)), b"", URL_HTTP)
    plain = _request(str(URL_HTTP))
    assert follow(plain, response, "reg.example.com", ("minio.corp.example",)).trust == CONFIGURED
    with pytest.raises(StoreError) as caught:
        follow(_request("https://reg.example.com/a"), response, "reg.example.com", ("minio.corp.example",))
    assert caught.value.reason is Reason.REDIRECT_BLOCKED


async def test_blobs_of_a_private_storage_are_read_where_it_is_configured() -> None:
    """The remedy names the option, and with it the signature counts."""
    with RegistrySimulator() as registry, RegistrySimulator() as storage:
        memory = registry.repository("app")
        sign(memory, memory.add_image("v1"))
        sign(storage.repository("app"), storage.repository("app").add_image("v1"))
        place = f"localhost:{storage.port}"
        for digest in memory.blobs:
            path = f"/v2/app/blobs/{digest}"
            registry.fault(redirect(path, f"http://{place}{path}"))
        blocked = await _judged(registry)
        assert blocked.error is not None or "blobHosts" in str(blocked)
        allowed = await _judged(registry, blob_hosts=(place,))
    assert allowed.decision is Decision.ALLOW


async def test_the_remedy_for_a_private_storage_names_the_option() -> None:
    """The host's address is looked up, and found not to be public."""
    with RegistrySimulator() as registry:
        registry.repository("app").add_image("v1")
        registry.fault(redirect("/manifests/v1", "https://10.1.2.3/v1"))
        async with open_store() as store:
            with pytest.raises(StoreError) as caught:
                await store.resolve(registry.reference("app", "v1"))
    assert caught.value.reason is Reason.SSRF_BLOCKED
    assert "blobHosts" in caught.value.remedy
    assert "10.1.2.3" in caught.value.message


async def _judged(registry: RegistrySimulator, **options: object) -> ValidationResult:
    async with open_store(**options) as store:  # type: ignore[arg-type]
        return await executor(store).validate(registry.reference("app", "v1"))
