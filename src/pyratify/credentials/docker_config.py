"""Credentials as Docker keeps them: `config.json` and its helpers."""

import os
from dataclasses import replace
from pathlib import Path

from pyratify.core.credential import ANONYMOUS, Credential
from pyratify.core.errors import StoreError
from pyratify.core.files import MissingFile, UnreadableFile, read_file
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.credentials.docker_config_keys import server_address
from pyratify.credentials.docker_file import DockerFile, parse_docker_file
from pyratify.credentials.docker_helper import TIMEOUT, ask_helper


class DockerCredentials:
    """Finds credentials where `docker login` leaves them; the file is read anew each time it is needed.

    Args:
        path: The file; `$DOCKER_CONFIG/config.json`, else `~/.docker/config.json`, when omitted.
        timeout: Seconds that a helper may take.
    """

    def __init__(self, path: Path | None = None, *, timeout: float = TIMEOUT) -> None:
        self._path = path or default_path()
        self._timeout = timeout

    async def credential(self, registry: str) -> Credential:
        """Return what is stored for a whole registry, or `ANONYMOUS`; errors as for a repository."""
        return await self.repository_credential(registry, "")

    async def repository_credential(self, registry: str, repository: str) -> Credential:
        """Return what is stored for a repository, the longest match, or `ANONYMOUS`.

        As in Docker, a helper that is configured for the registry is asked and the file's own entry is not, unless the
        entry is for a part of the registry.

        Raises:
            StoreError: `REGISTRY_AUTH`: the file is malformed or cannot be read, or the helper failed.
        """
        # Not cached: short-lived tokens (ECR, GCR) are replaced in the file while a server runs.
        file = self._load()
        if file is None:
            return ANONYMOUS
        helper = file.helper(registry, repository)
        if helper:
            # Helpers are asked by the key under which `docker login` stored it, for Docker Hub an address.
            found = await ask_helper(helper, server_address(registry), timeout=self._timeout)
            return replace(found, note=file.note_of_helper(helper, registry, repository))
        return file.credential(registry, repository)

    def _load(self) -> DockerFile | None:
        if self._path is None:
            return None
        try:
            data = read_file(self._path, MIB)
        # No login yet is normal: public images need none. A file that exists and cannot be read is an error.
        except MissingFile:
            return None
        except UnreadableFile as error:
            raise StoreError(
                Reason.REGISTRY_AUTH,
                f"{self._path} {error}",
                remedy="Make it a file of `docker login` that this user can read, or remove it.",
            ) from None
        return parse_docker_file(data, str(self._path))


def default_path() -> Path | None:
    """Return where Docker keeps its configuration; None for a user without a home."""
    folder = os.environ.get("DOCKER_CONFIG")
    if folder:
        return Path(folder, "config.json")
    try:
        return Path.home() / ".docker" / "config.json"
    except RuntimeError:  # a uid that is not in /etc/passwd, as containers run with
        return None
