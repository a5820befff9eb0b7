"""Which hosts are Google's registries: its tokens go to these and to no other one."""

import re

# `europe-west1-docker.pkg.dev`, `gcr.io`, `eu.gcr.io`: zones that Google alone has. A port or a further label makes it another service.
_HOST = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*-docker\.pkg\.dev|(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)?gcr\.io")


def is_google(registry: str) -> bool:
    """Return whether a canonical registry may see a token of Google."""
    return _HOST.fullmatch(registry) is not None
