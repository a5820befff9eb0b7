"""Which hosts are Google's registries and APIs: its tokens go to these and to no other one."""

import re

from pyratify.core.reference import is_loopback

# `europe-west1-docker.pkg.dev`, `gcr.io`, `eu.gcr.io`: zones that Google alone has. A port or a further label makes it another service.
_HOST = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-docker\.pkg\.dev|(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)?gcr\.io")


def is_google(registry: str) -> bool:
    """Return whether a canonical registry may see a token of Google."""
    return _HOST.fullmatch(registry) is not None


def is_api(authority: str) -> bool:
    """Return whether the host of an address may see a token of Google: one of its APIs, or this machine."""
    # Private Service Connect has names below the zone as well, for which Google's certificates are.
    return authority.endswith(".googleapis.com") or is_loopback(authority)
