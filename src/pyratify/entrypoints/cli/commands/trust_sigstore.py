"""`ratify trust sigstore`: the trusted roots in use, their age and origin, and their refresh."""

from argparse import Namespace
from typing import Any

from pyratify.core.clock import SystemClock
from pyratify.core.errors import ConfigurationError, InconclusiveError
from pyratify.core.key import KeyMaterial
from pyratify.core.reason import Reason
from pyratify.entrypoints.cli.engines.flag_files import read_flag_file
from pyratify.entrypoints.cli.facts import show
from pyratify.pki.times import format_time
from pyratify.render.plain import clean
from pyratify.sigstore.github_root import github_repository
from pyratify.sigstore.root_names import GITHUB
from pyratify.sigstore.roots import PUBLIC_GOOD, STAGING, repository_of, shipped_root
from pyratify.sigstore.trusted_root import load_trusted_root
from pyratify.sigstore.tuf import (
    Repository,
    check_mirror,
    data_folder,
    kept_root,
    refresh,
    refreshed_at,
)
from pyratify.terminal import exits
from pyratify.terminal.console import Console

_STALE_DAYS = 30  # as docs/sigstore.md promises for --if-stale


def run(arguments: Namespace, console: Console) -> int:
    """Refresh the root where a flag says so, print the roots in use, and return the exit code."""
    repository = _repository(arguments)
    if arguments.refresh and not (arguments.if_stale and not _is_stale(repository)):
        _refresh(repository)
    found = _describe(repository)
    show(console, arguments.output, found, text=_lines(found))
    return exits.ALLOWED


def _repository(arguments: Namespace) -> Repository:
    if arguments.if_stale and not arguments.refresh:
        raise ConfigurationError("--if-stale is for --refresh", remedy="Add --refresh.")
    # TUF begins with a root that came another way (TUF specification, 5.2): no mirror vouches for itself.
    if bool(arguments.mirror) != bool(arguments.root):
        raise ConfigurationError(
            "--mirror and --root belong together",
            remedy="Give the address of the mirror and its TUF root.json, which you got in a way you trust.",
        )
    given = {
        "--mirror": bool(arguments.mirror),
        "--staging": arguments.staging,
        "--github": arguments.github is not None,
    }
    named = [flag for flag, is_given in given.items() if is_given]
    if len(named) > 1:
        raise ConfigurationError(
            f"{' and '.join(named)} exclude one another",
            remedy="Leave one of them out: each names a repository.",
        )
    if arguments.github is not None:
        return github_repository(f"{GITHUB}:{arguments.github}" if arguments.github else GITHUB)
    if arguments.mirror:
        root = read_flag_file(arguments.root, "--root")
        return Repository(check_mirror(arguments.mirror), arguments.mirror, root)
    return repository_of(STAGING if arguments.staging else PUBLIC_GOOD)


def _refresh(repository: Repository) -> None:
    folder = data_folder()
    if folder is None:
        raise ConfigurationError("there is no folder to keep roots in", remedy="Set XDG_DATA_HOME.")
    refresh(repository, folder, SystemClock())


def _is_stale(repository: Repository) -> bool:
    time = refreshed_at(repository.name)
    age = None if time is None else SystemClock().now() - time
    # A time whose root is gone, or cannot be read, is no refresh.
    return age is None or kept_root(repository.name) is None or age.days > _STALE_DAYS


def _describe(repository: Repository) -> dict[str, Any]:
    material, time = _in_use(repository), refreshed_at(repository.name)
    trust = load_trusted_root(material)
    age = (SystemClock().now() - time).days if time is not None else None
    return {
        "name": repository.name,
        "repository": repository.url,
        "origin": clean(material.origin),
        "refreshed": format_time(time) if time is not None else None,
        "ageDays": age,
        "stale": _is_stale(repository),
        "certificateAuthorities": [clean(each.uri) for each in trust.authorities],
        "transparencyLogs": [clean(each.name) for each in trust.logs],
        "certificateLogs": [clean(each.name) for each in trust.certificate_logs],
        "timestampAuthorities": [clean(each.uri) for each in trust.timestamp_authorities],
        "warnings": [clean(each) for each in trust.warnings],
    }


def _in_use(repository: Repository) -> KeyMaterial:
    kept = kept_root(repository.name)
    if kept is not None:
        return kept
    # A mirror has no root in the package, and that of another instance would trust other signers.
    if repository.name in (PUBLIC_GOOD, STAGING):
        return shipped_root(repository.name)
    raise InconclusiveError(
        Reason.TRUST_ROOT, f"no trusted root of {repository.url} is here yet", remedy="Add --refresh."
    )


def _lines(found: dict[str, Any]) -> list[str]:
    age = f"{found['refreshed']}, {found['ageDays']} days ago" if found["refreshed"] else "never"
    lines = [f"{found['name']}: {found['origin']}", f"  repository: {found['repository']}"]
    lines.append(f"  refreshed:  {age}")
    for name in ("certificateAuthorities", "transparencyLogs", "certificateLogs", "timestampAuthorities"):
        lines.extend(f"  {name}: {each}" for each in found[name])
    lines.extend(f"  warning: {each}" for each in found["warnings"])
    if found["stale"]:
        lines.append("  what to do: bring it up to date with `ratify trust sigstore --refresh`")
    return lines
