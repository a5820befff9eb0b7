"""Reading the files that a trust policy names: a trusted root, or its parts."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pyratify.core.errors import ConfigurationError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.key import KeyMaterial
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.sigstore.root_names import SHIPPED, is_github

if TYPE_CHECKING:
    from pyratify.sigstore.trusted_material import TrustedMaterial

MAX_FILE = 4 * MIB


class _RekorKey(Protocol):
    @property
    def file(self) -> str: ...
    @property
    def origin(self) -> str | None: ...


class TrustOptions(Protocol):
    """The members of a trust policy that name files."""

    @property
    def trusted_root(self) -> str | None:
        """One of `SHIPPED`, `github`, the address of a mirror whose root was fetched before, or a file."""
        ...

    @property
    def fulcio_certificates(self) -> tuple[str, ...]:
        """Certificate authorities."""
        ...

    @property
    def rekor_keys(self) -> "tuple[_RekorKey, ...]":
        """Keys of transparency logs."""
        ...

    @property
    def ctlog_keys(self) -> tuple[str, ...]:
        """Keys of certificate transparency logs."""
        ...

    @property
    def timestamp_certificates(self) -> tuple[str, ...]:
        """Timestamp authorities."""
        ...


def read_trust(
    options: TrustOptions, base: Path, record: Callable[[bytes], None]
) -> "tuple[KeyMaterial | None, TrustedMaterial | None]":
    """Return the trusted root that a policy names, or what its parts make; neither where it names none.

    Args:
        options: What is named.
        base: Where relative paths start.
        record: Called with the content of every file that is read.

    Raises:
        ConfigurationError: A file cannot be read or used.
    """
    root = read_root(options.trusted_root, base) if options.trusted_root else None
    if root is not None:
        # The caller's fingerprint of the configuration covers what files hold, not only their names.
        record(root.data)
    parts = (
        options.fulcio_certificates,
        options.rekor_keys,
        options.ctlog_keys,
        options.timestamp_certificates,
    )
    if not any(parts):
        return root, None
    from pyratify.sigstore.trusted_material_parts import make_trust

    rekor = [(_read(each.file, "rekorKeys", base), each.origin or "") for each in options.rekor_keys]
    fulcio = _several(options.fulcio_certificates, "fulcioCertificates", base)
    logs = _several(options.ctlog_keys, "ctLogKeys", base)
    stamps = _several(options.timestamp_certificates, "timestampCertificates", base)
    for material in (*fulcio, *(key for key, _ in rekor), *logs, *stamps):
        record(material.data)
    return root, make_trust(fulcio=fulcio, rekor=rekor, certificate_logs=logs, timestamp_authorities=stamps)


def read_root(name: str, base: Path) -> KeyMaterial:
    """Return a trusted root by its name or file.

    Raises:
        ConfigurationError: `KEY_UNAVAILABLE`: it cannot be read.
    """
    # Never fetched here: a start must not depend on the network, nor trust what it answers.
    if name.startswith("https://"):
        return _mirrored(name)
    if is_github(name):
        from pyratify.sigstore.github_root import github_root  # only where it is named

        return github_root(name)
    # A name wins over a file of the same name; ./staging names the file.
    if name in SHIPPED:
        from pyratify.sigstore.roots import current_root

        return current_root(name)
    return _read(name, "trustedRoot", base)


def _mirrored(url: str) -> KeyMaterial:
    """Return the root that was last fetched from a mirror; nothing is fetched now."""
    from pyratify.sigstore.tuf import check_mirror, kept_root

    kept = kept_root(check_mirror(url))
    if kept is None:
        raise ConfigurationError(
            f"no trusted root of {url[:200]} is here yet",
            path="trustedRoot",
            reason=Reason.KEY_UNAVAILABLE,
            remedy="Bring it once: ratify trust sigstore --mirror URL --root root.json --refresh.",
        )
    return kept


def _several(names: Iterable[str], path: str, base: Path) -> tuple[KeyMaterial, ...]:
    return tuple(_read(name, path, base) for name in names)


def _read(name: str, path: str, base: Path) -> KeyMaterial:
    try:
        return KeyMaterial(read_file(base / name, MAX_FILE), name)
    except UnreadableFile as error:
        raise ConfigurationError(f"{name} {error}", path=path, reason=Reason.KEY_UNAVAILABLE) from None
