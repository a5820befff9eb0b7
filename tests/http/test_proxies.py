"""Proxies from the environment."""

import pytest

from pyratify.core.errors import StoreError
from pyratify.http.proxies import proxy_for, proxy_variables
from pyratify.http.url import Origin, parse_origin

HTTPS = Origin("https", "reg.example.com", 443)


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"https_proxy": "proxy:3128", "HTTPS_PROXY": "http://other"}, "http://proxy:3128"),
        ({"HTTP_PROXY": "http://proxy:3128"}, None),
        ({"ALL_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ({"HTTPS_PROXY": "http://proxy", "NO_PROXY": "example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy", "NO_PROXY": ".example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy", "NO_PROXY": "*.example.com"}, None),
        ({"HTTPS_PROXY": "http://proxy", "no_proxy": "other, reg.example.com:443"}, None),
        ({"HTTPS_PROXY": "http://proxy", "NO_PROXY": "*"}, None),
        ({"HTTPS_PROXY": "http://proxy", "NO_PROXY": "ample.com, reg.example.com:8443,,"}, "http://proxy"),
        ({"HTTPS_PROXY": "http://proxy", "NO_PROXY": "10.0.0.0/8"}, "http://proxy"),
    ],
)
def test_the_variables_are_read_as_others_read_them(environ: dict[str, str], expected: str | None) -> None:
    """Lower case first; `NO_PROXY` names hosts, domains and ports."""
    proxy = proxy_for(HTTPS, environ)
    assert (str(proxy.origin) if proxy else None) == expected


def test_only_the_variables_of_proxies_are_kept() -> None:
    """In either case, and none that is empty: then no request looks for a proxy."""
    environ = {"HTTPS_PROXY": "a", "no_proxy": "b", "http_proxy": "", "PATH": "/bin", "PROXY": "c"}
    assert proxy_variables(environ) == {"HTTPS_PROXY": "a", "no_proxy": "b"}


def test_networks_in_no_proxy_cover_addresses() -> None:
    """As in Go's programs."""
    environ = {"ALL_PROXY": "http://proxy", "NO_PROXY": "10.0.0.0/8"}
    assert proxy_for(parse_origin("https", "10.1.2.3"), environ) is None


def test_loopback_never_goes_through_a_proxy() -> None:
    """No proxy could reach it."""
    assert proxy_for(parse_origin("http", "127.0.0.1:5000"), {"HTTP_PROXY": "http://proxy"}) is None


def test_a_proxys_user_becomes_its_authorization() -> None:
    """Percent-encoding is undone."""
    proxy = proxy_for(HTTPS, {"HTTPS_PROXY": "http://us%40er:p%3Aw@proxy:3128"})
    assert proxy is not None
    assert str(proxy.origin) == "http://proxy:3128"
    assert proxy.authorization == "Basic dXNAZXI6cDp3"


@pytest.mark.parametrize("value", ["socks5://proxy", "https://proxy", "http://", "http://pro xy"])
def test_a_proxy_that_cannot_be_used_is_an_error(value: str) -> None:
    """Never a direct connection instead."""
    with pytest.raises(StoreError):
        proxy_for(HTTPS, {"HTTPS_PROXY": value})
