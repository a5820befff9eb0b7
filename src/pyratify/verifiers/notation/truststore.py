"""Trust stores of notation: named folders of certificates.

Notary Project, trust-store-trust-policy.md, "Trust Store".
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.key import KeyMaterial
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.pki.backup_names import looks_like_backup
from pyratify.verifiers.notation.trust_policy import StoreName

Materials = Mapping[StoreName, tuple[KeyMaterial, ...]]


def load_trust_store(folder: Path, stores: Iterable[StoreName]) -> Materials:
    """Read the named stores below `folder`, which has `x509/<type>/<name>/` in it as notation lays it out.

    Folders within a named store are ignored, as the specification asks. Whether a file is PEM or DER is decided by its
    content, not its name; every file must be good.

    Raises:
        ConfigurationError: `KEY_UNAVAILABLE`: a store is missing or empty, is a symbolic link, or has something in it
            that is no regular file, is hidden, or looks like a backup.
    """
    return {store: _load(folder / "x509" / store.type / store.name, store) for store in stores}


_ADD = (
    "Add certificates to {store} (`notation cert add`), or name the folder that has x509/ in it and a trust policy "
    "that names the stores there are."
)


def _load(folder: Path, store: StoreName) -> tuple[KeyMaterial, ...]:
    if folder.is_symlink() or not folder.is_dir():  # "Trust Store": links must fail
        link = " (a link, which is not followed)" if folder.is_symlink() else ""
        raise _unavailable(store, f"there is no such folder: {folder}{link}", _ADD.format(store=store))
    try:
        # Links to folders are kept, so that `_read` refuses them; fingerprints depend on the order.
        files = sorted(path for path in folder.iterdir() if path.is_symlink() or not path.is_dir())
        materials = tuple(_read(path, store) for path in files)
    except OSError as error:
        raise _unavailable(store, f"{folder}: {error.strerror}") from None
    if not materials:
        raise _unavailable(store, f"no certificate file is in {folder}", _ADD.format(store=store))
    return materials


def _read(path: Path, store: StoreName) -> KeyMaterial:
    if path.is_symlink() or not path.is_file():  # "Trust Store": links must fail
        raise _unavailable(
            store, f"{path} is no regular file; symbolic links are not followed", "Put the file itself there."
        )
    if path.name.startswith(".") or looks_like_backup(path.name):
        raise _unavailable(
            store,
            f"{path} is hidden or looks like a backup, and would be trusted too",
            "Remove it, or give it a name of its own if it is to be trusted.",
        )
    try:
        return KeyMaterial(read_file(path, MIB, regular=True), str(path))
    except UnreadableFile as error:
        raise _unavailable(store, f"{path} {error}", "Put readable certificates alone there.") from None


def _unavailable(store: StoreName, why: str, remedy: str | None = None) -> ConfigurationError:
    return ConfigurationError(
        f"the trust store {store} cannot be used: {why}", reason=Reason.KEY_UNAVAILABLE, remedy=remedy
    )
