"""Which token servers may see a credential."""

import pytest

from pyratify.core.credential import ANONYMOUS
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import is_loopback
from pyratify.http.transport import CONFIGURED, PUBLIC, REGISTRY, SAME_HOST, Trust
from pyratify.http.url import registry_origin
from pyratify.stores.registry.token_servers import check_realm
from support.registries import USER


def _check(realm: str, registry: str, *, allowed: tuple[str, ...] = (), anonymous: bool = False) -> Trust:
    credential = ANONYMOUS if anonymous else USER
    return check_realm(
        realm,
        registry,
        registry_origin(registry, plain_http=is_loopback(registry)),
        allowed,
        credential,
    )[1]


@pytest.mark.parametrize(
    ("realm", "registry", "trust"),
    [
        ("https://ghcr.io/token", "ghcr.io", REGISTRY),
        ("https://reg.example.com:8443/token", "reg.example.com", SAME_HOST),
        ("https://gitlab.com/jwt/auth", "registry.gitlab.com", PUBLIC),
        ("https://auth.docker.io/token", "docker.io", PUBLIC),
        ("http://127.0.0.1:5001/token", "127.0.0.1:5000", SAME_HOST),
    ],
)
def test_a_registrys_own_token_server_sees_its_credential(realm: str, registry: str, trust: Trust) -> None:
    """The same host, a parent domain, and Docker Hub's own."""
    assert _check(realm, registry) == trust


@pytest.mark.parametrize("allowed", ["tokens.example.net", "tokens.example.net:8443"])
def test_a_configured_token_server_is_trusted_with_the_private_ca(allowed: str) -> None:
    """`authRealms` names a host, or a host and its port."""
    realm = "https://tokens.example.net:8443/token"
    assert _check(realm, "reg.example.com", allowed=(allowed,)) == CONFIGURED


@pytest.mark.parametrize(
    ("realm", "registry"),
    [
        ("https://evil.io/token", "reg.example.com"),
        ("https://com/token", "example.com"),
        ("https://ample.com/token", "example.com"),
        ("https://example.com.evil.io/token", "example.com"),
        ("https://sibling.example.com/token", "reg.example.com"),
        ("https://auth.docker.io/token", "reg.example.com"),
        ("http://reg.example.com/token", "reg.example.com"),
        ("https://user:pw@reg.example.com/token", "reg.example.com"),
        ("http://evil.io/token", "127.0.0.1:5000"),
        ("ftp://reg.example.com/", "reg.example.com"),
        ("", "reg.example.com"),
    ],
)
def test_no_other_token_server_sees_a_credential(realm: str, registry: str) -> None:
    """Other hosts, siblings, top-level domains, plain http, users in the URL."""
    with pytest.raises(StoreError) as caught:
        _check(realm, registry)
    assert caught.value.reason is Reason.AUTH_REALM_BLOCKED


def test_an_anonymous_token_may_come_from_elsewhere() -> None:
    """There is nothing to protect but the network behind us, which the guard protects."""
    assert _check("https://tokens.example.net/t", "reg.example.com", anonymous=True) == PUBLIC


def test_anonymous_or_not_plain_http_is_for_loopback_alone() -> None:
    """A token over http could be any server's."""
    with pytest.raises(StoreError) as caught:
        _check("http://tokens.example.net/t", "reg.example.com", anonymous=True)
    assert caught.value.reason is Reason.AUTH_REALM_BLOCKED


@pytest.mark.parametrize(
    ("realm", "registry", "allowed"),
    [
        ("http://tokens.example.net/t", "127.0.0.1:5000", ()),
        ("http://tokens.example.net/t", "127.0.0.1:5000", ("tokens.example.net",)),
        ("http://tokens.example.net:8080/t", "127.0.0.1:5000", ("tokens.example.net:8080",)),
        ("http://tokens.example.net/t", "reg.example.com", ("tokens.example.net",)),
        ("http://reg.example.com/t", "reg.example.com", ("reg.example.com",)),
    ],
)
@pytest.mark.parametrize("anonymous", [True, False])
def test_a_registry_over_plain_http_opens_no_plain_realm_elsewhere(
    realm: str, registry: str, allowed: tuple[str, ...], anonymous: bool
) -> None:
    """What is configured for the registry is not configured for another host, whether that is allowed or not."""
    with pytest.raises(StoreError) as caught:
        _check(realm, registry, allowed=allowed, anonymous=anonymous)
    assert caught.value.reason is Reason.AUTH_REALM_BLOCKED


@pytest.mark.parametrize("anonymous", [True, False])
def test_a_token_server_inside_is_refused(anonymous: bool) -> None:
    """An address that is not public is named as what it is, credential or not."""
    with pytest.raises(StoreError) as caught:
        _check("http://169.254.169.254/latest", "reg.example.com", anonymous=anonymous)
    assert caught.value.reason is Reason.SSRF_BLOCKED


def test_the_message_cannot_act_on_a_terminal() -> None:
    """What the registry sent is shown without control characters."""
    with pytest.raises(StoreError) as caught:
        _check("https://evil.io/\x1b[31m", "reg.example.com")
    assert "\x1b" not in caught.value.message


def test_the_message_names_the_realm_without_its_user_and_password() -> None:
    """What stands before the host could be a secret."""
    with pytest.raises(StoreError) as caught:
        _check("https://user:secret@evil.io/token?a=b@c", "reg.example.com")
    assert "https://evil.io/token?a=b@c" in caught.value.message
    assert "secret" not in caught.value.message
