"""Which token server may be shown a registry's credential."""

from pyratify.core.addresses import literal
from pyratify.core.credential import Credential
from pyratify.core.errors import StoreError
from pyratify.core.reason import Reason
from pyratify.core.reference import DEFAULT_REGISTRY, is_loopback
from pyratify.http.ssrf import check_literal
from pyratify.http.transport import CONFIGURED, PUBLIC, REGISTRY, SAME_HOST, Trust
from pyratify.http.url import Origin, Url, without_user
from pyratify.stores.registry.challenge import Challenge
from pyratify.stores.registry.responses import shown

ANTICIPATED = {
    DEFAULT_REGISTRY: Challenge(
        "bearer", {"realm": "https://auth.docker.io/token", "service": "registry.docker.io"}
    )
}
_BUILT_IN = {DEFAULT_REGISTRY: "auth.docker.io"}


def check_realm(
    text: str, registry: str, origin: Origin, auth_realms: tuple[str, ...], credential: Credential
) -> tuple[Url, Trust]:
    """Return the token server that a challenge names, and how far it is trusted.

    Args:
        text: The challenge's `realm`.
        registry: The canonical registry.
        origin: Where that is served.
        auth_realms: Hosts that the configuration allows.
        credential: What would be shown there.

    Raises:
        StoreError: `SSRF_BLOCKED` or `AUTH_REALM_BLOCKED`.
    """
    try:
        realm = Url.parse(text)
    except ValueError as error:
        raise _blocked(registry, text, str(error)) from None
    trust = _trust(realm.origin, registry, origin, auth_realms)
    if trust is None or not trust.internal:
        check_literal(realm.origin.host)
    if realm.origin.scheme == "http" and not _may_be_plain(realm.origin, origin):
        raise _blocked(registry, text, "it is not https")
    if trust is None and not credential.is_anonymous:
        raise _blocked(registry, text, "it is another host's, and there is a credential to protect")
    return realm, trust or PUBLIC


def _trust(realm: Origin, registry: str, origin: Origin, auth_realms: tuple[str, ...]) -> Trust | None:
    """Return how far a token server is trusted; None when it must not see a credential."""
    if realm == origin:
        return REGISTRY
    if realm.host in auth_realms or realm.authority in auth_realms:
        return CONFIGURED
    if realm.host == origin.host:
        return SAME_HOST
    if realm.host == _BUILT_IN.get(registry) or _is_parent(realm.host, origin.host):
        return PUBLIC
    return None


def _is_parent(domain: str, host: str) -> bool:
    return domain.count(".") >= 1 and literal(host) is None and host.endswith(f".{domain}")


def _may_be_plain(realm: Origin, origin: Origin) -> bool:
    return origin.scheme == "http" and (realm.host == origin.host or is_loopback(realm.authority))


def _blocked(registry: str, realm: str, why: str) -> StoreError:
    named = shown(without_user(realm))
    return StoreError(
        Reason.AUTH_REALM_BLOCKED, f"{registry} names the token server {named!r}, which is not used: {why}"
    )
