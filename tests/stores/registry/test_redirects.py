"""Where a redirect may lead, and what comes along."""

import pytest

from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.stores.registry.redirects import follow
from pyratify.stores.registry.transport import PUBLIC, REGISTRY, SAME_HOST, Headers, Request, Response
from pyratify.stores.registry.url import Url

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
