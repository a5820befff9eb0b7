"""Which addresses of API servers are used: keys and Secrets are read there, and a token is shown to it."""

from typing import Any
from urllib.parse import urlsplit

from pyratify.core.errors import ConfigurationError
from pyratify.core.reference import is_loopback


def checked(found: Any) -> Any:
    """Return the current configuration of lightkube's kubeconfig, if its server is https or, as of `kubectl proxy`, http of this machine.

    Raises:
        ValueError: There is no configuration.
        ConfigurationError: The server is neither.
    """
    config = found.get()
    if config is None:
        raise ValueError("it has no current context")
    parts = urlsplit(config.cluster.server)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.netloc)):
        return config
    raise ConfigurationError(
        f"the cluster's API server {parts.scheme}://{parts.netloc.rpartition('@')[2]} is not https",
        remedy="Name it in KUBECONFIG as https://HOST:PORT, with the certificate of its authority.",
    )
