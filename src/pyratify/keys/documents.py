"""Keys and certificates from the configuration's own text and from files.

Only that a document can be read, has content and holds no private key is checked here; what is in it, every block of
it, is checked where it is parsed (`pyratify.pki`).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from pyratify.core.errors import ConfigurationError
from pyratify.core.key import ALWAYS, KeyMaterial, Validity
from pyratify.core.reason import Reason
from pyratify.keys.trusted_files import read_trusted, trusted_files
from pyratify.pki.times import InvalidTime, parse_rfc3339

NO_PERIODS: Mapping[Path, Validity] = MappingProxyType({})
# The end of every PEM label of private keys: RFC 7468, sections 10 and 11, and OpenSSL's older RSA and EC.
_PRIVATE = b"PRIVATE KEY-----"


class InlineDocuments:
    """Keys and certificates that stand in the configuration.

    Args:
        certs: Certificates in PEM.
        keys: Public keys in PEM.
        validity: The period of the keys.
    """

    def __init__(self, *, certs: str = "", keys: str = "", validity: Validity = ALWAYS) -> None:
        self._certs = certs
        self._keys = keys
        self._validity = validity

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return the public keys.

        Raises:
            ConfigurationError: There are none, or one is a private key.
        """
        return (check_material(KeyMaterial(self._keys.encode(), "inline keys", self._validity)),)

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return the certificates; errors as for the keys, and for a period, which certificates have of their own."""
        # A period of ours beside that of the certificate would leave open which of them holds.
        _check_no_period(self._validity)
        return (check_material(KeyMaterial(self._certs.encode(), "inline certs")),)


class FileDocuments:
    """Keys and certificates in files and directories, read anew at each request.

    A directory stands for all files in it and in its folders, save hidden ones; each of them must be good.

    Args:
        paths: Files and directories.
        periods: When the keys of some of these paths may be trusted; always, of those that are not named.
        follow_links: Whether a path that is named may itself be a link to elsewhere. Links inside of a directory never
            lead out of it (those of Kubernetes' mounts stay inside).

    Raises:
        ConfigurationError: No path is named.
    """

    def __init__(
        self,
        paths: Iterable[str | Path],
        *,
        periods: Mapping[Path, Validity] = NO_PERIODS,
        follow_links: bool = False,
    ) -> None:
        self._paths = tuple(Path(path) for path in paths)
        self._periods = periods
        self._follow_links = follow_links
        # An empty list would be an empty set of trusted keys, which looks like a configuration that works.
        if not self._paths:
            raise ConfigurationError("no file is named", remedy="Name at least one file or folder.")

    async def keys(self) -> tuple[KeyMaterial, ...]:
        """Return one document for each file.

        Raises:
            ConfigurationError: A file is missing, cannot be read, is empty, leads elsewhere, looks like a backup, or holds
                a private key; or a directory has no files.
        """
        # No cache: a rotated key or a swapped Kubernetes mount counts from the next request on.
        return tuple(self._read())

    async def certificates(self) -> tuple[KeyMaterial, ...]:
        """Return one document for each file; errors as for the keys, and for a period, which certificates have of their own."""
        for validity in self._periods.values():
            _check_no_period(validity)
        return tuple(self._read())

    def _read(self) -> Iterator[KeyMaterial]:
        for path in self._paths:
            for file in trusted_files(path, follow_links=self._follow_links):
                validity = self._periods.get(path, ALWAYS)
                yield check_material(KeyMaterial(read_trusted(file), str(file), validity))


def read_period(not_before: str, not_after: str) -> Validity:
    """Return a key's period; each end is open where it is empty.

    Raises:
        ConfigurationError: No time as RFC 3339 writes it, or a period that ends before it begins.
    """
    start, end = _time(not_before, "notBefore"), _time(not_after, "notAfter")
    # Such a period contains no time at all, so every signature would be refused without a visible cause.
    if start is not None and end is not None and end < start:
        raise ConfigurationError(
            "it is before notBefore", path="notAfter", remedy="Write an end that comes after the beginning."
        )
    return Validity(start, end)


def _time(text: str, path: str) -> datetime | None:
    try:
        return parse_rfc3339(text) if text else None
    except InvalidTime as error:
        raise ConfigurationError(str(error), path=path, remedy="Write 2026-01-31T00:00:00Z.") from None


def _check_no_period(validity: Validity) -> None:
    if validity != ALWAYS:
        raise ConfigurationError(
            "notBefore and notAfter are for keys; certificates say it themselves", remedy="Leave them out."
        )


def check_material(material: KeyMaterial) -> KeyMaterial:
    """Return the document, unless it is empty or holds a private key.

    Raises:
        ConfigurationError: `KEY_INVALID`.
    """
    # An empty file is what an interrupted write or an unset variable leaves behind.
    if not material.data.strip():
        raise ConfigurationError(
            f"{material.origin}: there is nothing in it",
            reason=Reason.KEY_INVALID,
            remedy="Put the key or certificate there, or remove it.",
        )
    # Refused although a public key could be derived: a verifier that can read the key can leak it.
    if _PRIVATE in material.data:
        raise ConfigurationError(
            f"{material.origin} holds a private key",
            reason=Reason.KEY_INVALID,
            remedy="Give the public key or certificate alone; a private key has no place where signatures are verified.",
        )
    return material
