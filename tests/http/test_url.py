"""URLs and origins."""

import pytest

from pyratify.http.url import Origin, Url, parse_origin, registry_origin, without_user


@pytest.mark.parametrize(
    ("text", "origin", "target"),
    [
        ("https://Reg.Example.com./v2/?a=b", Origin("https", "reg.example.com", 443), "/v2/?a=b"),
        ("http://127.0.0.1:5000", Origin("http", "127.0.0.1", 5000), "/"),
        ("https://[::1]:8443/x", Origin("https", "::1", 8443), "/x"),
        ("https://example.com/a#fragment", Origin("https", "example.com", 443), "/a"),
        ("https://[fe80::1%25eth0]/", Origin("https", "fe80::1", 443), "/"),
    ],
)
def test_a_url_is_taken_apart(text: str, origin: Origin, target: str) -> None:
    """Scheme, host, port and target are those of RFC 3986."""
    assert Url.parse(text) == Url(origin, target)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://example.com/",
        "//example.com/",
        "example.com",
        "https://user:password@example.com/",
        "https://example.com:0/",
        "https://example.com:65536/",
        "https://example.com:99999999/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://example.com\\@evil.example/",
        "https://ex\u00e4mple.com/",
        "https://\uff45xample.com/",
        "https://[::1/",
        "https://[:::1]/",
        "https://[::1]:0/",
        "https:///path",
        "https://example.com/" + "a" * 9000,
    ],
)
def test_what_could_name_two_places_is_no_url(text: str) -> None:
    """Users, control characters, backslashes and non-ASCII hosts are refused."""
    with pytest.raises(ValueError):
        Url.parse(text)


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("/next?x=1", "https://example.com/next?x=1"),
        ("?x=2", "https://example.com/v2/list?x=2"),
        ("//evil.example/x", "https://evil.example/x"),
        ("http://example.com/x", "http://example.com/x"),
    ],
)
def test_a_link_is_read_from_where_it_stands(link: str, expected: str) -> None:
    """Relative links follow RFC 3986, section 5."""
    assert str(Url.parse("https://example.com/v2/list").join(link)) == expected


@pytest.mark.parametrize("link", ["", "\x00", "javascript:alert(1)", "https://u@example.com/"])
def test_a_link_to_no_place_is_refused(link: str) -> None:
    """A link has to be an http or https URL too."""
    with pytest.raises(ValueError):
        Url.parse("https://example.com/").join(link)


@pytest.mark.parametrize(
    ("registry", "plain_http", "expected"),
    [
        ("docker.io", False, "https://registry-1.docker.io"),
        ("localhost:5000", True, "http://localhost:5000"),
        ("127.0.0.1", True, "http://127.0.0.1"),
        ("[::1]:5000", True, "http://[::1]:5000"),
        ("localhost:5000", False, "https://localhost:5000"),
        ("registry.local:5000", True, "http://registry.local:5000"),
        ("example.com:443", False, "https://example.com"),
    ],
)
def test_a_registry_has_one_origin(registry: str, plain_http: bool, expected: str) -> None:
    """Docker Hub is served elsewhere than it is named."""
    assert str(registry_origin(registry, plain_http=plain_http)) == expected


def test_a_host_that_is_none_has_no_origin() -> None:
    """What does not follow the grammar of hosts is refused."""
    with pytest.raises(ValueError):
        parse_origin("https", "exa_mple.com/x")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://me:pass@vault.example/a", "https://vault.example/a"),
        ("https://me:p@ss@vault.example", "https://vault.example"),
        ("me:pass@vault.example:8200", "vault.example:8200"),
        ("https:me:pass@vault.example", "vault.example"),
        ("https://vault.example/a@b?c@d", "https://vault.example/a@b?c@d"),
    ],
)
def test_a_user_is_not_shown_whether_the_text_is_a_url_or_should_be_one(text: str, shown: str) -> None:
    """A scheme is easily forgotten."""
    assert without_user(text) == shown
