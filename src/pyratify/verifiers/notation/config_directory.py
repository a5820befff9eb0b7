"""Notation's own folder, with its trust policies, trust store and plugins.

Notary Project, signing-and-verification-workflow.md and trust-store-trust-policy.md: `{NOTATION_CONFIG}`; plugins are in
`{NOTATION_LIBEXEC}`.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason

_MAX_BYTES = 4 * MIB
# In the order of "Signature Verification", step 1.
_IMAGES = ("trustpolicy.oci.json", "trustpolicy.json")
_BLOBS = "trustpolicy.blob.json"


@dataclass(frozen=True, slots=True)
class NotationFolder:
    """A folder in notation's layout.

    Attributes:
        root: The folder, as `~/.config/notation`.
    """

    root: Path

    @property
    def trust_store(self) -> Path:
        """The folder that holds `x509/`."""
        return self.root / "truststore"

    @property
    def plugins(self) -> Path:
        """The folder that holds the plugins."""
        return self.root / "plugins"

    def trust_policy(self) -> bytes:
        """Return the trust policy for images: `trustpolicy.oci.json`, else `trustpolicy.json`.

        Raises:
            ConfigurationError: `CONFIG_INVALID`: there is none, or it cannot be read.
        """
        found = next((name for name in _IMAGES if (self.root / name).exists()), _IMAGES[-1])
        return self._read(found)

    def blob_policy(self) -> bytes:
        """Return the trust policy for blobs, `trustpolicy.blob.json`.

        Raises:
            ConfigurationError: `CONFIG_INVALID`: there is none, or it cannot be read.
        """
        return self._read(_BLOBS)

    def documents(self) -> tuple[tuple[str, Callable[[], bytes]], ...]:
        """Return the names of the trust policies that are there, each with how to read it."""
        images = next((name for name in _IMAGES if (self.root / name).exists()), None)
        found: list[tuple[str, Callable[[], bytes]]] = [(images, self.trust_policy)] if images else []
        if (self.root / _BLOBS).exists():
            found.append((_BLOBS, self.blob_policy))
        return tuple(found)

    def _read(self, name: str) -> bytes:
        path = self.root / name
        # As notation: a link could make another user's file decide about trust.
        if path.is_symlink() or not path.is_file():
            raise _unreadable(f"{path} is no regular file")
        try:
            return read_file(path, _MAX_BYTES, regular=True)
        except UnreadableFile as error:
            raise _unreadable(f"{path} {error}") from None


def user_folder(environment: Mapping[str, str] | None = None) -> NotationFolder:
    """Return the folder that notation uses for the current user.

    That is `$NOTATION_CONFIG`, else `notation` in the user's configuration folder.

    Args:
        environment: Where variables are looked up; the process's own when omitted.

    Raises:
        ConfigurationError: `CONFIG_INVALID`: the environment names no such folder.
    """
    variables = os.environ if environment is None else environment
    if variables.get("NOTATION_CONFIG"):
        return NotationFolder(_absolute(variables["NOTATION_CONFIG"], "NOTATION_CONFIG"))
    return NotationFolder(_user(variables) / "notation")


def user_plugins(environment: Mapping[str, str] | None = None) -> Path:
    """Return the folder of plugins that notation uses for the current user: below `$NOTATION_LIBEXEC`, else below `user_folder`.

    Raises:
        ConfigurationError: As `user_folder`.
    """
    variables = os.environ if environment is None else environment
    if variables.get("NOTATION_LIBEXEC"):
        return NotationFolder(_absolute(variables["NOTATION_LIBEXEC"], "NOTATION_LIBEXEC")).plugins
    return user_folder(variables).plugins


def _user(variables: Mapping[str, str]) -> Path:
    # As Go's os.UserConfigDir, which notation uses: macOS has no XDG_CONFIG_HOME.
    if sys.platform == "darwin":
        return _home(variables) / "Library" / "Application Support"
    if variables.get("XDG_CONFIG_HOME"):
        return _absolute(variables["XDG_CONFIG_HOME"], "XDG_CONFIG_HOME")
    return _home(variables) / ".config"


def _home(variables: Mapping[str, str]) -> Path:
    return _absolute(variables.get("HOME", ""), "HOME")


def _absolute(text: str, variable: str) -> Path:
    # A relative one would select another policy in each working directory.
    if not Path(text).is_absolute():
        raise _unreadable(f"${variable} is no absolute path")
    return Path(text)


def _unreadable(why: str) -> ConfigurationError:
    return ConfigurationError(
        f"notation's folder cannot be used: {why}",
        reason=Reason.CONFIG_INVALID,
        remedy="Set NOTATION_CONFIG, or name the folder that has notation's trust policy and trust store in it.",
    )
