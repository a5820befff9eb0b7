"""Keys and certificates from the configuration's own text and from files.

Only that a document can be read, has content and holds no private key is checked here; what is in it, every block of
it, is checked by whoever parses it (`pyratify.pki`).
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.keys.trusted_files import read_trusted, trusted_files

_PRIVATE = b"PRIVATE KEY-----"


class InlineDocuments:
    """Keys and certificates that stand in the configuration.

    Args:
        certs: Certificates in PEM.
        keys: Public keys in PEM.
    """

    def __init__(self, *, certs: str = "", keys: str = "") -> None:
        self._certs = certs
        self._keys = keys

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return the public keys.

        Raises:
            ConfigurationError: There are none, or one is a private key.
        """
        return (check_material(KeyMaterial(self._keys.encode(), "inline keys")),)

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return the certificates; errors as for the keys."""
        return (check_material(KeyMaterial(self._certs.encode(), "inline certs")),)


class FileDocuments:
    """Keys and certificates in files and directories, read anew whenever they are asked for.

    A directory stands for all files in it and in its folders, save hidden ones; each of them must be good.

    Args:
        paths: Files and directories.
        follow_links: Whether a path that is named may itself be a link to elsewhere. Links inside of a directory never
            lead out of it (those of Kubernetes' mounts stay inside).

    Raises:
        ConfigurationError: No path is named.
    """

    def __init__(self, paths: Iterable[str | Path], *, follow_links: bool = False) -> None:
        self._paths = tuple(Path(path) for path in paths)
        self._follow_links = follow_links
        if not self._paths:
            raise ConfigurationError("no file is named")

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return one document for each file.

        Raises:
            ConfigurationError: A file is missing, cannot be read, is empty, leads elsewhere, looks like a backup, or holds
                a private key; or a directory has no files.
        """
        return tuple(self._read())

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return one document for each file; errors as for the keys."""
        return tuple(self._read())

    def _read(self) -> Iterator[KeyMaterial]:
        for path in self._paths:
            for file in trusted_files(path, follow_links=self._follow_links):
                yield check_material(KeyMaterial(read_trusted(file), str(file)))


def check_material(material: KeyMaterial) -> KeyMaterial:
    """Return the document, unless it is empty or holds a private key.

    Raises:
        ConfigurationError: `KEY_INVALID`.
    """
    if not material.data.strip():
        raise ConfigurationError(f"{material.origin}: there is nothing in it", reason=Reason.KEY_INVALID)
    if _PRIVATE in material.data:
        raise ConfigurationError(
            f"{material.origin} holds a private key",
            reason=Reason.KEY_INVALID,
            remedy="Give the public key or certificate alone; a private key has no place where signatures are verified.",
        )
    return material
