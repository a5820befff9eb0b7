"""The shared verdicts of a process, from its flags."""

import os
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from pyratify.core.clock import Clock
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.serving.state_folder import open_state

if TYPE_CHECKING:
    from pyratify.caches.replicated import SharedCache

PASSWORD = "RATIFY_SHARED_CACHE_PASSWORD"  # noqa: S105 - the name of the variable
_MAX_PASSWORD = 4096


def open_shared(flags: Namespace, clock: Clock) -> "SharedCache | None":
    """Return the shared verdicts that the flags ask for, in a cache or in a folder of this machine; None when they ask for none.

    Raises:
        ConfigurationError: The address, the secret or the password cannot be used, or redis is not installed.
    """
    if flags.state:
        return open_state(flags.state, clock)
    others = (flags.shared_cache_key_file, flags.shared_cache_password_file, flags.shared_cache_ca_file)
    if not flags.shared_cache:
        # Refused, because a misspelled --shared-cache would silently share nothing.
        if any(others):
            raise ConfigurationError("there is no shared cache", remedy="Give --shared-cache.")
        return None
    if not flags.shared_cache_key_file:
        raise ConfigurationError(
            "without a key, every client that can write to the shared cache could allow any image",
            remedy="Give --shared-cache-key-file; make one: openssl rand -hex 32 > FILE.",
        )
    from pyratify.caches.redis import open_redis  # needs an extra
    from pyratify.caches.replicated import SharedCache
    from pyratify.caches.shared_secret import SharedSecret

    remote = open_redis(
        flags.shared_cache,
        password=_password(flags.shared_cache_password_file),
        ca_file=flags.shared_cache_ca_file or "",
    )
    return SharedCache(remote, SharedSecret.read(Path(flags.shared_cache_key_file)), clock)


def _password(path: str | None) -> str:
    if path is None:
        return os.environ.get(PASSWORD, "")
    what = f"the password of the shared cache {path}"
    try:
        # Only the newline that `echo` adds is removed; spaces may be part of a password.
        text = read_file(Path(path), _MAX_PASSWORD).decode().removesuffix("\n")
    except UnreadableFile as error:
        raise ConfigurationError(f"{what} {error}") from None
    except UnicodeDecodeError:
        raise ConfigurationError(f"{what} is not UTF-8 text") from None
    # An empty password would silently mean that none is sent.
    if not text:
        raise ConfigurationError(f"{what} is empty")
    return text
