"""Trusted roots, refreshed through TUF (extra `sigstore`): only on request, and only verified ones are stored.

The client workflow is python-tuf's; this module adds the fixed target, the folder and the check that the root can be used.
"""

import hashlib
import json
import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from pyratify.core.clock import Clock
from pyratify.core.dataclass import dataclass
from pyratify.core.errors import ConfigurationError, InconclusiveError
from pyratify.core.files import UnreadableFile, read_file
from pyratify.core.key import KeyMaterial
from pyratify.core.limits import MIB
from pyratify.core.reason import Reason
from pyratify.core.reference import is_loopback
from pyratify.pki.times import InvalidTime, format_time, parse_rfc3339
from pyratify.sigstore.trusted_material import TrustedMaterial
from pyratify.sigstore.trusted_root import load_trusted_root

if TYPE_CHECKING:
    from tuf.ngclient.fetcher import FetcherInterface

TARGET = "trusted_root.json"
_STAMP = "refreshed.json"
_MAX_STAMP = 4096
MAX_FILE = 4 * MIB
# No separator and no dot at the beginning: the name becomes a folder, and no path leads out of it.
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,99}", re.ASCII)
_URL = re.compile(r"(https?)://([^/?#@\s]+)(/[^?#\s]*)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Repository:
    """A TUF repository that publishes a trusted root.

    Attributes:
        name: Names its folder.
        url: Where its metadata is; its targets are below, in `targets`.
        root: The metadata of its root of trust, from which every refresh starts.
        target: The name under which it publishes the trusted root.
    """

    name: str
    url: str
    root: bytes
    target: str = TARGET


def data_folder() -> Path | None:
    """Return where refreshed roots are kept, `$XDG_DATA_HOME/ratify/sigstore`; None where there is no such place."""
    try:
        # XDG Base Directory Specification: an unset or empty variable means ~/.local/share.
        home = Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    # Path.home() without HOME and without an entry for the user, as in minimal containers.
    except RuntimeError:
        return None
    # The same specification: relative paths are invalid and must be ignored.
    return home / "ratify" / "sigstore" if home.is_absolute() else None


def check_mirror(url: str) -> str:
    """Return the name for a mirror's folder, which no other address has.

    Raises:
        ConfigurationError: It is no https address, or http of another machine.
    """
    match = _URL.fullmatch(url)
    # Metadata is signed, but plain http would let the network hold back updates unseen.
    if match is None or (match[1] == "http" and not is_loopback(match[2])):
        raise ConfigurationError(
            f"{url[:200]!r} is not the https address of a TUF repository", remedy="Give https://host/path."
        )
    address = url.rstrip("/")
    name = re.sub(r"[^a-z0-9.-]+", "-", address.partition("://")[2].lower()).strip("-.")[:64]
    # The hash keeps mirrors apart whose readable names are equal, and from the instances that are shipped (`staging`).
    return f"{name or 'mirror'}-{hashlib.sha256(address.encode()).hexdigest()[:16]}"


def refresh(
    repository: Repository, folder: Path, clock: Clock, fetcher: "FetcherInterface | None" = None
) -> TrustedMaterial:
    """Update a trusted root and return it.

    Args:
        repository: What publishes it.
        folder: Where roots are kept; what was there stays when anything fails.
        clock: The time that is stored with it, for reports of its age.
        fetcher: Fetches files; over https when omitted.

    Raises:
        ConfigurationError: python-tuf is not installed.
        InconclusiveError: `TRUST_ROOT`: the repository cannot be reached or does not verify, or publishes no usable root.
    """
    place = folder / repository.name
    try:
        for part in ("metadata", "targets"):
            (place / part).mkdir(parents=True, exist_ok=True)
        data = _download(repository, place, fetcher)
        # Parsed before it is kept: a root that TUF signed but cannot be used must not replace one that can.
        trust = load_trusted_root(KeyMaterial(data, repository.url))
        _keep(place, data, clock.now())
    except ConfigurationError as error:
        if error.reason is not Reason.TRUST_ROOT:
            raise
        _refuse(repository, error.message)
    except UnreadableFile as error:
        _refuse(repository, f"its {repository.target} {error}")
    except OSError as error:
        _refuse(repository, error.strerror or str(error))
    return trust


def kept_root(name: str) -> KeyMaterial | None:
    """Return the root that was last refreshed under this name, if there is one."""
    folder = data_folder()
    if folder is None or not _NAME.fullmatch(name):
        return None
    path = folder / name / TARGET
    try:
        return KeyMaterial(read_file(path, MAX_FILE), str(path))
    except UnreadableFile:
        return None


def refreshed_at(name: str) -> datetime | None:
    """Return when the root of this name was last refreshed; None where it never was."""
    folder = data_folder()
    if folder is None or not _NAME.fullmatch(name):
        return None
    try:
        return parse_rfc3339(json.loads(read_file(folder / name / _STAMP, _MAX_STAMP))["time"])
    # The age is only reported; a damaged file must not stop a verification.
    except (UnreadableFile, ValueError, KeyError, TypeError, InvalidTime):
        return None


def _download(repository: Repository, place: Path, fetcher: "FetcherInterface | None") -> bytes:
    try:
        from tuf.api.exceptions import DownloadError, RepositoryError
        from tuf.ngclient.updater import Updater
    except ImportError:
        raise ConfigurationError(
            "refreshing a trusted root needs python-tuf", remedy="pip install 'pyratify[sigstore]'"
        ) from None
    try:
        updater = Updater(
            str(place / "metadata"),
            repository.url,
            str(place / "targets"),
            f"{repository.url.rstrip('/')}/targets/",
            fetcher,
            # The shipped root, not a cached one, starts the chain: a tampered cache gains no trust.
            bootstrap=repository.root,
        )
        # Expired metadata is refused, so a mirror that is frozen at an old root is noticed.
        updater.refresh()
        found = updater.get_targetinfo(repository.target)
        if found is None:
            _refuse(repository, f"it publishes no {repository.target}")
        # A cached target is hashed again, so a changed file is downloaded anew.
        path = updater.find_cached_target(found) or updater.download_target(found)
    except (RepositoryError, DownloadError, ValueError) as error:
        _refuse(repository, _message_of(error))
    return read_file(Path(path), MAX_FILE)


def _message_of(error: BaseException) -> str:
    """Return the message of an error or, where it has none, of its cause: python-tuf's errors are empty when a host is down."""
    if not str(error):
        while error.__cause__ is not None:
            error = error.__cause__
    return f"{type(error).__name__}: {str(error)[:200]}"


def _keep(place: Path, data: bytes, now: datetime) -> None:
    """Store the root, whole or not at all."""
    # The root first: a stamp without its root would claim a refresh that did not last.
    for name, content in ((TARGET, data), (_STAMP, _stamp(now))):
        fresh = place / f".{name}.{os.getpid()}"
        # Beside its place: a rename is atomic only within one file system.
        fresh.write_bytes(content)
        fresh.replace(place / name)


def _stamp(now: datetime) -> bytes:
    return json.dumps({"time": format_time(now.astimezone(UTC))}).encode()


def _refuse(repository: Repository, why: str) -> NoReturn:
    raise InconclusiveError(
        Reason.TRUST_ROOT,
        f"the trusted root of {repository.url} was not refreshed: {why}",
        remedy="Check the network and the address; until then the last verified root stays in use.",
    )
