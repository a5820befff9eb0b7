"""Which hosts are Google's registries and APIs: its tokens go to these and to no other one."""

import re

from pyratify.core.reference import is_loopback
from pyratify.http.url import Url

# `europe-west1-docker.pkg.dev`, `gcr.io`, `eu.gcr.io`: zones that Google alone has. A port or a further label makes it another service.
_HOST = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-docker\.pkg\.dev|(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)?gcr\.io")


def is_google(registry: str) -> bool:
    """Return whether a canonical registry may see a token of Google."""
    return _HOST.fullmatch(registry) is not None


def is_api(authority: str) -> bool:
    """Return whether the host of an address may see a token of Google: one of its APIs, or this machine."""
    # Private Service Connect has names below the zone as well, for which Google's certificates are.
    return authority.endswith(".googleapis.com") or is_loopback(authority)


def is_api_url(text: object) -> bool:
    """Return whether an identity may be sent to an address: https of Google, or this machine's."""
    try:
        origin = Url.parse(str(text)).origin
    except ValueError:
        return False
    # Older keys of service accounts have the second host.
    known = is_api(origin.authority) or origin.authority == "accounts.google.com"
    return known and (origin.scheme == "https" or is_loopback(origin.authority))
